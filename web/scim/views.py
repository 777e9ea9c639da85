"""The addresses of SCIM 2.0 under `/scim/v2`."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, abort, request
from flask.typing import ResponseReturnValue

from web.caller import is_known, token_caller
from web.client_address import limit_key
from web.limits import limiter
from web.sign_in.session import must_hold

blueprint = Blueprint("scim", __name__, url_prefix="/scim/v2")
SCOPE = "scim"
_CALLS = "1800 per minute"  # of one token, as a first synchronisation of thousands of people makes: a judgement
_GUESSES = "30 per minute"  # wrong tokens from one address: a judgement
limiter.limit(_CALLS, key_func=token_caller)(blueprint)
limiter.limit(_GUESSES, key_func=limit_key, exempt_when=is_known)(blueprint)


@blueprint.before_request
def _authorise() -> None:
    """Answer 401 or 403 unless the bearer token has the scope."""
    must_hold(SCOPE)


@blueprint.get("/ServiceProviderConfig")
def config() -> ResponseReturnValue:
    """What this service can do."""
    return _answer(lambda scim: scim.described("ServiceProviderConfig"))


@blueprint.get("/<any(ResourceTypes, Schemas):what>")
@blueprint.get("/<any(ResourceTypes, Schemas):what>/<name>")
def described(what: str, name: str = "") -> ResponseReturnValue:
    """Which resources there are, with which attributes."""
    return _answer(lambda scim: scim.described(what, name))


@blueprint.get("/<any(Users, Groups):kind>")
def listed(kind: str) -> ResponseReturnValue:
    """A page of people or teams, all or by a filter."""
    return _answer(lambda scim: scim.list_of(kind))


@blueprint.post("/<any(Users, Groups):kind>/.search")
def search(kind: str) -> ResponseReturnValue:
    """The same, with what is looked for in the body."""
    return _answer(lambda scim: scim.list_of(kind, _body()))


@blueprint.post("/<any(Users, Groups):kind>")
def create(kind: str) -> ResponseReturnValue:
    """Add a person, or make a team."""
    return _answer(lambda scim: scim.create(kind, _body()))


@blueprint.get("/<any(Users, Groups):kind>/<number>")
def one(kind: str, number: str) -> ResponseReturnValue:
    """One person or team."""
    return _answer(lambda scim: scim.one(kind, number))


@blueprint.put("/<any(Users, Groups):kind>/<number>")
def replace(kind: str, number: str) -> ResponseReturnValue:
    """Make a person or team what the body says."""
    return _answer(lambda scim: scim.replace(kind, number, _body()))


@blueprint.patch("/<any(Users, Groups):kind>/<number>")
def patch(kind: str, number: str) -> ResponseReturnValue:
    """Change a person or team by operations."""
    return _answer(lambda scim: scim.patch(kind, number, _body()))


@blueprint.delete("/<any(Users, Groups):kind>/<number>")
def remove(kind: str, number: str) -> ResponseReturnValue:
    """Disable a person, or remove a team; nothing that somebody wrote is deleted."""
    return _answer(lambda scim: scim.remove(kind, number))


@blueprint.route("/<any(Bulk, Me, '.search'):what>", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
def missing(what: str) -> ResponseReturnValue:
    """501 for what SCIM knows and Kollega does not offer."""
    abort(501, f"{what} is not supported.")


def _answer(work: Callable[[Any], ResponseReturnValue]) -> ResponseReturnValue:
    """The answer of a call, which gets the module `protocol`."""
    from web.scim import protocol  # with its library, which takes a moment to load and is seldom needed

    return protocol.answered(lambda: work(protocol))


def _body() -> dict[str, object]:
    body = request.get_json()
    if not isinstance(body, dict):
        abort(400, "The body is no JSON object.")
    return body
