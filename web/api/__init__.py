"""The pages' content as JSON, under `/api/v1`, for bearer tokens; its OpenAPI document is `/api/v1/openapi.json`.

Here is what all operations share: the blueprint, errors, rate limit, authorisation. The operations are in the modules
beside, which add themselves to the blueprint when `web/app.py` imports them.
"""

import hashlib
from typing import Any

from flask import Blueprint, Flask, abort, jsonify, request
from flask.typing import ResponseReturnValue
from pydantic import ValidationError
from spectree import Response as Answers
from spectree import SecurityScheme, SpecTree
from spectree.models import SecureType, SecuritySchemeData

from web import current
from web.api import schemas
from web.limits import limiter
from web.sign_in.session import current_person, current_reader, must_hold

blueprint = Blueprint("api", __name__, url_prefix="/api/v1")
_READING = ("GET", "HEAD", "OPTIONS")
_BEARER = "bearer"


def _refuse(_request: Any, _response: Any, error: Any, _instance: Any, *_more: Any) -> None:
    """422 naming the field, in the shape of all errors."""
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        empty = first["type"] == "string_pattern_mismatch" and first["ctx"]["pattern"] == schemas.NOT_EMPTY
        what = "must hold more than spaces" if empty else first["msg"]
        abort(422, f"{'.'.join(map(str, first['loc'])) or 'the body'}: {what}")


spec = SpecTree(
    "flask",
    title="Kollega",
    description="Answers your organisation has already given, and the colleagues who know.",
    version="1",
    mode="strict",
    path="openapi",  # where it would serve pages of its own; the routes below it would be left out of the document
    page_templates={},
    annotations=False,
    before=_refuse,
    security_schemes=[SecurityScheme(name=_BEARER, data=SecuritySchemeData(type=SecureType.HTTP, scheme="bearer"))],
    security={_BEARER: []},
    validation_error_status=422,
    naming_strategy=lambda model: model.__name__,  # else a hash of the module's name: it would change with every move
)


def attach(app: Flask) -> None:
    """Let the OpenAPI document be made from this application's routes."""
    spec.app = app


def answers(*, sends: bool = False, **results: Any) -> Answers:
    """The answers an operation gives: its `results`, such as HTTP_200=schema, and the errors that any may give. `sends`
    says that it reads a body."""
    errors = ["HTTP_401", "HTTP_403", "HTTP_404", "HTTP_422", "HTTP_429"]
    errors += ["HTTP_400", "HTTP_409", "HTTP_413", "HTTP_415"] if sends else []
    return Answers(**results, **dict.fromkeys(errors, schemas.Problem))


def sent_query() -> Any:
    """The values of the address, checked by the operation's schema."""
    return request.context.query  # type: ignore[attr-defined]


def sent_json() -> Any:
    """The body, checked by the operation's schema."""
    return request.context.json  # type: ignore[attr-defined]


def _rate() -> str:
    return current.settings().api_rate


def _caller() -> str:
    """Whose calls are counted together: those with one token, else those from one address."""
    bearer = request.headers.get("Authorization", "")
    return hashlib.sha256(bearer.encode()).hexdigest() if bearer else str(request.remote_addr)


limiter.limit(_rate, key_func=_caller)(blueprint)


@blueprint.before_request
def _authorise() -> None:
    """401 or 403 unless the token may do this; without one, only reading, and where the settings allow it."""
    if request.endpoint == "api.openapi":
        return
    reading = request.method in _READING or request.endpoint == "api.recommend_sent"
    if reading and current_person() is None:
        current_reader()
    else:
        must_hold("read" if reading else "write")
    if request.method == "POST":
        request.get_json()  # 415 or 400 when it is none


@blueprint.get("/openapi.json")
def openapi() -> ResponseReturnValue:
    """What the API offers, as OpenAPI 3.1; the same for everybody."""
    return jsonify(spec.spec)
