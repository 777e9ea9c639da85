"""Marking a request or document as replaced by another, and taking the mark off again."""

from flask import Blueprint, abort, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from recommender.corpus import ids_of, is_key
from recommender.database.tables import Document, HelpRequest
from recommender.datatypes import Kind
from recommender.errors import CannotReplace
from recommender.knowledge import replacements
from web.addresses import LONGEST_ADDRESS, named_key
from web.current import session
from web.documents.page import document_page
from web.reading import get_document, get_request
from web.replaced import replaced_part
from web.requests.page import request_page
from web.sign_in.session import current_reader, signed_in

blueprint = Blueprint("replacing", __name__, url_prefix="/items")


@blueprint.post("/<key>/replaced")
def mark(key: str) -> ResponseReturnValue:
    """Mark an item as replaced by the one that the field `by` names, by its key or the address of its page; 422 with
    the reason when it cannot be that one. 403 for others than the agents of the team and a document's owner."""
    person, row, reader = signed_in(), _row(key), current_reader()
    typed = request.form.get("by", "").strip()[:LONGEST_ADDRESS]
    try:
        replacements.mark(session(), row, reader, person, named_key(typed))
        session().commit()
    except CannotReplace as error:
        part = replaced_part(row, reader, typed, _problem(error.reason))
        page = request_page(row, replaced=part) if isinstance(row, HelpRequest) else document_page(row, part)
        return page, 422
    return redirect(_address(row))


@blueprint.post("/<key>/current")
def unmark(key: str) -> ResponseReturnValue:
    """Take the mark off: the item counts again as it did before."""
    signed_in()
    row = _row(key)
    replacements.unmark(session(), row, current_reader())
    session().commit()
    return redirect(_address(row))


def _row(key: str) -> HelpRequest | Document:
    """The request or document of a key; 404 when it is unknown or this reader may not read it."""
    if not is_key(key):
        abort(404)
    if ids := ids_of([key], Kind.REQUEST):
        return get_request(ids[0])
    return get_document(*ids_of([key], Kind.DOCUMENT))


def _problem(reason: str) -> str:
    if reason == replacements.ITSELF:
        return str(gettext("This is the address of this page. Enter the address of the page that replaces it."))
    if reason == replacements.CIRCLE:
        return str(gettext("That page is already marked as replaced by this one. Remove that mark first."))
    return str(
        gettext(
            "No solved request or published guide that you can read has this address."
            " Open the page that replaces this one, and copy its address from the browser."
        )
    )


def _address(row: HelpRequest | Document) -> str:
    """The path of an item's page."""
    if isinstance(row, HelpRequest):
        return url_for("requests.show", request_id=row.id)
    return url_for("documents.show", document_id=row.id)
