"""What people did in the items near a question, read from the database, as far as the reader may read these items.

Texts are not loaded: experts are chosen by far more items than are shown.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache, partial
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, DateTime, Executable, and_, bindparam, case, or_, select
from sqlalchemy.orm import Session

from recommender.access import Reader, readable_documents, readable_requests
from recommender.corpus import SEARCHABLE_DOCUMENTS, SEARCHABLE_REQUESTS, ids_of
from recommender.database.details_tables import MERGED_REQUESTS
from recommender.database.person_kind import SERVICE
from recommender.database.reading import IDS, one_of, rows
from recommender.database.storing import MANY, rows_among
from recommender.database.tables import RESOLVED, Document, HelpRequest, Person, Reply, Team
from recommender.datatypes import Contribution, Kind, Part, document_contributions, item_key, reply_contributions


class Trace(NamedTuple):
    """One item near a question: its fused score in 0..1, the handle of the team that handles it, and what people did in
    it. `match` is the probability that the item answers the question, and 0 for items that are not shown."""

    key: str
    score: float
    team: str | None
    language: str
    contributions: tuple[Contribution, ...]
    match: float = 0.0


def traces(
    session: Session,
    scores: Mapping[str, float],
    reader: Reader,
    declined: Collection[tuple[str, int]] = (),
    before: datetime | None = None,
) -> list[Trace]:
    """The items of `scores` (score by item key) that exist and that `reader` may read, nearest first.

    Services take no part in anything. `declined` has (item key, person id) for items that a person marked as not their
    topic; their parts in these are left out. With `before`, a question of the past is asked again: requests that were
    not resolved by that time and later parts are left out. Votes and acceptance of replies are as they are now.
    """
    result = [
        Trace(key, scores[key], team, language, _counting(key, parts, declined))
        for key, team, language, parts in _parts(session, scores, reader, before)
    ]
    return sorted(result, key=lambda trace: (-trace.score, trace.key))


def contributions(
    session: Session, keys: Collection[str], reader: Reader, declined: Collection[tuple[str, int]] = ()
) -> dict[str, tuple[Contribution, ...]]:
    """What people did in those items of `keys` that exist and that `reader` may read, by key; as in `traces`, without
    what only an order needs: there may be very many."""
    return {
        key: _counting(key, parts, declined) for key, _team, _language, parts in _parts(session, keys, reader, None)
    }


def _counting(
    key: str, parts: tuple[Contribution, ...], declined: Collection[tuple[str, int]]
) -> tuple[Contribution, ...]:
    """The parts in an item of people who have not said that it is not their topic."""
    return tuple(part for part in parts if (key, part.person_id) not in declined) if declined else parts


def mark_shown(traces: Sequence[Trace], matches: Mapping[str, float]) -> list[Trace]:
    """The traces, with `match` set for the items that are shown. `matches` has the probability that an item answers the
    question, more than 0, by the keys of all items that are shown as found or as possibly related."""
    return [trace._replace(match=matches[trace.key]) if trace.key in matches else trace for trace in traces]


def without_copied_answers(traces: Sequence[Trace], copies: Mapping[str, str]) -> list[Trace]:
    """The traces, in which those who answered with a copy did not answer, unless they took part in the original too.
    `copies` has the key of the original for each item whose answer was copied from it."""
    originals = set(copies.values())
    people = {trace.key: {part.person_id for part in trace.contributions} for trace in traces if trace.key in originals}
    return [
        trace._replace(
            contributions=tuple(
                part
                for part in trace.contributions
                if part.part is not Part.ANSWERED or part.person_id in people.get(copies[trace.key], ())
            )
        )
        if trace.key in copies
        else trace
        for trace in traces
    ]


ItemParts = Iterator[tuple[str, str | None, str, tuple[Contribution, ...]]]
"""(key, team, language, what people did) of items, one after the other: there may be very many."""


def _parts(session: Session, keys: Collection[str], reader: Reader, before: datetime | None) -> ItemParts:
    yield from _of_requests(session, keys, reader, before)
    yield from _of_documents(session, keys, reader, before)


def _of_requests(session: Session, keys: Collection[str], reader: Reader, before: datetime | None) -> ItemParts:
    past = {} if before is None else {"before": before}
    query = partial(_readable_requests, past=bool(past))
    found = _rows(session, query, reader, ids_of(keys, Kind.REQUEST), **past)
    for identifier, of_request in groupby(found, itemgetter(0)):
        first, *more = of_request
        replies = sorted((first, *more), key=itemgetter(4)) if more else (first,)  # by time
        yield item_key(Kind.REQUEST, identifier), first[1], first[2], reply_contributions([row[3:] for row in replies])


def _of_documents(session: Session, keys: Collection[str], reader: Reader, before: datetime | None) -> ItemParts:
    ids = ids_of(keys, Kind.DOCUMENT)
    if not ids:
        return
    found = _rows(session, _readable_documents, reader, ids)
    for identifier, team, language, owner, verifier, verified, written in found:
        parts = document_contributions(owner, verifier, verified, written)
        earlier = tuple(part for part in parts if before is None or part.at < before)
        yield item_key(Kind.DOCUMENT, identifier), team, language, earlier


def _rows(session: Session, query: Any, reader: Reader, ids: Collection[int], **values: Any) -> Iterable[Any]:
    """The rows of these items, which may be very many."""
    few = len(ids) <= MANY
    read = partial(rows, ids=ids) if few else partial(rows_among, ids=ids)
    return read(session, query(reader, few), **values)


# The statements of a reader are cached, since building one takes as long as running it; their rows are not.
_CACHED_READERS = 64
_SERVICES = select(Person.id).where(Person.kind == SERVICE)
_BEFORE: BindParameter[datetime] = bindparam("before", type_=DateTime)


@lru_cache(maxsize=_CACHED_READERS)
def _readable_requests(reader: Reader, by_id: bool = True, past: bool = False) -> Executable:
    """One row for each reply that counts, without an author when there is none."""
    counts = and_(
        Reply.request_id == HelpRequest.id,
        HelpRequest.id.not_in(MERGED_REQUESTS),
        or_(HelpRequest.asked_by_id.is_(None), Reply.author_id != HelpRequest.asked_by_id),
        Reply.author_id.not_in(_SERVICES),
        *([Reply.created_at < _BEFORE] if past else []),
    )
    found = (
        select(
            HelpRequest.id, Team.handle, HelpRequest.language,
            Reply.author_id, Reply.created_at, Reply.accepted, Reply.score,
        )
        .outerjoin(Team, Team.id == HelpRequest.team_id)
        .outerjoin(Reply, counts)
        .where(SEARCHABLE_REQUESTS, HelpRequest.status == RESOLVED, readable_requests(reader))
        .order_by(HelpRequest.id, Reply.id)
    )  # fmt: skip
    if past:
        found = found.where(or_(HelpRequest.resolved_at.is_(None), HelpRequest.resolved_at < _BEFORE))
    return found.where(one_of(HelpRequest.id, IDS)) if by_id else found


@lru_cache(maxsize=_CACHED_READERS)
def _readable_documents(reader: Reader, by_id: bool = True) -> Executable:
    owner, verifier = (
        case((person.not_in(_SERVICES), person)) for person in (Document.owner_id, Document.verified_by_id)
    )
    found = (
        select(Document.id, Team.handle, Document.language, owner, verifier, Document.verified_on, Document.written_at)
        .outerjoin(Team, Team.id == Document.team_id)
        .where(SEARCHABLE_DOCUMENTS, readable_documents(reader))
    )
    return found.where(one_of(Document.id, IDS)) if by_id else found
