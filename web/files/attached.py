"""Attached files in the forms and pages of requests, replies and documents: what a form has sent, what a page lists.

A form has `{% include "attachments/_field.html" %}` and its view calls `receive` before it stores anything, and
`attach_to` with what it has stored. A page has `{% set files = attachments_of(row) %}` and
`{% include "attachments/_list.html" %}`.
"""

import io
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from flask import Flask, Response, abort, g, request, send_file
from flask_babel import force_locale, gettext, ngettext

from recommender.database.attachment_tables import FAILED, REFUSED, Attachment
from recommender.database.details_tables import DocumentDetails, RequestDetails
from recommender.database.tables import Document, HelpRequest, Reply
from recommender.errors import AttachmentRefused, FilesUnavailable
from recommender.files.places import store_of
from recommender.knowledge import attachments
from recommender.knowledge.file_types import IMAGES, MEDIA_TYPES
from recommender.setting_values import PAGE_LANGUAGES
from recommender.settings import Settings
from web import current
from web.current import session
from web.formatting import file_size
from web.sign_in.session import current_person, current_reader, signed_in

FILES, CHOSEN = "files", "attachment"
"""The fields of a form: new files, and the ids of those that were uploaded before."""
_MOST_DIGITS = 9
_NOTHING_RUNS = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"
log = logging.getLogger(__name__)
_ENDINGS = {"jpg": (".jpg", ".jpeg"), "txt": (".txt", ".log", ".csv", ".md")}


@dataclass(frozen=True)
class ShownFile:
    """A file in a list. `state` is a sentence when it cannot be opened, and `removable` says that this reader may
    remove it."""

    id: int
    name: str
    size: str
    image: bool
    state: str
    removable: bool


def attach(app: Flask) -> None:
    """Make the lists and limits known to the templates."""
    app.jinja_env.globals.update(
        attachments_of=attachments_of, properties_of=properties_of, waiting_files=waiting_files, file_rules=file_rules
    )


def receive(document: Document | None = None) -> str:
    """Store the new files of this form, and remember those that were uploaded before for `attach_to`. Returns a
    sentence about what is wrong, or an empty text. What could be stored is kept, and listed when the form is shown
    again; `document` is the one that the form changes. Commits."""
    person, settings = signed_in(), current.settings()
    numbers = [int(text) for text in request.form.getlist(CHOSEN) if text.isdecimal() and len(text) <= _MOST_DIGITS]
    g.waiting_files = attachments.waiting(session(), person, numbers[: settings.attachment_count + 1])
    sent = [file for file in request.files.getlist(FILES) if file.filename or file.stream.read(1)]
    there = len(attachments.of_document(session(), document.id)) if document is not None else 0
    coming = len(sent) + len(g.waiting_files)
    if coming and there + coming > settings.attachment_count:
        return what_is_wrong(AttachmentRefused("too many", "count"), settings)
    if not sent:
        return ""
    contents = []
    for file in sent:
        file.stream.seek(0)
        contents.append((file.filename or "", file.stream.read()))
    try:
        g.waiting_files += attachments.upload(session(), settings, person, contents)
    except AttachmentRefused as error:
        session().rollback()
        return what_is_wrong(error, settings)
    return ""


def attach_to(row: HelpRequest | Reply | Document) -> None:
    """Attach what `receive` has found to what the form has stored; the commit is left to the caller. Raises
    AttachmentRefused when a document would have too many."""
    if g.get("waiting_files"):
        attachments.attach(session(), current.settings(), g.waiting_files, row)


def sentence(language: str) -> str:
    """What a reply says that has only the files which `receive` has found: in mails and lists it would be empty. In the
    language of the request; without files an empty text."""
    number = len(g.get("waiting_files", ()))
    if not number:
        return ""
    with force_locale(language if language in PAGE_LANGUAGES else "en"):
        return str(ngettext("See the attached file.", "See the attached files.", number))


def show_again(rows: Sequence[Attachment]) -> None:
    """List these files, which wait for a form, in the form of the page that is shown."""
    g.waiting_files = list(rows)


def waiting_files() -> list[ShownFile]:
    """The files that were uploaded with the form that is shown again."""
    return [_shown(row, None) for row in g.get("waiting_files", ())]


def attachments_of(row: HelpRequest | Reply | Document) -> list[ShownFile]:
    """The files of a request, reply or document that this reader sees on its page. Whether they may see the page was
    decided where the row was loaded."""
    if isinstance(row, Document):
        details = session().get(DocumentDetails, row.id)
        return _listed(attachments.of_document(session(), row.id), row) + _named(details)
    owner = row if isinstance(row, HelpRequest) else row.request
    if g.get("files_of") != owner.id:
        g.files_of, g.files_there = owner.id, attachments.of_request(session(), owner.id)
    reply = row.id if isinstance(row, Reply) else None
    there = _listed([file for file in g.files_there if file.reply_id == reply], owner)
    return there if reply is not None else there + _named(session().get(RequestDetails, owner.id))


def _named(details: RequestDetails | DocumentDetails | None) -> list[ShownFile]:
    """The files of which only the name is here, because they stay in the item's source."""
    state = gettext("in the original")
    return [ShownFile(0, name, "", False, state, False) for name in (details.attachments if details else ())]


def properties_of(request: HelpRequest) -> list[tuple[str, str]]:
    """What the source of a request says of it besides its texts, by names, such as the priority."""
    details = session().get(RequestDetails, request.id)
    return list(details.properties.items()) if details else []


def file_rules() -> dict[str, object]:
    """What the field says and allows: the number and size of files, and the endings that the browser offers. Empty when
    no files can be attached."""
    settings = current.settings()
    if not settings.attachment_mb or current_person() is None:
        return {}
    endings = [ending for kind in sorted(settings.allowed_types) for ending in _ENDINGS.get(kind, (f".{kind}",))]
    return {
        "most": settings.attachment_count,
        "largest": settings.attachment_mb * attachments.MEGABYTE,
        "megabytes": settings.attachment_mb,
        "endings": ",".join(endings),
    }


def what_is_wrong(error: AttachmentRefused, settings: Settings) -> str:
    """A sentence about a file that cannot be attached, with what to do."""
    name = error.name or gettext("The file")
    if error.reason == "type":
        types = ", ".join(sorted(settings.allowed_types))
        return str(gettext("%(name)s cannot be attached. Allowed types: %(types)s.", name=name, types=types))
    if error.reason == "large":
        return str(gettext("%(name)s is larger than %(n)d MB. Make it smaller.", name=name, n=settings.attachment_mb))
    if error.reason == "count":
        most = settings.attachment_count
        return str(ngettext("Attach at most %(num)d file.", "Attach at most %(num)d files.", most))
    sentences = {
        "empty": gettext("%(name)s is empty. Choose another file.", name=name),
        "together": gettext("Together the files are larger than %(n)d MB. Attach some of them in a later reply.",
                            n=settings.attachment_form_mb),
        "day": gettext(
            "You have reached today’s limit for attached files. Try again tomorrow, or link to the file instead."
        ),
    }  # fmt: skip
    if error.reason == "away":
        return str(gettext("Files cannot be stored now. Try again later; your text can be sent without the files."))
    full = gettext("There is no space left for files. Tell an admin; your text can be sent without the files.")
    return str(sentences.get(error.reason, full))


def send_attachment(row: Attachment, as_attachment: bool) -> Response:
    """The file of a row. 404 when it is lost, which the log says and `kollega verify` explains."""
    store = store_of(current.settings())
    try:
        if store.shared:
            file: Path | io.BytesIO = io.BytesIO(store.read(row.digest))
        else:
            with store.local(row.digest) as path:
                file = path.absolute()
    except FileNotFoundError:
        log.error("The file of attachment %d is missing. Run: kollega verify", row.id)
        abort(404)
    except FilesUnavailable as error:
        log.error("%s", error)
        abort(503)
    answer = send_file(
        file, mimetype=MEDIA_TYPES[row.kind], as_attachment=as_attachment, download_name=row.name,
        etag=row.digest, last_modified=None, max_age=0,
    )  # fmt: skip
    answer.headers["Content-Security-Policy"] = _NOTHING_RUNS
    return answer


def _listed(rows: list[Attachment], owner: HelpRequest | Document) -> list[ShownFile]:
    shown = [(row, _shown(row, owner)) for row in rows]
    return [file for row, file in shown if row.state != REFUSED or file.removable]


def _shown(row: Attachment, owner: HelpRequest | Document | None) -> ShownFile:
    settings = current.settings()
    removable = attachments.may_remove(row, current_reader(), owner)
    state = ""
    if row.state == REFUSED:
        state = gettext("The file scan has blocked it, so nobody can open it.")
    elif row.state == FAILED and settings.attachment_scan and removable:
        state = gettext("It could not be scanned yet, so nobody can open it. The scan is tried again by itself.")
    elif not attachments.may_be_opened(row, settings):
        state = gettext("It can be opened once it has been scanned.")
    return ShownFile(row.id, row.name, file_size(row.size), row.kind in IMAGES, state, removable)
