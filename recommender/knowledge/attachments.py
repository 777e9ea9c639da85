"""What can be done with attached files: upload, attach, list, remove. Who may read a file follows from the request or
document that it belongs to; whoever calls these functions has made sure of that with `access`.

A file is uploaded first and belongs to nothing; when the form is sent, it is attached. The functions change rows of the
session and leave the commit to the caller, except for those that say that they commit.
"""

import logging
from collections.abc import Collection, Iterable, Sequence
from datetime import timedelta

from sqlalchemy import and_, delete, func, or_, select
from sqlalchemy.orm import Session

from recommender import audit
from recommender.access import Reader, may_edit, may_handle
from recommender.database.attachment_tables import NOT_CHECKED, PASSED, Attachment
from recommender.database.tables import Document, HelpRequest, Person, Reply, utc_now
from recommender.datatypes import Kind, item_key
from recommender.errors import AttachmentRefused, FilesUnavailable, NotAllowed
from recommender.files.places import store_of
from recommender.knowledge import file_store
from recommender.knowledge.file_types import clean_name, kind_of
from recommender.settings import Settings

log = logging.getLogger(__name__)
MEGABYTE = 1_000_000
WAITS_FOR_FORM = timedelta(days=1)
"""How long an uploaded file waits for its form to be sent, before it is removed: a judgement."""
_WAITS = and_(Attachment.request_id.is_(None), Attachment.document_id.is_(None))


def upload(session: Session, settings: Settings, person: Person, sent: Sequence[tuple[str, bytes]]) -> list[Attachment]:
    """Store files, each as (name that was sent, content), for a form that this person has not sent yet. Commits.

    Raises AttachmentRefused, and stores none of them, when one is too large, empty or of a type that is not allowed,
    when the person has uploaded too much today, or when there is no room.
    """
    kinds = [_checked(settings, name, content) for name, content in sent]
    if sum(len(content) for _name, content in sent) > settings.attachment_form_mb * MEGABYTE:
        raise AttachmentRefused("All files together are too large.", "together")
    try:
        return _stored(session, settings, person, list(zip(sent, kinds, strict=True)))
    except FilesUnavailable as error:
        log.error("%s", error)
        raise AttachmentRefused("Files cannot be stored at the moment.", "away") from error


def _stored(
    session: Session, settings: Settings, person: Person, sent: list[tuple[tuple[str, bytes], str]]
) -> list[Attachment]:
    """The rows of files that were checked, each as ((name, content), type). Commits."""
    rows, store = [], store_of(settings)
    with file_store.locked(session, store):
        file_store.require_own(session, store)
        today = _uploaded_today(session, person) + sum(len(content) for (_name, content), _kind in sent)
        if today > settings.attachment_day_mb * MEGABYTE:
            raise AttachmentRefused("This is more than one person may upload in a day.", "day")
        for (name, content), kind in sent:
            rows.append(
                Attachment(
                    uploaded_by_id=person.id, name=clean_name(name, kind), kind=kind, size=len(content),
                    digest=store.write(content), state=NOT_CHECKED, added_at=utc_now(),
                )
            )  # fmt: skip
        session.add_all(rows)
        session.commit()
    return rows


def waiting(session: Session, person: Person, numbers: Collection[int]) -> list[Attachment]:
    """Those of the files with these ids that this person has uploaded and that belong to nothing yet, oldest first."""
    query = select(Attachment).where(Attachment.id.in_(numbers), Attachment.uploaded_by_id == person.id, _WAITS)
    return list(session.scalars(query.order_by(Attachment.id)))


def attach(
    session: Session, settings: Settings, rows: Iterable[Attachment], to: HelpRequest | Reply | Document
) -> None:
    """Attach uploaded files to a request, reply or document. Raises AttachmentRefused when there would be too many."""
    session.flush()  # what was just written has an id then
    rows = list(rows)
    if isinstance(to, Reply):
        owner = {"request_id": to.request_id, "reply_id": to.id}
    else:
        owner = {"request_id" if isinstance(to, HelpRequest) else "document_id": to.id}
    there = select(func.count()).select_from(Attachment).filter_by(**{"reply_id": None, **owner})
    if (session.scalar(there) or 0) + len(rows) > settings.attachment_count:
        raise AttachmentRefused("These are too many files.", "count")
    for row in rows:
        for column, number in owner.items():
            setattr(row, column, number)


def detach(session: Session, reply: Reply) -> list[Attachment]:
    """Take the files of a reply off it, oldest first: they wait for a form again, and only who uploaded them gets
    them."""
    rows = list(session.scalars(select(Attachment).where(Attachment.reply_id == reply.id).order_by(Attachment.id)))
    for row in rows:
        row.request_id = row.reply_id = None
    session.flush()
    return rows


def of_request(session: Session, request_id: int) -> list[Attachment]:
    """The files of a request and of its replies, oldest first."""
    query = select(Attachment).where(Attachment.request_id == request_id).order_by(Attachment.id)
    return list(session.scalars(query))


def of_document(session: Session, document_id: int) -> list[Attachment]:
    """The files of a document, oldest first."""
    query = select(Attachment).where(Attachment.document_id == document_id).order_by(Attachment.id)
    return list(session.scalars(query))


def may_be_opened(row: Attachment, settings: Settings) -> bool:
    """True when the file may be given to those who may read it: it has passed the check, or no check is set."""
    return row.state == PASSED or (row.state == NOT_CHECKED and not settings.attachment_scan)


def may_remove(row: Attachment, reader: Reader, owner: HelpRequest | Document | None) -> bool:
    """True for the person who uploaded a file, the editors of its document, and the agents who handle its request."""
    own = reader.person_id is not None and row.uploaded_by_id == reader.person_id
    if isinstance(owner, HelpRequest):
        return own or may_handle(owner, reader)
    return own or (isinstance(owner, Document) and may_edit(owner, reader))


def remove(session: Session, row: Attachment, reader: Reader, owner: HelpRequest | Document | None) -> None:
    """Remove a file that `may_remove` allows; NotAllowed otherwise. `file_store.remove` removes the file itself after
    the commit."""
    if not may_remove(row, reader, owner):
        raise NotAllowed("Only the person who attached a file, and those who look after the page, can remove it.")
    if owner is not None and row.uploaded_by_id != reader.person_id:
        key = item_key(Kind.REQUEST if isinstance(owner, HelpRequest) else Kind.DOCUMENT, owner.id)
        audit.record(session, audit.actor(session, reader.person_id), "attachment.removed", key, {"file": row.id})
    session.delete(row)
    session.flush()


def forget_waiting(session: Session) -> None:
    """Remove the uploaded files whose form was not sent within a day, or whose uploader was erased."""
    old = or_(Attachment.added_at < utc_now() - WAITS_FOR_FORM, Attachment.uploaded_by_id.is_(None))
    session.execute(delete(Attachment).where(_WAITS, old))


def clean_up(session: Session, settings: Settings) -> int:
    """Remove the files that nobody needs any more, from the database and the disk, and commit. Returns how many files
    were removed from the disk. While they cannot be reached, that is logged, and the next time removes them."""
    forget_waiting(session)
    session.commit()
    try:
        return file_store.sweep(session, store_of(settings))
    except FilesUnavailable as error:
        log.error("Files that nobody needs are still there. %s", error)
        return 0


def _checked(settings: Settings, name: str, content: bytes) -> str:
    """The type of a file that may be attached."""
    if not content:
        raise AttachmentRefused(f"{name} is empty.", "empty", name)
    if len(content) > settings.attachment_mb * MEGABYTE:
        raise AttachmentRefused(f"{name} is too large.", "large", name)
    kind = kind_of(content, settings.allowed_types)
    if kind is None:
        raise AttachmentRefused(f"{name} is not of a type that can be attached.", "type", name)
    return kind


def _uploaded_today(session: Session, person: Person) -> int:
    since = utc_now() - timedelta(days=1)
    query = select(func.sum(Attachment.size)).where(Attachment.uploaded_by_id == person.id, Attachment.added_at > since)
    return int(session.scalar(query) or 0)
