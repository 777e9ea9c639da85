"""Requests as JSON: list, send, read, reply to and resolve them."""

from typing import Any

from flask import abort
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload, selectinload

from recommender import access
from recommender.corpus import readable_items
from recommender.database.tables import HelpRequest, Reply, Team
from recommender.errors import Conflict
from recommender.knowledge import requests
from recommender.render import in_utc
from web import current, once
from web.api import answers, blueprint, schemas, sent_json, sent_query, spec
from web.current import session
from web.reading import get_request
from web.requests.quoting import hidden_links
from web.search.counting import request_sent
from web.sign_in.session import current_reader, signed_in

_PAGE = 50  # requests on a page: a judgement


@blueprint.get("/requests")
@spec.validate(query=schemas.RequestFilter, resp=answers(HTTP_200=schemas.RequestPage), tags=("requests",))
def requests_json() -> Any:
    """Requests that the reader may read, newest first."""
    wanted: schemas.RequestFilter = sent_query()
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
@spec.validate(
    headers=schemas.Repeatable,
    json=schemas.NewRequest,
    resp=answers(sends=True, HTTP_201=schemas.RequestShown),
    tags=("requests",),
)
def file_json() -> ResponseReturnValue:
    """Send a request to a team, or without a team. With the header `Idempotency-Key` it can be sent again when the
    answer was lost: the second call stores nothing and is answered with the request of the first."""
    sent: schemas.NewRequest = sent_json()
    if earlier := once.earlier_result():
        return _whole(get_request(int(earlier))), 201
    team = None
    if sent.team is not None:
        team = session().scalar(select(Team).where(Team.handle == sent.team))
        if team is None:
            abort(404, f"There is no team {sent.team!r}.")
    shared = sent.everyone if sent.everyone is not None else team is not None and not team.restricted
    attempts = dict.fromkeys(sent.shown, False) | dict.fromkeys(sent.opened, True)
    readable = readable_items(session(), attempts, current_reader())
    help_request = requests.file_request(
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
    number = once.commit_once(str(help_request.id))
    request_sent(attempts.items())
    return _whole(get_request(int(number))), 201


@blueprint.get("/requests/<int(min=1, max=2147483647):request_id>")
@spec.validate(resp=answers(HTTP_200=schemas.RequestShown), tags=("requests",))
def request_json(request_id: int) -> Any:
    """One request with its replies."""
    return _whole(get_request(request_id))


@blueprint.post("/requests/<int(min=1, max=2147483647):request_id>/replies")
@spec.validate(
    headers=schemas.Repeatable,
    json=schemas.NewReply,
    resp=answers(sends=True, HTTP_201=schemas.RequestShown),
    tags=("requests",),
)
def reply_json(request_id: int) -> ResponseReturnValue:
    """Add a reply; with `resolve` it also solves the request. A reply to a solved request reopens it. The header
    `Idempotency-Key` works as for new requests."""
    sent: schemas.NewReply = sent_json()
    if once.earlier_result():  # asked before the rows are read, which it has changed
        return _whole(get_request(request_id)), 201
    help_request, reader = get_request(request_id), current_reader()
    if hidden_links(sent.body, help_request, reader) and not sent.sure:
        abort(409, "Not everyone who reads this request may read what you link to. Send it with sure: true.")
    try:
        if sent.resolve:
            requests.reply_and_resolve(session(), help_request, reader, signed_in(), sent.body)
        else:
            requests.reply(session(), help_request, signed_in(), sent.body)
        once.commit_once(str(request_id))
    except Conflict:
        session().rollback()
        if not once.earlier_result():  # else it was this very call that resolved it, sent at the same moment
            raise
    return _whole(get_request(request_id)), 201


@blueprint.post("/requests/<int(min=1, max=2147483647):request_id>/resolve")
@spec.validate(json=schemas.Solution, resp=answers(sends=True, HTTP_200=schemas.RequestShown), tags=("requests",))
def resolve_json(request_id: int) -> Any:
    """Mark a reply that a request already has as its solution; 409 when it has been solved with another one."""
    sent: schemas.Solution = sent_json()
    help_request = get_request(request_id)
    solution = next((reply for reply in help_request.replies if reply.id == sent.reply), None)
    if solution is None:
        abort(404, "This request has no such reply.")
    requests.resolve(session(), help_request, current_reader(), solution)
    session().commit()
    return _whole(get_request(request_id))


def _summary(help_request: HelpRequest) -> dict[str, Any]:
    asker, agent = access.asker(help_request, current_reader()), help_request.assigned_to
    return {
        "id": help_request.id,
        "title": help_request.title,
        "status": help_request.status,
        "language": help_request.language,
        "team": help_request.team.handle if help_request.team else None,
        "asked_by": asker.handle if asker else None,
        "assigned_to": agent.handle if agent else None,
        "everyone": access.EVERYONE in access.request_audience(help_request),
        "created_at": in_utc(help_request.created_at),
        "resolved_at": in_utc(help_request.resolved_at) if help_request.resolved_at else None,
    }


def _whole(help_request: HelpRequest) -> dict[str, Any]:
    return _summary(help_request) | {
        "body": help_request.body,
        "resolution": help_request.resolution,
        "tags": help_request.tags,
        "url": help_request.url,
        "replies": [_reply(reply) for reply in help_request.replies],
    }


def _reply(reply: Reply) -> dict[str, Any]:
    author = access.author(reply, current_reader())
    return {
        "id": reply.id,
        "author": author.handle if author else None,
        "body": reply.body,
        "created_at": in_utc(reply.created_at),
        "accepted": reply.accepted,
    }
