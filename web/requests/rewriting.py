"""People change or withdraw what they have written: their own request, and their own replies."""

from flask import Blueprint, abort, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from recommender.database.tables import HelpRequest, Reply
from recommender.knowledge import requests, rewriting
from web.current import session
from web.reading import get_request, get_withdrawn
from web.requests.page import Changed, request_page
from web.requests.quoting import hidden_links
from web.sign_in.session import current_reader, signed_in

blueprint = Blueprint("rewriting", __name__, url_prefix="/requests")


@blueprint.post("/<int(max=2147483647):request_id>/text")
def change_request(request_id: int) -> ResponseReturnValue:
    """Change the title and the text of one's own request; 422 when they cannot be used."""
    help_request = get_request(request_id)
    signed_in()
    title, body = request.form.get("title", "").strip(), request.form.get("body", "").strip()
    if not title or len(title) > requests.LONGEST_TITLE or len(body) > requests.LONGEST_BODY:
        problem = gettext("Not saved. Write a summary, and shorten the text if it is very long.")
        return request_page(help_request, problem=problem, changed=Changed(body, title)), 422
    rewriting.rewrite_request(session(), help_request, current_reader(), title, body, request.form.get("before", ""))
    session().commit()
    return redirect(url_for("requests.show", request_id=request_id))


@blueprint.post("/<int(max=2147483647):request_id>/replies/<int(max=2147483647):reply_id>")
def change_reply(request_id: int, reply_id: int) -> ResponseReturnValue:
    """Change one's own reply, or withdraw it; 422 for a text that cannot be used."""
    help_request, reader = get_request(request_id), current_reader()
    signed_in()
    own, body = _reply(help_request, reply_id), request.form.get("body", "").strip()
    if request.form.get("then") == "withdraw":
        if own is not None:  # else it was sent twice
            rewriting.withdraw_reply(session(), own, reader)
            session().commit()
        return redirect(url_for("requests.show", request_id=request_id))
    if own is None:
        abort(404)
    typed = Changed(body, reply_id=reply_id)
    if not body or len(body) > requests.LONGEST_BODY:
        problem = gettext("Not saved. Write something, and shorten the text if it is very long.")
        return request_page(help_request, problem=problem, changed=typed), 422
    if hidden := hidden_links(body, help_request, reader):
        problem = gettext(
            "Not saved. Some readers of this request are not allowed to read what you link to. Remove the link."
        )
        return request_page(help_request, problem=problem, hidden_links=hidden, changed=typed), 422
    rewriting.rewrite_reply(session(), own, reader, body, request.form.get("before", ""))
    session().commit()
    return redirect(url_for("requests.show", request_id=request_id, _anchor=f"reply-{reply_id}"))


@blueprint.post("/<int(max=2147483647):request_id>/withdraw")
def withdraw(request_id: int) -> ResponseReturnValue:
    """Withdraw one's own request."""
    signed_in()
    if get_withdrawn(request_id) is None:  # else it was sent twice
        rewriting.withdraw_request(session(), get_request(request_id), current_reader())
        session().commit()
    return redirect(url_for("requests.show", request_id=request_id))


@blueprint.post("/<int(max=2147483647):request_id>/send-again")
def send_again(request_id: int) -> ResponseReturnValue:
    """Undo the withdrawal of one's own request."""
    signed_in()
    help_request = get_withdrawn(request_id) or get_request(request_id)  # the latter when this was sent twice
    rewriting.send_again(session(), help_request, current_reader())
    session().commit()
    return redirect(url_for("requests.show", request_id=request_id))


def _reply(help_request: HelpRequest, reply_id: int) -> Reply | None:
    return next((reply for reply in help_request.replies if reply.id == reply_id), None)
