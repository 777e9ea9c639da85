"""How often somebody may try to sign in. Attempts are counted so that guessing is slow, and so that nobody can lock a
colleague out.

- One name from one client: ten attempts in five minutes.
- A browser in which this person has signed in before is counted by itself (it has a cookie that says so). Whatever
  others try elsewhere, the person can go on there.
- One name from all other browsers together: some hundred attempts a day. That stops guessing from many addresses.
  Whoever is stopped by it in a new browser asks for a link to a new password.

The idea of the cookie is from the OWASP article "Slow Down Online Guessing Attacks with Device Cookies". The counts are
in this process's memory.
"""

import time

from flask import Response, current_app, request
from itsdangerous import BadSignature, URLSafeSerializer
from limits import RateLimitItem, parse

from web.client_address import limit_key
from web.limits import limiter

_BY_CLIENT = parse("10 per 5 minutes")
_BY_NAME = parse("500 per day")
_CODES = parse("10 per hour")  # a code has six digits, three of which are valid: 1 in 1,400 in a day of guessing
_RECOVERY_CODES = parse("10 per hour")
_LINKS_BY_NAME = parse("3 per hour")
_COOKIE, _YEAR = "known_browser", 365 * 24 * 3600


def seconds_to_wait_for_password(name: str) -> int:
    """Count an attempt with this name (`accounts.name_key`); the seconds until the next one when it is too many, else
    0."""
    if _knows(name):
        return _count(_BY_CLIENT, "known", request.cookies[_COOKIE])
    return _count(_BY_CLIENT, "password", name, limit_key()) or _count(_BY_NAME, "password", name)


def succeeded(name: str) -> None:
    """Forget the attempts that this client made with this name: the person has signed in."""
    limiter.limiter.clear(_BY_CLIENT, "known", request.cookies.get(_COOKIE, ""))
    limiter.limiter.clear(_BY_CLIENT, "password", name, limit_key())


def seconds_to_wait_for_own_password(person_id: int) -> int:
    """The same for the password that a person gives to change how they sign in."""
    return _count(_BY_CLIENT, "own password", str(person_id))


def seconds_to_wait_for_code(person_id: int, recovery: bool) -> int:
    """The same for the second factor. Recovery codes are counted apart, and can always be tried: they cannot be
    guessed."""
    return _count(_RECOVERY_CODES if recovery else _CODES, "recovery" if recovery else "code", str(person_id))


def code_succeeded(person_id: int) -> None:
    """Forget the codes that were tried."""
    limiter.limiter.clear(_CODES, "code", str(person_id))


def may_send_link(name: str) -> bool:
    """Count a wish for a link to a new password; False when this name has been sent enough of them."""
    return _count(_LINKS_BY_NAME, "link", name) == 0


def remember_browser(response: Response, name: str) -> Response:
    """Give the browser the cookie which says that this person has signed in with it."""
    response.set_cookie(
        _COOKIE, _serializer().dumps([name, time.time_ns()]), max_age=_YEAR, httponly=True, samesite="Lax",
        secure=current_app.config["SESSION_COOKIE_SECURE"],
    )  # fmt: skip
    return response


def _knows(name: str) -> bool:
    """True when this person has signed in with this browser before."""
    try:
        known = _serializer().loads(request.cookies.get(_COOKIE, ""))
    except BadSignature:
        return False
    return isinstance(known, list) and len(known) == 2 and known[0] == name


def _serializer() -> URLSafeSerializer:
    return URLSafeSerializer(str(current_app.secret_key), salt="known browser")


def _count(limit: RateLimitItem, *key: str) -> int:
    if limiter.limiter.hit(limit, *key):
        return 0
    return max(1, int(limiter.limiter.get_window_stats(limit, *key).reset_time - time.time()) + 1)
