"""Computes the figures of all topics and stores them: `update_figures`.

What takes long is asking questions again, so what was found is stored. A question is asked when it is new, was edited
or asked long ago, when something that was found for it is gone or has changed, when it is among the nearest to an item
that has changed and that may be found for it now, or when the document of an act for its topic has changed. Everything
else is computed anew each time, since people come and go and what they did grows old.
"""

import heapq
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
from sqlalchemy import delete, select
from sqlalchemy.orm import Session, sessionmaker

from recommender.database.insight_tables import TopicRow
from recommender.database.risk_tables import TopicAnswer, TopicQuestion
from recommender.database.storing import in_chunks
from recommender.index import SearchIndex
from recommender.insights.risk.acts import rewritten
from recommender.insights.risk.answerability import Searching, ask_again
from recommender.insights.risk.recording import record_figures
from recommender.insights.topics.members import Member, MembersOf, members_of_topics, requests_among
from recommender.insights.topics.questions import (
    INDEXING,
    asked_before,
    changed_since,
    found_before,
    texts,
    there,
)
from recommender.insights.topics.topic import reader_of
from recommender.language.terms import Terms
from recommender.search.search import POOL
from recommender.settings import Settings

FEWEST_ASKED, MOST_ASKED, MOST_IN_ALL = 5, 20, 1_600
"""Questions of a topic that are asked again, the newest: the most of one topic, or fewer when there would be more than
MOST_IN_ALL; a judgement."""
_ASKED_AGAIN_AFTER = timedelta(days=28)
"""After this time a question is asked again although nothing near it has changed; a judgement."""
_NEAREST, _AT_ONCE = 2, 4_096
"""Questions that are asked again for each item that has changed, the nearest, and such items whose cosines with all
questions are in memory; judgements."""
THREADS, _TOGETHER = 2, 50
"""Threads that ask, and questions that one of them asks with one session; a judgement."""

_NO_TERMS = Terms((), ())
Found = Mapping[tuple[int, str], Mapping[str, float] | None]
"""What was found for each question that was asked, by (topic, key); None when it says too little to be asked."""


@dataclass(frozen=True)
class FiguresReport:
    """How many topics have figures now, how many questions were asked, for how many what was found before was used, how
    many acts are proposed, and how many seconds it took."""

    topics: int
    asked: int
    reused: int
    acts: int
    seconds: float

    def line(self) -> str:
        """All counts in one line, for an admin."""
        return (
            f"figures of {self.topics} topics, questions asked {self.asked}, reused {self.reused}, "
            f"acts proposed {self.acts}, {self.seconds:.1f} s"
        )


@dataclass(frozen=True)
class _Topics:
    """The topics of one audience: the items of each, its questions that are asked again, newest first, and those to ask
    now."""

    audience: str
    members: Mapping[int, Sequence[Member]]
    samples: Mapping[int, Sequence[Member]]
    to_ask: Sequence[tuple[int, Member]] = ()


def update_figures(
    sessions: sessionmaker[Session],
    searching: Searching,
    index: SearchIndex,
    settings: Settings,
    now: datetime,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
    most_asked: int = MOST_ASKED,
    threads: int = THREADS,
    members_of: MembersOf = members_of_topics,
) -> FiguresReport:
    """Compute the figures of all topics, the present week of their history and the acts that are proposed, and store
    them. `progress` is called with (questions asked, questions to ask); at most `most_asked` of a topic are asked.

    Raises ModelError when the model cannot be used: keyword search alone would find less, and make things look worse.
    """
    started = time.monotonic()
    with sessions() as session:
        rows = session.scalars(select(TopicRow.audience).where(TopicRow.ended_on.is_(None))).all()
        most = max(FEWEST_ASKED, min(most_asked, MOST_IN_ALL // max(1, len(rows))))
        work = [_topics(session, index, audience, members_of, most, now) for audience in sorted(set(rows))]
    found = _ask_all(sessions, searching, settings, work, progress, threads)
    acts = 0
    for topics in work:
        with sessions.begin() as session:
            _store(session, topics, found, now)
            acts += record_figures(session, index, topics.audience, topics.members, settings, now)
    sampled = sum(len(sample) for topics in work for sample in topics.samples.values())
    count = sum(len(topics.members) for topics in work)
    return FiguresReport(count, len(found), sampled - len(found), acts, time.monotonic() - started)


def _topics(
    session: Session, index: SearchIndex, audience: str, members_of: MembersOf, most: int, now: datetime
) -> _Topics:
    members = members_of(session, audience)
    samples = {topic: _newest(requests_among(of_topic), most) for topic, of_topic in members.items()}
    topics = _Topics(audience, members, samples)
    asked_on, found = asked_before(session, audience), found_before(session, audience)
    present = there(session, frozenset[str]().union(*found.values()), reader_of(session, audience))
    changed = changed_since(session, max(asked_on.values()) - INDEXING) if asked_on else frozenset[str]()
    same = present - changed
    lost = {key for key, matches in found.items() if not matches.keys() <= same}
    near = _near_changes(session, index, topics, changed)
    written = rewritten(session, members)

    def must_ask(topic: int, question: Member) -> bool:
        at = asked_on.get((topic, question.key))
        if at is None or question.key in near or (topic, question.key) in lost:
            return True
        return at < max(question.changed_at, written.get(topic, question.changed_at), now - _ASKED_AGAIN_AFTER)

    to_ask = [(topic, each) for topic, sample in samples.items() for each in sample if must_ask(topic, each)]
    return replace(topics, to_ask=to_ask)


def _newest(requests: Sequence[Member], most: int) -> Sequence[Member]:
    return heapq.nlargest(most, requests, key=lambda request: (request.created_at, request.key))


def _near_changes(session: Session, index: SearchIndex, topics: _Topics, changed: Set[str]) -> frozenset[str]:
    """The questions that are nearest to items which have changed, whether these have a topic or not, and for which a
    search may find these items: other items may be nearer to the question."""
    if not changed:
        return frozenset()
    sampled = [question.key for sample in topics.samples.values() for question in sample]
    tokens = reader_of(session, topics.audience).tokens
    keys, vectors = index.item_vectors(tokens, changed | set(sampled))
    rows = {key: row for row, key in enumerate(keys)}
    asked = [key for key in sampled if key in rows]
    wanted = sorted(changed & rows.keys())
    if not asked or not wanted:
        return frozenset()
    questions, count = vectors[[rows[key] for key in asked]], min(_NEAREST, len(asked))
    near = defaultdict[str, set[str]](set)
    for some in in_chunks(wanted, _AT_ONCE):
        cosines = vectors[[rows[key] for key in some]] @ questions.T
        nearest = np.argpartition(-cosines, count - 1, axis=1)[:, :count]
        for item, columns in zip(some, nearest.tolist(), strict=True):
            for column in columns:
                near[asked[column]].add(item)
    return frozenset(
        question
        for question, items in near.items()
        if not items.isdisjoint(hit.item for hit in index.search(vectors[rows[question]], _NO_TERMS, tokens, POOL))
    )


def _ask_all(
    sessions: sessionmaker[Session],
    searching: Searching,
    settings: Settings,
    work: Sequence[_Topics],
    progress: Callable[[int, int], None],
    threads: int,
) -> dict[tuple[int, str], dict[str, float] | None]:
    """What is found for each question that must be asked, by (topic, key), asked as all who see the topic."""
    to_ask = [(topics.audience, topic, question) for topics in work for topic, question in topics.to_ask]

    def ask(
        chunk: Sequence[tuple[str, int, Member]],
    ) -> dict[tuple[int, str], dict[str, float] | None]:
        with sessions() as session:
            readers = {audience: reader_of(session, audience) for audience, _topic, _question in chunk}
            asked = texts(session, [question.key for _audience, _topic, question in chunk])
            return {
                (topic, question.key): ask_again(searching, readers[audience], session, asked[question.key], settings)
                for audience, topic, question in chunk
                if question.key in asked
            }

    chunks = in_chunks(to_ask, _TOGETHER)
    found: dict[tuple[int, str], dict[str, float] | None] = {}
    with ThreadPoolExecutor(threads) as pool:
        for answers in map(ask, chunks) if threads == 1 else pool.map(ask, chunks):
            found |= answers
            progress(len(found), len(to_ask))
    return found


def _store(session: Session, topics: _Topics, found: Found, now: datetime) -> None:
    """Store what was found, and forget the questions that are not asked any more."""
    mine = {key: items for key, items in found.items() if key[0] in topics.members}
    keys = {question for _topic, question in mine} | {item for items in mine.values() for item in items or ()}
    present = there(session, keys, reader_of(session, topics.audience))  # something may have been erased meanwhile
    for topic, questions in topics.samples.items():
        sample = [question.key for question in questions]
        stays = [question for question in sample if (topic, question) not in mine]
        for table in (TopicQuestion, TopicAnswer):
            session.execute(delete(table).where(table.topic_id == topic, table.question.not_in(stays)))
        for question in sample:
            items = mine.get((topic, question))
            if items is None or question not in present:
                continue
            session.add(TopicQuestion(topic_id=topic, question=question, asked_on=now))
            session.add_all(
                TopicAnswer(topic_id=topic, question=question, item=item, match=match)
                for item, match in items.items()
                if item in present and item != question
            )
    session.flush()
