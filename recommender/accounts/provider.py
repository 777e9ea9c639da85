"""Asks the OpenID provider of the settings what it says of itself, and finds what would keep people from signing in."""

from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from recommender.settings import Settings

if TYPE_CHECKING:
    import httpx

DISCOVERY = "/.well-known/openid-configuration"
AWAY = ("slow", "certificate", "unknown_host", "away")
"""Codes of findings that say that the provider cannot be reached."""
OTHER = ("not_https", "status", "no_json", "other_issuer")
"""Codes of findings that say that something else answers than the provider that is set."""
_SECONDS = 8  # that the provider may take to answer, each time: a judgement
_LOCAL = ("localhost", "127.0.0.1", "::1")
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `code` says what was found, `about` what it is about: an address, a name, a
    status; never a secret."""

    fine: bool
    code: str
    about: str = ""


def examine(settings: Settings) -> list[Finding]:
    """Fetch the provider's description and keys, and compare them with the settings; the first fault that makes all
    others moot ends it. What needs a person to sign in is not tried."""
    import httpx  # takes long to import, and is seldom needed

    issuer = settings.oidc_issuer.rstrip("/")
    findings = [] if find_spec("authlib") else [Finding(False, "no_library")]
    if not settings.public_url:
        findings.append(Finding(False, "no_public_url"))
    if not _is_safe(issuer):
        return [*findings, Finding(False, "not_https", issuer)]
    with httpx.Client(timeout=_SECONDS, follow_redirects=False) as client:
        described = _json(client, issuer + DISCOVERY)
        if isinstance(described, Finding):
            return [*findings, described]
        findings += _of_description(described, settings)
        keys = described.get("jwks_uri")
        if isinstance(keys, str) and _is_safe(keys):
            found = _json(client, keys)
            findings.append(found if isinstance(found, Finding) else _of_keys(found))
    return findings


def _of_description(described: dict[str, Any], settings: Settings) -> list[Finding]:
    findings = [Finding(True, "answers", settings.oidc_issuer)]
    named = str(described.get("issuer") or "")
    same = named.rstrip("/") == settings.oidc_issuer.rstrip("/")
    findings.append(Finding(same, "issuer" if same else "other_issuer", named))
    for name in _ENDPOINTS:
        address = described.get(name)
        if not isinstance(address, str) or not _is_safe(address):
            findings.append(Finding(False, "no_endpoint", name))
    if "S256" not in described.get("code_challenge_methods_supported", ["S256"]):
        findings.append(Finding(False, "no_pkce"))
    if "code" not in described.get("response_types_supported", ["code"]):
        findings.append(Finding(False, "no_code"))
    claims = described.get("claims_supported")
    if isinstance(claims, list) and settings.oidc_claim not in claims:
        findings.append(Finding(False, "no_claim", settings.oidc_claim))
    return findings


def _of_keys(found: dict[str, Any]) -> Finding:
    """Whether there are keys with which signatures can be checked."""
    keys = found.get("keys")
    usable = [
        key
        for key in (keys if isinstance(keys, list) else [])
        if isinstance(key, dict) and key.get("kty") in ("RSA", "EC", "OKP") and key.get("use", "sig") == "sig"
    ]
    return Finding(True, "keys", str(len(usable))) if usable else Finding(False, "no_keys")


def _json(client: "httpx.Client", address: str) -> dict[str, Any] | Finding:
    """The JSON object at an address, or what is wrong."""
    import httpx

    try:
        answer = client.get(address)
        if answer.status_code != 200:
            return Finding(False, "status", f"{answer.status_code} {address}")
        body = answer.json()
    except httpx.TimeoutException:
        return Finding(False, "slow", address)
    except httpx.HTTPError as error:
        return Finding(False, _reason(error), urlsplit(address).hostname or address)
    except (ValueError, httpx.InvalidURL):
        return Finding(False, "no_json", address)
    return body if isinstance(body, dict) else Finding(False, "no_json", address)


def _reason(error: "httpx.HTTPError") -> str:
    """Why an address does not answer, as far as the error says it."""
    text = str(error).lower()
    if "certificate" in text or "ssl" in text:
        return "certificate"
    if "name or service" in text or "name resolution" in text or "nodename" in text or "getaddrinfo" in text:
        return "unknown_host"
    return "away"


def _is_safe(address: str) -> bool:
    try:
        parts = urlsplit(address)
        return bool(parts.hostname) and (parts.scheme == "https" or parts.hostname in _LOCAL)
    except ValueError:
        return False
