"""monitoring/freshness.py: how many changes wait for the index, and since when."""

import os
import time
from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import update
from sqlalchemy.orm import Session, sessionmaker

from recommender.database.tables import HelpRequest, utc_now
from recommender.index import generations
from recommender.index.local import LocalIndex
from recommender.monitoring import freshness
from recommender.settings import Settings

Reindexed = Callable[..., LocalIndex]


def _lag(settings: Settings, sessions: sessionmaker[Session]) -> freshness.Lag | None:
    with sessions() as session:
        return freshness.lag(session, settings.index_dir)


def test_nothing_is_known_before_an_index_was_made(settings: Settings, sessions: sessionmaker[Session]) -> None:
    assert _lag(settings, sessions) is None


def test_nothing_waits_after_an_update(
    settings: Settings, sessions: sessionmaker[Session], reindexed: Reindexed, add_request: Callable[..., int]
) -> None:
    add_request("Printer stuck")
    reindexed()
    assert _lag(settings, sessions) == freshness.Lag(0, timedelta())


def test_changes_wait_until_the_next_update_and_the_oldest_gives_the_age(
    settings: Settings, sessions: sessionmaker[Session], reindexed: Reindexed, add_request: Callable[..., int]
) -> None:
    number = add_request("Printer stuck")
    reindexed()
    with sessions.begin() as session:
        session.execute(update(HelpRequest).values(title="Printer jams", updated_at=utc_now() + timedelta(hours=1)))
    reindexed()
    with sessions.begin() as session:  # changed two hours later, and it is now three hours after that
        times = update(HelpRequest).where(HelpRequest.id == number)
        session.execute(times.values(title="Jam", updated_at=utc_now() + timedelta(hours=2)))
    lag = _lag(settings, sessions)
    assert lag is not None and lag.waiting == 1 and lag.age == timedelta()  # a clock that was set back gives no number
    reindexed()
    assert _lag(settings, sessions) == freshness.Lag(0, timedelta())


def test_the_age_is_that_of_the_oldest_change_that_waits(
    settings: Settings, sessions: sessionmaker[Session], reindexed: Reindexed, add_request: Callable[..., int]
) -> None:
    add_request("Printer stuck")
    with sessions.begin() as session:
        for table in ("requests", "replies", "request_audience", "people"):
            session.connection().exec_driver_sql(
                f"UPDATE {table} SET updated_at = '2026-01-01 00:00:00'"  # noqa: S608
            )
    reindexed()
    number = add_request("Coffee machine is empty", by="aino")
    with sessions.begin() as session:
        for table, column in (("requests", "id"), ("replies", "request_id"), ("request_audience", "request_id")):
            session.connection().exec_driver_sql(
                f"UPDATE {table} SET updated_at = '2026-01-02 00:00:00' WHERE {column} = {number}"  # noqa: S608
            )
    lag = _lag(settings, sessions)
    assert lag is not None and lag.waiting == 3  # the request, its reply and who may read it
    since = utc_now() - lag.age
    assert abs(since - utc_now().replace(2026, 1, 2, 0, 0, 0)) < timedelta(minutes=1)


def test_a_deletion_waits_at_most_since_nothing_was_known_to_wait(
    settings: Settings, sessions: sessionmaker[Session], reindexed: Reindexed, add_request: Callable[..., int]
) -> None:
    number = add_request("Printer stuck")
    reindexed()
    os.utime(settings.index_dir / "seen.json", (time.time() - 500, time.time() - 500))
    with sessions.begin() as session:
        session.delete(session.get_one(HelpRequest, number))
    lag = _lag(settings, sessions)
    assert lag is not None and lag.waiting == 1 and timedelta(seconds=499) < lag.age < timedelta(seconds=520)
    freshness.still_current(settings.index_dir)
    lag = _lag(settings, sessions)
    assert lag is not None and lag.age < timedelta(seconds=60)


def test_nothing_is_known_after_another_generation_was_put_in_place_or_the_note_is_damaged(
    settings: Settings, sessions: sessionmaker[Session], reindexed: Reindexed, add_request: Callable[..., int]
) -> None:
    add_request("Printer stuck")
    reindexed()
    reindexed(full=True)
    generations.roll_back(settings.index_dir)
    assert _lag(settings, sessions) is None
    reindexed()
    (settings.index_dir / "seen.json").write_text('{"fingerprint": 3}')
    assert _lag(settings, sessions) is None
