"""Counts what happens while people read and search, without making them wait for the database.

A count is written at once when the database is free. When another process is writing, it is kept in memory and written
as soon as that has ended. Counts that are in memory when the process is killed are lost; answers are not.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, sessionmaker

from recommender.database.engine import open_engine
from recommender.database.failures import is_away, is_locked, reason
from recommender.settings import Settings

log = logging.getLogger(__name__)
Write = Callable[[Session], None]
_WAIT = 0.05  # seconds that an answer waits for the database at most: a judgement, too short to be noticed
_PAUSE = 0.5  # seconds between two tries to write what is in memory: a judgement
_MOST = 10_000  # counts in memory: a judgement
_SECONDS_TO_FLUSH = 2.0  # at the end: a judgement


class Counting:
    """Writes counts over a connection of its own, which waits for a lock only for a moment. Safe for many threads."""

    def __init__(self, settings: Settings) -> None:
        self._engine = open_engine(settings, wait=_WAIT, durable=False)
        self._sessions = sessionmaker(self._engine)
        self._writing, self._starting = threading.Lock(), threading.Lock()
        self._waiting: deque[Write] = deque(maxlen=_MOST)
        self._later: deque[Write] = deque(maxlen=_MOST)
        self._thread: threading.Thread | None = None
        self._closed = threading.Event()

    def count(self, write: Write) -> None:
        """Do `write`, which adds counts in a session, now or soon. Never raises an error of the database."""
        if not self._waiting and self._writing.acquire(timeout=_WAIT):
            try:
                if not self._write([write]):
                    return
            finally:
                self._writing.release()
        self._waiting.append(write)
        self._start_thread()

    def count_later(self, write: Write) -> None:
        """Do `write` within about a second, in another thread: the caller does not wait for it at all."""
        self._later.append(write)
        self._start_thread()

    def flush(self) -> bool:
        """Write what is in memory; True when nothing is left there."""
        with self._writing:
            writes = [queue.popleft() for queue in (self._waiting, self._later) for _ in range(len(queue))]
            left = self._write(writes) if writes else []
            self._waiting.extendleft(reversed(left))
        return not self._waiting and not self._later

    def close(self) -> None:
        """Write what is in memory, unless the database stays locked, and close the connection."""
        self._closed.set()
        until = time.monotonic() + _SECONDS_TO_FLUSH
        while not self.flush() and time.monotonic() < until:
            time.sleep(_WAIT)
        if self._waiting:
            log.warning("The database was locked until the end: %d counts are lost", len(self._waiting))
        self._engine.dispose()

    def _write(self, writes: list[Write]) -> list[Write]:
        """Those that are left, because the database is locked by another writer or away. The others are written, or
        impossible to write, which is logged."""
        try:
            with self._sessions.begin() as session:
                for write in writes:
                    write(session)
        except DBAPIError as error:
            if is_locked(error) or is_away(error):
                return writes
            if len(writes) > 1:  # one of them cannot be written: its item or person was deleted meanwhile, perhaps
                return [left for write in writes for left in self._write([write])]
            log.warning("A count could not be stored: %s", reason(error))
        return []

    def _start_thread(self) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._keep_flushing, name="counting", daemon=True)
                self._thread.start()

    def _keep_flushing(self) -> None:
        while not self._closed.wait(_PAUSE):
            try:
                self.flush()
            except Exception:
                log.exception("Counts could not be stored; going on with the next ones")
