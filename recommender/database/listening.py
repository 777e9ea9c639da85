"""Waits for a change in the database: a moment where it tells of changes, a pause where it does not."""

import logging
import threading
import time
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from recommender.database import dialects
from recommender.database.failures import is_away, reason

log = logging.getLogger(__name__)
_SLICE = 0.5  # seconds after which somebody who waits sees that they are to stop: a judgement
_TOGETHER = 0.05  # seconds in which changes that follow each other wake once: a judgement


class Listener:
    """Listens to one database from when it is made until `close`. When the connection is lost, it waits as if the
    database told nothing, and connects again at the next call. `seconds` are for `Dialect.listen`."""

    def __init__(self, engine: Engine, stopping: threading.Event, seconds: float = 0.0) -> None:
        self._engine = engine
        self._seconds = seconds
        self._stopping = stopping
        self._connection: Any = None
        self._errors = (DBAPIError, engine.dialect.loaded_dbapi.Error)
        self._connect()

    def wait(self, seconds: float) -> None:
        """Return after a change, after `seconds`, or when it is time to stop."""
        until = time.monotonic() + seconds
        try:
            while self._connection is not None and not self._stopping.is_set() and time.monotonic() < until:
                left = max(min(_SLICE, until - time.monotonic()), 0.0)
                if list(self._connection.notifies(timeout=left, stop_after=1)):
                    list(self._connection.notifies(timeout=_TOGETHER))
                    return
        except self._errors as error:
            _complain(error)
            self.close()
        self._stopping.wait(max(until - time.monotonic(), 0.0))
        if self._connection is None and not self._stopping.is_set():
            self._connect()

    def close(self) -> None:
        """Stop listening."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connect(self) -> None:
        try:
            self._connection = dialects.of(self._engine).listen(self._engine, self._seconds)
        except self._errors as error:
            _complain(error)


def _complain(error: Exception) -> None:
    if not is_away(error):  # which `outages.report_outages` tells
        log.warning("The database does not tell of changes: %s", reason(error))
