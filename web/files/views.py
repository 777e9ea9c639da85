"""The addresses of attached files: upload, open, remove. Every file is given only to those who may read the request or
document that it belongs to; for everybody else it does not exist."""

from flask import Blueprint, abort, jsonify, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from recommender.database.attachment_tables import Attachment
from recommender.database.tables import HelpRequest
from recommender.files.places import store_of
from recommender.knowledge import attachments, file_store
from recommender.knowledge.file_types import IMAGES
from web import current
from web.caller import caller
from web.current import session
from web.files import attached
from web.files.attached import send_attachment
from web.limits import limiter
from web.reading import get_attachment
from web.sign_in.session import current_reader, signed_in

blueprint = Blueprint("attachments", __name__, url_prefix="/attachments")
_UPLOADS = "60 per minute"  # of one person: a judgement


@blueprint.post("/")
@limiter.limit(_UPLOADS, key_func=caller)
def upload() -> ResponseReturnValue:
    """Store files for a form that is still being written, for the script of the page: 201 with their ids and names, 422
    with a sentence about what is wrong."""
    signed_in()
    if not current.settings().attachment_mb:
        abort(404)
    problem = attached.receive()
    if problem:
        return jsonify(problem=problem), 422
    files = attached.waiting_files()
    if not files:
        return jsonify(problem=gettext("Choose a file first.")), 422
    return jsonify(files=[{"id": file.id, "name": file.name, "size": file.size} for file in files]), 201


@blueprint.get("/<int(max=2147483647):attachment_id>")
def download(attachment_id: int) -> ResponseReturnValue:
    """The file, which the browser saves and does not show."""
    return send_attachment(_opened(attachment_id), as_attachment=True)


@blueprint.get("/<int(max=2147483647):attachment_id>/picture")
def picture(attachment_id: int) -> ResponseReturnValue:
    """A picture, for a page; 404 for other files. Its type was found in its content, the browser is told to believe
    that, and nothing in it is run, whatever else it may contain."""
    row = _opened(attachment_id)
    if row.kind not in IMAGES:
        abort(404)
    return send_attachment(row, as_attachment=False)


@blueprint.post("/<int(max=2147483647):attachment_id>/remove")
def remove(attachment_id: int) -> ResponseReturnValue:
    """Remove a file for good: one's own, or one on a page that this person looks after."""
    signed_in()
    row, owner = get_attachment(attachment_id)
    digest = row.digest
    attachments.remove(session(), row, current_reader(), owner)
    session().commit()
    file_store.remove(session(), store_of(current.settings()), {digest})
    if owner is None:
        return redirect(url_for("ask.index"))
    if isinstance(owner, HelpRequest):
        return redirect(url_for("requests.show", request_id=owner.id))
    return redirect(url_for("documents.show", document_id=owner.id))


def _opened(attachment_id: int) -> Attachment:
    """A file that this reader may open now; 404 otherwise."""
    row, _owner = get_attachment(attachment_id)
    if not attachments.may_be_opened(row, current.settings()):
        abort(404)
    return row
