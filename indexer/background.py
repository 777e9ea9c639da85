"""Runs work beside `kollega watch`: in a thread, until what started it ends."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager


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

    def repeat(stop: threading.Event) -> None:
        while not stop.wait(seconds):
            try:
                work(stop)
            except Exception:
                log.exception(problem)

    return in_background(name, repeat)
