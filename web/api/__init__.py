"""The pages' content as JSON, under `/api/v1`, for bearer tokens; its OpenAPI document is `/api/v1/openapi.json`.

This module has what all operations share: the blueprint, errors, rate limit, authorisation. The operations are in the
other modules of this folder, which add themselves to the blueprint when `web/app.py` imports them.
"""

from typing import Any

from flask import Blueprint, Flask, abort, jsonify, request
from flask.typing import ResponseReturnValue
from pydantic import ValidationError
from spectree import Response as Answers
from spectree import SecurityScheme, SpecTree
from spectree.models import SecureType, SecuritySchemeData

from recommender.errors import wrong_value
from web import current
from web.api import schemas
from web.caller import is_known, token_caller
from web.client_address import limit_key
from web.limits import limiter
from web.sign_in.session import current_person, current_reader, must_hold

blueprint = Blueprint("api", __name__, url_prefix="/api/v1")
_READING = ("GET", "HEAD", "OPTIONS")
_LOADING = ("api.load_json", "api.delete_json", "api.job_json")
_BEARER = "bearer"
_GUESSES = "30 per minute"  # wrong tokens from one address: a judgement


def _refuse(_request: Any, _response: Any, error: Any, _instance: Any, *_more: Any) -> None:
    """Answer 422 with the name of the field, in the form of all errors."""
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        abort(422, f"{'.'.join(map(str, first['loc'])) or 'the body'}: {wrong_value(first)}")


class _Spec(SpecTree):
    """Makes the schemas of the models for the document, when that is first asked for: for each operation anew, it takes
    a third of a second."""

    def __init__(self, *given: Any, **options: Any) -> None:
        self._of_operations: list[tuple[Any, Any]] = []
        super().__init__(*given, **options)

    def _add_model(self, model: Any, mode: Any = "validation") -> str:
        self._of_operations.append((model, mode))
        return str(self.naming_strategy(model))

    def _generate_spec(self) -> dict[str, Any]:
        for model, mode in self._of_operations:
            super()._add_model(model, mode)
        return super()._generate_spec()


spec = _Spec(
    "flask",
    title="Kollega",
    description="Answers your organisation has already given, and the colleagues who know.",
    version="1",
    mode="strict",
    path="openapi",  # of spectree's own pages, which are off; routes under it would be left out of the document
    page_templates={},
    annotations=False,
    before=_refuse,
    security_schemes=[SecurityScheme(name=_BEARER, data=SecuritySchemeData(type=SecureType.HTTP, scheme="bearer"))],
    security={_BEARER: []},
    validation_error_status=422,
    naming_strategy=lambda model: (
        model.__name__
    ),  # by default with a hash of the module's name, which changes when a class moves
)


def attach(app: Flask) -> None:
    """Make the OpenAPI document from the routes of this application."""
    spec.app = app


def answers(*, sends: bool = False, **results: Any) -> Answers:
    """The answers of an operation: its `results`, such as HTTP_200=schema, and the errors that every operation may
    give. `sends` is True when the client sends a body."""
    errors = ["HTTP_401", "HTTP_403", "HTTP_404", "HTTP_422", "HTTP_429"]
    errors += ["HTTP_400", "HTTP_409", "HTTP_413", "HTTP_415"] if sends else []
    return Answers(**results, **dict.fromkeys(errors, schemas.Problem))


def sent_query() -> Any:
    """The query string, validated by the operation's schema."""
    return request.context.query  # type: ignore[attr-defined]


def sent_json() -> Any:
    """The JSON body, validated by the operation's schema."""
    return request.context.json  # type: ignore[attr-defined]


def _rate() -> str:
    return current.settings().api_rate


limiter.limit(_rate, key_func=token_caller)(blueprint)
limiter.limit(_GUESSES, key_func=limit_key, exempt_when=is_known)(blueprint)


@blueprint.before_request
def _authorise() -> None:
    """Answer 401 or 403 unless the token allows this call. Without a token only reading is possible, if the settings
    allow it."""
    if request.endpoint == "api.openapi":
        return
    reading = request.method in _READING or request.endpoint == "api.recommend_sent"
    if request.endpoint in _LOADING:
        must_hold("load")
    elif reading and current_person() is None:
        current_reader()
    else:
        must_hold("read" if reading else "write")
    if request.method == "POST":
        request.get_json()  # answers 415 or 400 when the body is not JSON


@blueprint.get("/openapi.json")
def openapi() -> ResponseReturnValue:
    """The API as an OpenAPI 3.1 document, which is the same for everybody."""
    return jsonify(spec.spec)
