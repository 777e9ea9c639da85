"""rate_counts.py: several processes count together, without waiting for whoever writes records, and nobody's name is
stored."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session, sessionmaker

from recommender.database import rate_counts
from recommender.database.engine import open_engine
from recommender.database.rate_counts import RateCounts
from recommender.database.replica_tables import RateCount
from recommender.settings import Settings
from tests.locking import locked_by_another_process
from tests.postgresql import Server

KEY = "a key of the installation, for tests"


@pytest.fixture
def counts(settings: Settings, sessions: sessionmaker[Session]) -> Iterator[list[RateCounts]]:
    """The counts of two processes: each has connections of its own."""
    engines = [open_engine(settings) for _process in range(2)]
    yield [RateCounts(engine, KEY) for engine in engines]
    for engine in engines:
        engine.dispose()


def test_two_processes_count_together(counts: list[RateCounts]) -> None:
    first, second = counts
    begun = first.add("person:1 searches", 60)
    assert (begun.times, second.add("person:1 searches", 60).times) == (1, 2)
    assert second.add("person:2 searches", 60).times == 1
    assert first.read("person:1 searches") == second.add("person:1 searches", 60, times=0)
    assert first.read("person:1 searches").ends_at == begun.ends_at  # the first one begins the window
    second.forget("person:1 searches")
    assert (first.read("person:1 searches").times, first.read("person:2 searches").times) == (0, 1)
    second.forget_all()
    assert first.read("person:2 searches").times == 0 and first.is_usable()


def test_a_window_ends_and_is_deleted(
    counts: list[RateCounts], sessions: sessionmaker[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1_000_000.0
    monkeypatch.setattr(rate_counts.time, "time", lambda: now)
    assert [counts[0].add("a", 10).times for _ in range(3)] == [1, 2, 3]
    counts[0].add("b", 10)
    now += 11
    assert counts[1].read("a").times == 0 and counts[1].add("a", 10).times == 1
    now += 601
    counts[1].add("c", 10)
    with sessions() as session:
        assert list(session.scalars(select(RateCount.times))) == [1]


def test_no_name_is_stored(counts: list[RateCounts], sessions: sessionmaker[Session]) -> None:
    counts[0].add("address:192.0.2.7 searches", 60)
    with sessions() as session:
        row = session.scalars(select(RateCount)).one()
    assert len(row.digest) == 64 and {column.name for column in RateCount.__table__.columns} == {
        "digest",
        "times",
        "ends_at",
    }
    other = RateCounts(sessions.kw["bind"], "another key")
    assert other.read("address:192.0.2.7 searches").times == 0  # without the key, nobody finds out who it was


def test_counting_does_not_wait_for_who_writes_records(
    server: Server, request: pytest.FixtureRequest, settings: Settings
) -> None:
    on_server = replace(settings, database=server.new_database(request))
    engine = open_engine(on_server, wait=0.05)
    with locked_by_another_process(on_server):
        assert RateCounts(engine, KEY).add("person:1 searches", 60).times == 1
    engine.dispose()


def test_deleting_what_has_ended_does_not_wait_for_who_counts(
    server: Server, request: pytest.FixtureRequest, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_server, now = replace(settings, database=server.new_database(request)), 1_000_000.0
    monkeypatch.setattr(rate_counts.time, "time", lambda: now)
    engine = open_engine(on_server, wait=0.05)
    counts, seconds = RateCounts(engine, KEY), 10.0
    counts.add("a", seconds)
    counts.add("b", seconds)
    now += 700.0
    with engine.begin() as other:  # which counts "a" at the same moment
        other.execute(update(RateCount).where(RateCount.digest == counts._digest("a")).values(times=7))
        assert counts.add("c", seconds).times == 1
    with engine.connect() as connection:
        assert sorted(connection.scalars(select(RateCount.times))) == [1, 7]
    engine.dispose()
