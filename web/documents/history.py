"""What a document said before: the list of its versions, what changed in each, and removing one for good."""

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from recommender import access
from recommender.database.documents_tables import DocumentVersion
from recommender.database.tables import Document
from recommender.knowledge import line_diff, versions
from recommender.knowledge.versions import History
from web.current import session
from web.reading import get_document
from web.sign_in.session import current_reader, signed_in

blueprint = Blueprint("history", __name__, url_prefix="/documents/<int(max=2147483647):document_id>/history")


@blueprint.get("/")
def show(document_id: int) -> ResponseReturnValue:
    """The versions of a document that this reader may read, newest first; 404 when they may not read the document."""
    document = get_document(document_id)
    history = versions.history(session(), document, current_reader())
    return render_template("documents/history.html", item=document, versions=history.versions)


@blueprint.get("/<int(max=2147483647):version_id>")
def version(document_id: int, version_id: int) -> ResponseReturnValue:
    """One version: what it changed, or with `with=now` what has changed since, and its text. 404 when this reader may
    not read it."""
    document, history, chosen = _version(document_id, version_id)
    since = request.args.get("with") == "now"
    before = history.before(chosen)
    old = chosen.body if since else before.body if before else ""
    old_title = chosen.title if since else before.title if before else chosen.title
    new, new_title = (document.body, document.title) if since else (chosen.body, chosen.title)
    return render_template(
        "documents/version.html",
        item=document,
        version=chosen,
        since=since,
        before=before,
        titles=(old_title, new_title) if old_title != new_title else None,
        changes=line_diff.compare(old, new),
        is_current=(chosen.title, chosen.body) == (document.title, document.body),
        editable=access.may_edit(document, current_reader()),
    )


@blueprint.post("/<int(max=2147483647):version_id>/removed")
def remove(document_id: int, version_id: int) -> ResponseReturnValue:
    """Delete a version for good, for the owner and the agents of the team; 403 for other readers."""
    signed_in()
    document, _history, chosen = _version(document_id, version_id)
    versions.remove(session(), document, current_reader(), chosen)
    session().commit()
    return redirect(url_for("history.show", document_id=document_id))


def _version(document_id: int, version_id: int) -> tuple[Document, History, DocumentVersion]:
    document = get_document(document_id)
    history = versions.history(session(), document, current_reader())
    chosen = history.find(version_id)
    if chosen is None:
        abort(404)
    return document, history, chosen
