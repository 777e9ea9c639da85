"""Topics as they are stored: reads those of one token, and writes what has changed. Which items belong together is
decided in clustering.py, how topics are called in naming.py."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Integer, and_, case, cast, delete, func, insert, literal, select, update
from sqlalchemy.orm import Session

from recommender.access import EVERYONE, Reader, readable_documents, readable_requests
from recommender.corpus import SEARCHABLE_DOCUMENTS, SEARCHABLE_REQUESTS, ids_of, rows_of
from recommender.database.days import day_of
from recommender.database.insight_tables import TopicItem, TopicRow
from recommender.database.storing import in_chunks
from recommender.database.tables import RESOLVED, Document, HelpRequest, Team
from recommender.datatypes import Kind, item_key
from recommender.insights.topics.left_out import copy_to
from recommender.insights.topics.words import BODY_CHARACTERS, Text

_CHUNK = 500
"""Rows per statement: a judgement."""


@dataclass(frozen=True)
class StoredTopic:
    """A topic of a token with its items: whether a lead has put each there. `names` are computed, `given` those that a
    lead has written, by language, or empty. `closed` says that a lead has ended it, so that it is not shown; its items
    stay in it."""

    id: int
    names: Mapping[str, str]
    given: Mapping[str, str]
    items: Mapping[str, bool]
    closed: bool = False

    def shown(self, language: str) -> set[str]:
        """The name that is shown in a language, as a set that is empty without one."""
        return {self.given[language] or self.names[language]} - {""}

    @property
    def kept(self) -> bool:
        """True when a lead has named it or put items into it: it is neither divided nor ended by itself."""
        return any(self.given.values()) or self.closed or any(self.items.values())


@dataclass(frozen=True)
class NewTopic:
    """A topic as it is to be stored; `id` is None for a new one."""

    id: int | None
    items: frozenset[str]
    names: Mapping[str, str]


def tokens_of_topics(session: Session) -> list[str]:
    """The tokens for which there are topics: everyone first, then the teams by their handles, also those whose topics
    are still stored."""
    teams = {f"team:{handle}" for handle in session.scalars(select(Team.handle))}
    return [EVERYONE, *sorted(teams.union(stored_tokens(session)) - {EVERYONE})]


def stored_tokens(session: Session) -> list[str]:
    """The tokens that have topics now."""
    return sorted(session.scalars(select(TopicRow.audience).where(TopicRow.ended_on.is_(None)).distinct()))


def changed_last(session: Session) -> datetime | None:
    """When topics were changed last, by a lead or by an update."""
    return session.scalar(select(func.max(TopicRow.updated_at)))


def read(session: Session, token: str) -> dict[int, StoredTopic]:
    """The topics of a token that have not ended, and those that a lead has ended, by id."""
    rows = session.scalars(select(TopicRow).where(TopicRow.audience == token).order_by(TopicRow.id)).all()
    items: dict[int, dict[str, bool]] = {row.id: {} for row in rows}
    of_token = select(TopicRow.id).where(TopicRow.audience == token)
    found = select(TopicItem.topic_id, TopicItem.item, TopicItem.chosen).where(TopicItem.topic_id.in_(of_token))
    for topic, item, chosen in session.execute(found.order_by(TopicItem.topic_id, TopicItem.item)):
        items[topic][item] = chosen
    return {
        row.id: StoredTopic(
            row.id,
            {"fi": row.name_fi, "en": row.name_en},
            {"fi": row.given_fi or "", "en": row.given_en or ""},
            items[row.id],
            closed=row.ended_on is not None,
        )
        for row in rows
        if row.ended_on is None or items[row.id]
    }


def lock(session: Session) -> None:
    """Begin to write, so that nobody else changes topics between what is read and what is written (in SQLite)."""
    session.execute(update(TopicRow).where(TopicRow.id.is_(None)).values(name_fi=""))


def write(
    session: Session,
    token: str,
    before: Mapping[int, StoredTopic],
    after: Sequence[NewTopic],
    heirs: Mapping[int, int],
    nameless: Set[int],
    now: datetime,
) -> None:
    """Store the topics of a token. Whoever is left out of a topic stays left out of the new ones that its items went
    to. `heirs` has the place in `after` of the topic that most items of an ended one went
    to, by the id of the ended one. Of a topic without a name, unless it is in `nameless`, the time is kept when one was
    looked for."""
    rows = {row.id: row for row in session.scalars(select(TopicRow).where(TopicRow.audience == token))}
    stored = []
    for topic in after:
        row = rows.get(topic.id) if topic.id is not None else None
        if row is None:
            row = TopicRow(audience=token, made_on=day_of(now), updated_at=now)
            session.add(row)
        if (row.name_fi, row.name_en) != (topic.names["fi"], topic.names["en"]):
            row.name_fi, row.name_en, row.updated_at = topic.names["fi"], topic.names["en"], now
        elif not any(topic.names.values()) and topic.id not in nameless:
            row.updated_at = now
        stored.append(row)
    session.flush()
    for row, topic in zip(stored, after, strict=True):
        for source in before.values() if topic.id is None else ():
            if not topic.items.isdisjoint(source.items):
                copy_to(session, source.id, row.id)
    _write_items(session, before, {row.id: topic.items for row, topic in zip(stored, after, strict=True)})
    continuing = {topic.id for topic in after}
    for topic_id in before.keys() - continuing:
        rows[topic_id].ended_on = day_of(now)
        rows[topic_id].merged_into_id = stored[heirs[topic_id]].id if topic_id in heirs else None


def _write_items(session: Session, before: Mapping[int, StoredTopic], after: Mapping[int, frozenset[str]]) -> None:
    for topic_id, topic in before.items():
        for keys in in_chunks(sorted(topic.items.keys() - after.get(topic_id, frozenset())), _CHUNK):
            session.execute(delete(TopicItem).where(TopicItem.topic_id == topic_id, TopicItem.item.in_(keys)))
    added = [
        {"topic_id": topic_id, "item": item, "chosen": False}
        for topic_id, items in after.items()
        for item in sorted(items - (before[topic_id].items.keys() if topic_id in before else frozenset()))
    ]
    for rows in in_chunks(added, _CHUNK):
        session.execute(insert(TopicItem), rows)


def count_there(session: Session, topics: Collection[int], reader: Reader) -> Counter[int]:
    """How many items of each of these topics are in the database now, answered, and may be read by `reader`; counted by
    the database, since an organisation may have very many."""
    counts = Counter[int]()
    of_requests = and_(SEARCHABLE_REQUESTS, HelpRequest.status == RESOLVED, readable_requests(reader))
    of_documents = and_(SEARCHABLE_DOCUMENTS, readable_documents(reader))
    for kind, table, there in ((Kind.REQUEST, HelpRequest, of_requests), (Kind.DOCUMENT, Document, of_documents)):
        query = select(TopicItem.topic_id, func.count()).join(table, table.id == id_in_topic(kind))
        query = query.where(TopicItem.topic_id.in_(sorted(topics)), there).group_by(TopicItem.topic_id)
        counts.update({topic: number for topic, number in session.execute(query)})
    return counts


def id_in_topic(kind: Kind) -> Any:
    """The database id of an item of a topic, as an expression; NULL for an item of another kind."""
    prefix = f"{kind}:"
    number: Any = cast(func.substr(TopicItem.item, len(prefix) + 1), Integer)
    return case((TopicItem.item.startswith(prefix), number))  # PostgreSQL refuses to read others as numbers


def readable_texts(session: Session, keys: Collection[str], reader: Reader, bodies: bool) -> dict[str, Text]:
    """The titles of those answered items of `keys` that are in the database now and that `reader` may read, by key, and
    with `bodies` the beginnings of their texts."""
    of_requests = SEARCHABLE_REQUESTS, HelpRequest.status == RESOLVED, readable_requests(reader)
    of_documents = SEARCHABLE_DOCUMENTS, readable_documents(reader)
    found: dict[str, Text] = {}
    for kind, table, there in ((Kind.REQUEST, HelpRequest, of_requests), (Kind.DOCUMENT, Document, of_documents)):
        body: Any = func.substr(table.body, 1, BODY_CHARACTERS) if bodies else literal("")
        query = select(table.id, table.language, table.title, body).where(*there)
        for number, language, title, text in rows_of(session, query, table.id, keys, kind):
            found[item_key(kind, number)] = Text(language, title, text)
    return found


def beginnings(session: Session, keys: Collection[str]) -> dict[str, Text]:
    """The titles of items, with the beginnings of their texts, by key. Whether they may be read is decided before."""
    found: dict[str, Text] = {}
    for kind, table in ((Kind.REQUEST, HelpRequest), (Kind.DOCUMENT, Document)):
        body: Any = func.substr(table.body, 1, BODY_CHARACTERS)
        for ids in in_chunks(ids_of(keys, kind), _CHUNK):
            rows = session.execute(select(table.id, table.language, table.title, body).where(table.id.in_(ids)))
            found |= {f"{kind}:{number}": Text(language, title, text) for number, language, title, text in rows}
    return found


def with_teams(session: Session, keys: Collection[str]) -> list[tuple[Text, int | None]]:
    """The same as a list, each with the id of the team that handles the item."""
    teams: dict[str, int | None] = {}
    for kind, table in ((Kind.REQUEST, HelpRequest), (Kind.DOCUMENT, Document)):
        for ids in in_chunks(ids_of(keys, kind), _CHUNK):
            rows = session.execute(select(table.id, table.team_id).where(table.id.in_(ids)))
            teams |= {item_key(kind, number): team for number, team in rows}
    return [(text, teams.get(key)) for key, text in beginnings(session, keys).items()]
