"""Tells of commits to a file of SQLite, as a connection to PostgreSQL tells of notifications."""

import math
import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

_LOOKS_EVERY = 0.1  # seconds: a judgement


class Commits:
    """The commits of others to the file at `path`, told at most once in so many `seconds`: a commit may be of any
    table, and who is told looks at all that they follow. Raises sqlite3.Error when the file cannot be read."""

    def __init__(self, path: Path, seconds: float) -> None:
        address = f"{path.absolute().as_uri()}?mode=ro"
        self._path, self._file = path, _number(path)
        self._connection = sqlite3.connect(address, uri=True, check_same_thread=False)
        self._seconds, self._told_at = seconds, -math.inf
        self._seen = self._count()

    def notifies(self, timeout: float, stop_after: int | None = None) -> Iterator[int]:
        """Wait for a commit, at most `timeout` seconds, and give the number of what is in the file then; nothing when
        there was none. It is always one for all, whatever `stop_after` says."""
        until = time.monotonic() + timeout
        while True:
            now = time.monotonic()
            if now >= self._told_at + self._seconds and (count := self._count()) != self._seen:
                self._seen, self._told_at = count, now
                yield count
                return
            if now >= until:
                return
            time.sleep(min(_LOOKS_EVERY, until - now))

    def mark(self) -> int | None:
        """A number that is another one after each commit of others; None when another file is at the path by now."""
        return self._count() if _number(self._path) == self._file else None

    def close(self) -> None:
        """Stop listening."""
        self._connection.close()

    def _count(self) -> int:
        """A number that another connection's commit changes. To ask for it reads one page that is in memory."""
        return int(self._connection.execute("PRAGMA data_version").fetchone()[0])


def _number(path: Path) -> int | None:
    """The number of a file on its disk; None when there is none."""
    try:
        return os.stat(path).st_ino
    except FileNotFoundError:
        return None
