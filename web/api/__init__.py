"""The same as JSON, under `/api/v1`, for bearer tokens; its OpenAPI document is `/api/v1/openapi.json`."""

import hashlib
from typing import Any

from flask import Blueprint, Flask, abort, jsonify, request
from flask.typing import ResponseReturnValue
from pydantic import ValidationError
from spectree import Response as Answers
from spectree import SecurityScheme, SpecTree
from spectree.models import SecureType, SecuritySchemeData
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload, selectinload

from recommender import access
from recommender.corpus import readable_items
from recommender.database.tables import HelpRequest, Person, Reply, Team
from recommender.knowledge import outcomes, requests
from recommender.render import as_json, expert_json, in_utc, suggestion_json
from web import current, panel
from web.api import schemas
from web.ask import Question, recommend
from web.current import session
from web.documents import get_document
from web.limits import limiter
from web.people import get_profile
from web.requests import get_request
from web.sign_in.session import current_person, current_reader, must_hold, signed_in

blueprint = Blueprint("api", __name__, url_prefix="/api/v1")
_PAGE = 50
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
)


def attach(app: Flask) -> None:
    """Let the OpenAPI document be made from this application's routes."""
    spec.app = app


def _answers(*, sends: bool = False, **found: Any) -> Answers:
    """The answers an operation gives: its own, and the errors that any may give."""
    errors = ["HTTP_401", "HTTP_403", "HTTP_404", "HTTP_422", "HTTP_429"]
    errors += ["HTTP_400", "HTTP_409", "HTTP_413", "HTTP_415"] if sends else []
    return Answers(**found, **dict.fromkeys(errors, schemas.Problem))


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


@blueprint.get("/recommend")
@spec.validate(query=schemas.Question, resp=_answers(HTTP_200=schemas.Recommended), tags=("search",))
def recommend_json() -> Any:
    """Suggestions and colleagues for a question in the address."""
    return _recommend(request.context.query)  # type: ignore[attr-defined]


@blueprint.post("/recommend")
@spec.validate(json=schemas.Question, resp=_answers(sends=True, HTTP_200=schemas.Recommended), tags=("search",))
def recommend_sent() -> Any:
    """The same for a question that is too long or too private for an address."""
    return _recommend(request.context.json)  # type: ignore[attr-defined]


@blueprint.get("/requests/<int(min=1, max=2147483647):request_id>/similar")
@spec.validate(query=schemas.SimilarTo, resp=_answers(HTTP_200=schemas.Similar), tags=("search",))
def similar_json(request_id: int) -> Any:
    """What is like a request: answered items, open requests, colleagues."""
    found, reader = get_request(request_id), current_reader()
    top_k = request.context.query.top_k  # type: ignore[attr-defined]
    recommended, similar = panel.similar(found, reader, top_k, top_k)
    return {
        "suggestions": [suggestion_json(each) for each in recommended.suggestions],
        "open": [suggestion_json(each) for each in similar],
        "experts": [expert_json(each) for each in recommended.experts],
    }


@blueprint.get("/items/<key>")
@spec.validate(resp=_answers(HTTP_200=schemas.ItemShown), tags=("search",))
def item_json(key: str) -> Any:
    """A resolved request or a document by its key, `request:17` or `document:4`."""
    item = readable_items(session(), [key], current_reader()).get(key)
    if item is None:
        abort(404)
    counted = outcomes.usage(session(), [key])[key]
    return {
        "item": item.key,
        "kind": item.kind.value,
        "title": item.title,
        "body": item.body,
        "answer": item.answer,
        "language": item.language,
        "team": item.team,
        "at": in_utc(item.at),
        "url": item.url,
        "used": counted.used,
        "last_used_on": counted.last_on.isoformat() if counted.last_on else None,
    }


@blueprint.get("/requests")
@spec.validate(query=schemas.RequestFilter, resp=_answers(HTTP_200=schemas.RequestPage), tags=("requests",))
def requests_json() -> Any:
    """Requests that the reader may read, newest first."""
    wanted: schemas.RequestFilter = request.context.query  # type: ignore[attr-defined]
    reader = current_reader()
    where = [HelpRequest.hidden.is_(False), access.readable_requests(reader)]
    if wanted.status:
        where.append(HelpRequest.status == wanted.status)
    if wanted.team is not None:
        where.append(HelpRequest.team.has(Team.handle == wanted.team))
    if wanted.mine:
        where.append(HelpRequest.asked_by_id == reader.person_id)
    query = select(HelpRequest).where(*where).order_by(HelpRequest.created_at.desc(), HelpRequest.id.desc())
    query = query.options(
        joinedload(HelpRequest.asked_by), joinedload(HelpRequest.assigned_to), selectinload(HelpRequest.audience)
    )
    rows = session().scalars(query.limit(_PAGE).offset((wanted.page - 1) * _PAGE))
    return {
        "total": session().scalar(select(func.count()).select_from(HelpRequest).where(*where)),
        "page": wanted.page,
        "requests": [_summary(row) for row in rows],
    }


@blueprint.post("/requests")
@spec.validate(json=schemas.NewRequest, resp=_answers(sends=True, HTTP_201=schemas.RequestShown), tags=("requests",))
def file_json() -> ResponseReturnValue:
    """Send a request to a team, or to none in particular."""
    sent: schemas.NewRequest = request.context.json  # type: ignore[attr-defined]
    team = None
    if sent.team is not None:
        team = session().scalar(select(Team).where(Team.handle == sent.team))
        if team is None:
            abort(404, f"There is no team {sent.team!r}.")
    shared = sent.everyone if sent.everyone is not None else team is not None and not team.restricted
    attempts = dict.fromkeys(sent.shown, False) | dict.fromkeys(sent.opened, True)
    readable = readable_items(session(), attempts, current_reader())
    filed = requests.file_request(
        session(),
        signed_in(),
        sent.title,
        sent.body,
        current.recommender().language_of(f"{sent.title}\n{sent.body}"),
        team,
        shared=shared,
        anonymous=sent.anonymous,
        attempts=[(key, opened) for key, opened in attempts.items() if key in readable],
    )
    session().commit()
    return _whole(filed), 201


@blueprint.get("/requests/<int(min=1, max=2147483647):request_id>")
@spec.validate(resp=_answers(HTTP_200=schemas.RequestShown), tags=("requests",))
def request_json(request_id: int) -> Any:
    """One request with its replies."""
    return _whole(get_request(request_id))


@blueprint.post("/requests/<int(min=1, max=2147483647):request_id>/replies")
@spec.validate(json=schemas.NewReply, resp=_answers(sends=True, HTTP_201=schemas.RequestShown), tags=("requests",))
def reply_json(request_id: int) -> ResponseReturnValue:
    """Add a reply, perhaps as the one that solves it. A reply to a resolved request reopens it."""
    sent: schemas.NewReply = request.context.json  # type: ignore[attr-defined]
    found, reader = get_request(request_id), current_reader()
    unseen = panel.hidden_links(sent.body, found, reader)
    if unseen and not sent.sure:
        abort(409, "Not everyone who reads this request may read what you link to. Send it with sure: true.")
    if sent.resolve and not requests.may_resolve(found, reader):
        abort(403, "Only the person who asked and the team that handles it can resolve a request.")
    if sent.resolve and found.status == "resolved":
        abort(409, "Somebody else has resolved this request meanwhile.")
    made = requests.reply(session(), found, signed_in(), sent.body)
    if sent.resolve:
        requests.resolve(session(), found, reader, made)
    session().commit()
    return _whole(get_request(request_id)), 201


@blueprint.post("/requests/<int(min=1, max=2147483647):request_id>/resolve")
@spec.validate(json=schemas.Solution, resp=_answers(sends=True, HTTP_200=schemas.RequestShown), tags=("requests",))
def resolve_json(request_id: int) -> Any:
    """Resolve it with a reply that is there already; 409 when somebody else was first."""
    sent: schemas.Solution = request.context.json  # type: ignore[attr-defined]
    found = get_request(request_id)
    solution = next((each for each in found.replies if each.id == sent.reply), None)
    if solution is None:
        abort(404, "This request has no such reply.")
    requests.resolve(session(), found, current_reader(), solution)
    session().commit()
    return _whole(get_request(request_id))


@blueprint.post("/feedback")
@spec.validate(json=schemas.Feedback, resp=_answers(sends=True, HTTP_201=schemas.Done), tags=("search",))
def feedback_json() -> ResponseReturnValue:
    """Count what became of an item, without whose."""
    sent = request.context.json.root  # type: ignore[attr-defined]
    item = panel.get_item(sent.item, current_reader())
    if item is None:
        abort(404)
    answered = get_request(sent.request) if isinstance(sent, schemas.Used) else None
    if answered and not access.may_handle(answered, current_reader()):
        abort(403, "Only the team that handles a request can do that.")
    note = sent.note if isinstance(sent, schemas.Flagged) else None
    number = answered.id if answered else None
    outcomes.record(session(), outcomes.EventKind(sent.kind), item.key, request_id=number, note=note)
    session().commit()
    return {"counted": True}, 201


@blueprint.get("/documents/<int(min=1, max=2147483647):document_id>")
@spec.validate(resp=_answers(HTTP_200=schemas.DocumentShown), tags=("documents",))
def document_json(document_id: int) -> Any:
    """One document, its body in Markdown."""
    found = get_document(document_id)
    if found.hidden:
        abort(404)
    return {
        "id": found.id,
        "title": found.title,
        "body": found.body,
        "language": found.language,
        "team": found.team.handle if found.team else None,
        "owner": _handle(found.owner),
        "written_at": in_utc(found.written_at),
        "verified_on": found.verified_on.isoformat() if found.verified_on else None,
        "draft": found.draft,
        "url": found.url,
    }


@blueprint.get("/people/<handle>")
@spec.validate(resp=_answers(HTTP_200=schemas.PersonShown), tags=("people",))
def person_json(handle: str) -> Any:
    """One person and what they have resolved."""
    found = get_profile(handle)
    return {
        "handle": found.person.handle,
        "name": found.person.name,
        "teams": [team.handle for team in found.person.teams],
        "languages": found.person.languages,
        "left": found.left,
        "away_until": found.person.away_until.isoformat() if found.away and found.person.away_until else None,
        "resolved": [{"id": row.id, "title": row.title} for row in found.resolved],
        "documents": [{"id": row.id, "title": row.title} for row in found.documents],
    }


def _recommend(sent: schemas.Question) -> dict[str, Any]:
    return as_json(recommend(Question(sent.q, sent.body), sent.top_k))


def _summary(found: HelpRequest) -> dict[str, Any]:
    reader = current_reader()
    return {
        "id": found.id,
        "title": found.title,
        "status": found.status,
        "language": found.language,
        "team": found.team.handle if found.team else None,
        "asked_by": _handle(access.asker(found, reader)),
        "assigned_to": _handle(found.assigned_to),
        "everyone": access.EVERYONE in access.request_audience(found),
        "created_at": in_utc(found.created_at),
        "resolved_at": in_utc(found.resolved_at) if found.resolved_at else None,
    }


def _whole(found: HelpRequest) -> dict[str, Any]:
    return _summary(found) | {
        "body": found.body,
        "resolution": found.resolution,
        "tags": found.tags,
        "url": found.url,
        "replies": [_reply(reply) for reply in found.replies],
    }


def _reply(reply: Reply) -> dict[str, Any]:
    return {
        "id": reply.id,
        "author": _handle(access.author(reply, current_reader())),
        "body": reply.body,
        "created_at": in_utc(reply.created_at),
        "accepted": reply.accepted,
    }


def _handle(person: Person | None) -> str | None:
    return person.handle if person else None
