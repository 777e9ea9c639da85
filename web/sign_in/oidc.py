"""Sign-in by OpenID Connect: the authorization code flow with PKCE, by Authlib. Off unless the settings name an
issuer."""

import logging
from typing import Any

from flask import Blueprint, Flask, abort, current_app, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from recommender import accounts
from recommender.accounts import sessions
from recommender.database.account_tables import Account
from recommender.database.days import current_day
from recommender.database.foreign_tables import person_named
from recommender.errors import AccountError, SettingsError, how_to_install
from recommender.monitoring.logs import describe
from recommender.settings import Settings
from web import current
from web.addresses import absolute
from web.limits import limiter
from web.sign_in import session as sign_in

log = logging.getLogger(__name__)
blueprint = Blueprint("oidc", __name__)
_TARGET = "oidc_target"
_CODES = (
    "access_denied", "invalid_client", "invalid_grant", "invalid_request", "login_required", "mismatching_state",
    "server_error", "temporarily_unavailable", "unauthorized_client",
)  # fmt: skip
"""Errors of the protocol (RFC 6749, OpenID Connect Core 1.0) and of Authlib's checks, which may be logged."""
_TIMEOUT = 10  # seconds that the provider may take to answer: a judgement


def attach(app: Flask, settings: Settings) -> None:
    """Make the client of the settings' provider; the provider is not contacted before somebody signs in. Raises
    SettingsError when Authlib is not installed."""
    app.extensions["kollega_oidc"] = None
    if not settings.oidc_issuer:
        return
    try:
        from authlib.integrations.flask_client import OAuth
    except ImportError as error:
        raise SettingsError(f"KOLLEGA_OIDC_ISSUER needs Authlib. {how_to_install('oidc')}") from error
    app.extensions["kollega_oidc"] = OAuth(app).register(
        "provider",
        client_id=settings.oidc_client_id,
        client_secret=settings.oidc_client_secret,
        server_metadata_url=settings.oidc_issuer.rstrip("/") + "/.well-known/openid-configuration",
        client_kwargs={
            "scope": "openid profile email",
            "code_challenge_method": "S256",
            "default_timeout": _TIMEOUT,
        },
    )


@blueprint.get("/sign-in/oidc")
@limiter.limit("30 per minute")
def start() -> ResponseReturnValue:
    """Redirect to the provider; 404 when there is none, 503 when it does not answer."""
    client = _client()
    for earlier in [key for key in session if key.startswith("_state_provider_")]:
        del session[earlier]  # each takes 200 bytes, and browsers store cookies of at most 4 kB
    session[_TARGET] = sign_in.own_path(request.args.get("next", ""))
    try:
        answer: ResponseReturnValue = client.authorize_redirect(absolute(url_for("oidc.back")))
        return answer
    except Exception as error:  # any error of the library, the network or the provider
        log.warning("The OpenID provider does not answer: %s", _why(error))
        return _failed(503)


@blueprint.get("/sign-in/oidc/back")
@limiter.limit("30 per minute")
def back() -> ResponseReturnValue:
    """The address to which the provider sends the browser back: begin a session for the person that it names."""
    client, target = _client(), str(session.pop(_TARGET, ""))
    settings = current.settings()
    try:
        claims = _claims(client, settings)
    except Exception as error:
        log.warning("A sign-in by OpenID Connect failed: %s", _why(error))
        return _failed(400)
    handle, subject = str(claims.get(settings.oidc_claim) or ""), f"{claims['iss']} {claims['sub']}"
    account = _account(subject, handle)
    if account is None:
        known = person_named(current.session(), handle) is not None
        return render_template("auth/oidc.html", handle=handle, known=known), 403
    sign_in.begin(account.person, sessions.PROVIDER)
    return sign_in.go_on(target, [])


def _why(error: Exception) -> str:
    """What went wrong, for the log: the code that the provider sent when it is one of the protocol's, and never the
    rest of its message, which comes from the address."""
    code = getattr(error, "error", None)
    return f"{type(error).__name__} {code}" if code in _CODES else describe(error)


def _claims(client: Any, settings: Settings) -> dict[str, Any]:
    """The claims of the ID token, which Authlib has checked. Three checks are left to the caller: that the provider is
    the one in the settings (OpenID Connect Discovery 1.0, 4.3), that there is a token, and that it is signed."""
    metadata = client.load_server_metadata()
    issuer = metadata["issuer"]
    if issuer.rstrip("/") != settings.oidc_issuer.rstrip("/"):
        raise SettingsError(f"KOLLEGA_OIDC_ISSUER is {settings.oidc_issuer}, but the provider calls itself {issuer}")
    offered = metadata.get("id_token_signing_alg_values_supported") or ["RS256"]
    metadata["id_token_signing_alg_values_supported"] = [name for name in offered if name != "none"]
    token = client.authorize_access_token(
        claims_options={"iss": {"value": issuer}, "aud": {"essential": True, "value": settings.oidc_client_id}}
    )
    if "id_token" not in token:
        raise SettingsError("The provider sent no ID token")
    claims: dict[str, Any] = token["userinfo"]
    if settings.oidc_claim == "email" and claims.get("email_verified") is False:
        raise AccountError("The provider has not verified this person's e-mail address")
    return claims


def _account(subject: str, handle: str) -> Account | None:
    """The account that this subject has signed in to before, else that of the person with this handle, which is then
    linked to the subject. None when the account is linked to another subject or disabled, or the person has left."""
    account = accounts.account_by_subject(current.session(), subject)
    if account is not None:
        return account
    if not handle or current.session().scalar(select(Account.person_id).where(Account.subject == subject)) is not None:
        return None
    person = person_named(current.session(), handle)
    if person is None or person.has_left(current_day()):
        return None
    account = accounts.open_account(current.session(), person)
    if account.disabled or account.subject is not None:
        return None
    accounts.link(current.session(), account, subject)
    return account


def _failed(status: int) -> ResponseReturnValue:
    return render_template("auth/oidc.html", handle=None, known=False), status


def _client() -> Any:
    client = current_app.extensions["kollega_oidc"]
    if client is None:
        abort(404)
    return client
