"""research/insights/stability.py: which items keep their topic."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from indexer.research.insights.convert import Answer, Asked
from indexer.research.insights.stability import Kept, Week, after_a_month, compared, of_demo, of_questions
from recommender.database.engine import open_database
from recommender.database.tables import HelpRequest, utc_now
from recommender.language.analyzer import Analyzer
from recommender.settings import Settings
from tests.conftest import FakeEncoder

START = datetime(2026, 1, 1)
SUBJECTS = (
    ("printer", "toner", "The printer jams and the toner leaks"),
    ("parking", "permit", "My parking permit has run out"),
)


def _question(number: int) -> Asked:
    first, second, text = SUBJECTS[number % 2]
    at = START + timedelta(days=number)
    answer = Answer(f"a{number}", f"p{number % 3}", at + timedelta(hours=1), f"About the {first}: {second}.", True, 1)
    title = f"{text} {number}"
    return Asked(
        f"q{number}", title, f"{first} {second} {text}", "en", f"team-{number % 2}", "asker", at, None, (answer,)
    )


def test_an_item_in_another_topic_and_one_in_none_have_lost_theirs_and_one_that_is_gone_does_not_count() -> None:
    before = Week({"a": 1, "b": 1, "c": 2, "gone": 2}, frozenset({"a", "b", "c", "d", "gone"}))
    kept = compared("set", START, before, Week({"a": 1, "b": 3, "new": 1}, frozenset({"a", "b", "c", "d", "new"})))
    assert kept == Kept("set", "2026-01-01", topics=2, items=3, kept=1, added=1)
    assert kept.share == pytest.approx(1 / 3)
    assert compared("set", START, Week({}, frozenset()), before).share == 1.0


def test_a_month_of_questions_comes_week_by_week(settings: Settings) -> None:
    questions = [_question(number) for number in range(60)]
    date = START + timedelta(days=30, hours=2)
    kept = after_a_month("small", date, of_questions(questions, "small"), FakeEncoder(), settings)
    assert (kept.date, kept.topics, kept.added) == ("2026-01-31", 2, 28)
    assert kept.items == 31 == kept.kept


def test_a_month_ago_the_demo_had_fewer_requests(settings: Settings) -> None:
    sessions = open_database(replace(settings, database=""))
    analyzer = Analyzer(settings.models_dir / "dictionaries")
    searchable = select(HelpRequest.external_id).where(HelpRequest.hidden.is_(False))
    with sessions() as session:
        of_demo(sessions, analyzer, utc_now() - timedelta(days=100))
        before = set(session.scalars(searchable))
        session.rollback()
        of_demo(sessions, analyzer, utc_now())
        assert before < set(session.scalars(searchable))
