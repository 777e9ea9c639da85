"""indexing/insights.py: watch brings the topics up to date when the index has changed, not too often."""

import gc
import weakref
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session, sessionmaker

from indexer.indexing import insights as module
from indexer.indexing.insights import Insights, compute_insights
from indexer.indexing.open_index import OpenIndex
from recommender.access import reader_of
from recommender.database.insight_tables import TopicItem, TopicRow
from recommender.database.risk_tables import TopicAnswer, TopicFigure, TopicQuestion
from recommender.database.tables import Person, utc_now
from recommender.encoder import Encoder
from recommender.errors import IndexDamaged, IndexMismatch
from recommender.index import SearchIndex, generations
from recommender.index.local import LocalIndex
from recommender.index.model_in_use import FollowingEncoder
from recommender.insights.risk import figures
from recommender.insights.topics import editing
from recommender.insights.topics.topic import visible_topics
from recommender.language.analyzer import Analyzer
from recommender.live import Live
from recommender.settings import Settings
from tests.conftest import FakeEncoder


@pytest.fixture
def add_six(add_request: Callable[..., int]) -> Callable[[], None]:
    def add() -> None:
        for subject in ("printer", "parking"):
            for _number in range(6):
                add_request(f"{subject} {subject}", subject, subject)

    return add


def _items(sessions: sessionmaker[Session]) -> int:
    with sessions() as session:
        return session.scalar(select(func.count()).select_from(TopicItem)) or 0


@pytest.mark.parametrize(("minutes", "followed"), [(0.0, True), (60.0, False)])
def test_topics_follow_a_changed_index_and_not_more_often_than_said(
    settings: Settings,
    sessions: sessionmaker[Session],
    encoder: FakeEncoder,
    analyzer: Analyzer,
    reindexed: Callable[..., LocalIndex],
    add_six: Callable[[], None],
    minutes: float,
    followed: bool,
) -> None:
    insights = Insights(
        replace(settings, insights_minutes=minutes), sessions, FollowingEncoder(settings, encoder), analyzer
    )
    assert not insights.follow()  # there is no index
    add_six()
    reindexed()
    assert insights.follow() and _items(sessions) == 12
    assert not insights.follow()  # nothing changed
    add_six()
    reindexed()
    assert insights.follow() is followed
    assert _items(sessions) == (24 if followed else 12)


def test_kept_vectors_of_questions_change_nothing_that_is_found(
    settings: Settings,
    sessions: sessionmaker[Session],
    encoder: FakeEncoder,
    analyzer: Analyzer,
    reindexed: Callable[..., LocalIndex],
    add_six: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def found() -> list[tuple[int, str, str, float]]:
        with sessions.begin() as session:
            columns = TopicAnswer.topic_id, TopicAnswer.question, TopicAnswer.item, TopicAnswer.match
            rows = [(row[0], row[1], row[2], row[3]) for row in session.execute(select(*columns).order_by(*columns))]
            session.execute(update(TopicQuestion).values(asked_on=utc_now() - timedelta(days=60)))  # asked once more
        return rows

    encoded, encode = list[str](), encoder.encode_queries
    monkeypatch.setattr(encoder, "encode_queries", lambda texts: encoded.extend(texts) or encode(texts))
    add_six()
    reindexed()
    began = utc_now()
    compute_insights(settings, sessions, encoder, analyzer)
    with sessions() as session:  # of all that was computed together
        (at,) = set(session.scalars(select(TopicRow.updated_at))) | set(
            session.scalars(select(TopicFigure.computed_at))
        )
    assert began <= at
    first = found()
    assert len(first) == 60 and encoded
    encoded.clear()
    compute_insights(settings, sessions, encoder, analyzer)
    assert found() == first and not encoded
    (kept,) = settings.index_dir.glob("questions-*")
    kept.unlink()
    compute_insights(settings, sessions, encoder, analyzer)
    assert found() == first and encoded


def test_a_topic_that_a_lead_has_changed_is_computed_anew(
    settings: Settings,
    sessions: sessionmaker[Session],
    encoder: FakeEncoder,
    analyzer: Analyzer,
    reindexed: Callable[..., LocalIndex],
    add_six: Callable[[], None],
    add_person: Callable[..., int],
) -> None:
    paula = add_person("paula", "admin")
    add_six()
    reindexed()
    insights = Insights(
        replace(settings, insights_minutes=0.0), sessions, FollowingEncoder(settings, encoder), analyzer
    )
    assert insights.follow() and not insights.follow()
    with sessions.begin() as session:
        reader = reader_of(session.get_one(Person, paula))
        one, other = visible_topics(session, reader)
        editing.move(session, reader, one.items[0], other.id, analyzer)
    assert insights.follow() and not insights.follow()


def test_the_index_is_opened_once_while_its_generation_stays(
    settings: Settings,
    sessions: sessionmaker[Session],
    encoder: FakeEncoder,
    reindexed: Callable[..., LocalIndex],
    add_request: Callable[..., int],
) -> None:
    opened = OpenIndex(settings, sessions)
    add_request("printer")
    reindexed()
    live, index = opened.get(encoder)
    another = FakeEncoder()
    assert opened.get(another) == (live, index) and live.snapshot.encoder is another
    opened.close_unless_used(3600.0)
    assert opened.get(encoder)[1] is index
    add_request("parking")
    reindexed()
    newer = opened.get(encoder)[1]
    assert newer is not index
    opened.close_unless_used(0.0)
    assert opened.get(encoder)[1] is not newer
    with pytest.raises(IndexMismatch):
        opened.get(FakeEncoder("other"))
    assert opened.get(encoder)[1] is not newer


def test_an_index_that_answers_no_more_is_not_kept_while_the_next_update_waits(
    settings: Settings,
    sessions: sessionmaker[Session],
    encoder: FakeEncoder,
    analyzer: Analyzer,
    reindexed: Callable[..., LocalIndex],
    add_six: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept = list[weakref.ref[Live]]()

    class Watched(OpenIndex):
        def get(self, encoder: Encoder) -> tuple[Live, SearchIndex]:
            live, index = super().get(encoder)
            kept.append(weakref.ref(live))
            return live, index

    def is_kept() -> bool:
        gc.collect()
        return kept[-1]() is not None

    monkeypatch.setattr(module, "OpenIndex", Watched)
    followed = FollowingEncoder(settings, encoder)
    insights = Insights(replace(settings, insights_minutes=60.0), sessions, followed, analyzer)
    add_six()
    reindexed()
    assert insights.follow() and is_kept()
    assert not insights.follow() and is_kept()  # nothing changed
    add_six()
    reindexed()
    assert not insights.follow() and not is_kept()


def test_an_index_whose_files_were_written_in_place_is_opened_again(
    settings: Settings,
    sessions: sessionmaker[Session],
    encoder: FakeEncoder,
    reindexed: Callable[..., LocalIndex],
    add_request: Callable[..., int],
) -> None:
    opened = OpenIndex(settings, sessions)
    add_request("printer")
    reindexed()
    index = opened.get(encoder)[1]
    catalogue = generations.live(settings.index_dir) / generations.CATALOGUE
    catalogue.write_bytes(catalogue.read_bytes())
    assert opened.get(encoder)[1] is not index
    catalogue.write_bytes(b"damaged")
    with pytest.raises(IndexDamaged):
        opened.get(encoder)


def test_an_index_of_another_model_is_logged_once(
    settings: Settings,
    sessions: sessionmaker[Session],
    analyzer: Analyzer,
    reindexed: Callable[..., LocalIndex],
    add_six: Callable[[], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    add_six()
    reindexed()
    insights = Insights(
        settings, sessions, FollowingEncoder(replace(settings, model="other"), FakeEncoder("other")), analyzer
    )
    assert insights.follow() and not insights.follow()
    assert "kollega reindex --full" in caplog.text and _items(sessions) == 0


def test_a_topic_that_is_removed_meanwhile_is_no_error_and_the_rest_is_computed_again(
    settings: Settings,
    sessions: sessionmaker[Session],
    encoder: FakeEncoder,
    analyzer: Analyzer,
    reindexed: Callable[..., LocalIndex],
    add_six: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    add_six()
    reindexed()
    ask = figures._ask_all

    def ask_while_topics_go(*arguments: Any) -> Any:
        with sessions.begin() as session:
            session.execute(delete(TopicRow))
        return ask(*arguments)

    insights = Insights(replace(settings, insights_minutes=0), sessions, FollowingEncoder(settings, encoder), analyzer)
    with monkeypatch.context() as patched, caplog.at_level("INFO"):
        patched.setattr(figures, "_ask_all", ask_while_topics_go)
        assert insights.follow()
    assert "Something was removed" in caplog.text and "Traceback" not in caplog.text
    assert insights.follow() and _items(sessions) == 12
    assert not insights.follow()
