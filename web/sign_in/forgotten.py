"""A new password by mail, for people who have forgotten theirs. The answer is the same whether somebody is known or
not, in what it says and in how long it takes: `kollega watch` writes and sends the mail."""

from flask import Blueprint, abort, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale

from recommender import accounts
from recommender.accounts import password_links
from recommender.accounts.account import find_by_name_or_email
from recommender.errors import Conflict, UnusablePassword
from recommender.outbox import mail
from web import current
from web.limits import limiter
from web.sign_in import attempts
from web.sign_in.session import JUST_CHANGED
from web.sign_in.unusable_password import what_is_wrong

blueprint = Blueprint("forgotten", __name__, url_prefix="/sign-in")


@blueprint.get("/forgotten")
def ask() -> ResponseReturnValue:
    """The form that asks for the user name or e-mail address; 404 when no mail server is set."""
    _only_with_mail()
    return render_template("auth/forgotten.html", sent=False)


@blueprint.post("/forgotten")
@limiter.limit("100 per hour")  # an office may have one address
def send() -> ResponseReturnValue:
    """Queue the mail, and say the same to everybody."""
    _only_with_mail()
    database, typed = current.session(), request.form.get("who", "")
    person_id = find_by_name_or_email(database, typed)
    if not attempts.may_send_link(accounts.name_key(None, typed)):
        person_id = None
    mail.queue(database, person_id, mail.PASSWORD_LINK, str(get_locale()))
    database.commit()
    return render_template("auth/forgotten.html", sent=True)


@blueprint.get("/new-password/<secret>")
@limiter.limit("60 per hour")
def form(secret: str) -> ResponseReturnValue:
    """The form for a new password; 404 when the link is no longer valid."""
    known = password_links.person_of(current.session(), secret) is not None
    return render_template("auth/new_password.html", known=known, secret=secret, problem=""), 200 if known else 404


@blueprint.post("/new-password/<secret>")
@limiter.limit("60 per hour")
def save(secret: str) -> ResponseReturnValue:
    """Set the password and use the link up. Ends all sessions and tokens of the person, who then signs in, with the
    second factor if they have one."""
    database, settings = current.session(), current.settings()
    person = password_links.person_of(database, secret)
    if person is None:
        return form(secret)
    try:
        accounts.set_password(
            database, person, request.form.get("password", ""), words=settings.organisation_words, by=person.id,
            link=secret,
        )  # fmt: skip
    except UnusablePassword as error:
        database.rollback()
        problem = what_is_wrong(error)
        return render_template("auth/new_password.html", known=True, secret=secret, problem=problem), 422
    except Conflict:
        database.rollback()
        return form(secret)
    mail.queue(database, person.id, mail.PASSWORD_CHANGED, str(get_locale()))
    database.commit()
    session[JUST_CHANGED] = True
    answer = redirect(url_for("auth.sign_in"))
    return attempts.remember_browser(answer, accounts.name_key(None, person.handle))  # type: ignore[arg-type]


def _only_with_mail() -> None:
    if not current.settings().mail_server or current.settings().proxy_header:
        abort(404)
