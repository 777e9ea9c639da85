"""Who makes the present request: sign-in with a password or through a trusted proxy; the person as `access.Reader`."""

from typing import Any
from urllib.parse import urlsplit

import flask_login
from flask import Blueprint, Flask, abort, current_app, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from werkzeug.exceptions import HTTPException

from recommender import accounts
from recommender.access import ANYONE, Reader, reader_of
from recommender.database.tables import Account, APIToken, Person, utc_now
from recommender.settings import Settings
from web import current
from web.client_address import from_trusted_proxy, limit_key
from web.limits import limiter

blueprint = Blueprint("auth", __name__)
DRAFT = "draft:"
_NOT_SENT_AGAIN = ("csrf_token", "password")


class SignedIn(flask_login.UserMixin):  # type: ignore[misc]
    """A person with an open session."""

    def __init__(self, account: Account) -> None:
        self.person = account.person
        self.id = f"{account.person_id}:{account.session_key}"


def attach(app: Flask, settings: Settings) -> None:
    """Add sessions to the app."""
    manager = flask_login.LoginManager(app)
    manager.session_protection = None
    manager.user_loader(_load)
    app.jinja_env.globals.update(current_person=current_person, is_agent=is_agent, sign_in_settings=settings)


def current_person() -> Person | None:
    """The person who makes this request; None when nobody has signed in. The API accepts bearer tokens only."""
    if "person" not in g:
        g.person = _by_token() if request.blueprint == "api" else _by_proxy() if _proxied() else _by_session()
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


@blueprint.get("/sign-in")
def sign_in() -> ResponseReturnValue:
    """The sign-in form; in the demo also the people to choose from."""
    return sign_in_page(own_path(request.args.get("next", "")))


@blueprint.post("/sign-in")
@limiter.limit("10 per minute", key_func=lambda: f"{limit_key()} {request.form.get('handle', '')}")
@limiter.limit("300 per minute")  # a proxy may be one address for all
def enter() -> ResponseReturnValue:
    """Check the password and begin a session; the fields of an interrupted form are shown again, to be sent."""
    target, draft = own_path(request.form.get("next", "")), _draft_of(request.form)
    handle = request.form.get("handle", "")
    account = accounts.sign_in(current.session(), handle, request.form.get("password", ""))
    if account is None:
        return sign_in_page(target, draft, handle, failed=True), 401
    return begin(account, target, draft)


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
    return begin(account, own_path(request.form.get("next", "")), _draft_of(request.form))


@blueprint.post("/sign-out")
def leave() -> ResponseReturnValue:
    """End the session."""
    flask_login.logout_user()
    session.clear()
    return redirect(url_for("ask.index"))


def sign_in_page(
    target: str, draft: list[tuple[str, str]] | None = None, handle: str = "", failed: bool = False
) -> str:
    """The sign-in page; `draft` are the fields of a form that was sent while nobody was signed in."""
    offered: list[Person] = []
    if current.settings().demo:
        query = select(Person).join(Account, Account.person_id == Person.id).where(Account.disabled.is_(False))
        offered = list(current.session().scalars(query.order_by(Person.name)))
    return render_template(
        "auth/sign_in.html", target=target, draft=draft or [], handle=handle, failed=failed, offered=offered
    )


def sent_fields() -> list[tuple[str, str]]:
    """The fields of the form in this request, to send them again after signing in; empty when another site sent the
    form."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        return []
    return [(name, value) for name, value in request.form.items(multi=True) if name not in _NOT_SENT_AGAIN]


def begin(account: Account, target: str, draft: list[tuple[str, str]]) -> ResponseReturnValue:
    """Begin a new session, and go to the target or show the interrupted form (`draft`)."""
    session.clear()  # end the session that was begun before signing in
    session.permanent = True
    flask_login.login_user(SignedIn(account))
    g.pop("person", None)
    if draft and target:
        return render_template("auth/draft.html", target=target, draft=draft)
    return redirect(_page_of(target))


def own_path(target: str) -> str:
    """The target when it is a path of this site, except the sign-in pages; else an empty string."""
    parts = urlsplit(target)
    is_path = target.startswith("/") and not target.startswith(("//", "/\\", "/sign-in"))
    is_path = is_path and not parts.scheme and not parts.netloc
    return target if is_path and "\\" not in target and target.isprintable() else ""


def _page_of(target: str) -> str:
    """The target when it is a page. The address of a form is not a page: then the nearest page above it."""
    adapter = current_app.url_map.bind_to_environ(request.environ)
    path = urlsplit(target).path
    while path and path != "/":
        try:
            adapter.match(path, method="GET")
        except HTTPException:
            path = path.rstrip("/").rpartition("/")[0]
            target = path
        else:
            return target
    return url_for("ask.index")


def _draft_of(form: Any) -> list[tuple[str, str]]:
    pairs = form.items(multi=True)
    return [(name.removeprefix(DRAFT), value) for name, value in pairs if name.startswith(DRAFT)]


def _load(identity: str) -> SignedIn | None:
    account = accounts.account_by_session(current.session(), identity)
    return SignedIn(account) if account else None


def _by_session() -> Person | None:
    user = flask_login.current_user
    return user.person if user.is_authenticated else None


def _proxied() -> bool:
    return bool(current.settings().proxy_header)


def _by_proxy() -> Person | None:
    """The person named by a trusted proxy; session cookies are ignored."""
    settings = current.settings()
    handle = request.headers.get(settings.proxy_header, "")
    if not handle or not from_trusted_proxy():
        return None
    person = current.session().scalar(select(Person).where(Person.handle == handle))
    account = current.session().get(Account, person.id) if person else None
    if person is None or (account and account.disabled) or person.has_left(utc_now().date()):
        return None
    return person


def _by_token() -> Person | None:
    kind, _, bearer = request.headers.get("Authorization", "").partition(" ")
    if not kind:
        return None
    token = accounts.token_of(current.session(), bearer.strip(), utc_now().date()) if kind.lower() == "bearer" else None
    if token is None:
        abort(401, "This token is unknown or has expired. An admin makes one with: kollega user token HANDLE")
    g.token = token
    return token.person


def must_hold(scope: str) -> None:
    """Answer 401 or 403 unless the bearer token of this request has the scope."""
    signed_in()
    token: APIToken = g.token
    if scope not in token.scopes:
        abort(403, f"This token lacks the scope {scope!r}.")
