"""Who makes a request, as a key for counting, whether they still wait for it, and how often they may search."""

from collections.abc import Callable

from flask import request
from flask_limiter import RouteLimit
from limits import parse_many
from werkzeug.exceptions import Unauthorized

from web import current
from web.client_address import limit_key
from web.limits import limiter
from web.sign_in.session import current_person

_SCOPE = "search"


def caller() -> str:
    """The person who has signed in or whose token was sent, else the address. 401 for an unknown token."""
    person = current_person()
    return f"person:{person.id}" if person is not None else f"address:{limit_key()}"


def token_caller() -> str:
    """The key for the rate limit of calls with a token: those with the tokens of one person are counted together,
    however the header is written; calls without a token, or with an unknown one, by address."""
    return caller() if is_known() else f"unknown:{limit_key()}"


def is_known() -> bool:
    """False when the request has a bearer token that nobody has."""
    try:
        current_person()
    except Unauthorized:
        return False
    return True


def client_has_left() -> bool:
    """True when the client has closed its connection while its request waited for a free thread. Only the server of
    `kollega serve` knows that; under another one this is always False."""
    has_left = request.environ.get("waitress.client_disconnected")
    return has_left is not None and bool(has_left())


def _search_rate() -> str:
    settings = current.settings()
    return settings.search_rate if current_person() is not None else settings.visitor_search_rate


def _asks_nothing() -> bool:
    return not any(request.values.get(name, "").strip() for name in ("q", "body"))


def search_limit_unless(searches_nothing: Callable[[], bool]) -> RouteLimit:
    """`search_limit` for a page that does not always search."""
    return limiter.shared_limit(
        _search_rate, scope=_SCOPE, key_func=caller, exempt_when=lambda: _asks_nothing() or searches_nothing()
    )


search_limit = search_limit_unless(lambda: False)
"""Limits how often one person searches, on all pages together: the answer is 429."""


def may_search() -> bool:
    """Count a search that a page makes beside what was asked for, in the same limit. False when it is one too many;
    then the page is shown without what would have been found."""
    return not limiter.enabled or all(
        [limiter.limiter.hit(limit, caller(), _SCOPE) for limit in parse_many(_search_rate())]
    )
