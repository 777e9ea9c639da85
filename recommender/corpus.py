"""Rows -> Item. The one place that decides what is searchable: resolved requests and documents that are not hidden.

Open requests are items too, under an audience of their own (`access.open_audience`), so that only those who look for
similar open requests ever meet them.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date, datetime, time
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, joinedload, raiseload, selectinload

from recommender.access import Reader, document_audience, may_read, open_audience, request_audience
from recommender.datatypes import Contribution, Item, Kind, Part
from recommender.models import RESOLVED, Document, DocumentAudience, HelpRequest, Person, Reply, RequestAudience

ACCEPTED, UPVOTED, REPLIED, OWNED, OWNED_AND_VERIFIED, VERIFIED = 1.0, 0.5, 0.2, 0.4, 0.6, 0.4
_CHUNK = 500
_KEY = re.compile(r"(request|document):[1-9][0-9]{0,8}")


def items(session: Session) -> Iterator[Item]:
    """Every searchable item, requests first, in the order of their ids; memory does not grow with the corpus."""
    yield from _stream(session, HelpRequest.id, _searchable_requests(), request_item)
    yield from _stream(session, Document.id, _searchable_documents(), document_item)


def load_items(session: Session, keys: Collection[str]) -> dict[str, Item]:
    """The items of `keys` as they are in the database now; deleted and hidden ones are left out."""
    requests = [int(key.partition(":")[2]) for key in keys if key.startswith(Kind.REQUEST)]
    documents = [int(key.partition(":")[2]) for key in keys if key.startswith(Kind.DOCUMENT)]
    found: dict[str, Item] = {}
    for chunk in _chunks(requests):
        rows = session.scalars(_searchable_requests().where(HelpRequest.id.in_(chunk)))
        found |= {f"{Kind.REQUEST}:{row.id}": request_item(row) for row in rows}
    for chunk in _chunks(documents):
        pages = session.scalars(_searchable_documents().where(Document.id.in_(chunk)))
        found |= {f"{Kind.DOCUMENT}:{page.id}": document_item(page) for page in pages}
    return found


def readable_items(session: Session, keys: Collection[str], reader: Reader) -> dict[str, Item]:
    """Of `keys`, which may come from outside, the items that are in the database now and that `reader` may read."""
    items = load_items(session, [key for key in keys if is_key(key)])
    return {key: item for key, item in items.items() if may_read(item.audience, reader)}


def is_key(key: str) -> bool:
    """True for `request:17` and `document:4`."""
    return _KEY.fullmatch(key) is not None


def fingerprint(session: Session) -> tuple[Any, ...]:
    """A value that changes when any request, reply, document, audience or person does; cheap to ask."""
    parts: list[Any] = []
    for model in (HelpRequest, Reply, Document, RequestAudience, DocumentAudience, Person):
        parts += session.execute(select(func.count(), func.max(model.updated_at)).select_from(model)).one()
    return tuple(parts)


def request_item(request: HelpRequest) -> Item:
    """The item of a request: its answer is the written resolution, else the accepted reply, else the best one by votes,
    the last one of somebody other than the asker where votes do not tell."""
    solved = next((reply for reply in request.replies if reply.accepted), None)
    if solved is None:
        helped = [reply for reply in request.replies if reply.author_id != request.asked_by_id] or request.replies
        solved = max(helped, key=lambda reply: (reply.score, reply.created_at), default=None)
    answer = request.resolution or (solved.body if solved else "")
    audience = request_audience(request)
    return Item(
        key=f"{Kind.REQUEST}:{request.id}",
        kind=Kind.REQUEST,
        title=request.title,
        body=request.body,
        answer=answer,
        language=request.language,
        team=request.team.handle if request.team else None,
        audience=audience if request.status == RESOLVED else open_audience(audience),
        at=request.resolved_at or request.created_at,
        url=request.url,
        contributions=_contributions(request),
    )


def document_item(document: Document) -> Item:
    """The item of a document: its body is what answers; the owner counts, more so once it is verified."""
    return Item(
        key=f"{Kind.DOCUMENT}:{document.id}",
        kind=Kind.DOCUMENT,
        title=document.title,
        body=document.body,
        answer="",
        language=document.language,
        team=document.team.handle if document.team else None,
        audience=document_audience(document),
        at=_vouched_for(document.verified_on, document.written_at),
        url=document.url,
        contributions=stood_by(document.owner_id, document.verified_by_id, document.verified_on, document.written_at),
    )


def _contributions(request: HelpRequest) -> tuple[Contribution, ...]:
    replies = [(reply.author_id, reply.created_at, reply.accepted, reply.score) for reply in request.replies]
    return best_parts(reply for reply in replies if reply[0] != request.asked_by_id)


def best_parts(replies: Iterable[tuple[int | None, datetime, bool, int]]) -> tuple[Contribution, ...]:
    """The best part of each person among replies (author id, at, accepted, score) of others than the asker; of equal
    ones the first."""
    best: dict[int, Contribution] = {}
    for author, at, accepted, score in replies:
        if author is None:
            continue
        weight = ACCEPTED if accepted else UPVOTED if score > 0 else REPLIED
        part = Part.REPLIED if weight == REPLIED else Part.ANSWERED
        known = best.get(author)
        if known is None or weight > known.weight:
            best[author] = Contribution(author, weight, at, part)
    return tuple(best.values())


def stood_by(
    owner_id: int | None, verifier_id: int | None, verified_on: date | None, written_at: datetime
) -> tuple[Contribution, ...]:
    """The parts of a document's owner, which counts more once the document is verified, and of somebody else who
    verified it."""
    at = _vouched_for(verified_on, written_at)
    weight = OWNED_AND_VERIFIED if verified_on else OWNED
    parts = () if owner_id is None else (Contribution(owner_id, weight, at, Part.KEEPS),)
    if verified_on is None or verifier_id is None or verifier_id == owner_id:
        return parts
    return (*parts, Contribution(verifier_id, VERIFIED, datetime.combine(verified_on, time.min), Part.VERIFIED))


def _vouched_for(verified_on: date | None, written_at: datetime) -> datetime:
    """When somebody last stood by a document: wrote it, or verified it."""
    return max(written_at, datetime.combine(verified_on, datetime.min.time())) if verified_on else written_at


def _searchable_requests() -> Select[HelpRequest]:
    return (
        select(HelpRequest)
        .where(HelpRequest.hidden.is_(False))
        .options(
            joinedload(HelpRequest.team),
            selectinload(HelpRequest.replies),
            selectinload(HelpRequest.audience),
            raiseload("*", sql_only=True),
        )
        .execution_options(populate_existing=True)
    )


def _searchable_documents() -> Select[Document]:
    return (
        select(Document)
        .where(Document.hidden.is_(False), Document.draft.is_(False))
        .options(joinedload(Document.team), selectinload(Document.audience), raiseload("*", sql_only=True))
        .execution_options(populate_existing=True)
    )


def _stream(session: Session, column: Any, query: Select[Any], to_item: Any) -> Iterator[Item]:
    last = 0
    while True:
        rows = session.scalars(query.where(column > last).order_by(column).limit(_CHUNK)).all()
        if not rows:
            return
        last = rows[-1].id
        yield from [to_item(row) for row in rows]
        session.expunge_all()


def _chunks(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), _CHUNK):
        yield ids[start : start + _CHUNK]
