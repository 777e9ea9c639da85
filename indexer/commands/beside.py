"""Runs `kollega watch`, and other processes of the server, beside the server: begun again when they end, and ended
together with it."""

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from tempfile import TemporaryDirectory

from indexer.processes import end_processes, how_it_ended
from recommender.settings import Settings

log = logging.getLogger(__name__)
OPTION = "--until-ends"
"""The option of a command with the process that began it: it ends when that one has ended, even when it was killed."""
SOCKETS = "--sockets"
"""The option of `kollega serve` with the sockets, by their numbers, at which it answers for who began it."""
_COUNTED_IN = "PROMETHEUS_MULTIPROC_DIR"  # as `web.measuring` reads it, which is not imported here
_FIRST_PAUSE, _LONGEST_PAUSE = 2.0, 60.0  # seconds before it is begun again, doubled each time: judgements
_WELL = 120.0  # seconds after which it had begun well, so that the next pause is short again: a judgement
_LOOKS_EVERY = 0.5
_SECONDS_MORE = 10  # that they may take to stop beside KOLLEGA_STOP_SECONDS: a judgement


@contextmanager
def watching(stop_seconds: float) -> "Iterator[Beside]":
    """`kollega watch` as a separate process, once what this gives is told to begin; begun again when it ends, and
    stopped at the end."""
    beside = Beside("watch")
    try:
        yield beside
    finally:
        beside.end(stop_seconds + _SECONDS_MORE)


@contextmanager
def more_servers(settings: Settings) -> "Iterator[MoreServers]":
    """The other processes of a server, KOLLEGA_SERVER_PROCESSES together with this one, once what this gives is told to
    begin; begun again when they end, and stopped at the end. For Prometheus all count in one temporary folder."""
    more = MoreServers(settings)
    with ExitStack() as stack:
        if settings.server_processes > 1:
            os.environ[_COUNTED_IN] = stack.enter_context(TemporaryDirectory(prefix="kollega-counts-"))
            stack.callback(os.environ.pop, _COUNTED_IN)
        stack.callback(more.end, settings.stop_seconds + _SECONDS_MORE)
        yield more


class MoreServers:
    """Other processes of `kollega serve`, which answer at the sockets of this one."""

    def __init__(self, settings: Settings) -> None:
        options = "--no-watch", "--host", settings.host, "--port", str(settings.port)
        self._processes = [Beside("serve", *options) for _ in range(settings.server_processes - 1)]

    def begin(self, sockets: Sequence[int]) -> None:
        """Begin them at these sockets."""
        for process in self._processes:
            process.begin(sockets)

    def stop(self) -> None:
        """Have them finish what they are at, and begin them no more."""
        for process in self._processes:
            process.stop()
            process.terminate()

    def end(self, seconds: float) -> None:
        """End them; kill those that take longer than so many seconds together."""
        self.stop()
        until = time.monotonic() + seconds
        for process in self._processes:
            process.end(max(0.0, until - time.monotonic()))


class Beside:
    """The process of a command, and when it is begun again."""

    def __init__(self, command: str, *options: str) -> None:
        self._command, self._sockets = (command, *options), tuple[int, ...]()
        self._stop, self._has_begun = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._keep, name="beside", daemon=True)
        self._begun_at = 0.0
        self._pause = _FIRST_PAUSE
        self._process: subprocess.Popen[bytes] | None = None

    def begin(self, sockets: Sequence[int] = ()) -> None:
        """Begin it, and return when it has begun; it may use these sockets. Not in the main thread, which a signal may
        end in the middle of that, so that nobody would know of the process."""
        self._sockets = tuple(sockets)
        self._thread.start()
        self._has_begun.wait()

    def stop(self) -> None:
        """Begin it no more. Call this as soon as the server stops: it may answer for a while yet, and who stops all
        processes of a service at once, as systemd does, has stopped `watch` too."""
        self._stop.set()

    def terminate(self) -> None:
        """Tell it to end, if it runs. May be called in a signal handler."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def end(self, seconds: float) -> None:
        """End it; kill it when it takes too long."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()
        if self._process is not None:
            end_processes([self._process], seconds)

    def _start(self) -> None:
        self._begun_at = time.monotonic()
        shared = (SOCKETS, ",".join(map(str, self._sockets))) if self._sockets else ()
        try:
            self._process = subprocess.Popen(  # noqa: S603 - the same program
                [sys.executable, "-m", "indexer", *self._command, *shared, OPTION, str(os.getpid())],
                env=os.environ.copy(),
                stdin=subprocess.DEVNULL,
                pass_fds=self._sockets,
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
            ended = self._command[0], how_it_ended(status), self._pause
            log.error("kollega %s has ended (%s); it is begun again in %g seconds", *ended)
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
