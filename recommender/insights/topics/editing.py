"""What a lead changes about topics: their names, which items belong together, and whether they are shown. An update of
the topics leaves all of it as it is.

The functions take the reader who acts, check whether they may, record the act in the audit log, and leave the commit to
the caller. They raise NotAllowed for everybody else, also when there is no such topic, and TopicRefused for what cannot
be done.
"""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from recommender import audit
from recommender.access import EVERYONE, Reader, leads
from recommender.corpus import headings
from recommender.database.days import current_day
from recommender.database.insight_tables import TopicItem, TopicRow
from recommender.database.risk_tables import PROPOSED, TransferAct
from recommender.database.service_tables import Teaching
from recommender.database.tables import Person, Team, utc_now
from recommender.errors import NotAllowed, TopicRefused
from recommender.index import SearchIndex
from recommender.insights.topics import clustering, left_out
from recommender.insights.topics.handling import handling_team
from recommender.insights.topics.naming import Namer
from recommender.insights.topics.stored import beginnings, lock, read, with_teams
from recommender.insights.topics.topic import (
    LANGUAGES,
    LEAST_ITEMS,
    Topic,
    ended_topics,
    names_of,
    reader_of,
    visible_topics,
)
from recommender.insights.topics.words import WordReader
from recommender.knowledge.erased_names import names_of_people
from recommender.language.analyzer import Analyzer
from recommender.language.dictionary import Dictionary

LONGEST_NAME = 200
_WHO = "There is no such topic, or you may not change it: leads of the team that handles most of its items may."
_TOPIC = {"fi": "Aihe", "en": "Topic"}
_SAMPLE = 1_000
"""Items in which it is counted how common words are, and items that a name is made from: judgements."""
_NAMED_FROM = 150


def may_edit(session: Session, topic: Topic, reader: Reader) -> bool:
    """True for leads of the team that handles most items of a topic that they may see, and for admins."""
    person = session.get(Person, reader.person_id) if reader.person_id is not None else None
    if person is None or topic.audience not in reader.tokens:
        return False
    return leads(person, handling_team(session, topic))


def rename(session: Session, reader: Reader, topic_id: int, names: Mapping[str, str]) -> None:
    """Give a topic names by language. An empty one brings the computed name back. Raises TopicRefused when a name is
    too long, or another topic that the reader may see has it."""
    topic = _editable(session, reader, topic_id)
    row = session.get_one(TopicRow, topic.id)
    others = [other for other in visible_topics(session, reader) if other.id != topic.id]
    for language, given in names.items():
        name = " ".join(given.split())
        if len(name) > LONGEST_NAME:
            raise TopicRefused(
                f"A name has at most {LONGEST_NAME} characters. Write a shorter one.", "too_long", language
            )
        if name.casefold() in {other.names[language].casefold() for other in others}:
            raise TopicRefused(
                f"Another topic is called {name!r}. Write another name, or merge the two.", "taken", language
            )
        setattr(row, f"given_{language}", name or None)
    _record(session, reader, "topic.renamed", topic, {"languages": sorted(names)})


def merge(session: Session, reader: Reader, topic_id: int, into_id: int) -> None:
    """Move all items of a topic into another one of the same readers, and end it."""
    topic, into = _editable(session, reader, topic_id), _editable(session, reader, into_id)
    if topic.id == into.id or topic.audience != into.audience:
        raise TopicRefused(
            "Only two topics that the same people may see can be merged. Choose another one.", "other_readers"
        )
    session.execute(delete(TopicItem).where(TopicItem.topic_id == topic.id))
    session.add_all(TopicItem(topic_id=into.id, item=item, chosen=True) for item in topic.items)
    session.execute(update(TopicItem).where(TopicItem.topic_id == into.id).values(chosen=True))
    _move_acts_and_teaching(session, topic.id, into.id)
    row = session.get_one(TopicRow, topic.id)
    row.ended_on, row.merged_into_id = current_day(), into.id
    _record(session, reader, "topic.merged", topic, {"into": into.id})


def _move_acts_and_teaching(session: Session, topic_id: int, into_id: int) -> None:
    """What is under way goes along to another topic; what was only proposed is proposed anew by the next update."""
    session.execute(delete(TransferAct).where(TransferAct.topic_id == topic_id, TransferAct.state == PROPOSED))
    unmeasured = TransferAct.measured_after.is_(None)  # a share of the questions of one topic says nothing of both
    acts = update(TransferAct).where(TransferAct.topic_id == topic_id)
    session.execute(acts.where(unmeasured).values(measured_before=None))
    session.execute(acts.values(topic_id=into_id))
    known = select(Teaching.person_id, Teaching.colleague_id).where(Teaching.topic_id == into_id)
    there = {(person, colleague) for person, colleague in session.execute(known)}
    for row in session.scalars(select(Teaching).where(Teaching.topic_id == topic_id)).all():
        if (row.person_id, row.colleague_id) in there:
            session.delete(row)
        else:
            row.topic_id = into_id
    session.flush()


def parts_of(topic: Topic, index: SearchIndex) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """The two groups of items, the larger one first, that a topic falls into; None when it does not fall into two. The
    second one is what `split` is to be called with."""
    keys, vectors = index.item_vectors(frozenset({topic.audience}), topic.items)
    labels = clustering.halves(vectors) if keys else np.zeros(0, np.int64)
    if not labels.any():
        return None
    both = [tuple(keys[place] for place in np.flatnonzero(labels == part).tolist()) for part in (0, 1)]
    missing = tuple(sorted(set(topic.items) - set(both[0]) - set(both[1])))
    return both[0] + missing, both[1]


def split(session: Session, reader: Reader, topic_id: int, apart: Collection[str], analyzer: Analyzer) -> int:
    """Make a new topic of the items `apart` of a topic, and return its id. Raises TopicRefused when one of the two
    would be too small to be shown, or when an item of `apart` is not in the topic."""
    topic = _editable(session, reader, topic_id)
    rest = set(topic.items) - set(apart)
    if not set(apart) <= set(topic.items) or min(len(rest), len(set(apart))) < LEAST_ITEMS:
        raise TopicRefused(
            f"Each part of a topic needs at least {LEAST_ITEMS} of its items. Divide it in another way.", "too_small"
        )
    row = TopicRow(audience=topic.audience, made_on=current_day())
    session.add(row)
    session.flush()
    session.execute(delete(TopicItem).where(TopicItem.topic_id == topic.id, TopicItem.item.in_(sorted(apart))))
    session.add_all(TopicItem(topic_id=row.id, item=item, chosen=True) for item in sorted(apart))
    session.execute(update(TopicItem).where(TopicItem.topic_id == topic.id).values(chosen=True))
    left_out.copy_to(session, topic.id, row.id)
    naming = _Naming(session, topic.audience, analyzer)
    naming.name_anew(topic.id, sorted(rest))
    naming.name_anew(row.id, sorted(apart))
    _record(session, reader, "topic.split", topic, {"new": row.id})
    return row.id


def move(session: Session, reader: Reader, item: str, into_id: int, analyzer: Analyzer) -> None:
    """Put an item into a topic, from the one that it is in now, if any, which gets another name when its own may have
    come from that item. The reader may edit both. Raises TopicRefused when not all who may see the topic may read the
    item."""
    into = _editable(session, reader, into_id)
    if item not in headings(session, [item], reader_of(session, into.audience)):
        raise TopicRefused(
            "This item is unknown, or not all who see the topic may read it. Choose another topic.", "unreadable"
        )
    before = session.scalars(
        select(TopicItem)
        .join(TopicRow, TopicRow.id == TopicItem.topic_id)
        .where(TopicItem.item == item, TopicRow.audience == into.audience)
    ).all()
    shown = {topic.id: topic for topic in visible_topics(session, reader)}
    for row in before:
        if row.topic_id in shown:
            _editable(session, reader, row.topic_id)
        left_out.copy_to(session, row.topic_id, into.id)
        session.delete(row)
    session.flush()
    session.add(TopicItem(topic_id=into.id, item=item, chosen=True))
    naming = _Naming(session, into.audience, analyzer)
    for row in before:
        rest = shown[row.topic_id].items if row.topic_id in shown else ()
        naming.name_anew(row.topic_id, sorted({*rest} - {item}))
    _record(session, reader, "topic.item_moved", into, {"item": item, "from": [row.topic_id for row in before]})


def end(session: Session, reader: Reader, topic_id: int) -> None:
    """Show a topic no more, until `show_again`. Its items stay in it, so that they do not make the same topic again."""
    topic = _editable(session, reader, topic_id)
    session.get_one(TopicRow, topic.id).ended_on = current_day()
    _record(session, reader, "topic.ended", topic, {})


def may_show_again(session: Session, reader: Reader, team: Team | None = None) -> list[Topic]:
    """The topics that were ended and that this reader may show again, by id; those that `team` handles, or all."""
    return [
        topic
        for topic in ended_topics(session, reader)
        if may_edit(session, topic, reader) and (team is None or handling_team(session, topic) == team.id)
    ]


def show_again(session: Session, reader: Reader, topic_id: int, analyzer: Analyzer) -> None:
    """Show a topic again that was ended. It has the names that it had, except those that another topic has got
    meanwhile."""
    lock(session)
    topic = next((topic for topic in may_show_again(session, reader) if topic.id == topic_id), None)
    if topic is None:
        raise NotAllowed(_WHO)
    row = session.get_one(TopicRow, topic.id)
    row.ended_on = None
    session.flush()
    others = [other for other in visible_topics(session, reader) if other.id != topic.id]
    taken = {language: {other.names[language].casefold() for other in others} for language in LANGUAGES}
    for language in LANGUAGES:
        if (getattr(row, f"given_{language}") or "").casefold() in taken[language]:
            setattr(row, f"given_{language}", None)
    if any(name.casefold() in taken[language] for language, name in names_of(row).items()):
        _Naming(session, topic.audience, analyzer).name_anew(topic.id, topic.items)
    _record(session, reader, "topic.shown_again", topic, {})


def _editable(session: Session, reader: Reader, topic_id: int) -> Topic:
    """The topic as it is now, which nobody else changes before the caller commits."""
    lock(session)
    found = [topic for topic in visible_topics(session, reader) if topic.id == topic_id]
    if not found or not may_edit(session, found[0], reader):
        raise NotAllowed(_WHO)
    return found[0]


def _record(session: Session, reader: Reader, action: str, topic: Topic, details: Mapping[str, object]) -> None:
    session.get_one(TopicRow, topic.id).updated_at = utc_now()  # also when only its items are others
    session.flush()
    audit.record(session, audit.actor(session, reader.person_id), action, f"topic:{topic.id}", dict(details))


class _Naming:
    """Names topics of a token whose items have become others."""

    def __init__(self, session: Session, token: str, analyzer: Analyzer) -> None:
        self._session, self._token = session, token
        reader = WordReader(analyzer, Dictionary.shipped(), names_of_people(session))
        items = sorted({item for topic in read(session, token).values() for item in topic.items})
        self._namer = Namer(reader, with_teams(session, items[:: max(1, len(items) // _SAMPLE)]))

    def name_anew(self, topic_id: int, keys: Sequence[str]) -> None:
        """Keep the computed names of a topic that still are right for these items, all that it has, and that no other
        topic has, and replace the others by names that no topic of the token or of everyone has: a name may not come
        from an item that has left. Items whose words make no name get a number. Without items the name is empty, so
        that the topic is not shown until the next update."""
        row = self._session.get_one(TopicRow, topic_id)
        texts = list(beginnings(self._session, keys[:_NAMED_FROM]).values())
        had = {"fi": row.name_fi or "", "en": row.name_en or ""}
        right = self._namer.holds(had, texts)
        stored = [topic for token in {self._token, EVERYONE} for topic in read(self._session, token).values()]
        taken = {language: {name for topic in stored for name in topic.shown(language)} for language in LANGUAGES}
        others = [topic for topic in stored if topic.id != topic_id and not topic.closed]
        of_others = {name.casefold() for topic in others for language in LANGUAGES for name in topic.shown(language)}
        right = {language: right[language] and name.casefold() not in of_others for language, name in had.items()}
        new = self._namer.any_names(texts, taken)
        number = {language: f"{word} {topic_id}" if texts else "" for language, word in _TOPIC.items()}
        names = {
            language: had[language] if right[language] else new[language] or number[language] for language in LANGUAGES
        }
        row.name_fi, row.name_en = names["fi"], names["en"]
        self._session.flush()
