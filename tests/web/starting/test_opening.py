"""starting/opening.py: what answers questions is opened while the pages are put together."""

import threading
from typing import Any

import pytest
from flask import Flask

from recommender.errors import SettingsError
from recommender.settings import Settings
from tests.apps import close_app
from tests.timing import LONG
from web import app as web_app
from web.app import create_app
from web.starting import opening


def test_the_pages_are_put_together_while_the_recommender_is_opened(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    together, answers, warmed = threading.Event(), object(), []

    def opened(*_given: object) -> Any:
        assert together.wait(LONG)
        return answers

    def warm_up(app: Flask) -> None:
        warmed.append("kollega_recommender" in app.extensions)
        together.set()

    monkeypatch.setattr(opening, "_ready", opened)
    monkeypatch.setattr(web_app, "warm_up", warm_up)
    app = create_app(settings)
    try:
        assert warmed == [False] and app.extensions["kollega_recommender"] is answers
    finally:
        close_app(app)


def test_why_it_cannot_be_opened_is_told_and_the_database_closed(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_given: object) -> Any:
        raise SettingsError("KOLLEGA_MILVUS is no address.")

    monkeypatch.setattr(opening, "_ready", refused)
    begun = opening.begin(settings)
    with pytest.raises(SettingsError, match="KOLLEGA_MILVUS is no address"):
        create_app(settings, opening=begun)
    assert begun.sessions.kw["bind"].pool.checkedin() == 0
