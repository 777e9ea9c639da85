"""Runs the app with waitress. Monitoring and what is typed have threads of their own; what it is at is finished before
it stops.

Many connections may be open, none for long without a whole request, and none may send much, nor all of them together.
So somebody who opens connections and says nothing, or sends slowly, does not keep others out or fill the memory."""

import gc
import logging
import socket
import threading
import time
from collections.abc import Callable, Sequence
from copy import copy
from functools import partial
from typing import Any

from flask import Flask
from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import TcpWSGIServer
from waitress.task import ThreadedTaskDispatcher

from recommender.errors import KollegaError
from recommender.settings import Settings
from web.app import LARGEST_BODY, create_app
from web.files.uploads import largest_upload, may_send_files
from web.set_up.telling import tell_address
from web.starting.open_files import most_connections
from web.starting.opening import Opening
from web.starting.signals import Act, stop_at_signals

log = logging.getLogger(__name__)
Listening = Callable[[Sequence[int]], None]
"""Gets the numbers of the sockets at which a server listens."""
_MONITORING, _MONITORING_THREADS = frozenset({"/health", "/health/live", "/health/ready", "/metrics"}), 2
_TYPING = frozenset({"/suggest", "/suggest/people", "/embed/suggest"})
_LOOK_AGAIN = 0.1  # seconds between two looks at what is still being answered
WHOLE_REQUEST_WITHIN = 20  # seconds from the first byte of a request to its last: a judgement
WHOLE_UPLOAD_WITHIN = 180  # the same for a form with files of somebody who has signed in: 25 MB at 1.2 Mbit/s
IDLE_AT_MOST = 60  # seconds that a connection stays open between two requests: a judgement
_LOOK_EVERY = 1  # seconds between two looks for connections to close
_FREED = 10  # a tenth of the connections: it is kept free for those who come, by closing the longest idle ones
_LARGEST_HEADER = 65_536  # bytes: a judgement
_MARGIN = 100_000  # bytes more than a form may have, so that most that are too long get a page that says so
UNANSWERED_AT_MOST = 64_000_000  # bytes of requests in memory, of all connections together: a judgement
ON_DISK_AT_MOST = 300_000_000  # bytes of unanswered forms with files, in temporary files: a judgement
_LOOKS = 16  # the memory is looked at each time that a sixteenth of these bytes has arrived


class _Parser(HTTPRequestParser):  # type: ignore[misc]
    """Reads one request, which may be larger when it takes files and somebody has signed in. What is larger than other
    requests is written to a temporary file without a name."""

    takes_files = False
    adj: Any

    def __init__(self, adj: Adjustments, address: str) -> None:
        super().__init__(adj)
        self._address = address

    def parse_header(self, header_plus: bytes) -> None:
        """Read the first line and the headers."""
        super().parse_header(header_plus)
        allows = getattr(self.adj, "allows_files", None)
        if self.command == "POST" and allows and allows(self.path, self.headers, self._address):
            self.takes_files, self.adj = True, self.adj.for_files


class _Connection(HTTPChannel):  # type: ignore[misc]
    """A connection that knows since when it has been waiting for the rest of a request, and how much of it it holds."""

    begun_at: float | None = None

    def parser_class(self, adj: Adjustments) -> _Parser:
        """The reader of the next request."""
        return _Parser(adj, str(self.addr[0]))

    @property
    def patience(self) -> float:
        """Seconds in which the request that is arriving has to be whole."""
        takes_files = self.request is not None and self.request.takes_files
        return WHOLE_UPLOAD_WITHIN if takes_files else WHOLE_REQUEST_WITHIN

    def received(self, data: bytes) -> bool:
        """Take in what the client has sent."""
        accepted: bool = super().received(data)
        if self.request is None:
            self.begun_at = None
        elif self.begun_at is None:
            self.begun_at = time.time()
        self.server.count_received(len(data))
        return accepted

    def handle_close(self) -> None:
        """Close the connection, and the temporary file of a request that did not become whole."""
        super().handle_close()
        if self.request is not None:
            self.request.close()

    def held(self) -> int:
        """Bytes in memory of requests that are not answered, whole or not."""
        requests = [each for each in (*self.requests, self.request) if each is not None]
        return int(sum(each.header_bytes_received + each.body_bytes_received for each in requests)) - self.on_disk()

    def on_disk(self) -> int:
        """Bytes in temporary files of requests that are not answered, whole or not."""
        sizes: list[int] = [each.body_bytes_received for each in (*self.requests, self.request) if each is not None]
        return sum(size for size in sizes if size > self.adj.inbuf_overflow)


class Listener(TcpWSGIServer):  # type: ignore[misc]
    """What accepts connections at one address. It closes those which keep it waiting, the longest idle ones when nearly
    all are taken, and those that have been sending longest when all together have sent too much."""

    channel_class = _Connection
    received_since = 0  # bytes, since it was last looked at how many are held

    def maintenance(self, now: float) -> None:
        """Close connections that have sent only a part of a request for too long, or nothing for too long."""
        idle = [channel for channel in list(self.active_channels.values()) if not channel.requests]
        for channel in idle:
            begun = channel.begun_at if channel.begun_at is not None else now
            if now - begun > channel.patience or now - channel.last_activity > self.adj.channel_timeout:
                channel.will_close = True
        if self._is_nearly_full():
            idle.sort(key=lambda channel: channel.begun_at or channel.last_activity)
            for channel in idle[: 1 + self.adj.connection_limit // _FREED]:
                channel.will_close = True

    def count_received(self, size: int) -> None:
        """Count bytes that have arrived. Close the connections that have been sending an unfinished request longest
        while the requests of all connections are too large together."""
        self.received_since += size
        if self.received_since < UNANSWERED_AT_MOST // _LOOKS:
            return
        self.received_since = 0
        connections = [each for each in self._map.values() if isinstance(each, _Connection) and not each.will_close]
        limits = ((UNANSWERED_AT_MOST, _Connection.held), (ON_DISK_AT_MOST, _Connection.on_disk))
        for most, held_by in limits:
            held = sum(held_by(each) for each in connections)
            sending = [each for each in connections if each.begun_at is not None and not each.requests]
            for connection in sorted(sending, key=lambda each: each.begun_at or 0.0):
                if held <= most:
                    break
                if held_by(connection):
                    held -= held_by(connection)
                    connection.will_close = True

    def readable(self) -> bool:
        """True while another connection can be accepted. When all are taken, some are freed at once."""
        if self._is_nearly_full():
            self.next_channel_cleanup = 0
        return bool(super().readable())

    def _is_nearly_full(self) -> bool:
        limit: int = self.adj.connection_limit
        return len(self._map) >= limit - limit // _FREED


class Dispatcher(ThreadedTaskDispatcher):  # type: ignore[misc]
    """Gives requests to `count` threads. Monitoring has its own, so that it is answered while all others wait for a
    locked database; so have questions while they are typed, as many, so that no page waits behind them."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.set_thread_count(count)
        monitoring, typing = ThreadedTaskDispatcher(), ThreadedTaskDispatcher()
        monitoring.set_thread_count(_MONITORING_THREADS)
        typing.set_thread_count(count)
        self._own = dict.fromkeys(_MONITORING, monitoring) | dict.fromkeys(_TYPING, typing)

    def add_task(self, task: HTTPChannel) -> None:
        own = self._own.get(task.requests[0].path if task.requests else "")
        own.add_task(task) if own else super().add_task(task)


class Server:
    """Listens and answers until it is told to stop, at `shared` sockets of another process if there are any.
    `adjustments` are of waitress."""

    def __init__(
        self, app: Flask, settings: Settings, shared: Sequence[socket.socket] = (), **adjustments: Any
    ) -> None:
        self._stop_seconds = settings.stop_seconds
        self._open: dict[int, Any] = {}  # what waitress waits for: listening sockets, connections and its own pipe
        self._stopping = threading.Event()
        self._closed = False
        self._closing = threading.RLock()  # a signal handler may interrupt the thread that holds it
        dispatcher = Dispatcher(settings.server_threads)
        listen(app, settings, self._open, dispatcher, shared, **adjustments)
        self._listeners = [channel for channel in self._open.values() if channel.accepting]  # one for each address

    @property
    def sockets(self) -> list[int]:
        """The numbers of the sockets at which it listens."""
        return [listener.socket.fileno() for listener in self._listeners]

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
        with self._closing:
            self._closed = True
            wasyncore.close_all(self._open, ignore_all=True)

    def stop(self) -> None:
        """Make `run` return. May be called in a signal handler and by any thread, also after `run` has returned."""
        self._stopping.set()
        with self._closing:
            if not self._closed:  # its pipe is open, so that what is written to it wakes `run`
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


def listen(
    app: Flask, settings: Settings, sockets: dict[int, Any], dispatcher: Any,
    shared: Sequence[socket.socket] = (), **changes: Any,
) -> None:  # fmt: skip
    """Listen on the settings' addresses: one for an address, two for `localhost`; or at the `shared` sockets. Raises
    OSError when an address is in use. `changes` are adjustments of waitress."""
    largest = LARGEST_BODY + _MARGIN
    options = {
        "host": settings.host,
        "port": settings.port,
        "connection_limit": most_connections(),
        "channel_timeout": IDLE_AT_MOST,
        "cleanup_interval": _LOOK_EVERY,
        "max_request_body_size": largest,  # by Content-Length before reading, and of chunks as soon as they are more
        "max_request_header_size": _LARGEST_HEADER,
        "inbuf_overflow": largest,  # in memory; only forms with files can be larger
        "channel_request_lookahead": 1,  # so that it is noticed when a client leaves while its request waits
        "clear_untrusted_proxy_headers": False,  # the app decides which of them to believe
    }
    adjustments = Adjustments(**options | changes)
    if settings.attachment_mb:
        adjustments.for_files = copy(adjustments)
        adjustments.for_files.max_request_body_size = largest_upload(settings) + _MARGIN
        adjustments.allows_files = partial(may_send_files, app, settings)
    own = {"dispatcher": dispatcher, "adj": adjustments}
    for each in shared:
        found = (each.family, each.type, each.proto, each.getsockname())
        Listener(app, sockets, _sock=each, sockinfo=found, bind_socket=False, **own)
    for address in () if shared else adjustments.listen:
        Listener(app, sockets, sockinfo=address, **own)


def run(
    settings: Settings,
    opening: Opening,
    listening: Listening = lambda _sockets: None,
    stopping: Act = lambda: None,
    shared: Sequence[int] = (),
) -> None:
    """Serve until interrupted or terminated; a second signal stops it at once. `listening` is called when it listens,
    `stopping` when it begins to stop. With `shared` it answers at these sockets of another process, which tells the
    address. Raises KollegaError when the address is in use."""
    app = create_app(settings, opening=opening)
    gc.freeze()  # a full garbage collection of all that is loaded would stop requests for 70 ms
    gc.set_threshold(20_000, 10, 10)  # new objects: Python's 700 are there four times a question, which frees them
    gc.enable()
    try:
        server = Server(app, settings, [socket.socket(fileno=number) for number in shared])
    except OSError as error:
        raise KollegaError(
            f"Cannot listen on {settings.host}:{settings.port}: {error.strerror}. Set KOLLEGA_PORT to another port."
        ) from error
    stop_at_signals(server.stop, stopping, at_once=not shared)
    listening(server.sockets)
    if not shared:
        tell_address(app, settings)
    try:
        server.run()
    finally:
        app.extensions["kollega_counting"].close()
