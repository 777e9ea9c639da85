"""Documents: read by everybody who may, written, reviewed and verified by those who keep them."""

from dataclasses import dataclass, field
from datetime import datetime

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from recommender import access
from recommender.database.tables import RESOLVED, Document, HelpRequest, Person, Team, utc_now
from recommender.datatypes import Kind, item_key
from recommender.errors import Conflict
from recommender.knowledge import documents, outcomes, requests
from web import current
from web.ask import team_rows
from web.current import session
from web.requests import get_request
from web.sign_in.session import current_agent, current_reader, signed_in

blueprint = Blueprint("documents", __name__, url_prefix="/documents")


@dataclass
class Form:
    """What is in the form of a document, and what is wrong with it by field."""

    title: str = ""
    body: str = ""
    team: str = ""
    owner: str = ""
    audience: str = ""
    review_days: str = ""
    seen: str = ""
    problems: dict[str, str] = field(default_factory=dict)


def get_document(document_id: int) -> Document:
    """A readable document; 404 when it is unknown, hidden or not for this reader. Those who keep it see it hidden."""
    reader = current_reader()
    query = (
        select(Document)
        .where(Document.id == document_id, access.readable_documents(reader))
        .options(joinedload(Document.owner), joinedload(Document.verified_by), selectinload(Document.audience))
    )
    found = session().scalar(query)
    if found is None or (found.hidden and not access.may_edit(found, reader)):
        abort(404)
    return found


def keeps_documents(person: Person) -> bool:
    """True for somebody who owns a document that is not hidden."""
    owned = select(Document.id).where(Document.owner_id == person.id, Document.hidden.is_(False))
    return session().scalar(owned.limit(1)) is not None


@blueprint.get("/")
def kept() -> ResponseReturnValue:
    """What the signed-in person looks after: due and flagged first; 401 when nobody has signed in."""
    signed_in()
    reader = current_reader()
    rows = documents.kept(session(), reader, utc_now().date())
    return render_template("documents/kept.html", rows=rows, may_write=bool(reader.serves_teams))


@blueprint.get("/<int(max=2147483647):document_id>")
def show(document_id: int) -> ResponseReturnValue:
    """The document, rendered safely, with what speaks for it: verified, used, flagged."""
    found, reader = get_document(document_id), current_reader()
    key = item_key(Kind.DOCUMENT, found.id)
    editable = access.may_edit(found, reader)
    return render_template(
        "documents/show.html",
        item=found,
        editable=editable,
        due_on=documents.due_on(found),
        today=utc_now().date(),
        usage=outcomes.usage(session(), [key])[key],
        flags=outcomes.flags(session(), key) if editable else [],
        source=_source(found) if editable else None,
        shared=access.EVERYONE in access.document_audience(found),
    )


@blueprint.get("/new")
def new() -> ResponseReturnValue:
    """An empty document, or one drafted from a resolved request; stores nothing. For agents."""
    reader = current_agent()
    source, teams = _asked_source(), _writable(reader)
    if not teams:
        abort(403)
    form = Form(audience="team", team=next(iter(teams)), review_days="365")
    if source is not None:
        form.title, form.body = source.title, documents.draft_text(source)
        form.team = source.team.handle if source.team and source.team.handle in teams else form.team
        form.audience = "everyone" if access.EVERYONE in access.request_audience(source) else "team"
    form.owner = signed_in().handle
    return _form_page(form, source=source)


@blueprint.post("/")
def create() -> ResponseReturnValue:
    """Keep a new document, as a draft or published. What is wrong is said beside the field; what was typed stays."""
    reader, source = current_agent(), _asked_source()
    form, content = _read_form(_writable(reader), source)
    if request.form.get("then") == "preview" or content is None:
        return _form_page(form, source=source, preview=content is not None), 200 if content else 422
    made = documents.write(session(), reader, content, source)
    session().commit()
    return redirect(url_for("documents.show", document_id=made.id))


@blueprint.get("/<int(max=2147483647):document_id>/edit")
def edit(document_id: int) -> ResponseReturnValue:
    """The form for a document, for its owner and the agents of its team; 403 for other readers."""
    found = _editable(document_id)
    form = Form(
        title=found.title,
        body=found.body,
        team=found.team.handle if found.team else "",
        owner=found.owner.handle if found.owner else "",
        audience="everyone" if any(row.token == access.EVERYONE for row in found.audience) else "team",
        review_days=str(found.review_days or ""),
        seen=found.updated_at.isoformat(),
    )
    return _form_page(form, document=found)


@blueprint.post("/<int(max=2147483647):document_id>")
def save(document_id: int) -> ResponseReturnValue:
    """Change it; 409 with both texts when somebody else has changed it meanwhile."""
    found = _editable(document_id)
    reader = current_reader()
    widening = found.drafted_from_id and access.EVERYONE not in {row.token for row in found.audience}
    source = session().get(HelpRequest, found.drafted_from_id) if widening else None  # never shown, only asked
    form, content = _read_form(_writable(reader, found), source, found)
    if request.form.get("then") == "preview" or content is None:
        return _form_page(form, document=found, preview=content is not None), 200 if content else 422
    try:
        documents.edit(session(), found, reader, content, _seen(form.seen))
        session().commit()
    except Conflict:
        session().rollback()
        current = _editable(document_id)
        form.seen = current.updated_at.isoformat()
        return _form_page(form, document=current, theirs=current.body), 409
    return redirect(url_for("documents.show", document_id=found.id))


@blueprint.post("/<int(max=2147483647):document_id>/verify")
def verify(document_id: int) -> ResponseReturnValue:
    """Say that it is right today; its flags are settled."""
    documents.verify(session(), _editable(document_id), current_reader(), signed_in())
    session().commit()
    return redirect(url_for("documents.show", document_id=document_id))


@blueprint.post("/<int(max=2147483647):document_id>/hidden")
def hide(document_id: int) -> ResponseReturnValue:
    """Take it out of the search and every page, or bring it back."""
    documents.hide(session(), _editable(document_id), current_reader(), request.form.get("hidden") == "1")
    session().commit()
    return redirect(url_for("documents.show", document_id=document_id))


def _editable(document_id: int) -> Document:
    """A document that this person may change; 401, 404 or 403 otherwise."""
    signed_in()
    found = get_document(document_id)
    if not access.may_edit(found, current_reader()):
        abort(403)
    return found


def _asked_source() -> HelpRequest | None:
    """The resolved request that a draft comes from, when one is named; 404 when it is not for this reader."""
    number = request.values.get("from", "")
    if not number:
        return None
    if not number.isdecimal() or len(number) > 9:
        abort(404)
    found = get_request(int(number))
    begins = request.method == "GET"  # one that is opened again meanwhile loses nobody's text
    if (begins and found.status != RESOLVED) or not access.may_handle(found, current_reader()):
        abort(403)
    return found


def _source(found: Document) -> HelpRequest | None:
    """The request a document was drafted from, as far as this reader may read it."""
    query = select(HelpRequest).where(HelpRequest.id == found.drafted_from_id, HelpRequest.hidden.is_(False))
    return session().scalar(query.where(access.readable_requests(current_reader())))


def _writable(reader: access.Reader, found: Document | None = None) -> dict[str, Team]:
    """Teams whose documents this reader writes, by handle, and the one that a document has now."""
    own = found.team_id if found else None
    return {handle: team for handle, team in team_rows().items() if team.id in reader.serves_teams or team.id == own}


def _read_form(
    teams: dict[str, Team], source: HelpRequest | None, found: Document | None = None
) -> tuple[Form, documents.Content | None]:
    """The form as it was sent, and what it says when nothing is wrong with it."""
    sent = request.form
    form = Form(
        title=sent.get("title", "").strip(),
        body=sent.get("body", "").strip(),
        team=sent.get("team", ""),
        owner=sent.get("owner", ""),
        audience=sent.get("audience", ""),
        review_days=sent.get("review_days", ""),
        seen=sent.get("seen", ""),
    )
    if not form.title:
        form.problems["title"] = gettext("Give it a title.")
    elif len(form.title) > requests.LONGEST_TITLE:
        form.problems["title"] = gettext("Shorten the title to %(n)d characters.", n=requests.LONGEST_TITLE)
    if not form.body:
        form.problems["body"] = gettext("Write something first.")
    elif len(form.body) > requests.LONGEST_BODY:
        form.problems["body"] = gettext("At most %(n)d characters: make two documents of it.", n=requests.LONGEST_BODY)
    if form.team not in teams:
        form.problems["team"] = gettext("Choose one of your teams.")
    owner = _owner(form.owner, teams.get(form.team), found)
    if form.owner and owner is None:
        form.problems["owner"] = gettext("Choose a member of the team.")
    if form.audience not in ("everyone", "team"):
        form.problems["audience"] = gettext("Choose who may read it.")
    elif documents.widens(source, form.audience == "everyone") and not sent.get("sure"):
        form.problems["audience"] = gettext(
            "The request it comes from is not for everyone. Take out what is personal, then tick the box."
        )
    days = int(form.review_days) if form.review_days in map(str, documents.REVIEW_DAYS) else None
    if form.problems:
        return form, None
    content = documents.Content(
        title=form.title,
        body=form.body,
        language=current.recommender().language_of(f"{form.title}\n{form.body}"),
        team=teams[form.team],
        owner=owner,
        everyone=form.audience == "everyone",
        review_days=days,
        draft=sent.get("then") == "draft",
    )
    return form, content


def _owner(handle: str, team: Team | None, found: Document | None) -> Person | None:
    """A member of the team, or whoever keeps the document now."""
    if found is not None and found.owner is not None and found.owner.handle == handle:
        return found.owner
    if not handle or team is None:
        return None
    return next((each for each in documents.possible_owners(session(), team) if each.handle == handle), None)


def _form_page(
    form: Form,
    document: Document | None = None,
    source: HelpRequest | None = None,
    preview: bool = False,
    theirs: str = "",
) -> str:
    teams = _writable(current_reader(), document)
    owners = {each.handle: each for team in teams.values() for each in documents.possible_owners(session(), team)}
    if document is not None and document.owner is not None:
        owners.setdefault(document.owner.handle, document.owner)
    return render_template(
        "documents/edit.html",
        form=form,
        document=document,
        source=source,
        narrow_source="audience" in form.problems and form.audience == "everyone",
        teams=teams,
        owners=sorted(owners.values(), key=lambda each: each.name),
        intervals=documents.REVIEW_DAYS,
        preview=preview,
        theirs=theirs,
    )


def _seen(value: str) -> datetime:
    try:
        return datetime.fromisoformat(value).replace(tzinfo=None)
    except ValueError:
        return datetime.min
