"""counting.py: while another process writes, counts wait in memory and answers do not wait."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import date

import pytest
from sqlalchemy.orm import Session, sessionmaker

from recommender.database.tables import Event, FirstSuggestion, utc_now
from recommender.knowledge.counting import Counting
from recommender.knowledge.outcomes import EventKind, record
from recommender.people.availability import count_first
from recommender.settings import Settings
from tests.locking import locked_by_another_process
from tests.timing import LONG

DAY = date(2026, 5, 4)


@pytest.fixture
def counting(settings: Settings, sessions: sessionmaker[Session]) -> Iterator[Counting]:
    made = Counting(settings)
    yield made
    made.close()


def _solved(session: Session) -> None:
    record(session, EventKind.SOLVED, "request:1")


def _stored(sessions: sessionmaker[Session]) -> int:
    with sessions() as session:
        return session.query(Event).count()


def _wait_for(number: int, sessions: sessionmaker[Session]) -> None:
    until = time.monotonic() + LONG
    while _stored(sessions) != number:
        assert time.monotonic() < until, _stored(sessions)
        time.sleep(0.05)


def _first_suggestions(sessions: sessionmaker[Session]) -> int:
    with sessions() as session:
        return session.query(FirstSuggestion).count()


def test_a_count_is_stored_at_once_when_nobody_else_writes(counting: Counting, sessions: sessionmaker[Session]) -> None:
    counting.count(_solved)
    assert _stored(sessions) == 1


@pytest.mark.parametrize("kind", ["IMMEDIATE", "EXCLUSIVE"])
def test_counts_do_not_wait_for_a_lock_and_are_stored_when_it_ends(
    counting: Counting, settings: Settings, sessions: sessionmaker[Session], kind: str
) -> None:
    with locked_by_another_process(settings, kind):
        started = time.monotonic()
        threads = [threading.Thread(target=counting.count, args=[_solved]) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert time.monotonic() - started < LONG
        assert _stored(sessions) == 0
        time.sleep(1.2)  # the thread in the background tries in vain
        assert _stored(sessions) == 0
    _wait_for(20, sessions)


def test_counts_in_memory_are_stored_at_the_end(settings: Settings, sessions: sessionmaker[Session]) -> None:
    counting = Counting(settings)
    with locked_by_another_process(settings):
        counting.count(_solved)
        counting.count(_solved)
    counting.close()
    assert _stored(sessions) == 2


def test_the_end_does_not_wait_long_for_a_lock_and_the_log_says_what_is_lost(
    settings: Settings, sessions: sessionmaker[Session], caplog: pytest.LogCaptureFixture
) -> None:
    counting = Counting(settings)
    with locked_by_another_process(settings):
        counting.count(_solved)
        started = time.monotonic()
        counting.close()
        assert time.monotonic() - started < LONG
    assert "1 counts are lost" in caplog.text and _stored(sessions) == 0


def test_a_count_that_cannot_be_stored_takes_no_other_with_it(
    counting: Counting,
    settings: Settings,
    sessions: sessionmaker[Session],
    caplog: pytest.LogCaptureFixture,
    add_person: Callable[..., int],
) -> None:
    person = add_person("aino")
    with locked_by_another_process(settings):
        for write in (_solved, lambda session: count_first(session, 404, DAY), _solved):
            counting.count(write)
        counting.count(lambda session: count_first(session, person, utc_now().date()))
    _wait_for(2, sessions)
    until = time.monotonic() + 60  # each is stored alone now: the last one a moment after the others
    while not _first_suggestions(sessions) and time.monotonic() < until:
        time.sleep(0.05)
    with sessions() as session:
        assert [(row.person_id, row.count) for row in session.query(FirstSuggestion)] == [(person, 1)]
    assert "A count could not be stored: " in caplog.text and "foreign key constraint" in caplog.text.lower()


def test_memory_is_limited(
    settings: Settings, sessions: sessionmaker[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recommender.knowledge.counting._MOST", 5)
    counting = Counting(settings)
    with locked_by_another_process(settings):
        for _number in range(8):
            counting.count(_solved)
        counting.flush()
    counting.close()
    assert _stored(sessions) == 5


def test_a_fault_in_one_count_does_not_end_the_storing_of_later_ones(
    counting: Counting, sessions: sessionmaker[Session], caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_session: Session) -> None:
        raise RuntimeError("a fault")

    counting.count_later(fail)
    until = time.monotonic() + LONG
    while "Counts could not be stored" not in caplog.text:
        assert time.monotonic() < until
        time.sleep(0.05)
    counting.count_later(_solved)
    _wait_for(1, sessions)
