"""The page of one document."""

from flask import Blueprint, abort, render_template
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from recommender.access import readable_documents
from recommender.models import Document
from web.auth import current_reader
from web.db import session

blueprint = Blueprint("documents", __name__, url_prefix="/documents")


def get_document(document_id: int) -> Document:
    """A readable document; 404 when it is unknown, hidden or not for this reader."""
    query = (
        select(Document)
        .where(Document.id == document_id, Document.hidden.is_(False), readable_documents(current_reader()))
        .options(joinedload(Document.owner))
    )
    found = session().scalar(query)
    if found is None:
        abort(404)
    return found


@blueprint.get("/<int(max=2147483647):document_id>")
def show(document_id: int) -> ResponseReturnValue:
    """The document, rendered safely."""
    return render_template("documents/show.html", item=get_document(document_id))
