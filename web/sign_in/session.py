"""Who makes the present request, by a session, a trusted proxy or a token; the person as `access.Reader`. The pages for
signing in are in `pages.py`."""

from typing import Any

import flask_login
from flask import Flask, abort, current_app, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from recommender import accounts
from recommender.access import ANYONE, Reader, reader_of
from recommender.accounts import second_factor, sessions, tokens
from recommender.database.account_tables import Account, APIToken, SignInSession
from recommender.database.days import current_day
from recommender.database.foreign_tables import person_named
from recommender.database.tables import Person
from recommender.settings import Settings
from web import current
from web.client_address import from_trusted_proxy
from web.input import parts_of
from web.sign_in.browser_name import browser_name
from web.sign_in.waiting import how_long

DRAFT = "draft:"
JUST_CHANGED = "just_changed"  # the password; in the browser's cookie until the sign-in page has said so
_NOT_SENT_AGAIN = ("csrf_token", "username", "password", "new_password", "code")


class SignedIn(flask_login.UserMixin):  # type: ignore[misc]
    """An open session. Its id is random and stands in the browser's cookie; the database has the id's digest."""

    def __init__(self, row: SignInSession, identity: str) -> None:
        self.row, self.id = row, identity


def attach(app: Flask, settings: Settings) -> None:
    """Add sessions to the app."""
    manager = flask_login.LoginManager(app)
    manager.session_protection = None
    manager.user_loader(_load)
    app.jinja_env.globals.update(
        current_person=current_person, is_agent=is_agent, sign_in_settings=settings, how_long=how_long
    )


def current_person() -> Person | None:
    """The person who makes this request; None when nobody has signed in. The API accepts bearer tokens only."""
    if "person" not in g:
        g.person = _by_token() if request.blueprint in ("api", "scim") else _by_proxy() if _proxied() else _by_session()
    person: Person | None = g.person
    return person


def current_reader() -> Reader:
    """The reader of this request; 401 for somebody who has to sign in first."""
    person = current_person()
    if person is not None:
        return reader_of(person)
    if not current.settings().anonymous_reading:
        abort(401)
    return ANYONE


def signed_in() -> Person:
    """The person who makes this request; 401 when nobody has signed in."""
    person = current_person()
    if person is None:
        abort(401)
    return person


def is_agent() -> bool:
    """True when the person who makes this request handles requests."""
    person = current_person()
    return person is not None and reader_of(person).agent


def current_agent() -> Reader:
    """The reader of somebody who handles requests; 401 when nobody has signed in, 403 for others."""
    signed_in()
    reader = current_reader()
    if not reader.agent:
        abort(403)
    return reader


def sent_fields() -> list[tuple[str, str]]:
    """The fields of the form in this request, to send them again after signing in; empty when another site sent the
    form."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        return []
    try:
        return [(name, value) for name, value in request.form.items(multi=True) if name not in _NOT_SENT_AGAIN]
    except RequestEntityTooLarge:  # with files, which only those who have signed in may send
        return []


def begin(person: Person, way: str, awaits: str = "") -> None:
    """Begin a session under a new id, and end the one that this browser had. Commits. With something that it still
    `awaits`, the person is not signed in yet."""
    end_own()
    settings, database = current.settings(), current.session()
    row, identity = sessions.begin(
        database, person, way, settings.session_days, browser=browser_name(request.user_agent.string), awaits=awaits
    )
    database.commit()
    session.clear()  # what was stored before signing in
    _use(row, identity)


def complete(row: SignInSession) -> None:
    """Sign in the person whose session has awaited the second factor, under a new id. Commits."""
    identity = sessions.complete(current.session(), row, current.settings().session_days)
    current.session().commit()
    session.clear()
    _use(row, identity)


def renew(row: SignInSession) -> None:
    """Give this browser's session a new id, so that copies of its cookie open nothing any more. Commits."""
    identity = sessions.renew(current.session(), row)
    current.session().commit()
    _use(row, identity)


def end_own() -> None:
    """End the session of this browser on the server, if there is one: a copy of its cookie opens nothing any more.
    The caller commits."""
    row = own_session()
    if row is not None and row.awaits:
        sessions.forget(current.session(), row.id)
    elif row is not None:
        sessions.end(current.session(), row.person_id, row.id, by=row.person_id)


def own_session() -> SignInSession | None:
    """The session of this request's cookie, which may still await the second factor."""
    user = flask_login.current_user
    return user.row if user.is_authenticated else None


def go_on(target: str, draft: list[tuple[str, str]]) -> ResponseReturnValue:
    """After signing in: the page that was wanted, or the form that was interrupted."""
    if draft and target:
        return render_template("auth/draft.html", target=target, draft=draft)
    return redirect(_page_of(target))


def own_path(target: str) -> str:
    """The target when it is a path of this site, except the sign-in pages; else an empty string."""
    parts = parts_of(target)
    is_path = bool(parts.path) and target.startswith("/") and not target.startswith(("//", "/\\", "/sign-in"))
    is_path = is_path and not parts.scheme and not parts.netloc
    return target if is_path and "\\" not in target and target.isprintable() else ""


def _page_of(target: str) -> str:
    """The target when it is a page. The address of a form is not a page: then the nearest page above it."""
    adapter = current_app.url_map.bind_to_environ(request.environ)
    path = parts_of(target).path
    while path and path != "/":
        try:
            adapter.match(path, method="GET")
        except HTTPException:
            path = path.rstrip("/").rpartition("/")[0]
            target = path
        else:
            return target
    return url_for("ask.index")


def draft_of(form: Any) -> list[tuple[str, str]]:
    pairs = form.items(multi=True)
    return [(name.removeprefix(DRAFT), value) for name, value in pairs if name.startswith(DRAFT)]


def _use(row: SignInSession, identity: str) -> None:
    session.permanent = True
    flask_login.login_user(SignedIn(row, identity))
    g.pop("person", None)


def _load(identity: str) -> SignedIn | None:
    row = sessions.find(current.session(), identity, current.settings().session_idle_days)
    if row is not None and sessions.is_to_be_noted(row):
        number = row.id
        current.counting().count(lambda counted: sessions.note_use(counted, number))
    return SignedIn(row, identity) if row else None


def _by_session() -> Person | None:
    row = own_session()
    return row.person if row is not None and not row.awaits and not _lacks_second_factor(row) else None


def _lacks_second_factor(row: SignInSession) -> bool:
    """True for a session that began before its person had to have a second factor: they sign in again and set one
    up."""
    required = second_factor.is_required(row.person, current.settings().second_factor_for)
    return required and row.way == sessions.PASSWORD and not second_factor.is_on(current.session(), row.person_id)


def _proxied() -> bool:
    return bool(current.settings().proxy_header)


def _by_proxy() -> Person | None:
    """The person named by a trusted proxy; session cookies are ignored."""
    settings = current.settings()
    handle = request.headers.get(settings.proxy_header, "")
    if not handle or not from_trusted_proxy():
        return None
    person = person_named(current.session(), handle)
    account = current.session().get(Account, person.id) if person else None
    if person is None or (account and account.disabled) or person.has_left(current_day()):
        return None
    return person


def _by_token() -> Person | None:
    kind, _, bearer = request.headers.get("Authorization", "").partition(" ")
    if not kind:
        return None
    token = accounts.token_of(current.session(), bearer.strip(), current_day()) if kind.lower() == "bearer" else None
    if token is None:
        abort(401, "This token is unknown or has expired. An admin makes one with: kollega user token HANDLE")
    if token.last_used_on != current_day():
        number = token.id
        current.counting().count(lambda counted: tokens.note_use(counted, number))
    g.token = token
    return token.person


def must_hold(scope: str) -> None:
    """Answer 401 or 403 unless the bearer token of this request has the scope."""
    signed_in()
    token: APIToken = g.token
    if scope not in token.scopes:
        abort(403, f"This token lacks the scope {scope!r}.")
