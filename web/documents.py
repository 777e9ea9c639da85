"""The pages of documents: for reading, and for writing, reviewing and verifying by owners and the agents of the
team."""

from dataclasses import dataclass, field
from datetime import datetime

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from recommender import access
from recommender.database.tables import RESOLVED, Document, HelpRequest, Person, Team, utc_now
from recommender.errors import Conflict
from recommender.knowledge import documents, requests
from web import current, once
from web.current import session
from web.document_page import document_page
from web.input import sent_number
from web.reading import get_document, get_request, names_of, team_rows
from web.sign_in.session import current_agent, current_reader, signed_in
from web.told import mark_seen

blueprint = Blueprint("documents", __name__, url_prefix="/documents")


@dataclass
class DocumentForm:
    """The fields of the form of a document, and what is wrong with them, by field. `seen` is the document's
    `updated_at` when the form was opened."""

    title: str = ""
    body: str = ""
    team: str = ""
    owner: str = ""
    audience: str = ""
    review_days: str = ""
    seen: str = ""
    problems: dict[str, str] = field(default_factory=dict)


@blueprint.get("/")
def kept() -> ResponseReturnValue:
    """The documents that the signed-in person maintains, due and flagged first; 401 when nobody has signed in."""
    signed_in()
    reader = current_reader()
    rows = documents.maintained(session(), reader, utc_now().date())
    return render_template("documents/kept.html", rows=rows, may_write=bool(reader.serves_teams))


@blueprint.get("/<int(max=2147483647):document_id>")
def show(document_id: int) -> ResponseReturnValue:
    """The page of a document."""
    mark_seen(document := get_document(document_id))
    return document_page(document)


@blueprint.get("/new")
def new() -> ResponseReturnValue:
    """The form for a new document, empty or drafted from a resolved request; stores nothing. For agents."""
    reader = current_agent()
    source, teams = _named_source(), _teams_to_choose(reader)
    if not teams:
        abort(403)
    form = DocumentForm(audience="team", team=next(iter(teams)), review_days="365")
    if source is not None:
        form.title, form.body = source.title, documents.draft_text(source)
        form.team = source.team.handle if source.team and source.team.handle in teams else form.team
        form.audience = "everyone" if access.EVERYONE in access.request_audience(source) else "team"
    form.owner = signed_in().handle
    return _form_page(form, source=source)


@blueprint.post("/")
def create() -> ResponseReturnValue:
    """Store a new document, as a draft or published. Problems are shown beside the fields; what was typed is kept."""
    reader, source = current_agent(), _named_source()
    form, content = _read_form(_teams_to_choose(reader), source)
    if request.form.get("then") == "preview" or content is None:
        return _form_page(form, source=source, preview=content is not None), 200 if content else 422
    if earlier := once.earlier_result():
        return redirect(earlier)
    document = documents.write(session(), reader, content, source)
    return redirect(once.commit_once(url_for("documents.show", document_id=document.id)))


@blueprint.get("/<int(max=2147483647):document_id>/edit")
def edit(document_id: int) -> ResponseReturnValue:
    """The form for a document, for its owner and the agents of its team; 403 for other readers."""
    document = _editable(document_id)
    form = DocumentForm(
        title=document.title,
        body=document.body,
        team=document.team.handle if document.team else "",
        owner=document.owner.handle if document.owner else "",
        audience=_audience_of(document),
        review_days=str(document.review_days or ""),
        seen=document.updated_at.isoformat(),
    )
    return _form_page(form, document=document)


@blueprint.post("/<int(max=2147483647):document_id>")
def save(document_id: int) -> ResponseReturnValue:
    """Store a changed document; 409 with both texts when somebody else has changed it meanwhile."""
    document = _editable(document_id)
    reader = current_reader()
    widening = document.drafted_from_id and access.EVERYONE not in {row.token for row in document.audience}
    # It is only checked, and never shown.
    source = session().get(HelpRequest, document.drafted_from_id) if widening else None
    form, content = _read_form(_teams_to_choose(reader, document), source, document)
    if request.form.get("then") == "preview" or content is None:
        return _form_page(form, document=document, preview=content is not None), 200 if content else 422
    page = url_for("documents.show", document_id=document_id)
    if earlier := once.earlier_result():
        return redirect(earlier)
    try:
        documents.edit(session(), document, reader, content, _time(form.seen))
        return redirect(once.commit_once(page))
    except Conflict:
        session().rollback()
        if once.earlier_result():  # the same form, sent at the same moment
            return redirect(page)
        newer = _editable(document_id)
        form.seen = newer.updated_at.isoformat()
        return _form_page(form, document=newer, theirs=newer.body), 409


@blueprint.post("/<int(max=2147483647):document_id>/verify")
def verify(document_id: int) -> ResponseReturnValue:
    """Mark the document as correct as of today, which also settles its flags; 409 when somebody else has changed it
    since this person opened it."""
    document, seen = _editable(document_id), _time(request.form.get("seen", ""))
    documents.verify(session(), document, current_reader(), signed_in(), seen, sent_number("last_flag"))
    session().commit()
    return redirect(url_for("documents.show", document_id=document_id))


@blueprint.post("/<int(max=2147483647):document_id>/hidden")
def hide(document_id: int) -> ResponseReturnValue:
    """Hide the document from search and all pages, or show it again."""
    documents.hide(session(), _editable(document_id), current_reader(), request.form.get("hidden") == "1")
    session().commit()
    return redirect(url_for("documents.show", document_id=document_id))


def _editable(document_id: int) -> Document:
    """A document that this person may change; 401, 404 or 403 otherwise."""
    signed_in()
    document = get_document(document_id)
    if not access.may_edit(document, current_reader()):
        abort(403)
    return document


def _named_source() -> HelpRequest | None:
    """The resolved request, named in the form or address, that a document is drafted from; None when none is named, 404
    when this reader may not read it, 403 when it is not resolved or they do not handle it."""
    number = request.values.get("from", "")
    if not number:
        return None
    if not number.isdecimal() or len(number) > 9:
        abort(404)
    help_request = get_request(int(number))
    is_new = request.method == "GET"  # when a request is reopened while somebody writes, the text must not be lost
    if (is_new and help_request.status != RESOLVED) or not access.may_handle(help_request, current_reader()):
        abort(403)
    return help_request


def _teams_to_choose(reader: access.Reader, document: Document | None = None) -> dict[str, Team]:
    """The teams, by handle, for which this reader may write documents, and the present team of a document."""
    ids = reader.serves_teams | ({document.team_id} if document else set())
    return {handle: team for handle, team in team_rows().items() if team.id in ids}


def _read_form(
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
    )
    team = teams.get(form.team)
    owner = _owner(form.owner, team, document)
    _check(form, team, owner, source)
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
        review_days=int(form.review_days) if form.review_days in map(str, documents.REVIEW_DAYS) else None,
        draft=sent.get("then") == "draft",
    )
    return form, content


def _check(form: DocumentForm, team: Team | None, owner: Person | None, source: HelpRequest | None) -> None:
    """Add what is wrong with a form to its `problems`."""
    problems = form.problems
    if not form.title:
        problems["title"] = gettext("Give it a title.")
    elif len(form.title) > requests.LONGEST_TITLE:
        problems["title"] = gettext("Shorten the title to %(n)d characters.", n=requests.LONGEST_TITLE)
    if not form.body:
        problems["body"] = gettext("Write something first.")
    elif len(form.body) > requests.LONGEST_BODY:
        problems["body"] = gettext("At most %(n)d characters: make two documents of it.", n=requests.LONGEST_BODY)
    if team is None:
        problems["team"] = gettext("Choose one of your teams.")
    if form.owner and owner is None:
        problems["owner"] = gettext("Choose a member of the team.")
    if form.audience not in ("everyone", "team", "named"):
        problems["audience"] = gettext("Choose who may read it.")
    elif documents.widens(source, form.audience == "everyone") and not request.form.get("sure"):
        problems["audience"] = gettext(
            "The request it comes from is not for everyone. Take out what is personal, then tick the box."
        )


def _owner(handle: str, team: Team | None, document: Document | None) -> Person | None:
    """The person with this handle, if they are a member of the team or the present owner of the document."""
    if document is not None and document.owner is not None and document.owner.handle == handle:
        return document.owner
    if not handle or team is None:
        return None
    members = documents.possible_owners(session(), team)
    return next((person for person in members if person.handle == handle), None)


def _form_page(
    form: DocumentForm,
    document: Document | None = None,
    source: HelpRequest | None = None,
    preview: bool = False,
    theirs: str = "",
) -> str:
    teams = _teams_to_choose(current_reader(), document)
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
        narrow_source="audience" in form.problems and form.audience == "everyone",
        teams=teams,
        owners=sorted(owners.values(), key=lambda person: person.name),
        intervals=documents.REVIEW_DAYS,
        named=names_of(named),
        preview=preview,
        theirs=theirs,
    )


def _audience_of(document: Document) -> str:
    """The choice in the form that says who may read a document now."""
    if any(row.token == access.EVERYONE for row in document.audience):
        return "everyone"
    return "named" if documents.named_readers(document) else "team"


def _time(value: str) -> datetime:
    """A time in ISO 8601; the earliest possible time when it cannot be read."""
    try:
        return datetime.fromisoformat(value).replace(tzinfo=None)
    except ValueError:
        return datetime.min
