"""A local HTTP server in front of a desk, with the faults of real ones."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

from tests.indexer.sources.servers.desk import Desk

TOKEN = "tok-9f81c2-invented"


@dataclass
class Reply:
    """An answer of an interface."""

    value: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


class System(Protocol):
    """One system's interface to a desk."""

    desk: Desk
    address: str

    def allows(self, headers: dict[str, str]) -> bool:
        """True when the token is in the header where the system wants it."""
        ...

    def answer(self, path: str, params: dict[str, str]) -> Reply | None:
        """The answer to a request; None when there is nothing there."""
        ...


@dataclass
class Faults:
    """Which requests go wrong: every n-th one, 0 for none. `between` is called with the number of each request, before
    it is answered, and may change the desk. The first `lose_answers` answers to what was sent are cut, after the system
    has taken it."""

    limited_every: int = 0
    retry_after: str = "0"
    failing_every: int = 0
    cut_every: int = 0
    wrong_json_every: int = 0
    page_every: int = 0
    dead_after: int = 0
    token_ends_after: int = 0
    lose_answers: int = 0
    between: Callable[[int], None] | None = None
    skew: timedelta = timedelta()


class SystemServer:
    """A running server; `requests` are the paths that were asked, and `faults` may be replaced at any time."""

    def __init__(self, system: System) -> None:
        self.system, self.faults = system, Faults()
        self.requests: list[str] = []
        self.seen_tokens: set[str] = set()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        system.address = self.url
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Answer no more."""
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1

            def do_GET(self) -> None:
                server.requests.append(self.path)
                parts = urlsplit(self.path)
                params = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
                headers = {name.lower(): value for name, value in self.headers.items()}
                reply, cut = server.answer(parts.path, params, headers)
                body = reply.value if isinstance(reply.value, bytes) else json.dumps(reply.value).encode()
                self.send_response_only(reply.status)
                for name, value in {"Content-Type": "application/json", **reply.headers}.items():
                    self.send_header(name, value)
                self.send_header("Date", format_datetime(datetime.now(UTC) + server.faults.skew, usegmt=True))
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body[: len(body) // 2] if cut else body)
                self.wfile.flush()
                self.close_connection = self.close_connection or cut

            def do_POST(self) -> None:
                server.requests.append(self.path)
                headers = {name.lower(): value for name, value in self.headers.items()}
                sent = json.loads(self.rfile.read(int(headers.get("content-length", "0"))))
                path = urlsplit(self.path).path
                query = getattr(server.system, "query", lambda _path, _sent: None)
                take = getattr(server.system, "take", lambda _path, _sent: None)
                if not server.system.allows(headers):
                    reply = Reply({"message": "Bad credentials"}, 401)
                else:
                    reply = query(path, sent) or take(path, sent) or Reply({"error": "Not found"}, 404)
                lost = server.faults.lose_answers > 0
                server.faults.lose_answers -= lost
                body = json.dumps(reply.value).encode()
                self.send_response_only(reply.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body[:3] if lost else body)
                self.wfile.flush()
                self.close_connection = self.close_connection or lost

            do_PUT = do_POST

            def log_message(self, *_words: object) -> None:
                """Say nothing."""

        return Handler

    def answer(self, path: str, params: dict[str, str], headers: dict[str, str]) -> tuple[Reply, bool]:
        """(the answer to a request or a fault, whether it is cut)."""
        number, faults = len(self.requests), self.faults
        if faults.between:
            faults.between(number)
        if not self.system.allows(headers) or (faults.token_ends_after and number > faults.token_ends_after):
            return Reply({"message": "Bad credentials"}, 401), False
        if faults.dead_after and number > faults.dead_after:
            return Reply({"error": "Internal"}, 500), False
        if faults.limited_every and number % faults.limited_every == 0:
            return Reply({"error": "Too many"}, 429, {"Retry-After": faults.retry_after}), False
        if faults.failing_every and number % faults.failing_every == 0:
            return Reply({"error": "Internal"}, 500), False
        if faults.page_every and number % faults.page_every == 0:
            return Reply(b"<!doctype html><title>Sign in</title>", 200, {"Content-Type": "text/html"}), False
        reply = self.system.answer(path, params) or Reply({"error": "Not found"}, 404)
        if faults.wrong_json_every and number % faults.wrong_json_every == 0:
            return Reply(json.dumps(reply.value).encode()[:-3]), False
        return reply, bool(faults.cut_every and number % faults.cut_every == 0)


@contextmanager
def serving(system: System) -> Iterator[SystemServer]:
    """A server for a system, until the block ends."""
    server = SystemServer(system)
    try:
        yield server
    finally:
        server.stop()


def iso(time: datetime | None) -> str | None:
    """A time as most systems write it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ") if time else None


def number_in(path: str, pattern: str) -> int | None:
    """The number in a path, such as 17 for `/tickets/17/comments` and the pattern `/tickets/{}/comments`."""
    before, _, after = pattern.partition("{}")
    middle = path.removeprefix(before).removesuffix(after) if after else path.removeprefix(before)
    return int(middle) if path.startswith(before) and path.endswith(after) and middle.isdigit() else None
