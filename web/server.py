"""Runs the app with waitress, a production server: it answers monitoring in threads of its own, and finishes what it is
at before it stops."""

import gc
import logging
import signal
import threading
import time
from typing import Any

import click
from waitress import create_server, wasyncore
from waitress.channel import HTTPChannel
from waitress.task import ThreadedTaskDispatcher

from recommender.errors import KollegaError
from recommender.monitoring.logs import fields
from recommender.settings import Settings
from web.app import create_app

log = logging.getLogger(__name__)
_MONITORING = ("/health", "/metrics")
_MONITORING_THREADS = 2
_LOOK_AGAIN = 0.1  # seconds between two looks at what is still being answered


class Dispatcher(ThreadedTaskDispatcher):  # type: ignore[misc]
    """Gives requests to threads. Those of monitoring have their own, so that they are answered while all others wait
    for a locked database."""

    def __init__(self) -> None:
        super().__init__()
        self.monitoring = ThreadedTaskDispatcher()

    def add_task(self, task: HTTPChannel) -> None:
        requests = task.requests
        if requests and requests[0].path.startswith(_MONITORING):
            self.monitoring.add_task(task)
        else:
            super().add_task(task)


class Server:
    """Listens and answers until it is told to stop."""

    def __init__(self, app: Any, settings: Settings) -> None:
        self._stop_seconds = settings.stop_seconds
        self._open: dict[int, Any] = {}  # what waitress waits for: listening sockets, connections and its own pipe
        self._stopping = threading.Event()
        dispatcher = Dispatcher()
        dispatcher.set_thread_count(settings.server_threads)
        dispatcher.monitoring.set_thread_count(_MONITORING_THREADS)
        create_server(
            app,
            map=self._open,
            _dispatcher=dispatcher,
            host=settings.host,
            port=settings.port,
            clear_untrusted_proxy_headers=False,  # the app decides which of them to believe
        )
        self._listeners = [channel for channel in self._open.values() if channel.accepting]  # one for each address

    def run(self) -> None:
        """Answer requests until `stop`. Then accept no connection any more, finish the requests that are being
        answered or received, for a limited time, and return."""
        while not self._stopping.is_set():
            wasyncore.loop(timeout=1.0, map=self._open, count=1, use_poll=True)
        wasyncore.loop(timeout=0, map=self._open, count=1, use_poll=True)  # reads what has already arrived
        for listener in self._listeners:
            wasyncore.dispatcher.close(listener)  # its pipe stays open: threads that finish an answer use it
        latest = time.monotonic() + self._stop_seconds
        while (busy := self._close_idle()) and time.monotonic() < latest:
            wasyncore.loop(timeout=_LOOK_AGAIN, map=self._open, count=1, use_poll=True)
        if busy:
            log.warning("Stopped in the middle of %d requests, after %g seconds", busy, self._stop_seconds)
        wasyncore.close_all(self._open, ignore_all=True)

    def stop(self) -> None:
        """Make `run` return. May be called in a signal handler and by any thread."""
        self._stopping.set()
        self._listeners[0].pull_trigger()

    def _close_idle(self) -> int:
        """Close the connections on which nothing is being answered or received; returns how many others there are."""
        busy = 0
        for channel in [channel for channel in self._open.values() if isinstance(channel, HTTPChannel)]:
            with channel.requests_lock:
                idle = not channel.requests and channel.request is None and not channel.total_outbufs_len
                channel.will_close = channel.will_close or idle
            busy += not idle
        return busy


def run(settings: Settings) -> None:
    """Serve until interrupted or terminated; a second signal stops it at once. Raises KollegaError when the address is
    in use."""
    app = create_app(settings)
    gc.collect()
    gc.freeze()  # a full garbage collection of all that is loaded would stop requests for 70 ms
    try:
        server = Server(app, settings)
    except OSError as error:
        raise KollegaError(
            f"Cannot listen on {settings.host}:{settings.port}: {error.strerror}. Set KOLLEGA_PORT to another port."
        ) from error
    _stop_at_signals(server)
    address = f"http://{settings.host}:{settings.port}/"
    if settings.log_format == "json":
        log.info("serving", extra=fields(address=address))
    else:
        click.echo(f"Kollega is at {address}  (stop with Ctrl+C)")
    try:
        server.run()
    finally:
        app.extensions["kollega_counting"].close()


def _stop_at_signals(server: Server) -> None:
    def stop(_signal: int, _frame: object) -> None:
        for number, usual in ((signal.SIGTERM, signal.SIG_DFL), (signal.SIGINT, signal.default_int_handler)):
            signal.signal(number, usual)
        server.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
