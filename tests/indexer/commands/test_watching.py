"""commands/watching.py: what works beside is ended in time, and gets the time that it was promised."""

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from sqlalchemy.orm import Session, sessionmaker

from indexer.commands import watching
from indexer.jobs.runner import SECONDS_TO_STOP
from recommender.errors import SettingsError
from tests.timing import LONG


def test_the_work_is_ended_by_its_event_while_the_rest_goes_on(sessions: sessionmaker[Session]) -> None:
    begun, ended = threading.Event(), threading.Event()

    @contextmanager
    def work() -> Iterator[None]:
        begun.set()
        yield
        ended.set()

    with watching._leading(sessions, "test", lambda: [work()]) as leaving:
        assert begun.wait(LONG) and not ended.is_set()
        leaving.set()
        assert ended.wait(LONG)


def test_work_that_cannot_begin_is_begun_again(
    sessions: sessionmaker[Session], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As when the database goes away just after this process leads: otherwise no mail would be sent until it is
    started again."""
    monkeypatch.setattr(watching, "_BEGINS_AGAIN", 0.01)
    begun, tries = threading.Event(), iter([SettingsError("The settings are wrong."), ZeroDivisionError(), None])

    @contextmanager
    def work() -> Iterator[None]:
        begun.set()
        yield

    def make() -> list[AbstractContextManager[None]]:
        if error := next(tries):
            raise error
        return [work()]

    with watching._leading(sessions, "test", make):
        assert begun.wait(LONG)
    assert [record.getMessage() for record in caplog.records] == [
        "This process cannot do its part of the work (test); trying again. The settings are wrong.",
        "This process cannot do its part of the work (test); trying again",
    ]


def test_a_job_that_is_stopped_gets_all_its_time_before_the_process_ends() -> None:
    assert watching._SECONDS_TO_END > SECONDS_TO_STOP
