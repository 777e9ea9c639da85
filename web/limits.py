"""How often people and addresses may do things. On SQLite the counts are in this process's memory and are not stored.
On PostgreSQL they are in the database, so that several processes count together, under digests that name nobody."""

import threading
import time
from dataclasses import replace

from flask import Flask
from flask_limiter import Limiter
from limits import RateLimitItemPerDay
from limits.storage import Storage
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from recommender.database.rate_counts import RateCounts, Window
from web.client_address import limit_key

limiter = Limiter(limit_key, headers_enabled=True)
_A_FEW_A_DAY = RateLimitItemPerDay(3)  # a judgement
_SCHEME, _SCHEME_OF_MEMORY = "kollega", "kollega-memory"
_TIDY_EVERY = 60.0  # seconds between two looks for windows that have ended: a judgement


class InMemory(Storage):
    """Counts of Flask-Limiter in the memory of this process. The package `limits` has such a class too, but that one
    starts a thread for each count, which goes through all counts."""

    STORAGE_SCHEME = [_SCHEME_OF_MEMORY]  # noqa: RUF012 - as its base class declares it
    base_exceptions = ValueError  # none is raised

    def __init__(self, uri: str | None = None, wrap_exceptions: bool = False, **_of_others: object) -> None:
        """`_of_others`: Flask-Limiter hands on what an earlier application in this process gave for its storage."""
        super().__init__(uri, wrap_exceptions)
        self.windows: dict[str, Window] = {}
        self._lock, self._tidy_at = threading.Lock(), 0.0

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count, in a window of `expiry` seconds; how often in all."""
        now = time.time()
        with self._lock:
            if now >= self._tidy_at:
                self.windows = {name: window for name, window in self.windows.items() if window.ends_at > now}
                self._tidy_at = now + _TIDY_EVERY
            window = self.windows.get(key)
            if window is None or window.ends_at <= now:
                window = Window(0, now + expiry)
            self.windows[key] = window = replace(window, times=window.times + amount)
        return window.times

    def get(self, key: str) -> int:
        """How often, in the window that has not ended."""
        return self._window(key).times

    def get_expiry(self, key: str) -> float:
        """When the window ends; now when there is none."""
        return self._window(key).ends_at

    def check(self) -> bool:
        """True: the memory is always there."""
        return True

    def reset(self) -> int | None:
        """Forget all counts; how many there were."""
        with self._lock:
            windows, self.windows = self.windows, {}
        return len(windows)

    def clear(self, key: str) -> None:
        """Forget one count."""
        with self._lock:
            self.windows.pop(key, None)

    def _window(self, key: str) -> Window:
        window, now = self.windows.get(key), time.time()
        return window if window is not None and window.ends_at > now else Window(0, now)


class InDatabase(Storage):
    """Counts of Flask-Limiter in the database."""

    STORAGE_SCHEME = [_SCHEME]  # noqa: RUF012 - as its base class declares it

    def __init__(self, uri: str | None = None, *, counts: RateCounts, wrap_exceptions: bool = False) -> None:
        super().__init__(uri, wrap_exceptions)
        self.counts = counts
        self._read = threading.local()

    @property
    def base_exceptions(self) -> type[Exception]:
        """What is raised when the database cannot be used."""
        return DBAPIError

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count, in a window of `expiry` seconds; how often in all."""
        return self.counts.add(key, expiry, amount).times

    def get(self, key: str) -> int:
        """How often, in the window that has not ended."""
        window = self.counts.read(key)
        self._read.last = key, window
        return window.times

    def get_expiry(self, key: str) -> float:
        """When the window ends. It is asked right after `get`, and is then of the same moment."""
        last: tuple[str, Window] | None = self._read.__dict__.pop("last", None)
        return last[1].ends_at if last and last[0] == key else self.counts.read(key).ends_at

    def check(self) -> bool:
        """True when the database can be used."""
        return self.counts.is_usable()

    def reset(self) -> int | None:
        """Forget all counts."""
        self.counts.forget_all()
        return None

    def clear(self, key: str) -> None:
        """Forget one count."""
        self.counts.forget(key)


def attach(app: Flask, engine: Engine) -> None:
    """Register the limits of an application on this database."""
    if engine.dialect.name == "sqlite":
        app.config["RATELIMIT_STORAGE_URI"] = f"{_SCHEME_OF_MEMORY}://"
    else:
        app.config["RATELIMIT_STORAGE_URI"] = f"{_SCHEME}://"
        app.config["RATELIMIT_STORAGE_OPTIONS"] = {"counts": RateCounts(engine, str(app.secret_key))}
    limiter.init_app(app)


def among_the_first_today(who: str, what: str) -> bool:
    """True when somebody does something for the first, second or third time today, as far as is counted."""
    return limiter.limiter.hit(_A_FEW_A_DAY, who, what)
