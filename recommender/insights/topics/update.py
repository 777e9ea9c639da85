"""Brings the topics up to date with the index: items join topics, new topics grow, and each keeps its id and name.

What a lead has named, or put together by hand, stays (`editing.py`). Topics are computed beside the database and
written in one short transaction for each token of readers, so that nobody waits for them.
"""

import logging
import math
import time
from collections import deque
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from sqlalchemy.orm import Session, sessionmaker

from recommender.access import EVERYONE
from recommender.index import SearchIndex
from recommender.insights.topics import clustering
from recommender.insights.topics.clustering import NOWHERE, Labels, Vectors
from recommender.insights.topics.matching import heir, match
from recommender.insights.topics.questions import nameless
from recommender.insights.topics.stored import (
    NewTopic,
    StoredTopic,
    lock,
    read,
    readable_titles,
    tokens_of_topics,
    write,
)
from recommender.insights.topics.texts import Texts
from recommender.insights.topics.topic import LANGUAGES, LEAST_ITEMS, reader_of
from recommender.insights.topics.word_vectors import with_words
from recommender.insights.topics.words import WordReader
from recommender.knowledge.erased_names import names_of_people
from recommender.language.analyzer import Analyzer
from recommender.language.dictionary import Dictionary

log = logging.getLogger(__name__)
NO_VECTORS, FEW_ITEMS, NOT_FOR_EVERYONE = "no_vectors", "few_items", "not_for_everyone"
"""What topics lack: an index with vectors; enough items that are alike; items that everyone may read."""
_GROWN = 1.05
"""The names of a topic are looked at again when it has about so many times as many items."""
_TRIES = 3
"""How many times the topics of a token are computed when leads change them meanwhile; a judgement, as the next one."""
Names = Mapping[str, set[str]]
"""Names of topics by language."""


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
    happens by itself when the organisation has outgrown its topics; most of them stay all the same.

    Nothing is changed when there is no index, or one without vectors.
    """
    started = time.monotonic()
    with sessions() as session:
        audiences = tokens_of_topics(session)
        people = names_of_people(session)
    found = {token: index.item_vectors(frozenset({token})) for token in audiences} if index else {}
    if not any(len(keys) for keys, _vectors in found.values()):
        return TopicsReport(missing=(NO_VECTORS,), seconds=time.monotonic() - started)
    reader = WordReader(analyzer, Dictionary.load(), people)
    report, restricted = TopicsReport(), False
    taken = {language: set[str]() for language in LANGUAGES}
    for token in audiences:
        keys, vectors = found.pop(token)
        done, names = _update_token(sessions, token, keys, vectors, reader, taken, now, again)
        report = _sum(report, done)
        if token == EVERYONE:  # the readers of every token may see the names of these
            taken = names
            restricted = not len(keys)
    lacks = ((NOT_FOR_EVERYONE, restricted), (FEW_ITEMS, not report.topics))
    lacking = tuple(lack for lack, true in lacks if true)
    return replace(report, missing=lacking, seconds=time.monotonic() - started)


@dataclass(frozen=True)
class _Groups:
    """The groups of a token's items: their vectors and labels, and the id of the topic that each label continues, if
    any."""

    keys: Sequence[str]
    vectors: Vectors
    labels: Labels
    topics: Mapping[int, int]

    def members(self) -> dict[int, frozenset[str]]:
        """The keys of each group's items, by label."""
        if not len(self.labels):
            return {}
        order = np.argsort(self.labels, kind="stable")
        labels, firsts = np.unique(self.labels[order], return_index=True)
        parts = np.split(order, firsts[1:])
        return {
            int(label): frozenset(self.keys[place] for place in part.tolist())
            for label, part in zip(labels, parts, strict=True)
            if label != NOWHERE
        }


def _update_token(
    sessions: sessionmaker[Session],
    token: str,
    keys: Sequence[str],
    vectors: Vectors,
    reader: WordReader,
    taken: Names,
    now: datetime,
    again: bool,
) -> tuple[TopicsReport, dict[str, set[str]]]:
    """Update the topics of one token. Returns also the names of its topics and of `taken`."""
    for _try in range(_TRIES):
        with sessions() as session:
            before = read(session, token)
            titles = readable_titles(session, keys, reader_of(session, token))
            places = [place for place, key in enumerate(keys) if key in titles]
            readable = [keys[place] for place in places]
            meanings = vectors[places] if len(places) < len(keys) else vectors
            texts = Texts(session, readable, meanings, reader)
            both = with_words(meanings, texts.bags([titles[key] for key in readable]))
            groups = _regroup(readable, both, before, again)
            after, names = _named(texts, groups, before, taken, nameless(session, token))
        with sessions.begin() as session:
            lock(session)
            if read(session, token) == before:  # else a lead has changed a topic meanwhile
                write(session, token, before, after, _heirs(before, after), now)
                break
    else:
        log.warning("The topics of %s are changed by hand so often that they were not brought up to date.", token)
    continued = {topic.id for topic in after if topic.id is not None}
    shown = [topic for topic in after if topic.id is None or not before[topic.id].closed]
    report = TopicsReport(
        topics=sum(len(topic.items) >= LEAST_ITEMS and all(topic.names.values()) for topic in shown),
        items=sum(len(topic.items) for topic in shown),
        nowhere=int((groups.labels == NOWHERE).sum()),
        new=len(after) - len(continued),
        ended=len(before.keys() - continued),
        renamed=sum(topic.id in before and topic.names != before[topic.id].names for topic in shown),
    )
    return report, names


def _regroup(keys: Sequence[str], vectors: Vectors, before: Mapping[int, StoredTopic], again: bool) -> _Groups:
    """The groups of these items now, and which topic each continues."""
    ids = sorted(before)
    place_of = {key: place for place, key in enumerate(keys)}
    labels, fixed = np.full(len(keys), NOWHERE, np.int64), np.zeros(len(keys), np.bool_)
    for label, topic in enumerate(ids):
        for key, chosen in before[topic].items.items():
            if key in place_of:
                labels[place_of[key]], fixed[place_of[key]] = label, chosen
    kept = {label for label, topic in enumerate(ids) if before[topic].kept}
    had = labels
    if (labels == NOWHERE).all():
        labels = clustering.form(vectors)
    else:
        labels = clustering.join(vectors, clustering.grow(vectors, clustering.join(vectors, labels)))
        if again or clustering.outgrown(len(keys), len(np.unique(labels[labels != NOWHERE]))):
            labels = clustering.form_again(vectors, labels, fixed, kept)
    old = {topic: {keys[place] for place in np.flatnonzero(had == label).tolist()} for label, topic in enumerate(ids)}
    groups = _Groups(keys, vectors, labels, {})
    return replace(groups, topics=match(old, groups.members(), {ids[label] for label in kept}))


def _named(
    texts: Texts, groups: _Groups, before: Mapping[int, StoredTopic], taken: Names, nameless: Set[int]
) -> tuple[list[NewTopic], dict[str, set[str]]]:
    """(the topics as they are to be stored; their names and those of `taken`). A topic keeps its name unless that has
    become wrong, or no longer tells it apart. A group that no words describe is divided where that gives one that they
    do; else it is stored without a name, and not shown. For those of `nameless` that have not changed none is looked
    for again."""
    members = {label: np.flatnonzero(groups.labels == label) for label in groups.members()}
    names = {language: set(taken[language]) for language in LANGUAGES}
    for stored in before.values():
        for language in LANGUAGES:
            names[language] |= {stored.given[language]} - {""}
    after = []
    order = sorted(members, key=lambda label: (label not in groups.topics, -len(members[label]), label))
    waiting = deque((groups.topics.get(label), members[label]) for label in order)
    while waiting:
        number, rows = waiting.popleft()
        topic, keys = before.get(number or 0), frozenset(groups.keys[row] for row in rows.tolist())
        name = dict(topic.names) if topic else dict.fromkeys(LANGUAGES, "")
        known = topic and (topic.closed or (topic.id in nameless and not _changed(topic.items.keys(), keys)))
        if len(rows) >= LEAST_ITEMS and not known:
            name = _right_name(topic, keys, texts, groups.vectors, rows, names)
            if not all(name.values()) and (not topic or (not topic.kept and _changed(topic.items.keys(), keys))):
                parts = _parts(texts, groups.vectors, rows, names)
                if len(parts) > 1:
                    waiting.extendleft([(None, parts[1]), (number, parts[0])])
                    continue
            for language in LANGUAGES:
                names[language] |= {name[language]} - {""}
        after.append(NewTopic(number, keys, name))
    gone = sorted({number for number, stored in before.items() if stored.kept} - {topic.id for topic in after})
    return [*after, *(NewTopic(number, frozenset(), before[number].names) for number in gone)], names


def _right_name(
    topic: StoredTopic | None, keys: frozenset[str], texts: Texts, vectors: Vectors, rows: Labels, names: Names
) -> dict[str, str]:
    """The names of a group: those it has, where they are right, else new ones."""
    had = dict(topic.names) if topic else dict.fromkeys(LANGUAGES, "")
    wrong = {language for language in LANGUAGES if not had[language] or had[language] in names[language]}
    if topic and not wrong and not _changed(topic.items.keys(), keys):
        return had
    if topic and len(wrong) < len(LANGUAGES):
        right = texts.namer.holds(had, texts.nearest(vectors, rows))
        wrong |= {language for language in LANGUAGES if not right[language]}
    if not wrong:
        return had
    if topic and topic.kept:
        new = texts.namer.any_names(texts.nearest(vectors, rows), names)
    else:
        new = texts.names(vectors, rows, names)
    return {language: new[language] if language in wrong else had[language] for language in LANGUAGES}


def _changed(before: Set[str], after: Set[str]) -> bool:
    """True when a name has to be looked at again: an item that it may have come from has left, or the topic has grown
    by more than a few."""
    return bool(before - after) or _size_class(len(before)) != _size_class(len(after))


def _size_class(items: int) -> int:
    return int(math.log(items, _GROWN)) if items else 0


def _parts(texts: Texts, vectors: Vectors, rows: Labels, names: Names) -> list[Labels]:
    """The two parts of a group, when there are names for one of them; else the whole."""
    halves = clustering.halves(vectors[rows])
    parts = [rows[halves == part] for part in (0, 1)] if halves.any() else [rows]
    named = (texts.names(vectors, part, names) for part in parts if len(parts) > 1)
    return parts if any(all(name.values()) for name in named) else [rows]


def _heirs(before: Mapping[int, StoredTopic], after: Sequence[NewTopic]) -> dict[int, int]:
    """The place in `after` of the topic that most items of each ended topic went to, by the id of the ended one."""
    members = {place: topic.items for place, topic in enumerate(after)}
    ended = before.keys() - {topic.id for topic in after}
    found = {topic: heir(before[topic].items.keys(), members) for topic in ended}
    return {topic: place for topic, place in found.items() if place is not None}


def _sum(one: TopicsReport, other: TopicsReport) -> TopicsReport:
    counts = ("topics", "items", "nowhere", "new", "ended", "renamed")
    return replace(one, **{name: getattr(one, name) + getattr(other, name) for name in counts})
