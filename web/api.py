"""The same as JSON, under `/api/v1`, and `/health` for those who watch over the server."""

from typing import Any

from flask import Blueprint, abort, current_app, jsonify, request
from flask.typing import ResponseReturnValue

from recommender.models import Person, Reply
from recommender.recommender import SHOWN, Recommender
from recommender.render import as_json
from web.ask import Question, recommend
from web.documents import get_document
from web.people import get_profile
from web.requests import get_request

blueprint = Blueprint("api", __name__)


@blueprint.route("/api/v1/recommend", methods=["GET", "POST"])
def recommend_json() -> ResponseReturnValue:
    """{question, language, verdict, suggestions, experts}; from `q`, `body`, `top_k` in the query string or as JSON."""
    values: Any = request.get_json() if request.method == "POST" else request.args
    if not isinstance(values, dict):
        abort(400, "Send a JSON object with q.")
    question = Question(str(values.get("q") or "").strip(), str(values.get("body") or "").strip())
    if not question.text:
        abort(400, "Give a question in q.")
    try:
        wanted = values.get("top_k")
        top_k = SHOWN if wanted is None else int(wanted)
    except (TypeError, ValueError, OverflowError):
        top_k = 0
    if not 1 <= top_k <= 50:
        abort(400, "top_k is a number from 1 to 50.")
    return jsonify(as_json(recommend(question, top_k)))


@blueprint.get("/api/v1/requests/<int(max=2147483647):request_id>")
def request_json(request_id: int) -> ResponseReturnValue:
    """One request with its replies."""
    found = get_request(request_id)
    return jsonify(
        id=found.id,
        title=found.title,
        body=found.body,
        status=found.status,
        language=found.language,
        team=found.team.handle if found.team else None,
        asked_by=_handle(found.asked_by),
        created_at=found.created_at.isoformat(),
        resolved_at=found.resolved_at.isoformat() if found.resolved_at else None,
        resolution=found.resolution,
        tags=found.tags,
        url=found.url,
        replies=[_reply(reply) for reply in found.replies],
    )


@blueprint.get("/api/v1/documents/<int(max=2147483647):document_id>")
def document_json(document_id: int) -> ResponseReturnValue:
    """One document, its body in Markdown."""
    found = get_document(document_id)
    return jsonify(
        id=found.id,
        title=found.title,
        body=found.body,
        language=found.language,
        team=found.team.handle if found.team else None,
        owner=_handle(found.owner),
        written_at=found.written_at.isoformat(),
        verified_on=found.verified_on.isoformat() if found.verified_on else None,
        url=found.url,
    )


@blueprint.get("/api/v1/people/<handle>")
def person_json(handle: str) -> ResponseReturnValue:
    """One person and what they have resolved."""
    found = get_profile(handle)
    return jsonify(
        handle=found.person.handle,
        name=found.person.name,
        teams=[team.handle for team in found.person.teams],
        languages=found.person.languages,
        left=found.left,
        away_until=found.person.away_until.isoformat() if found.away and found.person.away_until else None,
        resolved=[{"id": row.id, "title": row.title} for row in found.resolved],
        documents=[{"id": row.id, "title": row.title} for row in found.documents],
    )


@blueprint.get("/health")
def health() -> ResponseReturnValue:
    """200 when questions can be answered, 503 when there is no index."""
    recommender: Recommender = current_app.extensions["kollega_recommender"]
    recommender.refresh()
    ready = recommender.index is not None
    return jsonify(ready=ready), 200 if ready else 503


def _reply(reply: Reply) -> dict[str, Any]:
    return {
        "author": _handle(reply.author),
        "body": reply.body,
        "created_at": reply.created_at.isoformat(),
        "accepted": reply.accepted,
    }


def _handle(person: Person | None) -> str | None:
    return person.handle if person else None
