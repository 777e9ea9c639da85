"""The items of topics and their past questions, as they are in the database now."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from recommender.access import Reader, readable_documents, readable_requests
from recommender.corpus import SEARCHABLE_DOCUMENTS, SEARCHABLE_REQUESTS, ids_of, rows_of
from recommender.database.insight_tables import TopicItem, TopicRow
from recommender.database.reading import IDS, one_of
from recommender.database.risk_tables import TopicAnswer, TopicFigure, TopicQuestion
from recommender.database.storing import in_chunks
from recommender.database.tables import RESOLVED, Document, HelpRequest
from recommender.datatypes import Kind, item_key

INDEXING = timedelta(hours=1)
"""How long ago what the index has may have been read from the database when the insights begin; a judgement."""
_NAMED_AGAIN_AFTER = timedelta(days=28)
"""After this time a name is looked for again, although nothing in the topic has changed: what is said elsewhere may
have; a judgement."""
_AT_ONCE = 5_000
"""Items that are read from the database together; a judgement."""


def there(session: Session, keys: Collection[str], reader: Reader) -> frozenset[str]:
    """Those of the keys whose items are there, answered, and may be read."""
    requests = select(HelpRequest.id).where(SEARCHABLE_REQUESTS, HelpRequest.status == RESOLVED)
    documents = select(Document.id).where(SEARCHABLE_DOCUMENTS)
    queries = (
        (Kind.REQUEST, HelpRequest.id, requests.where(readable_requests(reader))),
        (Kind.DOCUMENT, Document.id, documents.where(readable_documents(reader))),
    )
    return frozenset(
        item_key(kind, identifier)
        for kind, column, query in queries
        for (identifier,) in rows_of(session, query, column, keys, kind)
    )


def texts(session: Session, keys: Collection[str]) -> dict[str, str]:
    """What was asked in requests, title and text, by key."""
    rows = session.execute(
        select(HelpRequest.id, HelpRequest.title, HelpRequest.body).where(
            HelpRequest.id.in_(ids_of(keys, Kind.REQUEST))
        )
    )
    return {item_key(Kind.REQUEST, identifier): _asked(title, body) for identifier, title, body in rows}


def _asked(title: str, body: str) -> str:
    return f"{title}\n{body}"


def asked_before(session: Session, audience: str) -> dict[tuple[int, str], datetime]:
    """When each question of the topics of an audience was last asked again, by (topic, key)."""
    query = select(TopicQuestion).join(TopicRow, TopicRow.id == TopicQuestion.topic_id)
    rows = session.scalars(query.where(TopicRow.audience == audience))
    return {(row.topic_id, row.question): row.asked_on for row in rows}


def found_before(session: Session, audience: str) -> dict[tuple[int, str], dict[str, float]]:
    """What was found for these questions then, by (topic, key): how well each item matches, by its key."""
    found: dict[tuple[int, str], dict[str, float]] = {key: {} for key in asked_before(session, audience)}
    rows = session.execute(
        select(TopicAnswer.topic_id, TopicAnswer.question, TopicAnswer.item, TopicAnswer.match)
        .join(TopicRow, TopicRow.id == TopicAnswer.topic_id)
        .where(TopicRow.audience == audience)
    )
    for topic, question, item, match in rows:
        found.setdefault((topic, question), {})[item] = match
    return found


def found_by_topic(session: Session, audience: str) -> dict[int, dict[str, dict[str, float]]]:
    """The same by topic, then by the key of the question; empty for a topic of which nothing was asked."""
    found = defaultdict[int, dict[str, dict[str, float]]](dict)
    for (topic, question), matches in found_before(session, audience).items():
        found[topic][question] = matches
    return found


def changed_since(session: Session, at: datetime) -> frozenset[str]:
    """The keys of the items that were changed at that time or later."""
    return frozenset(
        item_key(kind, identifier)
        for kind, table in ((Kind.REQUEST, HelpRequest), (Kind.DOCUMENT, Document))
        for identifier in session.scalars(select(table.id).where(table.updated_at >= at))
    )


@dataclass(frozen=True)
class WithoutName:
    """The topics of an audience that have no computed name: those for which none was found when one was looked for
    last, and that are looked at no more for now, and those that had one until something was erased."""

    nameless: frozenset[int] = frozenset()
    forgotten: frozenset[int] = frozenset()


def without_name(session: Session, audience: str, now: datetime) -> WithoutName:
    """The topics of an audience without a computed name. `nameless` are those for which one was looked for not long
    ago, and none of whose items was edited since. That their figures were computed then or later tells that one was
    looked for: figures are older than an erasure that took the name."""
    rows = session.execute(
        select(TopicRow.id, TopicRow.updated_at, TopicFigure.computed_at)
        .join(TopicFigure, TopicFigure.topic_id == TopicRow.id)
        .where(TopicRow.audience == audience, TopicRow.ended_on.is_(None))
        .where(TopicRow.name_fi == "", TopicRow.name_en == "")
    ).all()
    forgotten = frozenset(topic for topic, updated_at, computed_at in rows if updated_at > computed_at)
    looked_at = {topic: at for topic, updated_at, at in rows if now - _NAMED_AGAIN_AFTER < updated_at <= at}
    if not looked_at:
        return WithoutName(forgotten=forgotten)
    edited = changed_since(session, min(looked_at.values()) - INDEXING)
    touched = {
        topic
        for chunk in chunks(edited)
        for topic in session.scalars(select(TopicItem.topic_id).where(TopicItem.item.in_(chunk)))
    }
    return WithoutName(frozenset(looked_at) - touched, forgotten)


def asked_soon(session: Session, most: int) -> list[str]:
    """What was asked in requests that were solved or edited since questions were asked last, and that a topic is likely
    to have among its newest or had before; at most `most`, the newest first. None when nothing was asked yet."""
    last = session.scalar(select(func.max(TopicQuestion.asked_on)))
    if last is None:
        return []
    solved_at = func.coalesce(HelpRequest.resolved_at, HelpRequest.created_at)
    asked = ids_of(session.scalars(select(TopicQuestion.question).distinct()).all(), Kind.REQUEST)
    rows = session.execute(
        select(HelpRequest.title, HelpRequest.body)
        .where(HelpRequest.status == RESOLVED, SEARCHABLE_REQUESTS, HelpRequest.updated_at >= last - INDEXING)
        .where(or_(solved_at >= last - INDEXING, one_of(HelpRequest.id, IDS)))
        .order_by(HelpRequest.created_at.desc(), HelpRequest.id.desc())
        .limit(most),
        {"ids": asked},
    )
    return [_asked(title, body) for title, body in rows]


def chunks(keys: Collection[str]) -> Iterator[Sequence[str]]:
    """The keys in their order, in parts that one statement can hold."""
    return in_chunks(sorted(keys), _AT_ONCE)
