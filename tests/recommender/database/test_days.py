"""database/days.py: which day it is, around midnight in Helsinki, where it is two or three hours later than in UTC."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.orm import Session, sessionmaker

from indexer.commands.running import database_session
from recommender.database import days
from recommender.database.days import beginning, current_day, day_of, use_zone
from recommender.database.tables import Person
from recommender.organisation.values import set_value
from recommender.recommender import Recommender
from recommender.settings import Settings
from tests.apps import close_app
from web.app import create_app

HELSINKI = ZoneInfo("Europe/Helsinki")
SUMMER, WINTER = datetime(2026, 7, 1, 21, 30), datetime(2026, 1, 1, 22, 30)  # half past twelve at night in Helsinki


@pytest.mark.parametrize(
    ("at", "day"),
    [
        (WINTER, date(2026, 1, 2)),
        (datetime(2026, 1, 1, 21, 59), date(2026, 1, 1)),
        (SUMMER, date(2026, 7, 2)),
        (datetime(2026, 7, 1, 20, 59), date(2026, 7, 1)),
    ],
)
def test_a_time_belongs_to_the_day_that_it_is_there(at: datetime, day: date) -> None:
    assert day_of(at) == at.date()
    use_zone(HELSINKI)
    assert day_of(at) == day


def test_a_day_begins_when_it_begins_there_also_when_the_clocks_change() -> None:
    use_zone(HELSINKI)
    assert beginning(date(2026, 1, 2)) == datetime(2026, 1, 1, 22)
    assert beginning(date(2026, 3, 29)) == datetime(2026, 3, 28, 22)  # summer time begins that night
    assert beginning(date(2026, 3, 30)) == datetime(2026, 3, 29, 21)
    assert all(day_of(beginning(date(2026, 10, day))) == date(2026, 10, day) for day in range(1, 32))


def test_whoever_leaves_cannot_sign_in_from_midnight_there_on(
    sessions: sessionmaker[Session], monkeypatch: pytest.MonkeyPatch, add_person: Callable[..., int]
) -> None:
    monkeypatch.setattr(days, "utc_now", lambda: WINTER)
    with sessions.begin() as session:
        person = session.get_one(Person, add_person("aino"))
        person.left_on = date(2026, 1, 2)
        assert not person.has_left(current_day())
        use_zone(HELSINKI)
        assert person.has_left(current_day())


def test_pages_show_an_absence_until_the_end_of_its_day_there(
    settings: Settings,
    sessions: sessionmaker[Session],
    monkeypatch: pytest.MonkeyPatch,
    add_person: Callable[..., int],
    open_recommender: Callable[[], Recommender],
) -> None:
    with sessions.begin() as session:
        session.get_one(Person, add_person("aino", "agent", "it")).away_until = date(2026, 1, 1)
    monkeypatch.setattr(days, "utc_now", lambda: WINTER)
    shown = {}
    for zone in ("UTC", "Europe/Helsinki"):
        app = create_app(replace(settings, time_zone=zone), recommender=open_recommender())
        shown[zone] = "Away until" in app.test_client().get("/people/aino?lang=en").text
        close_app(app)
    assert shown == {"UTC": True, "Europe/Helsinki": False}


def test_a_command_has_the_days_of_the_zone_that_the_organisation_set(
    settings: Settings, sessions: sessionmaker[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    with sessions.begin() as session:
        set_value(session, settings, "time_zone", "Europe/Helsinki")
    monkeypatch.setattr(days, "utc_now", lambda: WINTER)
    assert current_day() == date(2026, 1, 1)
    with database_session(settings):
        assert current_day() == date(2026, 1, 2)
