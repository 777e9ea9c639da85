"""Linking an account of a chat system to the person who has signed in, and taking such a link away."""

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from recommender.accounts import chat_accounts
from recommender.accounts.chat_accounts import ChatUser
from web.chat.link_address import SYSTEMS, user_of
from web.current import session
from web.sign_in.session import signed_in

blueprint = Blueprint("chat", __name__, url_prefix="/chat")


@blueprint.get("/link/<token>")
def show_link(token: str) -> ResponseReturnValue:
    """Ask whether the account is to be linked; 404 for an address that was not made here, is too old,
    or was used by somebody else."""
    who = _user_of(token)
    return render_template("chat/link.html", who=who, system=SYSTEMS[who.system], token=token, person=signed_in())


@blueprint.post("/link/<token>")
def link(token: str) -> ResponseReturnValue:
    """Link the account to the person who has signed in."""
    who, person = _user_of(token), signed_in()
    chat_accounts.link(session(), who, person)
    session().commit()
    return redirect(url_for("chat.linked", done="1"))


@blueprint.get("/")
def linked() -> ResponseReturnValue:
    """The chat accounts that the person has linked."""
    rows = chat_accounts.of_person(session(), signed_in().id)
    return render_template("chat/linked.html", rows=rows, systems=SYSTEMS, done=request.args.get("done"))


@blueprint.post("/unlink")
def unlink() -> ResponseReturnValue:
    """Take a link away; nothing happens when there is none."""
    who = ChatUser(*(request.form.get(name, "")[:128] for name in ("system", "workspace", "account")))
    chat_accounts.unlink(session(), who, signed_in())
    session().commit()
    return redirect(url_for("chat.linked"))


def _user_of(token: str) -> ChatUser:
    found = user_of(token)
    if found is None or chat_accounts.was_taken_since(session(), *found, signed_in()):
        abort(404)
    return found[0]
