"""How a person signs in, as they see it and change it themselves: password, second factor, the browsers in which they
are signed in, their API tokens."""

from flask import Blueprint, abort, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale, gettext

from recommender import accounts, audit
from recommender.accounts import second_factor, sessions, tokens
from recommender.database.account_tables import Account
from recommender.database.days import current_day
from recommender.database.tables import Person
from recommender.errors import UnusablePassword
from recommender.outbox import mail
from web import current
from web.sign_in import attempts, setting_up, token_form
from web.sign_in.qr_code import as_svg
from web.sign_in.session import own_session, renew, signed_in
from web.sign_in.unusable_password import what_is_wrong
from web.sign_in.waiting import how_long

blueprint = Blueprint("security", __name__, url_prefix="/people/me/security")
_OWN_SCOPES = ("read", "write")
"""What people let a program do in their name. Loading and managing people is for services, and an admin's to give."""


@blueprint.get("")
def show() -> ResponseReturnValue:
    """The page; 401 when nobody has signed in."""
    return _page(signed_in())


@blueprint.post("/password")
def change_password() -> ResponseReturnValue:
    """Set a new password for somebody who gives the present one. Ends all other sessions, and the tokens unless they
    are to be kept."""
    person, database = signed_in(), current.session()
    if problem := _wrong_password(person):
        return _page(person, {"current_password": problem}), 422
    row = own_session()
    try:
        accounts.set_password(
            database, person, request.form.get("new_password", ""), words=current.settings().organisation_words,
            keep_tokens=bool(request.form.get("keep_tokens")), keep_session=row.id if row else None, by=person.id,
        )  # fmt: skip
    except UnusablePassword as error:
        database.rollback()
        return _page(person, {"new_password": what_is_wrong(error)}), 422
    _tell(person, mail.PASSWORD_CHANGED)
    if row is not None:
        renew(row)
    database.commit()
    return redirect(url_for("security.show", done="password"))


@blueprint.post("/sessions/end")
def end_sessions() -> ResponseReturnValue:
    """End one session, or all but this one."""
    person, row, chosen = signed_in(), own_session(), request.form.get("session", "")
    if chosen == "others":
        sessions.end_all(current.session(), person.id, but=row.id if row else None, by=person.id)
    elif not _is_number(chosen) or not sessions.end(current.session(), person.id, int(chosen), by=person.id):
        abort(404)
    current.session().commit()
    return redirect(url_for("security.show", done="sessions"))


@blueprint.post("/tokens")
def make_token() -> ResponseReturnValue:
    """Make a token of the person's own, and show it once. Who has a password gives it: a token outlives the browser."""
    person, database = signed_in(), current.session()
    name, scopes, days = token_form.read(_OWN_SCOPES)
    if not name or not scopes or days is None:
        said = gettext("Nothing was made: give the token a name and at least one permission.")
        return _page(person, {"token_name": str(said)}), 422
    if _has_password(person) and (problem := _wrong_password(person)):
        return _page(person, {"token_password": problem}), 422
    token = accounts.make_token(database, person, name, scopes, days or None, by=person.id)
    database.commit()
    return _page(person, new_token=token)


@blueprint.post("/tokens/revoke")
def revoke_token() -> ResponseReturnValue:
    """End one of the person's own tokens; 404 for others."""
    person, chosen = signed_in(), request.form.get("token", "")
    if not _is_number(chosen) or not tokens.revoke(current.session(), int(chosen), person.id, by=person.id):
        abort(404)
    current.session().commit()
    return redirect(url_for("security.show", done="token"))


@blueprint.post("/second-factor/set-up")
def set_up() -> ResponseReturnValue:
    """Show what to put into an authenticator app, to somebody who gives their password."""
    person = signed_in()
    if problem := _wrong_password(person):
        return _page(person, {"set_up_password": problem}), 422
    if second_factor.is_on(current.session(), person.id):
        return redirect(url_for("security.show"))
    setting_up.begin(person)
    return _set_up_page(person)


@blueprint.post("/second-factor/confirm")
def confirm() -> ResponseReturnValue:
    """Turn the second factor on with a first code, and show the recovery codes once."""
    person, database, row = signed_in(), current.session(), own_session()
    nonce = setting_up.nonce(person)  # the page shows a secret: only after the password, and while it is of no use
    if row is None or not nonce or second_factor.is_on(database, person.id):
        return redirect(url_for("security.show"))
    if wait := attempts.seconds_to_wait_for_code(person):
        return _set_up_page(person, wait=wait), 429, {"Retry-After": str(wait)}
    key = str(current_app.secret_key)
    typed = request.form.get("code", "")
    codes = second_factor.confirm(database, person, key, nonce, typed, keep_session=row.id)
    if codes is None:
        if second_factor.is_on(database, person.id):  # by the same form, sent twice
            return redirect(url_for("security.show"))
        return _set_up_page(person, failed=True), 422
    attempts.code_succeeded(person)
    setting_up.end()
    database.commit()
    return render_template("profile/recovery_codes.html", codes=codes)


@blueprint.post("/second-factor/codes")
def new_codes() -> ResponseReturnValue:
    """Make new recovery codes for somebody who gives their password and a code."""
    person = signed_in()
    if not second_factor.is_on(current.session(), person.id):
        return redirect(url_for("security.show"))
    if problems := _wrong_for_factor(person):
        return _page(person, problems), 422
    codes = second_factor.new_recovery_codes(current.session(), person.id)
    current.session().commit()
    return render_template("profile/recovery_codes.html", codes=codes)


@blueprint.post("/second-factor/off")
def turn_off() -> ResponseReturnValue:
    """Turn the second factor off for somebody who gives their password and a code; who must have one signs in again
    and sets up another."""
    person = signed_in()
    if not second_factor.is_on(current.session(), person.id):
        return redirect(url_for("security.show"))
    if problems := _wrong_for_factor(person):
        return _page(person, problems), 422
    if second_factor.turn_off(current.session(), person.id, by=person.id):
        _tell(person, mail.SECOND_FACTOR_OFF)
    current.session().commit()
    return redirect(url_for("security.show", done="factor_off"))


def _page(person: Person, problems: dict[str, str] | None = None, new_token: str = "") -> str:
    database, row = current.session(), own_session()
    return render_template(
        "profile/security.html",
        person=person,
        problems=problems or {},
        keep_tokens=bool(request.form.get("keep_tokens")),
        done="" if problems else request.args.get("done", ""),
        has_password=_has_password(person),
        new_token=new_token,
        factor_on=second_factor.is_on(database, person.id),
        factor_required=second_factor.is_required(person, current.settings().second_factor_for),
        codes_left=second_factor.codes_left(database, person.id),
        sessions=sessions.of(database, person.id, current.settings().session_idle_days),
        own=row.id if row else None,
        tokens=tokens.of(database, person.id),
        today=current_day(),
    )


def _set_up_page(person: Person, failed: bool = False, wait: int = 0) -> str:
    secret = setting_up.secret(person)
    picture = as_svg(second_factor.address(person, secret))
    return render_template("profile/set_up.html", secret=secret, picture=picture, failed=failed, wait=wait)


def _has_password(person: Person) -> bool:
    account = current.session().get(Account, person.id)
    return bool(account and account.password_hash) and not current.settings().proxy_header


def _wrong_password(person: Person) -> str:
    """What is wrong with the present password in the form; empty when nothing is."""
    if wait := attempts.seconds_to_wait_for_own_password(person.id):
        return how_long(wait)
    database = current.session()
    account = database.get(Account, person.id)
    if accounts.matches(account, request.form.get("password", "")):
        return ""
    subject = f"person:{person.id}"
    audit.record(database, audit.actor(database, person.id), "account.wrong_password", subject)
    database.commit()
    return str(gettext("This is not your current password."))


def _wrong_for_factor(person: Person) -> dict[str, str]:
    """What is wrong with the password or the code of somebody who changes their second factor; empty when nothing
    is."""
    if problem := _wrong_password(person):
        return {"factor_password": problem}
    database, typed = current.session(), request.form.get("code", "")
    if not second_factor.is_recovery_code(typed) and (wait := attempts.seconds_to_wait_for_code(person)):
        return {"factor_code": how_long(wait)}
    if second_factor.accept(database, person.id, str(current_app.secret_key), typed):
        attempts.code_succeeded(person)
        return {}
    second_factor.record_failure(database, person.id)
    database.commit()
    wrong = gettext(
        "This code is not valid, or was used already. Wait for the next one, and check the clock of your phone."
    )
    return {"factor_code": str(wrong)}


def _tell(person: Person, kind: str) -> None:
    """Queue a mail that tells the person what was changed, if they have an address."""
    account = current.session().get(Account, person.id)
    if account is not None and account.email and current.settings().mail_server:
        mail.queue(current.session(), person.id, kind, str(get_locale()))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 10
