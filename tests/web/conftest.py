"""Fixtures for the tests of pages: an application whose recommender always gives the same recommendation."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session, sessionmaker

from recommender.datatypes import Item, Kind, Passage, Recommendation, Role, Suggestion, Verdict, Why
from recommender.search.people_beside import People
from recommender.settings import Settings
from tests.apps import close_app
from web.app import create_app

OpenWith = Callable[..., FlaskClient]


class FixedRecommender:
    """Gives one recommendation to every question."""

    notices = ()
    index = None

    def __init__(self, recommendation: Recommendation) -> None:
        self._recommendation = recommendation

    def refresh(self, wait: bool = False) -> None:
        """Nothing to load."""

    def recommend(self, question: str, *_: Any, **__: Any) -> Recommendation:
        return replace(self._recommendation, question=question)

    def suggest(self, question: str, *arguments: Any, **named: Any) -> Recommendation:
        return self.recommend(question, *arguments, **named)

    def answers(self, question: str, *arguments: Any, **named: Any) -> Recommendation:
        return self.recommend(question, *arguments, **named)

    def people_for(self, question: str, *_: Any, **__: Any) -> People:
        found = self._recommendation
        return People(found.experts, found.teams, found.likely_teams)

    def recommend_with_open(self, question: str, *_: Any, **__: Any) -> tuple[Recommendation, tuple[Suggestion, ...]]:
        return self.recommend(question), ()


@pytest.fixture
def open_with(settings: Settings, sessions: sessionmaker[Session]) -> Iterator[OpenWith]:
    """Opens a client of an application that answers with these suggestions, and what else a recommendation has;
    `settings_changed` are settings that differ."""
    apps = []

    def opened(
        *suggestions: Suggestion,
        verdict: Verdict = Verdict.ANSWER,
        settings_changed: dict[str, Any] | None = None,
        **more: Any,
    ) -> FlaskClient:
        recommender: Any = FixedRecommender(Recommendation("", "en", verdict, suggestions, **more))
        app = create_app(replace(settings, **settings_changed or {}), recommender=recommender)
        apps.append(app)
        return app.test_client()

    yield opened
    for app in apps:
        close_app(app)


def make_item(key: str, title: str = "VPN drops", language: str = "en", at: datetime = datetime(2026, 1, 2)) -> Item:
    """An item that everyone may read."""
    kind = Kind(key.partition(":")[0])
    return Item(key, kind, title, "", "Use port 443.", language, None, frozenset({"everyone"}), at)


def make_suggestion(item: Item, **more: Any) -> Suggestion:
    """A suggestion that shows the item's answer."""
    passage = Passage(item.key, Role.ANSWER, 1, item.title, item.answer, item.language)
    return Suggestion(item, passage, 0.8, item.answer, (), Why(("port",), 0.5), **more)
