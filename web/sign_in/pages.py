"""The pages for signing in and out: the user name and password, and the people of the demo."""

import flask_login
from flask import Blueprint, Response, abort, make_response, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from recommender import accounts, audit
from recommender.accounts import sessions
from recommender.database.account_tables import Account
from recommender.database.tables import Person
from web import current
from web.limits import limiter
from web.sign_in import attempts
from web.sign_in.second_factor import page_for, what_is_missing
from web.sign_in.session import JUST_CHANGED, begin, draft_of, end_own, go_on, own_path

blueprint = Blueprint("auth", __name__)


@blueprint.get("/sign-in")
def sign_in() -> ResponseReturnValue:
    """The sign-in form; in the demo also the people to choose from."""
    return sign_in_page(own_path(request.args.get("next", "")), changed=session.pop(JUST_CHANGED, False))


@blueprint.post("/sign-in")
@limiter.limit("300 per minute")
def enter() -> ResponseReturnValue:
    """Check the password and begin a session; the fields of an interrupted form are shown again, to be sent."""
    target, draft = own_path(request.form.get("next", "")), draft_of(request.form)
    handle = request.form.get("handle", "")
    account = accounts.find(current.session(), handle)
    name = accounts.name_key(account, handle)
    if wait := attempts.seconds_to_wait_for_password(name):
        page = make_response(sign_in_page(target, draft, handle, wait=wait), 429)
        page.headers["Retry-After"] = str(wait)
        return page
    if not accounts.matches(account, request.form.get("password", "")) or account is None:
        attempts.failed(name)
        page = make_response(sign_in_page(target, draft, handle, failed=True), 401)
        _record_failure(account, page)
        return page
    attempts.succeeded(name)
    awaited = what_is_missing(account.person)
    begin(account.person, sessions.PASSWORD, awaited)
    if awaited:
        return page_for(awaited, account.person, target, draft)
    return attempts.remember_browser(make_response(go_on(target, draft)), name)


@blueprint.post("/sign-in/demo")
@limiter.limit("30 per minute")
def enter_demo() -> ResponseReturnValue:
    """Sign in as one of the demo organisation's people, without a password; 404 outside of the demo."""
    if not current.settings().demo:
        abort(404)
    query = select(Account).join(Person).where(Person.handle == request.form.get("handle", ""))
    account = current.session().scalar(query.where(Account.disabled.is_(False)))
    if account is None:
        abort(404)
    begin(account.person, sessions.DEMO)
    return go_on(own_path(request.form.get("next", "")), draft_of(request.form))


@blueprint.post("/sign-out")
def leave() -> ResponseReturnValue:
    """End the session, in this browser and on the server."""
    end_own()
    current.session().commit()
    flask_login.logout_user()
    session.clear()
    return redirect(url_for("ask.index"))


def sign_in_page(
    target: str,
    draft: list[tuple[str, str]] | None = None,
    handle: str = "",
    *,
    failed: bool = False,
    wait: int = 0,
    changed: bool = False,
) -> str:
    """The sign-in page; `draft` are the fields of a form that was sent while nobody was signed in, `wait` the seconds
    until the next attempt, `changed` whether a new password has just been set."""
    offered: list[Person] = []
    if current.settings().demo:
        query = select(Person).join(Account, Account.person_id == Person.id).where(Account.disabled.is_(False))
        offered = list(current.session().scalars(query.order_by(Person.name)))
    return render_template(
        "auth/sign_in.html", target=target, draft=draft or [], handle=handle, failed=failed, wait=wait,
        changed=changed, offered=offered,
    )  # fmt: skip


def _record_failure(account: Account | None, page: Response) -> None:
    """Record in the audit log that somebody gave a wrong password for a known person. It is written once the answer is
    on its way, so that known and unknown names are answered equally fast: when the machine fails within that second,
    the entry is lost."""
    if account is not None:
        counting, subject = current.counting(), f"person:{account.person_id}"
        by = audit.Actor(None, "web")
        page.call_on_close(lambda: counting.count(lambda own: audit.record(own, by, "sign_in.failed", subject)))
