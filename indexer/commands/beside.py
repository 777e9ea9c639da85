"""Runs `kollega watch` beside the server: begun again when it ends, and ended together with the server."""

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from indexer.processes import end_processes, how_it_ended

log = logging.getLogger(__name__)
OPTION = "--until-ends"
"""The option of `kollega watch` with the process that began it: it ends when that one has ended, even when that was
killed."""
_FIRST_PAUSE, _LONGEST_PAUSE = 2.0, 60.0  # seconds before it is begun again, doubled each time: judgements
_WELL = 120.0  # seconds after which it had begun well, so that the next pause is short again: a judgement
_LOOKS_EVERY = 0.5
_SECONDS_MORE = 10  # that `watch` may take to stop beside KOLLEGA_STOP_SECONDS: a judgement


@contextmanager
def watching(stop_seconds: float) -> "Iterator[Beside]":
    """`kollega watch` as a separate process, once what this gives is told to begin; begun again when it ends, and
    stopped at the end."""
    beside = Beside()
    try:
        yield beside
    finally:
        beside.end(stop_seconds + _SECONDS_MORE)


class Beside:
    """The process, and when it is begun again."""

    def __init__(self) -> None:
        self._stop, self._has_begun = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._keep, name="beside", daemon=True)
        self._begun_at = 0.0
        self._pause = _FIRST_PAUSE
        self._process: subprocess.Popen[bytes] | None = None

    def begin(self) -> None:
        """Begin it, and return when it has begun. Not in the main thread, which a signal may end in the middle of that,
        so that nobody would know of the process."""
        self._thread.start()
        self._has_begun.wait()

    def stop(self) -> None:
        """Begin it no more. Call this as soon as the server stops: it may answer for a while yet, and who stops all
        processes of a service at once, as systemd does, has stopped `watch` too."""
        self._stop.set()

    def end(self, seconds: float) -> None:
        """End it; kill it when it takes too long."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()
        if self._process is not None:
            end_processes([self._process], seconds)

    def _start(self) -> None:
        self._begun_at = time.monotonic()
        try:
            self._process = subprocess.Popen(  # noqa: S603 - the same program
                [sys.executable, "-m", "indexer", "watch", OPTION, str(os.getpid())],
                env=os.environ.copy(),
                stdin=subprocess.DEVNULL,
            )
        finally:
            self._has_begun.set()

    def _keep(self) -> None:
        """Begin it, and again whenever it has ended, until it is to stop."""
        self._start()
        while not self._stop.wait(_LOOKS_EVERY):
            status = self._process.poll() if self._process else None
            if status is None:
                continue
            if time.monotonic() - self._begun_at > _WELL:
                self._pause = _FIRST_PAUSE
            log.error(
                "kollega watch has ended (%s); it is begun again in %g seconds", how_it_ended(status), self._pause
            )
            if self._stop.wait(self._pause):
                return
            self._pause = min(2 * self._pause, _LONGEST_PAUSE)
            self._start()


def end_with(parent: int) -> None:
    """Have this process get SIGTERM when the one that began it has ended."""

    def look() -> None:
        pause = threading.Event()
        while os.getppid() == parent:
            pause.wait(_LOOKS_EVERY)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=look, name="parent", daemon=True).start()
