"""What a job has at hand while it is done: its choices, how far it is, its log, and whether it is to end."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any, TypeVar

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from recommender.errors import IndexLocked, SourceBusy
from recommender.jobs import progress, queue
from recommender.language.analyzer import Analyzer
from recommender.settings import Settings

T = TypeVar("T")
_WRITES_EVERY = 1.0  # seconds between two looks at the database: a judgement
_LOOKS_AGAIN = 0.5  # seconds until the index or source is tried again that another process is at: a judgement


class Stopped(BaseException):
    """A job is to end in the middle: somebody wants that, or its process is being ended. Not an Exception, so that what
    catches those lets it pass."""


class RunningJob:
    """A job that is being done, in this process. `payload` is what was chosen."""

    def __init__(
        self, settings: Settings, sessions: sessionmaker[Session], number: int, attempt: int, payload: dict[str, Any]
    ) -> None:
        self.settings, self.sessions, self.payload = settings, sessions, payload
        self.number, self.attempt, self.is_cancelled = number, attempt, False
        self._stop = threading.Event()
        self._done: int | None = None
        self._total: int | None = None
        self._unit = self._stage = ""

    @cached_property
    def analyzer(self) -> Analyzer:
        """What makes terms of texts."""
        return Analyzer(self.settings.models_dir / "dictionaries")

    def report(
        self, done: int | None = None, total: int | None = None, unit: str = "items", stage: str | None = None
    ) -> None:
        """Say how far the job is; it costs nothing, so call it as often as you like. Raises Stopped when it is to
        end."""
        if self._stop.is_set():
            raise Stopped
        self._done, self._total, self._unit = done, total, unit
        self._stage = self._stage if stage is None else stage

    def counting(self, unit: str, stage: str) -> Callable[[int, int], None]:
        """The same as a function of (done, total)."""
        self.report(stage=stage)
        return lambda done, total: self.report(done, total, unit)

    def note(self, text: str) -> None:
        """Add a line to the log: counts, numbers and sentences of Kollega, never a title or a text of somebody."""
        with self.sessions.begin() as session:
            progress.note(session, self.number, text)

    def when_index_is_free(self, work: Callable[[], T]) -> T:
        """Do what raises IndexLocked as soon as no other process writes the index."""
        return self._when_free(work, IndexLocked, "waiting for another update of the index")

    def when_source_is_free(self, work: Callable[[], T]) -> T:
        """Do what raises SourceBusy as soon as no other process reads the source."""
        return self._when_free(work, SourceBusy, "waiting until another process has read the source")

    def _when_free(self, work: Callable[[], T], busy: type[Exception], stage: str) -> T:
        while True:
            try:
                return work()
            except busy:
                self.report(stage=stage)
                if self._stop.wait(_LOOKS_AGAIN):
                    raise Stopped from None

    def stop(self) -> None:
        """Have it end in a moment."""
        self._stop.set()

    @contextmanager
    def guarded(self, end_process: bool = False) -> Iterator[None]:
        """Tell the database every second that the job is still being done, and how far it is, and look whether it is
        to end. With `end_process` a job is ended that does not call `report` for a while, and when the process that
        began it has ended."""
        ended = threading.Event()
        parent = os.getppid() if end_process else None
        work = threading.Thread(target=self._keep, args=(ended, parent), name="job", daemon=True)
        work.start()
        try:
            yield
        finally:
            ended.set()
            work.join()

    def _keep(self, ended: threading.Event, parent: int | None) -> None:
        lost_since: float | None = None
        while not ended.wait(_WRITES_EVERY):
            try:
                wanted = self._say()
                lost_since = None
            except SQLAlchemyError:  # the database is away: until another process may have taken the job
                lost_since = lost_since or time.monotonic()
                wanted = None if time.monotonic() - lost_since > queue.LEASE.total_seconds() / 2 else False
            self.is_cancelled = self.is_cancelled or bool(wanted)
            if wanted is not False or (parent is not None and os.getppid() != parent):
                self.stop()
                if parent is not None:
                    os.kill(os.getpid(), signal.SIGTERM)
                return

    def _say(self) -> bool | None:
        with self.sessions.begin() as session:
            return progress.report(
                session,
                self.number,
                self.attempt,
                queue.LEASE,
                done=self._done,
                total=self._total,
                unit=self._unit,
                stage=self._stage,
            )
