"""How many items keep their topic while a month goes by: topics are found at a date, and brought up to date every week
with what was asked and answered since.

Of the items that are in a topic at first and searchable at the end, it counts those whose topic has the same id then;
an item whose topic has ended, or which is in another one, has lost it. The demo organisation and
each set of questions with times are looked at at the dates of `backtest.CUTS`. Nothing is fitted.

Usage: python -m indexer.research.insights.stability RESULT.json demo FOLDER...
"""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import select, update
from sqlalchemy.orm import Session, sessionmaker

from indexer.evaluation.cache import CachingEncoder
from indexer.indexing.reindex import reindex
from indexer.loading.load import load
from indexer.research.insights.backtest import CUTS, PASSAGES, TOKENS
from indexer.research.insights.convert import Asked, read_questions, write
from indexer.sources.demo import DemoSource
from indexer.sources.jsonl import JSONLSource
from indexer.sources.records import RequestRecord
from recommender.access import EVERYONE
from recommender.database.engine import open_database
from recommender.database.insight_tables import TopicItem, TopicRow
from recommender.database.tables import HelpRequest, utc_now
from recommender.encoder import Encoder
from recommender.encoder.load import load_encoder
from recommender.errors import EvaluationError
from recommender.index.local import LocalIndex
from recommender.insights.topics.update import update_topics
from recommender.language.analyzer import Analyzer
from recommender.settings import Settings

DEMO = "demo"
WEEKS, WEEK = 4, timedelta(days=7)
Fill = Callable[[sessionmaker[Session], Analyzer, datetime], None]
"""Makes a database contain what there was at a time."""


@dataclass(frozen=True)
class Kept:
    """How many `items` were in one of the `topics` at a date, how many of them `kept` it for a month, and how many
    items had come by then (`added`)."""

    set: str
    date: str
    topics: int
    items: int
    kept: int
    added: int

    @property
    def share(self) -> float:
        """Of the items, those that kept their topic; 1 when there were none."""
        return self.kept / self.items if self.items else 1.0


@dataclass(frozen=True)
class Week:
    """What everybody could find at a time: the topic of each item that is in one, and all items."""

    topics: Mapping[str, int]
    searchable: frozenset[str]


def compared(name: str, date: datetime, before: Week, after: Week) -> Kept:
    """Compares the topic of each item that is still there."""
    items = [item for item in before.topics if item in after.searchable]
    kept = sum(after.topics.get(item) == before.topics[item] for item in items)
    topics = len({before.topics[item] for item in items})
    return Kept(name, date.date().isoformat(), topics, len(items), kept, len(after.searchable - before.searchable))


def after_a_month(name: str, date: datetime, fill: Fill, encoder: Encoder, settings: Settings) -> Kept:
    """Find topics at the date and bring them up to date for four weeks."""
    analyzer = Analyzer(settings.models_dir / "dictionaries")
    with TemporaryDirectory() as home:
        own = replace(settings, home=Path(home), database="", max_passages=PASSAGES, passage_tokens=TOKENS)
        sessions = open_database(own)
        try:
            weeks = [_week(own, sessions, analyzer, encoder, fill, date + number * WEEK) for number in range(WEEKS + 1)]
        finally:
            sessions.kw["bind"].dispose()
    return compared(name, date, weeks[0], weeks[-1])


def _week(
    settings: Settings,
    sessions: sessionmaker[Session],
    analyzer: Analyzer,
    encoder: Encoder,
    fill: Fill,
    now: datetime,
) -> Week:
    fill(sessions, analyzer, now)
    reindex(settings, sessions, encoder, analyzer)
    index = LocalIndex.open(settings.index_dir, encoder.card)
    update_topics(sessions, index, analyzer, now)
    with sessions() as session:
        rows = session.execute(
            select(TopicItem.item, TopicItem.topic_id)
            .join(TopicRow, TopicRow.id == TopicItem.topic_id)
            .where(TopicRow.audience == EVERYONE)
        )
        topics = {item: topic for item, topic in rows}
    return Week(topics, frozenset(index.item_vectors(frozenset({EVERYONE}))[0]))


def of_questions(questions: Sequence[Asked], name: str) -> Fill:
    """Fills a database with the questions, and their answers, that there were at a time."""

    def fill(sessions: sessionmaker[Session], analyzer: Analyzer, now: datetime) -> None:
        with TemporaryDirectory() as folder:
            file = Path(folder) / "known.jsonl"
            write([question.known_at(now) for question in questions if question.at < now], file)
            load(JSONLSource(file, name), sessions, analyzer)

    return fill


def of_demo(sessions: sessionmaker[Session], analyzer: Analyzer, now: datetime) -> None:
    """Fills a database with the demo organisation, and hides the requests that were sent later."""
    with sessions() as session:
        loaded = session.scalar(select(HelpRequest.id).limit(1)) is not None
    if not loaded:
        load(DemoSource(utc_now().date()), sessions, analyzer)
    with sessions.begin() as session:
        session.execute(update(HelpRequest).values(hidden=HelpRequest.created_at >= now))


def _dates_and_filling(name: str) -> tuple[list[datetime], Fill]:
    """The dates at which a set, or the demo, is looked at, and what fills a database with it."""
    times: list[datetime]
    fill: Fill = of_demo
    if name == DEMO:
        records = (located.record for located in DemoSource(utc_now().date()).records())
        times = sorted(each.created_at for each in records if isinstance(each, RequestRecord))
    else:
        questions = read_questions(Path(name))
        times, fill = [question.at for question in questions], of_questions(questions, Path(name).name)
    if not times:
        raise EvaluationError(f"{name} has no requests with times.")
    return [times[int(cut * len(times))] for cut in CUTS], fill


def main(result: Path, sets: Sequence[str]) -> None:
    """Write what was kept, of all sets and dates, to RESULT.json, and print it."""
    settings = Settings.from_environment()
    encoder = CachingEncoder(load_encoder(settings), settings.home / "evaluation" / "vectors")
    found: list[Kept] = []
    for each in sets:
        dates, fill = _dates_and_filling(each)
        for date in dates:
            kept = after_a_month(Path(each).name, date, fill, encoder, settings)
            found.append(kept)
            print(f"{kept} {kept.share:.3f}", flush=True)
        result.write_text(json.dumps([asdict(kept) for kept in found], indent=1) + "\n", encoding="utf-8")
    encoder.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
