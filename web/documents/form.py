"""The form of a document: its fields, what is wrong with them, and its page."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from flask import render_template, request, url_for
from flask_babel import gettext

from recommender import access
from recommender.corpus import ids_of, is_key
from recommender.database.documents_tables import DocumentVersion
from recommender.database.tables import Document, HelpRequest, Person, Team
from recommender.datatypes import Kind, item_key
from recommender.knowledge import documents, related, requests, versions
from recommender.knowledge.line_diff import Lines
from web import current
from web.addresses import LONGEST_ADDRESS, named_key
from web.current import session
from web.documents.starts import Start
from web.input import sent_number
from web.reading import find_document, names_of, team_rows
from web.sign_in.session import current_reader, signed_in


@dataclass
class DocumentForm:
    """The fields of the form of a document, and what is wrong with them, by field. `seen` is the document's
    `updated_at` when the form was opened, `version` the id of the earlier version whose text it began with,
    `translates` the address of the document that it is a translation of."""

    title: str = ""
    body: str = ""
    team: str = ""
    owner: str = ""
    audience: str = ""
    review_days: str = ""
    seen: str = ""
    version: str = ""
    translates: str = ""
    problems: dict[str, str] = field(default_factory=dict)


def teams_to_choose(reader: access.Reader, document: Document | None = None) -> dict[str, Team]:
    """The teams, by handle, for which this reader may write documents, and the present team of a document."""
    ids = reader.serves_teams | ({document.team_id} if document else set())
    return {handle: team for handle, team in team_rows().items() if team.id in ids}


def read_form(
    teams: dict[str, Team], source: HelpRequest | None, document: Document | None = None
) -> tuple[DocumentForm, documents.Content | None]:
    """(the form as it was sent, its content; None when something is wrong with it)."""
    sent = request.form
    form = DocumentForm(
        title=sent.get("title", "").strip(),
        body=sent.get("body", "").strip(),
        team=sent.get("team", ""),
        owner=sent.get("owner", ""),
        audience=sent.get("audience", ""),
        review_days=sent.get("review_days", ""),
        seen=sent.get("seen", ""),
        version=str(sent_number("version") or ""),
        translates=sent.get("translates", "").strip()[:LONGEST_ADDRESS],
    )
    team = teams.get(form.team)
    owner = _owner(form.owner, team, document)
    original = named_original(form.translates) if form.translates else _unnamed_original(document)
    if form.translates and (original is None or original is document):
        form.problems["translates"] = gettext(
            "No other published guide that you can read has this address. Copy the address from the page of the guide."
        )
    _check(form, team, owner, source, document)
    if form.problems or team is None:
        return form, None
    content = documents.Content(
        title=form.title,
        body=form.body,
        language=current.recommender().language_of(f"{form.title}\n{form.body}"),
        team=team,
        owner=owner,
        everyone=form.audience == "everyone",
        named=form.audience == "named",
        review_days=int(form.review_days) if form.review_days in map(str, _intervals(document)) else None,
        draft=sent.get("then") == "draft",
        original=original,
    )
    return form, content


def _check(
    form: DocumentForm, team: Team | None, owner: Person | None, source: HelpRequest | None, document: Document | None
) -> None:
    """Add what is wrong with a form to its `problems`."""
    problems = form.problems
    if not form.title:
        problems["title"] = gettext("Give it a title.")
    elif len(form.title) > requests.LONGEST_TITLE:
        problems["title"] = gettext("Shorten the title to %(n)d characters.", n=requests.LONGEST_TITLE)
    if not form.body:
        problems["body"] = gettext("Write something first.")
    elif len(form.body) > requests.LONGEST_BODY:
        problems["body"] = gettext("At most %(n)d characters. Split it into two guides.", n=requests.LONGEST_BODY)
    if team is None:
        problems["team"] = gettext("Choose one of your teams.")
    if form.owner and owner is None:
        problems["owner"] = gettext("Choose a member of the team.")
    if form.audience not in ("everyone", "team", "named"):
        problems["audience"] = gettext("Choose who may read it.")
    elif problem := _reason_to_ask(form, team, source, document):
        problems["audience"] = problem


def _reason_to_ask(form: DocumentForm, team: Team | None, source: HelpRequest | None, document: Document | None) -> str:
    """Why somebody has to confirm that everyone may read a document; empty when they need not, or did."""
    if form.audience != "everyone" or request.form.get("sure"):
        return ""
    if document is not None and versions.widens(version_of(document, int(form.version or 0)), True):
        return str(gettext("The earlier version was restricted. Take out what is confidential, then tick the box."))
    original = named_original(form.translates)
    if document is None and original is not None and access.EVERYONE not in access.document_audience(original):
        return str(
            gettext("The guide that it translates is restricted. Take out what is confidential, then tick the box.")
        )
    if documents.widens(source, True):
        return str(
            gettext("The request that it is based on is restricted. Take out what is personal, then tick the box.")
        )
    if document is None and team is not None and team.restricted:
        return str(
            gettext("Guides of this team are usually for the team only. If everyone may read this one, tick the box.")
        )
    return ""


def named_original(typed: str) -> Document | None:
    """The published document that somebody names by its address or number; None when there is none that they may
    read."""
    key = named_key(item_key(Kind.DOCUMENT, typed) if typed.isdecimal() else typed)
    numbers = ids_of([key], Kind.DOCUMENT) if is_key(key) else []
    document = find_document(numbers[0]) if numbers else None
    return document if document is not None and not document.draft else None


def original_address(document: Document) -> str:
    """The address of the document that this one is a translation of; empty for none, or when the reader may not read
    it."""
    number = related.original_of(session(), document)
    address = url_for("documents.show", document_id=number) if number else ""
    return address if named_original(address) else ""


def _unnamed_original(document: Document | None) -> Document | None:
    """The document that this one is a translation of, when the form cannot name it because the reader may not read it:
    it stays."""
    number = related.original_of(session(), document) if document else None
    if number is None or document is None or original_address(document):
        return None
    return session().get(Document, number)  # it is never shown


def version_of(document: Document, version_id: int) -> DocumentVersion | None:
    """An earlier version of a document that the current reader may read; None when there is none with this id."""
    return versions.history(session(), document, current_reader()).find(version_id) if version_id else None


def _owner(handle: str, team: Team | None, document: Document | None) -> Person | None:
    """The person with this handle, if they are a member of the team or the present owner of the document."""
    if document is not None and document.owner is not None and document.owner.handle == handle:
        return document.owner
    if not handle or team is None:
        return None
    members = documents.possible_owners(session(), team)
    return next((person for person in members if person.handle == handle), None)


def form_page(
    form: DocumentForm,
    document: Document | None = None,
    source: HelpRequest | None = None,
    preview: bool = False,
    theirs: str = "",
    their_changes: Sequence[Lines] | None = None,
) -> str:
    """The page of the form. After a conflict it shows `theirs`, the text that somebody else has saved, and what that
    changed, as far as it is known."""
    teams = teams_to_choose(current_reader(), document)
    members = [person for team in teams.values() for person in documents.possible_owners(session(), team)]
    owners = {person.handle: person for person in members}
    named = documents.named_readers(document) if document else frozenset[str]()
    if document is not None and document.owner is not None:
        owners.setdefault(document.owner.handle, document.owner)
    return render_template(
        "documents/edit.html",
        form=form,
        document=document,
        source=source,
        version=version_of(document, int(form.version)) if document and form.version else None,
        narrow_source="audience" in form.problems and form.audience == "everyone",
        teams=teams,
        owners=sorted(owners.values(), key=lambda person: person.name),
        intervals=_intervals(document),
        named=names_of(named),
        starts=[] if document or source or form.body or form.problems else list(Start),
        preview=preview,
        theirs=theirs,
        their_changes=their_changes,
    )


def new_form(team: Team, title: str = "", body: str = "") -> DocumentForm:
    """The form of a new document of a team: it is read by whom the team's documents usually are, and reviewed as often
    as the settings say."""
    return DocumentForm(
        title=title,
        body=body,
        team=team.handle,
        owner=signed_in().handle,
        audience="team" if team.restricted else "everyone",
        review_days=str(current.settings().review_days or ""),
    )


def _intervals(document: Document | None) -> list[int]:
    """The times between two reviews to choose from, in days: the usual ones, that of the settings, the present one."""
    present = document.review_days if document else None
    return sorted({*documents.REVIEW_DAYS, current.settings().review_days, present or 0} - {0})


def audience_of(document: Document) -> str:
    """The choice in the form that says who may read a document now."""
    if any(row.token == access.EVERYONE for row in document.audience):
        return "everyone"
    return "named" if documents.named_readers(document) else "team"


def time_of(value: str) -> datetime:
    """A time in ISO 8601; the earliest possible time when it cannot be read."""
    try:
        return datetime.fromisoformat(value).replace(tzinfo=None)
    except ValueError:
        return datetime.min
