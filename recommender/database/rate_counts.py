"""Counts how often something is done in a window of time, for all processes of one database together.

A count never waits for the lock with which records are written one transaction at a time: somebody who searches must
not wait for an import. The clocks of the machines have to agree about as well as the windows are long.
"""

import hashlib
import hmac
import time
from dataclasses import dataclass

from sqlalchemy import Engine, case, delete, select

from recommender.database import dialects
from recommender.database.replica_tables import RateCount

_CLEAN_UP = 600.0  # seconds between two deletions of what has ended: a judgement


@dataclass(frozen=True)
class Window:
    """How many times, and until when they count, in seconds since 1970."""

    times: int
    ends_at: float


class RateCounts:
    """The counts of a database. `key` makes digests of names, so that nobody reads in the table who did what."""

    def __init__(self, engine: Engine, key: str) -> None:
        self.engine = engine.execution_options(**{dialects.OUT_OF_ORDER: True})
        self._key = key.encode()
        self._clean_up_at = 0.0

    def add(self, name: str, seconds: float, times: int = 1) -> Window:
        """Count something; the first one begins a window of so many seconds."""
        now = time.time()
        insert = dialects.of(self.engine).insert(RateCount)
        ended = RateCount.ends_at <= now
        statement = (
            insert.values(digest=self._digest(name), times=times, ends_at=now + seconds)
            .on_conflict_do_update(
                index_elements=[RateCount.digest],
                set_={
                    "times": case((ended, times), else_=RateCount.times + times),
                    "ends_at": case((ended, now + seconds), else_=RateCount.ends_at),
                },
            )
            .returning(RateCount.times, RateCount.ends_at)
        )
        with self.engine.begin() as connection:
            row = connection.execute(statement).one()
        if now >= self._clean_up_at:
            self._clean_up_at = now + _CLEAN_UP
            self._clean_up(now)
        return Window(row[0], row[1])

    def _clean_up(self, now: float) -> None:
        """Delete what has ended, in a transaction of its own, and leave what others are at (SQLite has one writer):
        who waits for a row while somebody else waits for theirs would wait forever."""
        free = select(RateCount.digest).where(RateCount.ends_at <= now).with_for_update(skip_locked=True)
        with self.engine.begin() as connection:
            connection.execute(delete(RateCount).where(RateCount.digest.in_(free)))

    def read(self, name: str) -> Window:
        """What was counted; nothing, until now, when the window has ended."""
        now = time.time()
        query = select(RateCount.times, RateCount.ends_at)
        with self.engine.connect() as connection:
            row = connection.execute(query.where(RateCount.digest == self._digest(name))).first()
        return Window(row[0], row[1]) if row and row[1] > now else Window(0, now)

    def forget(self, name: str) -> None:
        """Begin to count anew."""
        self._delete(name)

    def forget_all(self) -> None:
        """Forget everything that was counted."""
        self._delete(None)

    def is_usable(self) -> bool:
        """True when the database can be asked; raises DBAPIError otherwise."""
        with self.engine.connect() as connection:
            connection.execute(select(RateCount.times).limit(1)).first()
        return True

    def _delete(self, name: str | None) -> None:
        which = delete(RateCount) if name is None else delete(RateCount).where(RateCount.digest == self._digest(name))
        with self.engine.begin() as connection:
            connection.execute(which)

    def _digest(self, name: str) -> str:
        return hmac.new(self._key, name.encode("utf-8", "replace"), hashlib.sha256).hexdigest()
