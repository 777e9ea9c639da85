"""Search as JSON: suggestions and colleagues for a question or a request, one item, and outcomes of suggestions."""

from typing import Any, Literal

from flask import abort
from flask.typing import ResponseReturnValue
from pydantic import BaseModel

from recommender import access
from recommender.corpus import headings, readable_items
from recommender.datatypes import Kind
from recommender.filters import Filters
from recommender.knowledge import outcomes
from recommender.render import Key, Recommended, as_json, expert_json, in_utc, related_json, suggestion_json
from web.api import answers, blueprint, schemas, sent_json, sent_query, spec
from web.current import session
from web.reading import get_item, get_request
from web.search.counting import count_once, take_back_at_once
from web.search.question import TypedQuestion, recommend, recommend_similar
from web.sign_in.session import current_reader


class TakeBack(schemas.Sent):
    """What the same person has said of an item with `/feedback`, and takes back."""

    kind: Literal["solved", "unhelpful"]
    item: Key


class TakenBack(BaseModel):
    """Whether there was something to take back."""

    taken_back: bool


@blueprint.get("/recommend")
@spec.validate(query=schemas.Question, resp=answers(HTTP_200=Recommended), tags=("search",))
def recommend_json() -> Any:
    """Suggestions and colleagues for a question in the query string."""
    return _recommend(sent_query())


@blueprint.post("/recommend")
@spec.validate(json=schemas.Question, resp=answers(sends=True, HTTP_200=Recommended), tags=("search",))
def recommend_sent() -> Any:
    """Suggestions and colleagues for a question in the body: for questions too long or too private for an address."""
    return _recommend(sent_json())


@blueprint.get("/requests/<int(min=1, max=2147483647):request_id>/similar")
@spec.validate(query=schemas.SimilarTo, resp=answers(HTTP_200=schemas.Similar), tags=("search",))
def similar_json(request_id: int) -> Any:
    """What is similar to a request: answered items, open requests, colleagues."""
    help_request, top_k = get_request(request_id), sent_query().top_k
    recommendation, similar_open = recommend_similar(help_request, current_reader(), top_k, top_k)
    return {
        "suggestions": [suggestion_json(suggestion) for suggestion in recommendation.suggestions],
        "open": [suggestion_json(suggestion) for suggestion in similar_open],
        "experts": [expert_json(expert) for expert in recommendation.experts],
    }


@blueprint.get("/items/<key>")
@spec.validate(resp=answers(HTTP_200=schemas.ItemShown), tags=("search",))
def item_json(key: str) -> Any:
    """A solved request or a guide by its key, `request:17` or `document:4`."""
    item = readable_items(session(), [key], current_reader()).get(key)
    if item is None:
        abort(404)
    usage = outcomes.usage(session(), [key], current_reader())[key]
    newer = headings(session(), [item.replaced_by], current_reader()) if item.replaced_by else {}
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
        "used": usage.used,
        "last_used_on": usage.last_on.isoformat() if usage.last_on else None,
        "replaced_by": related_json(newer.get(item.replaced_by or "")),
    }


@blueprint.post("/feedback")
@spec.validate(json=schemas.Feedback, resp=answers(sends=True, HTTP_201=schemas.Done), tags=("search",))
def feedback_json() -> ResponseReturnValue:
    """Count the outcome of a suggestion, once in 30 days for each person and item. Who sends it is not stored."""
    sent = sent_json().root
    item = get_item(sent.item, current_reader())
    answered = get_request(sent.request) if isinstance(sent, schemas.Used) else None
    if answered and not access.may_handle(answered, current_reader()):
        abort(403, "Only the team that handles a request can do that.")
    kind = outcomes.EventKind(sent.kind)
    if answered:
        outcomes.record(session(), kind, item.key, request_id=answered.id)
    else:
        count_once(kind, item.key, sent.note if isinstance(sent, schemas.Flagged) else None)
    session().commit()
    return {"counted": True}, 201


@blueprint.post("/feedback/undo")
@spec.validate(json=TakeBack, resp=answers(sends=True, HTTP_200=TakenBack), tags=("search",))
def take_back_json() -> Any:
    """Take back what the same person has said of an item in the last 30 days: that it solved a question, or that it did
    not help."""
    sent: TakeBack = sent_json()
    item = get_item(sent.item, current_reader())
    taken_back = take_back_at_once(outcomes.EventKind(sent.kind), item.key)
    session().commit()
    return {"taken_back": taken_back}


def _recommend(sent: schemas.Question) -> dict[str, Any]:
    filters = Filters(sent.team, Kind(sent.kind) if sent.kind else None, sent.language, sent.newest)
    return as_json(recommend(TypedQuestion(sent.q, sent.body), sent.top_k, filters=filters))
