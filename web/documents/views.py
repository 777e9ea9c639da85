"""The pages of documents: for reading, and for writing, reviewing and verifying by owners and the agents of the
team."""

from flask import Blueprint, abort, redirect, request, url_for
from flask.typing import ResponseReturnValue

from recommender import access
from recommender.database.tables import RESOLVED, Document, HelpRequest, Team
from recommender.errors import Conflict
from recommender.knowledge import documents, line_diff, requests, versions
from recommender.knowledge.line_diff import Lines
from web import once
from web.caller import search_limit
from web.current import session
from web.documents.form import (
    DocumentForm,
    audience_of,
    form_page,
    named_original,
    new_form,
    original_address,
    read_form,
    teams_to_choose,
    time_of,
    version_of,
)
from web.documents.page import document_page
from web.documents.starts import outline
from web.files import attached
from web.formatting import markdown_of_page
from web.inbox.told import mark_news_read
from web.input import sent_number
from web.reading import get_document, get_request
from web.sign_in.session import current_agent, current_reader, signed_in

blueprint = Blueprint("documents", __name__, url_prefix="/documents")


@blueprint.get("/<int(max=2147483647):document_id>")
def show(document_id: int) -> ResponseReturnValue:
    """The page of a document."""
    mark_news_read(document := get_document(document_id))
    return document_page(document)


@blueprint.get("/new")
def new() -> ResponseReturnValue:
    """The form for a new document: empty, with an outline (`start`, in a `language`), with the text of a document
    to translate (`translates`), or drafted from a resolved request; stores nothing. For agents."""
    reader = current_agent()
    source, teams = _named_source(), teams_to_choose(reader)
    if not teams:
        abort(403)
    form = new_form(_first_team(teams), body=outline(request.args.get("start", ""), request.args.get("language", "")))
    if source is not None:
        team = source.team if source.team and source.team.handle in teams else _first_team(teams)
        form = new_form(team, source.title, documents.draft_text(source))
        if access.EVERYONE not in access.request_audience(source):
            form.audience = "team"
    elif original := named_original(request.args.get("translates", "")):
        form = new_form(_first_team(teams), body=original.body)
        form.team = original.team.handle if original.team and original.team.handle in teams else form.team
        form.translates = url_for("documents.show", document_id=original.id)
        form.audience = "everyone" if access.EVERYONE in access.document_audience(original) else "team"
    return form_page(form, source=source)


@blueprint.post("/preview")
@search_limit
def preview() -> ResponseReturnValue:
    """A text as the page of a document would show it, for the form while somebody writes; stores nothing."""
    signed_in()
    return markdown_of_page(request.form.get("body", "")[: requests.LONGEST_BODY])


@blueprint.post("/")
def create() -> ResponseReturnValue:
    """Store a new document, as a draft or published. Problems are shown beside the fields; what was typed is kept."""
    reader, source = current_agent(), _named_source()
    form, content = read_form(teams_to_choose(reader), source)
    if content and request.form.get("then") != "preview" and (earlier := once.earlier_result()):
        return redirect(earlier)
    if problem := attached.receive():
        form.problems[attached.FILES], content = problem, None
    if request.form.get("then") == "preview" or content is None:
        return form_page(form, source=source, preview=content is not None), 200 if content else 422
    document = documents.write(session(), reader, content, source)
    attached.attach_to(document)
    return redirect(once.commit_once(url_for("documents.show", document_id=document.id)))


@blueprint.get("/<int(max=2147483647):document_id>/edit")
def edit(document_id: int) -> ResponseReturnValue:
    """The form for a document, for its owner and the agents of its team; 403 for other readers. With `version`, the id
    of an earlier version, it has the text of that one; 404 when this reader may not read it."""
    document = _editable(document_id)
    number = request.args.get("version", "")
    version = version_of(document, int(number)) if number.isdecimal() and len(number) <= 9 else None
    if number and version is None:
        abort(404)
    form = DocumentForm(
        title=version.title if version else document.title,
        body=version.body if version else document.body,
        version=str(version.id) if version else "",
        team=document.team.handle if document.team else "",
        owner=document.owner.handle if document.owner else "",
        audience=audience_of(document),
        review_days=str(document.review_days or ""),
        seen=document.updated_at.isoformat(),
        translates=original_address(document),
    )
    return form_page(form, document=document)


@blueprint.post("/<int(max=2147483647):document_id>")
def save(document_id: int) -> ResponseReturnValue:
    """Store a changed document; 409 with both texts when somebody else has changed it meanwhile."""
    document = _editable(document_id)
    reader = current_reader()
    widening = document.drafted_from_id and access.EVERYONE not in {row.token for row in document.audience}
    # It is only checked, and never shown.
    source = session().get(HelpRequest, document.drafted_from_id) if widening else None
    form, content = read_form(teams_to_choose(reader, document), source, document)
    page = url_for("documents.show", document_id=document_id)
    if content and request.form.get("then") != "preview" and (earlier := once.earlier_result()):
        return redirect(earlier)
    if problem := attached.receive(document):
        form.problems[attached.FILES], content = problem, None
    if request.form.get("then") == "preview" or content is None:
        return form_page(form, document=document, preview=content is not None), 200 if content else 422
    try:
        documents.edit(session(), document, reader, content, time_of(form.seen))
        attached.attach_to(document)
        return redirect(once.commit_once(page))
    except Conflict:
        session().rollback()
        if once.earlier_result():  # the same form, sent at the same moment
            return redirect(page)
        newer = _editable(document_id)
        changes = _changes_since(newer, form.seen)
        form.seen = newer.updated_at.isoformat()
        return form_page(form, document=newer, theirs=newer.body, their_changes=changes), 409


@blueprint.post("/<int(max=2147483647):document_id>/verify")
def verify(document_id: int) -> ResponseReturnValue:
    """Mark the document as correct as of today, which also settles its flags; 409 when somebody else has changed it
    since this person opened it."""
    document, seen = _editable(document_id), time_of(request.form.get("seen", ""))
    documents.verify(session(), document, current_reader(), signed_in(), seen, sent_number("last_flag"))
    session().commit()
    return redirect(url_for("documents.show", document_id=document_id))


@blueprint.post("/<int(max=2147483647):document_id>/hidden")
def hide(document_id: int) -> ResponseReturnValue:
    """Hide the document from search and all pages, or show it again."""
    documents.hide(session(), _editable(document_id), current_reader(), request.form.get("hidden") == "1")
    session().commit()
    return redirect(url_for("documents.show", document_id=document_id))


def _changes_since(document: Document, seen: str) -> list[Lines] | None:
    """What has changed in the text of a document since the version that a form began from; None when that version is
    not known, or the texts are too long to compare."""
    began = time_of(seen)
    if began is None:
        return None
    history = versions.history(session(), document, current_reader()).versions
    before = next((version for version in history if version.saved_at <= began), None)
    return line_diff.compare(before.body, document.body) if before is not None else None


def _editable(document_id: int) -> Document:
    """A document that this person may change; 401, 404 or 403 otherwise."""
    signed_in()
    document = get_document(document_id)
    if not access.may_edit(document, current_reader()):
        abort(403)
    return document


def _first_team(teams: dict[str, Team]) -> Team:
    """The team that a new document is of unless its writer chooses another."""
    return teams[min(teams)]


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
