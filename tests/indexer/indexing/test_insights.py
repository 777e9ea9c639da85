"""indexing/insights.py: watch brings the topics up to date when the index has changed, not too often."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from indexer.indexing.insights import Insights
from recommender.access import reader_of
from recommender.database.insight_tables import TopicItem
from recommender.database.tables import Person
from recommender.index.local import LocalIndex
from recommender.index.model_in_use import FollowingEncoder
from recommender.insights.topics import editing
from recommender.insights.topics.topic import visible_topics
from recommender.language.analyzer import Analyzer
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
