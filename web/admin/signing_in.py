"""How people sign in: what is set and from where, the address to register at an OpenID provider, and a test of it."""

from collections.abc import Callable
from dataclasses import dataclass

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext, ngettext

from recommender import audit
from recommender.accounts.provider import Finding, examine
from recommender.organisation.values import changed, in_environment
from recommender.settings import PREFIX
from web import current
from web.addresses import absolute
from web.admin.frame import current_admin
from web.limits import limiter

blueprint = Blueprint("admin_sign_in", __name__, url_prefix="/admin/sign-in")


@dataclass(frozen=True)
class Value:
    """A setting as it is shown: its variable, what it says in words, and where that comes from."""

    variable: str
    text: str
    origin: str


@blueprint.get("/")
def show() -> ResponseReturnValue:
    """What is set."""
    current_admin()
    return _page([])


@blueprint.post("/test")
@limiter.limit("10 per minute")
def test() -> ResponseReturnValue:
    """Ask the provider for its description and keys, and say what is wrong."""
    admin = current_admin()
    settings = current.settings()
    findings = examine(settings) if settings.oidc_issuer else []
    wrong = [finding.code for finding in findings if not finding.fine]
    audit.record(current.session(), audit.actor(current.session(), admin.id), "sign_in.tested", "settings:oidc",
                 {"wrong": wrong})  # fmt: skip
    current.session().commit()
    return _page(findings)


def _page(findings: list[Finding]) -> str:
    settings = current.settings()
    return render_template(
        "admin/sign_in.html", oidc=_oidc(), rules=_rules(), proxy=_proxy(),
        redirect_address=absolute(url_for("oidc.back")), has_public_url=bool(settings.public_url),
        has_provider=bool(settings.oidc_issuer), findings=findings, tested=request.method == "POST",
        what_was_found=what_was_found,
    )  # fmt: skip


def _oidc() -> list[Value]:
    settings = current.settings()
    secret = gettext("set, and not shown") if settings.oidc_client_secret else gettext("not set")
    return [
        _value("oidc_issuer", settings.oidc_issuer or gettext("none: people sign in with passwords")),
        _value("oidc_client_id", settings.oidc_client_id or gettext("not set")),
        _value("oidc_client_secret", secret),
        _value("oidc_name", settings.oidc_name),
        _value("oidc_claim", settings.oidc_claim),
    ]


def _proxy() -> list[Value]:
    settings = current.settings()
    return [
        _value("proxy_header", settings.proxy_header or gettext("none: no proxy signs people in")),
        _value("trusted_proxies", settings.trusted_proxies),
    ]


def _rules() -> list[Value]:
    settings = current.settings()
    second = {
        "none": gettext("nobody has to; whoever wants to can"),
        "admins": gettext("admins have to"),
        "agents": gettext("agents, team leads and admins have to"),
        "everybody": gettext("everybody has to"),
    }
    days = {"session_days": settings.session_days, "session_idle_days": settings.session_idle_days}
    anyone = gettext("yes, what is for everyone") if settings.anonymous_reading else gettext("no")
    return [
        _value("second_factor_for", second[settings.second_factor_for]),
        *(_value(name, ngettext("%(days)s day", "%(days)s days", 2 if n != 1 else 1, days=f"{n:g}"))
          for name, n in days.items()),
        _value("anonymous_reading", anyone),
    ]  # fmt: skip


def _value(name: str, text: str) -> Value:
    origin = gettext("as it is by default")
    if in_environment(current.environment(), name):
        origin = gettext("set on the server")
    elif name in changed(current.session()):
        origin = gettext("set on the page of settings")
    return Value(PREFIX + name.upper(), text, origin)


def what_was_found(finding: Finding) -> str:
    """A finding in a sentence, and what to do."""
    about = finding.about
    texts: dict[str, Callable[[], str]] = {
        "answers": lambda: gettext("%(about)s answers.", about=about),
        "issuer": lambda: gettext("It calls itself what is set here: %(about)s", about=about),
        "keys": lambda: gettext("Keys to check its signatures: %(about)s", about=about),
        "no_library": lambda: gettext("The library for this is missing. Install the extra: pip install kollega[oidc]"),
        "no_public_url": lambda: gettext("Set KOLLEGA_PUBLIC_URL, so that the provider can send people back."),
        "not_https": lambda: gettext("The address %(about)s does not begin with https://.", about=about),
        "status": lambda: gettext("Answered with an error instead of its description: %(about)s. Is the address of the"
                                  " provider complete?", about=about),
        "slow": lambda: gettext("%(about)s did not answer within 8 seconds.", about=about),
        "certificate": lambda: gettext("The certificate of %(about)s is not trusted by this server.", about=about),
        "unknown_host": lambda: gettext("There is no host called %(about)s. Look for a typing error.", about=about),
        "away": lambda: gettext("%(about)s cannot be reached. A firewall may be in the way.", about=about),
        "no_json": lambda: gettext("%(about)s is a page, not the description of a provider.", about=about),
        "other_issuer": lambda: gettext("The provider calls itself %(about)s. Write it like that in"
                                        " KOLLEGA_OIDC_ISSUER.", about=about),
        "no_endpoint": lambda: gettext("Its description lacks a safe address for %(about)s.", about=about),
        "no_pkce": lambda: gettext("It does not offer PKCE with S256, which Kollega needs."),
        "no_code": lambda: gettext("It does not offer the authorization code flow, which Kollega needs."),
        "no_claim": lambda: gettext("It does not list the claim %(about)s (KOLLEGA_OIDC_CLAIM). Some providers send"
                                    " it all the same.", about=about),
        "no_keys": lambda: gettext("It has no keys with which signatures can be checked."),
    }  # fmt: skip
    return str(texts[finding.code]())
