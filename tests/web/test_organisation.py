"""What the organisation sets is obeyed by the pages at once."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from flask.testing import FlaskClient
from flask_babel import format_datetime
from sqlalchemy.orm import Session

from recommender.organisation.values import set_value
from recommender.settings import Settings


@pytest.fixture
def client(open_client: Callable[[], FlaskClient]) -> FlaskClient:
    return open_client()


def _change(client: FlaskClient, settings: Settings, key: str, value: object) -> None:
    session: Session
    with client.application.extensions["kollega_sessions"].begin() as session:
        set_value(session, settings, key, value)


def test_pages_follow_the_language_and_the_languages(client: FlaskClient, settings: Settings) -> None:
    assert 'lang="en"' in client.get("/sign-in").get_data(as_text=True)
    _change(client, settings, "language", "fi")
    assert '<html lang="fi"' in client.get("/sign-in").get_data(as_text=True)
    _change(client, settings, "languages", ["en"])
    page = client.get("/sign-in?lang=fi").get_data(as_text=True)
    assert '<html lang="en"' in page and "Suomi" not in page


def test_pages_follow_the_time_zone(client: FlaskClient, settings: Settings) -> None:
    def noon() -> str:
        with client.application.test_request_context("/?lang=fi"):
            return str(format_datetime(datetime(2026, 7, 1, 12, 0), "HH:mm"))

    assert noon() == "12:00"
    _change(client, settings, "time_zone", "Europe/Helsinki")
    assert noon() == "15:00"


def test_after_a_start_a_session_lasts_as_long_as_the_organisation_has_set(
    client: FlaskClient, settings: Settings, open_client: Callable[[], FlaskClient]
) -> None:
    _change(client, settings, "session_days", 60.0)
    assert open_client().application.permanent_session_lifetime == timedelta(days=60)
