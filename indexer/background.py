"""Runs work beside `kollega watch`: in a thread, until what started it ends."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from recommender.database.failures import explain, is_away
from recommender.errors import KollegaError


class Complaints:
    """What is logged of work that is tried again and again: a problem that its admin has to solve once, until the work
    succeeds or there is another problem; a fault of Kollega each time; nothing while the database cannot be reached,
    which `outages.report_outages` tells for all work together."""

    def __init__(self, problem: str, log: logging.Logger) -> None:
        self._problem = problem
        self._log = log
        self._said = ""

    def failed(self, error: Exception) -> None:
        """The work has failed."""
        if is_away(error):
            return
        sentence = str(error) if isinstance(error, KollegaError) else explain(error, None)
        if sentence is None:
            self._log.error("%s", self._problem, exc_info=error)
        elif sentence != self._said:
            self._log.error("%s. %s", self._problem.rstrip("."), sentence)
        self._said = sentence or ""

    def succeeded(self) -> None:
        """The work has been done."""
        self._said = ""


@contextmanager
def in_background(name: str, work: Callable[[threading.Event], None]) -> Iterator[None]:
    """Run `work` in a thread of this name. The event it is given is set when this context ends, and not waited for."""
    stop = threading.Event()
    threading.Thread(target=work, args=(stop,), name=name, daemon=True).start()
    try:
        yield
    finally:
        stop.set()


def repeating(
    name: str, seconds: float, work: Callable[[threading.Event], object], problem: str, log: logging.Logger
) -> AbstractContextManager[None]:
    """Run `work` every few seconds in a thread of this name. When it fails, that is logged as `problem`, and it is
    tried again. The event it is given is set when this context ends."""
    complaints = Complaints(problem, log)

    def repeat(stop: threading.Event) -> None:
        while not stop.wait(seconds):
            try:
                work(stop)
                complaints.succeeded()
            except Exception as error:
                complaints.failed(error)

    return in_background(name, repeat)
