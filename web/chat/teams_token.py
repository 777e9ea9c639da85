"""Checks the token (JWT) with which the Bot Framework calls. Needs the extra `teams`."""

from functools import lru_cache

import jwt

_ISSUER = "https://api.botframework.com"
_LEEWAY = 300  # seconds that clocks may differ, as the Bot Framework documents


@lru_cache(maxsize=4)
def keys_at(address: str) -> jwt.PyJWKClient:
    """The keys that are published at an address: fetched when they are first needed, and kept for an hour."""
    return jwt.PyJWKClient(address, lifespan=3600, timeout=10)


def is_valid(token: str, app_id: str, keys: str, service: str) -> bool:
    """True for a token that was signed with one of the keys, for this app and the service that calls (its address), and
    has not expired."""
    try:
        key = keys_at(keys).get_signing_key_from_jwt(token)
        claims = jwt.decode(
            token, key.key, algorithms=["RS256"], audience=app_id, issuer=_ISSUER, leeway=_LEEWAY,
            options={"require": ["exp", "iss", "aud"]},
        )  # fmt: skip
    except jwt.PyJWTError:
        return False
    return bool(service) and service in (claims.get("serviceurl"), claims.get("serviceUrl"))
