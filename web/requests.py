"""The page of one request."""

from flask import Blueprint, abort, render_template
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from recommender.access import readable_requests
from recommender.models import HelpRequest, Reply
from web.auth import current_reader
from web.db import session

blueprint = Blueprint("requests", __name__, url_prefix="/requests")


def get_request(request_id: int) -> HelpRequest:
    """A readable request with its replies and people; 404 when it is unknown, hidden or not for this reader."""
    query = (
        select(HelpRequest)
        .where(HelpRequest.id == request_id, HelpRequest.hidden.is_(False), readable_requests(current_reader()))
        .options(joinedload(HelpRequest.asked_by), selectinload(HelpRequest.replies).joinedload(Reply.author))
    )
    found = session().scalar(query)
    if found is None:
        abort(404)
    return found


@blueprint.get("/<int(max=2147483647):request_id>")
def show(request_id: int) -> ResponseReturnValue:
    """Question, the reply that solved it first, then the rest of the conversation."""
    return render_template("requests/show.html", item=get_request(request_id))
