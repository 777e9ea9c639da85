"""The step after the password: a code of the second factor, or setting one up where it is required."""

from typing import NamedTuple, TypeGuard

from flask import Blueprint, abort, current_app, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from recommender import accounts
from recommender.accounts import second_factor, sessions
from recommender.database.account_tables import SignInSession
from recommender.database.tables import Person
from recommender.errors import Conflict
from web import current
from web.limits import limiter
from web.sign_in import attempts, setting_up
from web.sign_in.qr_code import as_svg
from web.sign_in.session import complete, draft_of, go_on, own_path, own_session

blueprint = Blueprint("second_factor", __name__, url_prefix="/sign-in")


def what_is_missing(person: Person) -> str:
    """What a person who has given their password must do next: give a code, set an app up, or nothing."""
    if second_factor.is_on(current.session(), person.id):
        return sessions.CODE
    return sessions.SET_UP if second_factor.is_required(person, current.settings().second_factor_for) else ""


def page_for(awaited: str, person: Person, target: str, draft: list[tuple[str, str]]) -> str:
    """The page on which a person does what is missing."""
    if awaited == sessions.CODE:
        return _code_page(_Kept(target, draft))
    setting_up.begin(person)
    return _set_up_page(person, _Kept(target, draft))


@blueprint.get("/code")
def code() -> ResponseReturnValue:
    """Ask for a code of the app, or one of the recovery codes; without a password given before, the sign-in page."""
    return _code_page(_kept()) if _waiting(sessions.CODE) else redirect(url_for("auth.sign_in"))


@blueprint.post("/code")
@limiter.limit("60 per minute")
def check_code() -> ResponseReturnValue:
    """Check the code and begin the session; 429 after too many wrong ones."""
    row = _waiting(sessions.CODE)
    if row is None:
        return redirect(url_for("auth.sign_in"))
    typed, database = request.form.get("code", ""), current.session()
    recovery = second_factor.is_recovery_code(typed)
    if wait := 0 if recovery else attempts.seconds_to_wait_for_code(row.person):
        return _too_many(_code_page(_kept(), wait=wait), wait)
    if not second_factor.accept(database, row.person_id, str(current_app.secret_key), typed):
        second_factor.record_failure(database, row.person_id)
        database.commit()
        return _code_page(_kept(), failed=True), 401
    attempts.code_succeeded(row.person)
    kept = _kept()
    try:
        complete(row)
    except Conflict:  # another form of this browser was faster; the code can be used again
        database.rollback()
        return go_on(kept.target, kept.draft)
    return _remembered(row.person, go_on(kept.target, kept.draft))


@blueprint.get("/set-up")
def set_up() -> ResponseReturnValue:
    """Show what to put into an authenticator app, for somebody who must have one; else the sign-in page."""
    row = _waiting(sessions.SET_UP)
    return _set_up_page(row.person, _kept()) if _is_setting_up(row) else redirect(url_for("auth.sign_in"))


@blueprint.post("/set-up")
@limiter.limit("60 per minute")
def confirm() -> ResponseReturnValue:
    """Turn the second factor on, begin the session and show the recovery codes once."""
    row = _waiting(sessions.SET_UP)
    if not _is_setting_up(row):
        return redirect(url_for("auth.sign_in"))
    if wait := attempts.seconds_to_wait_for_code(row.person):
        return _too_many(_set_up_page(row.person, _kept(), wait=wait), wait)
    key, typed = str(current_app.secret_key), request.form.get("code", "")
    nonce, database = setting_up.nonce(row.person), current.session()
    codes = second_factor.confirm(database, row.person, key, nonce, typed, keep_session=row.id)
    if codes is None and second_factor.is_on(database, row.person_id):  # by the same form, sent twice
        return redirect(url_for("auth.sign_in"))
    if codes is None:
        return _set_up_page(row.person, _kept(), failed=True), 401
    attempts.code_succeeded(row.person)
    kept = _kept()
    complete(row)
    page = render_template("auth/recovery_codes.html", codes=codes, target=kept.target, draft=kept.draft)
    return _remembered(row.person, page)


@blueprint.post("/done")
def leave_codes() -> ResponseReturnValue:
    """From the recovery codes to the page that was wanted, or the form that was interrupted."""
    return go_on(*_kept())


class _Kept(NamedTuple):
    """What goes along through the steps of signing in: the page that was wanted, and an interrupted form."""

    target: str
    draft: list[tuple[str, str]]


def _kept() -> _Kept:
    return _Kept(own_path(request.values.get("next", "")), draft_of(request.form))


def _waiting(awaits: str) -> SignInSession | None:
    """The session of this browser, when it awaits this; 404 behind a proxy, which signs people in itself."""
    if current.settings().proxy_header:
        abort(404)
    row = own_session()
    return row if row is not None and row.awaits == awaits else None


def _is_setting_up(row: SignInSession | None) -> TypeGuard[SignInSession]:
    """True when somebody has given their password in this browser a while ago, and still has no second factor."""
    if row is None or not setting_up.nonce(row.person):
        return False
    return not second_factor.is_on(current.session(), row.person_id)


def _remembered(person: Person, page: ResponseReturnValue) -> ResponseReturnValue:
    return attempts.remember_browser(make_response(page), accounts.name_key(None, person.handle))


def _code_page(kept: _Kept, failed: bool = False, wait: int = 0) -> str:
    return render_template("auth/code.html", **kept._asdict(), failed=failed, wait=wait)


def _set_up_page(person: Person, kept: _Kept, failed: bool = False, wait: int = 0) -> str:
    secret = setting_up.secret(person)
    picture = as_svg(second_factor.address(person, secret))
    return render_template(
        "auth/set_up.html", secret=secret, picture=picture, **kept._asdict(), failed=failed, wait=wait
    )


def _too_many(page: str, wait: int) -> ResponseReturnValue:
    return page, 429, {"Retry-After": str(wait)}
