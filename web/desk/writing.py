"""Which agents are writing a reply at this moment. It is only in the memory of the server, for a minute after the last
letter, and tells nothing but the name."""

import threading
import time

from flask import current_app

from recommender.database.tables import Person

SECONDS = 60  # that somebody counts as writing after the last letter: a judgement
_MOST = 1_000  # people who are writing, in memory: a judgement


class Writing:
    """Who writes in which request; safe for many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last: dict[tuple[int, int], tuple[float, str]] = {}

    def note(self, request_id: int, person: Person) -> None:
        """This person has just written something in the form of this request."""
        with self._lock:
            self._forget()
            if len(self._last) < _MOST:
                self._last[request_id, person.id] = (time.monotonic(), person.name)

    def others(self, request_id: int, person_id: int | None) -> list[str]:
        """Names of the others who are writing in this request."""
        with self._lock:
            self._forget()
            return sorted(name for (number, who), (_at, name) in self._last.items()
                          if number == request_id and who != person_id)  # fmt: skip

    def _forget(self) -> None:
        old = time.monotonic() - SECONDS
        self._last = {key: value for key, value in self._last.items() if value[0] > old}


def writing() -> Writing:
    """The application's own."""
    kept: Writing = current_app.extensions.setdefault("kollega_writing", Writing())
    return kept
