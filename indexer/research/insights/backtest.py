"""Asks the past whether the risk of a topic says anything about what comes after: is more asked there that is answered
late or never?

At several dates each set is cut off: what was known then is imported into an empty store, grouped into topics, and
given figures by the same functions as in use. Every question of the time after the cut then goes to the topic whose
questions are nearest. It counts as *late or never* when nobody else has answered it within the time in which three
quarters of the answered questions before the cut had an answer. Nothing is fitted.

Usage: python -m indexer.research.insights.backtest RESULT.json FOLDER...
"""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from indexer.evaluation.cache import CachingEncoder
from indexer.indexing.reindex import reindex
from indexer.loading.load import load
from indexer.research.insights.convert import Asked, read_questions, write
from indexer.sources.jsonl import JSONLSource
from recommender.database.engine import open_database
from recommender.database.insight_tables import TopicItem
from recommender.database.risk_tables import TopicFigure, TopicKnower
from recommender.database.tables import HelpRequest, Person
from recommender.encoder import Encoder, normalise
from recommender.encoder.load import load_encoder
from recommender.errors import EvaluationError
from recommender.insights.risk.figures import update_figures
from recommender.insights.topics.update import update_topics
from recommender.language.analyzer import Analyzer
from recommender.live import Live
from recommender.recommender import Recommender
from recommender.search.question import QuestionAnalyzer
from recommender.settings import Settings

CUTS = (0.4, 0.6, 0.8)
"""Shares of the questions that are before each date; a judgement."""
_ASKED, PASSAGES, TOKENS = 6, 3, 128
"""Questions of a topic that are asked again, passages of an item that are indexed, and tokens of one: few, to save
time."""
_SLOWEST = 0.75
"""The share of answered questions that had an answer within the time after which one is late; a judgement."""
_SILENT = 0.1
"""Somebody has fallen silent for good when their last answer is in this first part of the time after the date."""
_LONGEST_TEXT = 1_000  # characters of a question by which its topic is found


@dataclass(frozen=True)
class TopicPast:
    """A topic at a date: what its figures said then, how many questions came later, and how many of them were answered
    late or never. `alone` is the share of its questions that found an answer only while one person was there, the one
    with most of them; `silent` says whether that person then fell silent for good."""

    set: str
    date: str
    expected_loss: float
    demand: float
    answerable: float
    bus_factor: int
    people: int
    alone: float
    silent: bool
    later: int
    late: int


def at_date(
    questions: Sequence[Asked], date: datetime, name: str, encoder: Encoder, settings: Settings
) -> list[TopicPast]:
    """The topics of a set at a date, with what came after it."""
    known = [question.known_at(date) for question in questions if question.at < date]
    later = [question for question in questions if question.at >= date]
    with TemporaryDirectory() as home:
        own = replace(settings, home=Path(home), database="", max_passages=PASSAGES, passage_tokens=TOKENS)
        sessions = open_database(own)
        try:
            return _topics(known, later, date, name, encoder, own, sessions)
        finally:
            sessions.kw["bind"].dispose()


def _topics(
    known: Sequence[Asked],
    later: Sequence[Asked],
    date: datetime,
    name: str,
    encoder: Encoder,
    settings: Settings,
    sessions: sessionmaker[Session],
) -> list[TopicPast]:
    file = settings.home / "known.jsonl"
    write(known, file)
    analyzer = Analyzer(Settings.from_environment().models_dir / "dictionaries")
    load(JSONLSource(file, name), sessions, analyzer)
    reindex(settings, sessions, encoder, analyzer)
    recommender = Recommender(
        settings, QuestionAnalyzer.load(analyzer, settings), Live.load(settings.index_dir, encoder)
    )
    index = recommender.index
    if index is None:
        raise EvaluationError(f"{name} could not be indexed.")
    update_topics(sessions, index, analyzer, date)
    update_figures(sessions, recommender.searching, index, settings, date, most_asked=_ASKED, threads=1)
    with sessions() as session:
        return _with_outcomes(session, known, later, date, name, encoder)


def _with_outcomes(
    session: Session, known: Sequence[Asked], later: Sequence[Asked], date: datetime, name: str, encoder: Encoder
) -> list[TopicPast]:
    """The figures of each topic with what came later in it."""
    row_of = {
        external: f"request:{number}"
        for number, external in session.execute(select(HelpRequest.id, HelpRequest.external_id))
    }
    topic_of = {item: topic for topic, item in session.execute(select(TopicItem.topic_id, TopicItem.item))}
    members = [(topic_of[row_of[question.id]], question) for question in known if row_of.get(question.id) in topic_of]
    topics = sorted({topic for topic, _question in members})
    if not topics or not later:
        return []
    vectors = _vectors([question for _topic, question in members], encoder)
    of_topic = np.array([topics.index(topic) for topic, _question in members])
    centres = normalise(np.stack([vectors[of_topic == place].mean(axis=0) for place in range(len(topics))]))
    nearest = (_vectors(later, encoder) @ centres.T).argmax(axis=1)
    hours = [wait for question in known if (wait := question.first_answer_after()) is not None]
    slowest = float(np.quantile(hours, _SLOWEST)) if hours else 0.0
    end = max(question.at for question in later)
    judged = [place for place, question in enumerate(later) if question.at + timedelta(hours=slowest) <= end]
    late = {place: _is_late(later[place], slowest) for place in judged}
    silent = _silent_people(session, later, date, end)
    return [
        _past(session, topic, name, date, [late[n] for n in judged if nearest[n] == place], silent)
        for place, topic in enumerate(topics)
    ]


def _past(
    session: Session, topic: int, name: str, date: datetime, late: Sequence[bool], silent: frozenset[int]
) -> TopicPast:
    figure = session.get_one(TopicFigure, topic)
    knowers = session.scalars(select(TopicKnower).where(TopicKnower.topic_id == topic)).all()
    alone = {knower.person_id: figure.answerable - knower.answerable_without for knower in knowers}
    most = max(alone, key=lambda person: (alone[person], -person), default=0)
    return TopicPast(
        set=name, date=date.date().isoformat(), expected_loss=figure.expected_loss, demand=figure.demand,
        answerable=figure.answerable, bus_factor=figure.bus_factor or 0, people=len(knowers),
        alone=alone.get(most, 0.0), silent=most in silent, later=len(late), late=sum(late),
    )  # fmt: skip


def _vectors(questions: Sequence[Asked], encoder: Encoder) -> NDArray[np.float32]:
    return encoder.encode_queries([question.text[:_LONGEST_TEXT] for question in questions])


def _is_late(question: Asked, slowest: float) -> bool:
    wait = question.first_answer_after()
    return wait is None or wait > slowest


def _silent_people(session: Session, later: Sequence[Asked], date: datetime, end: datetime) -> frozenset[int]:
    """Ids of the people whose last answer is before or soon after the date."""
    soon = date + _SILENT * (end - date)
    active = {answer.author for question in later for answer in question.answers if answer.at > soon}
    rows = session.execute(select(Person.id, Person.handle))
    return frozenset(person for person, handle in rows if handle not in active)


def main(result: Path, folders: Sequence[Path]) -> None:
    """Write the topics of all sets and dates to RESULT.json."""
    settings = Settings.from_environment()
    encoder = CachingEncoder(load_encoder(settings), settings.home / "evaluation" / "vectors")
    topics: list[TopicPast] = []
    for folder in folders:
        questions = read_questions(folder)
        for cut in CUTS:
            date = questions[int(cut * len(questions))].at
            found = at_date(questions, date, folder.name, encoder, settings)
            topics += found
            print(f"{folder.name} {date.date()}: {len(found)} topics, {sum(t.later for t in found)} later", flush=True)
        result.write_text(json.dumps([asdict(topic) for topic in topics], indent=1) + "\n", encoding="utf-8")
    encoder.close()


def read(result: Path) -> list[TopicPast]:
    """What `main` has written."""
    rows: list[Mapping[str, object]] = json.loads(result.read_text(encoding="utf-8"))
    return [TopicPast(**row) for row in rows]  # type: ignore[arg-type]


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(argument) for argument in sys.argv[2:]])
