"""commands/watching.py: what works beside is ended in time, and gets the time that it was promised."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.orm import Session, sessionmaker

from indexer.commands import watching
from indexer.jobs.runner import SECONDS_TO_STOP
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


def test_a_job_that_is_stopped_gets_all_its_time_before_the_process_ends() -> None:
    assert watching._SECONDS_TO_END > SECONDS_TO_STOP
