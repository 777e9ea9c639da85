"""How often somebody may try to sign in. Attempts are counted so that guessing is slow, and so that nobody can lock a
colleague out.

- One name from one client: ten attempts in five minutes, fifty a day.
- A browser in which this person has signed in before is counted by itself (it has a cookie that says so). Whatever
  others try elsewhere, the person can go on there.
- One name from all other browsers together: some hundred attempts a day. That stops guessing from many addresses; one
  client can use up a tenth of it. Whoever is stopped by it in a new browser asks for a link to a new password: the
  counts are of one password, and begin anew with another one.
- One client: thirty wrong passwords a minute, whatever the names.

The idea of the cookie is from the OWASP article "Slow Down Online Guessing Attacks with Device Cookies". Where the
counts are is said in `web/limits.py`.
"""

import hashlib
import time

from flask import Response, current_app, request
from itsdangerous import BadSignature, URLSafeSerializer
from limits import RateLimitItem, parse

from recommender import accounts
from recommender.database.tables import Person
from web import current
from web.client_address import limit_key
from web.limits import limiter

_BY_CLIENT, _BY_CLIENT_DAILY = parse("10 per 5 minutes"), parse("50 per day")
_BY_NAME = parse("500 per day")
_WRONG_BY_ADDRESS = parse("30 per minute")
_CODES = parse("10 per hour")  # a code has six digits, three of which are valid: 1 in 1,400 in a day of guessing
_LINKS_BY_NAME = parse("3 per hour")
_COOKIE, _YEAR = "known_browser", 365 * 24 * 3600


def seconds_to_wait_for_password(name: str) -> int:
    """Count an attempt with this name (`accounts.name_key`); the seconds until the next one when it is too many, else
    0."""
    if browser := _known_browser(name):
        return _count_twice("known", browser)
    if not limiter.limiter.test(_WRONG_BY_ADDRESS, "wrong", limit_key()):
        return _seconds(_WRONG_BY_ADDRESS, "wrong", limit_key())
    counted = _of_password(name)
    return _count_twice("password", counted, limit_key()) or _count(_BY_NAME, "password", counted)


def failed(name: str) -> None:
    """Count that the password was wrong."""
    if not _known_browser(name):
        limiter.limiter.hit(_WRONG_BY_ADDRESS, "wrong", limit_key())


def succeeded(name: str) -> None:
    """Forget the attempts that this client made with this name: the person has signed in."""
    _forget("known", _known_browser(name))
    _forget("password", _of_password(name), limit_key())


def seconds_to_wait_for_own_password(person_id: int) -> int:
    """The same for the password that a person gives to change how they sign in."""
    return _count_twice("own password", str(person_id))


def seconds_to_wait_for_code(person: Person) -> int:
    """The same for the codes of an authenticator app. A browser in which the person has signed in before is counted by
    itself here too. Recovery codes are not counted: they cannot be guessed."""
    return _count(_CODES, "code", *_guesser(person))


def code_succeeded(person: Person) -> None:
    """Forget the codes that were tried."""
    limiter.limiter.clear(_CODES, "code", *_guesser(person))


def seconds_to_wait_for_set_up() -> int:
    """The seconds until this client may give the code of the set-up again, when it gave too many wrong ones; else 0.
    Each client is counted by itself, so that nobody can keep others from it."""
    return 0 if limiter.limiter.test(_BY_CLIENT, "set up", limit_key()) else _seconds(_BY_CLIENT, "set up", limit_key())


def set_up_code_failed() -> None:
    """Count that the code of the set-up was wrong."""
    limiter.limiter.hit(_BY_CLIENT, "set up", limit_key())


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


def _known_browser(name: str) -> str:
    """What is signed in the cookie of a browser with which this person has signed in before; else empty. The cookie
    itself is no key: one can be written in many ways."""
    try:
        known = _serializer().loads(request.cookies.get(_COOKIE, ""))
    except BadSignature:
        return ""
    return str(known[1]) if isinstance(known, list) and len(known) == 2 and known[0] == name else ""


def _guesser(person: Person) -> tuple[str, str]:
    return str(person.id), _known_browser(accounts.name_key(None, person.handle))


def _of_password(name: str) -> str:
    """A digest of the name and of the hash of its password, which changes with the password. It is that of the user
    name in small letters, so that all ways to write a name, known or not, count as one."""
    account = accounts.find(current.session(), name)
    password_hash = account.password_hash if account is not None else None
    return hashlib.sha256(f"{password_hash or ''} {name}".encode("utf-8", "replace")).hexdigest()[:32]


def _serializer() -> URLSafeSerializer:
    return URLSafeSerializer(str(current_app.secret_key), salt="known browser")


def _count_twice(*key: str) -> int:
    return _count(_BY_CLIENT, *key) or _count(_BY_CLIENT_DAILY, *key)


def _forget(*key: str) -> None:
    limiter.limiter.clear(_BY_CLIENT, *key)
    limiter.limiter.clear(_BY_CLIENT_DAILY, *key)


def _count(limit: RateLimitItem, *key: str) -> int:
    return 0 if limiter.limiter.hit(limit, *key) else _seconds(limit, *key)


def _seconds(limit: RateLimitItem, *key: str) -> int:
    return max(1, int(limiter.limiter.get_window_stats(limit, *key).reset_time - time.time()) + 1)
