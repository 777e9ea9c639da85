"""Computes the figures of all topics and stores them: `update_figures`.

What takes long is asking questions again, so what was found is stored. A question is asked when it is new, was edited
or asked long ago, when something that was found for it is gone, or when it is among the nearest to an item that has
changed since. Everything else is computed anew each time, since people come and go and what they did grows old.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from sqlalchemy import delete, select
from sqlalchemy.orm import Session, sessionmaker

from recommender.corpus import headings, ids_of
from recommender.database.insight_tables import TopicItem, TopicRow
from recommender.database.risk_tables import TopicAnswer, TopicQuestion
from recommender.database.tables import Document, HelpRequest
from recommender.datatypes import Kind, item_key
from recommender.index import SearchIndex
from recommender.insights.answerability import AskedAgain, Searching, ask_again
from recommender.insights.judging import TopicContent, judge_topics
from recommender.insights.questions import PastQuestion, past_questions
from recommender.insights.risk import YEAR
from recommender.insights.topic import reader_of
from recommender.settings import Settings

MOST_ASKED = 20
"""Questions of a topic that are asked again, the newest; a judgement."""
_ASKED_AGAIN_AFTER = timedelta(days=28)
"""After this time a question is asked again although nothing near it has changed; a judgement."""
_NEAREST = 2
"""Questions that are asked again for each item that has changed, the nearest; a judgement."""
_THREADS = 2
_TOGETHER = 50
"""Questions that one thread asks with one session; a judgement."""


@dataclass(frozen=True)
class FiguresReport:
    """How many topics have figures now, how many questions were asked, of how many what was found before was used, how
    many acts are proposed, and how many seconds it took."""

    topics: int
    asked: int
    reused: int
    acts: int
    seconds: float


def update_figures(
    sessions: sessionmaker[Session],
    searching: Searching,
    index: SearchIndex,
    settings: Settings,
    now: datetime,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> FiguresReport:
    """Compute the figures of all topics, the present week of their history and the acts that are proposed, and store
    them. `progress` is called with (questions asked, questions to ask)."""
    started = time.monotonic()
    with sessions() as session:
        audiences = sorted(set(session.scalars(select(TopicRow.audience).where(TopicRow.ended_on.is_(None)))))
        work = [_Work.of(session, index, audience, now) for audience in audiences]
    to_ask = [(part, topic, question) for part in work for topic, question in part.to_ask]
    found = _ask_all(sessions, searching, settings, to_ask, progress)
    acts = topics = 0
    for part in work:
        with sessions.begin() as session:
            part.store(session, {key: found[key] for key in found if key[0] in part.questions}, now)
            acts += judge_topics(session, part.audience, _contents(session, part), settings, now)
            topics += len(part.questions)
    reused = sum(len(asked) for part in work for asked in part.questions.values()) - len(to_ask)
    return FiguresReport(topics, len(to_ask), reused, acts, time.monotonic() - started)


@dataclass(frozen=True)
class _Work:
    """The topics of one audience: all items of each topic, all its past questions, the newest that are asked again
    (`questions`), and those of them to ask now."""

    audience: str
    items: Mapping[int, frozenset[str]]
    past: Mapping[int, Sequence[PastQuestion]]
    questions: Mapping[int, Sequence[PastQuestion]]
    to_ask: Sequence[tuple[int, PastQuestion]]

    @classmethod
    def of(cls, session: Session, index: SearchIndex, audience: str, now: datetime) -> "_Work":
        items = _items(session, audience)
        past = past_questions(session, items)
        questions = {topic: asked[:MOST_ASKED] for topic, asked in past.items()}
        to_ask = _to_ask(session, index, audience, questions, items, now)
        return cls(audience, items, past, questions, to_ask)

    def store(
        self, session: Session, found: Mapping[tuple[int, str], Mapping[str, float] | None], now: datetime
    ) -> None:
        """Store what was found, by (topic, question), and forget questions that are not asked any more."""
        reader = reader_of(session, self.audience)
        keys = {key for _topic, key in found} | {item for items in found.values() for item in items or ()}
        there = headings(session, keys, reader).keys()  # something may have been erased meanwhile
        for topic, questions in self.questions.items():
            fresh = [question.key for question in questions if (topic, question.key) in found]
            stays = [question.key for question in questions if question.key not in fresh]
            for table in (TopicQuestion, TopicAnswer):
                session.execute(delete(table).where(table.topic_id == topic, table.question.not_in(stays)))
            for question in fresh:
                items = found[topic, question]
                if question not in there or items is None:
                    continue
                session.add(TopicQuestion(topic_id=topic, question=question, asked_on=now))
                session.add_all(
                    TopicAnswer(topic_id=topic, question=question, item=item, match=match)
                    for item, match in items.items()
                    if item in there and item != question
                )
        session.flush()


def _items(session: Session, audience: str) -> dict[int, frozenset[str]]:
    """The items of each topic of an audience that are there and may be read by all of it."""
    rows = session.execute(
        select(TopicItem.topic_id, TopicItem.item)
        .join(TopicRow, TopicRow.id == TopicItem.topic_id)
        .where(TopicRow.audience == audience, TopicRow.ended_on.is_(None))
    ).all()
    keys = [item for _topic, item in rows]
    reader = reader_of(session, audience)
    there: set[str] = set()
    for start in range(0, len(keys), 5_000):
        there |= headings(session, keys[start : start + 5_000], reader).keys()
    items: dict[int, set[str]] = {topic: set() for topic, _item in rows}
    for topic, item in rows:
        if item in there:
            items[topic].add(item)
    return {topic: frozenset(members) for topic, members in items.items()}


def _to_ask(
    session: Session,
    index: SearchIndex,
    audience: str,
    questions: Mapping[int, Sequence[PastQuestion]],
    items: Mapping[int, frozenset[str]],
    now: datetime,
) -> list[tuple[int, PastQuestion]]:
    """The questions, with their topics, that must be asked now."""
    asked_on: dict[tuple[int, str], datetime] = {}
    lost: set[tuple[int, str]] = set()
    reader = reader_of(session, audience)
    found = session.execute(select(TopicAnswer.topic_id, TopicAnswer.question, TopicAnswer.item)).all()
    mine = [row for row in found if row[0] in questions]
    there = headings(session, {item for _topic, _question, item in mine}, reader).keys()
    lost = {(topic, question) for topic, question, item in mine if item not in there}
    for row in session.scalars(select(TopicQuestion)):
        asked_on[row.topic_id, row.question] = row.asked_on
    since = max((at for (topic, _key), at in asked_on.items() if topic in questions), default=None)
    near = _near_changes(session, index, audience, questions, items, since) if since else set[str]()
    to_ask = []
    for topic, of_topic in questions.items():
        for question in of_topic:
            at = asked_on.get((topic, question.key))
            if (
                at is None
                or question.key in near
                or at < max(question.changed_at, now - _ASKED_AGAIN_AFTER)
                or (topic, question.key) in lost
            ):
                to_ask.append((topic, question))
    return to_ask


def _near_changes(
    session: Session,
    index: SearchIndex,
    audience: str,
    questions: Mapping[int, Sequence[PastQuestion]],
    items: Mapping[int, frozenset[str]],
    since: datetime,
) -> set[str]:
    """The questions that are nearest to items which have changed since a time."""
    changed = _changed(session, since) & frozenset[str]().union(*items.values())
    if not changed:
        return set()
    keys, vectors = index.item_vectors(reader_of(session, audience).tokens)
    rows = {key: row for row, key in enumerate(keys)}
    asked = [question.key for of_topic in questions.values() for question in of_topic if question.key in rows]
    wanted = sorted(changed & rows.keys())
    if not asked or not wanted:
        return set()
    cosines = vectors[[rows[key] for key in wanted]] @ vectors[[rows[key] for key in asked]].T
    nearest = np.argsort(-cosines, axis=1, kind="stable")[:, :_NEAREST]
    return {asked[column] for row in nearest.tolist() for column in row}


def _changed(session: Session, since: datetime) -> frozenset[str]:
    keys = [
        item_key(kind, identifier)
        for kind, table in ((Kind.REQUEST, HelpRequest), (Kind.DOCUMENT, Document))
        for identifier in session.scalars(select(table.id).where(table.updated_at >= since))
    ]
    return frozenset(keys)


def _ask_all(
    sessions: sessionmaker[Session],
    searching: Searching,
    settings: Settings,
    to_ask: Sequence[tuple[_Work, int, PastQuestion]],
    progress: Callable[[int, int], None],
) -> dict[tuple[int, str], dict[str, float] | None]:
    """What is found for each question, by (topic, question)."""

    def ask(chunk: Sequence[tuple[_Work, int, PastQuestion]]) -> dict[tuple[int, str], dict[str, float] | None]:
        with sessions() as session:
            readers = {part.audience: reader_of(session, part.audience) for part, _topic, _question in chunk}
            return {
                (topic, question.key): ask_again(searching, readers[part.audience], session, question.text, settings)
                for part, topic, question in chunk
            }

    chunks = [to_ask[start : start + _TOGETHER] for start in range(0, len(to_ask), _TOGETHER)]
    found: dict[tuple[int, str], dict[str, float] | None] = {}
    with ThreadPoolExecutor(_THREADS) as threads:
        for answers in threads.map(ask, chunks):
            found |= answers
            progress(len(found), len(to_ask))
    return found


def _contents(session: Session, part: _Work) -> list[TopicContent]:
    """What the figures of each topic are computed from."""
    asked: dict[int, dict[str, dict[str, float]]] = defaultdict(dict)
    for row in session.execute(select(TopicQuestion.topic_id, TopicQuestion.question)):
        asked[row.topic_id][row.question] = {}
    for answer in session.scalars(select(TopicAnswer)):
        if answer.question in asked[answer.topic_id]:
            asked[answer.topic_id][answer.question][answer.item] = answer.match
    teams = _teams(session, frozenset[str]().union(*part.items.values()))
    contents = []
    for topic, items in part.items.items():
        past = part.past.get(topic, ())
        languages = {question.key: question.language for question in past}
        created = [question.created_at for question in past]
        handled = Counter(teams[item] for item in sorted(items) if teams.get(item) is not None)
        contents.append(
            TopicContent(
                topic=topic,
                team_id=handled.most_common(1)[0][0] if handled else None,
                items=items,
                asked=tuple(AskedAgain(key, found) for key, found in sorted(asked[topic].items())),
                languages=languages,
                created=tuple(created),
            )
        )
    return contents


def _teams(session: Session, keys: Collection[str]) -> dict[str, int | None]:
    """The id of the team that handles each item."""
    teams: dict[str, int | None] = {}
    for kind, table in ((Kind.REQUEST, HelpRequest), (Kind.DOCUMENT, Document)):
        ids = ids_of(keys, kind)
        for start in range(0, len(ids), 5_000):
            for identifier, team in session.execute(
                select(table.id, table.team_id).where(table.id.in_(ids[start : start + 5_000]))
            ):
                teams[item_key(kind, identifier)] = team
    return teams


def demand(created: Sequence[datetime], now: datetime) -> float:
    """How many questions were asked within the last year."""
    return float(sum(now - YEAR < at <= now for at in created))
