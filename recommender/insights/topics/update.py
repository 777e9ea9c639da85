"""Brings the topics up to date with the index: items join topics, new topics grow, and each keeps its id and name.

What a lead has named, or put together by hand, stays (`editing.py`). Topics are computed beside the database and
written in one short transaction for each token of readers, so that nobody waits for them.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache

from sqlalchemy.orm import Session, sessionmaker

from recommender.access import EVERYONE
from recommender.index import SearchIndex
from recommender.insights.topics.clustering import Vectors
from recommender.insights.topics.matching import heir
from recommender.insights.topics.questions import without_name
from recommender.insights.topics.settling import Names, settled
from recommender.insights.topics.stored import (
    NewTopic,
    StoredTopic,
    lock,
    read,
    readable_texts,
    tokens_of_topics,
    write,
)
from recommender.insights.topics.texts import WITH_BODIES, Texts
from recommender.insights.topics.topic import LANGUAGES, LEAST_ITEMS, reader_of
from recommender.insights.topics.word_vectors import DIMENSION, with_words
from recommender.insights.topics.words import WordReader
from recommender.knowledge.erased_names import NamesOfPeople, names_of_people
from recommender.language.analyzer import Analyzer
from recommender.language.dictionary import Dictionary

log = logging.getLogger(__name__)
NO_VECTORS, FEW_ITEMS, NOT_FOR_EVERYONE = "no_vectors", "few_items", "not_for_everyone"
"""What topics lack: an index with vectors; enough items that are alike; items that everyone may read."""
Items = tuple[Sequence[str], Vectors]
"""The keys and vectors of items."""
_TRIES = 3
"""How many times the topics of a token are computed when leads change them meanwhile; a judgement."""


@dataclass(frozen=True)
class TopicsReport:
    """What an update of the topics did: how many there are, the items in them and in none, and how many topics are new,
    have ended, and have another name. `missing` says what they lack."""

    topics: int = 0
    items: int = 0
    nowhere: int = 0
    new: int = 0
    ended: int = 0
    renamed: int = 0
    seconds: float = 0.0
    missing: tuple[str, ...] = ()

    def line(self) -> str:
        """All counts in one line, for an admin."""
        return (
            f"topics {self.topics}, items {self.items}, in no topic {self.nowhere}, new {self.new}, "
            f"ended {self.ended}, renamed {self.renamed}, {self.seconds:.1f} s"
        )


def update_topics(
    sessions: sessionmaker[Session],
    index: SearchIndex | None,
    analyzer: Analyzer,
    now: datetime,
    again: bool = False,
) -> TopicsReport:
    """Bring the topics of all tokens up to date. With `again`, also items that have a topic may go to another one, as
    happens by itself when the organisation has outgrown its topics; most of them stay all the same. `now` is when all
    that is computed at a time began: figures have the same time.

    Nothing is changed when there is no index, or one without vectors.
    """
    started = time.monotonic()
    with sessions() as session:
        audiences = tokens_of_topics(session)
        people = names_of_people(session)
    found = {token: index.item_vectors(frozenset({token}), room=DIMENSION) for token in audiences} if index else {}
    if index is None or not any(len(keys) for keys, _vectors in found.values()):
        return TopicsReport(missing=(NO_VECTORS,), seconds=time.monotonic() - started)
    reader = reader_of_words(analyzer, people)
    report, restricted = TopicsReport(), not len(found[EVERYONE][0])
    taken = {language: set[str]() for language in LANGUAGES}

    def items_of(token: str) -> Items:
        """The items of a token, with room in their vectors for words; these take so much memory that they are not kept
        here."""
        return found.pop(token, None) or index.item_vectors(frozenset({token}), room=DIMENSION)

    for token in audiences:
        done, names = _update_token(sessions, token, items_of, reader, taken, now, again)
        report = _sum(report, done)
        if token == EVERYONE:  # the readers of every token may see the names of these
            taken = names
    reader.forget_texts()
    lacks = ((NOT_FOR_EVERYONE, restricted), (FEW_ITEMS, not report.topics))
    lacking = tuple(lack for lack, true in lacks if true)
    return replace(report, missing=lacking, seconds=time.monotonic() - started)


@lru_cache(maxsize=1)
def reader_of_words(analyzer: Analyzer, people: NamesOfPeople) -> WordReader:
    """What reads words, as long as people have these names: `kollega watch` comes back to the words it has read."""
    return WordReader(analyzer, Dictionary.shipped(), people)


def _update_token(
    sessions: sessionmaker[Session],
    token: str,
    items_of: Callable[[str], Items],
    reader: WordReader,
    taken: Names,
    now: datetime,
    again: bool,
) -> tuple[TopicsReport, dict[str, set[str]]]:
    """Update the topics of one token. Returns also the names of its topics and of `taken`."""
    for _try in range(_TRIES):
        keys, vectors = items_of(token)
        with sessions() as session:
            before = read(session, token)
            found = readable_texts(session, keys, reader_of(session, token), len(keys) <= WITH_BODIES)
            places = [place for place, key in enumerate(keys) if key in found]
            readable = [keys[place] for place in places]
            texts = Texts(session, readable, reader)
            bags = texts.bags(found.pop(key) for key in readable)
            unnamed = without_name(session, token, now)
            unnamed = replace(unnamed, nameless=frozenset()) if again else unnamed
            vectors = with_words(vectors[:, :-DIMENSION], places, bags, vectors)  # in place: a copy takes much memory
            after, names = settled(texts, readable, vectors, bags, before, taken, again, unnamed)
        with sessions.begin() as session:
            lock(session)
            if read(session, token) == before:  # else a lead has changed a topic meanwhile
                write(session, token, before, after, _heirs(before, after), unnamed.nameless, now)
                break
    else:
        log.warning("The topics of %s are changed by hand so often that they were not brought up to date.", token)
    continued = {topic.id for topic in after if topic.id is not None}
    shown = [topic for topic in after if topic.id is None or not before[topic.id].closed]
    report = TopicsReport(
        topics=sum(len(topic.items) >= LEAST_ITEMS and all(topic.names.values()) for topic in shown),
        items=sum(len(topic.items) for topic in shown),
        nowhere=len(readable) - sum(len(topic.items) for topic in after),
        new=len(after) - len(continued),
        ended=len(before.keys() - continued),
        renamed=sum(topic.id in before and topic.names != before[topic.id].names for topic in shown),
    )
    return report, names


def _heirs(before: Mapping[int, StoredTopic], after: Sequence[NewTopic]) -> dict[int, int]:
    """The place in `after` of the topic that most items of each ended topic went to, by the id of the ended one."""
    members = {place: topic.items for place, topic in enumerate(after)}
    ended = before.keys() - {topic.id for topic in after}
    found = {topic: heir(before[topic].items.keys(), members) for topic in ended}
    return {topic: place for topic, place in found.items() if place is not None}


def _sum(one: TopicsReport, other: TopicsReport) -> TopicsReport:
    counts = ("topics", "items", "nowhere", "new", "ended", "renamed")
    return replace(one, **{name: getattr(one, name) + getattr(other, name) for name in counts})
