"""Runs a check that may hang, so that whoever asks is answered in time."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

T = TypeVar("T")


class Probe(Generic[T]):
    """Runs `check` in a thread of its own, and never twice at once: who asks while one runs waits for that one."""

    def __init__(self, check: Callable[[], T], seconds: float) -> None:
        self._check = check
        self._seconds = seconds
        self._lock = threading.Lock()
        self._running: Future[T] | None = None

    def result(self) -> T:
        """What `check` returns or raises. Raises TimeoutError when that takes longer than `seconds`."""
        with self._lock:
            if self._running is None or self._running.done():
                self._running = Future()
                threading.Thread(target=self._run, args=(self._running,), daemon=True).start()
            running = self._running
        return running.result(self._seconds)

    def _run(self, running: "Future[T]") -> None:
        try:
            running.set_result(self._check())
        except BaseException as error:  # it belongs to whoever asked
            running.set_exception(error)
