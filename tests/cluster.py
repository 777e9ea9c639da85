"""Several web processes behind a small proxy and several watch processes on one PostgreSQL, which are killed at random
while people search, read and write. `test_replicas.py` runs it for a moment, `benchmarks/replicas.py` for minutes."""

import contextlib
import http.client
import json
import os
import random
import re
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session, sessionmaker

from indexer.indexing.reindex import reindex
from recommender import accounts
from recommender.database.engine import open_database
from recommender.database.leading import SHARED_WORK, index_lead, leader
from recommender.database.tables import HelpRequest, Person, Reply, RequestAudience, Team, utc_now
from recommender.errors import KollegaError
from recommender.index import generations
from recommender.index.catalogue import Catalogue
from recommender.language.analyzer import Analyzer
from recommender.settings import Settings
from tests.conftest import MODELS, FakeEncoder
from tests.test_kills import Starter

PASSWORD = "a-long-passphrase-for-tests"
IN_FLIGHT = "X-In-Flight"
_REPEATED = ("GET", "HEAD")  # methods that a proxy may send again to another replica
_PASSED_ON = ("Authorization", "Content-Type", "Cookie")


def free_ports(count: int) -> list[int]:
    """Ports that nothing listens on."""
    with contextlib.ExitStack() as stack:
        found = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in found:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in found]


class Proxy(ThreadingHTTPServer):
    """Gives each request to the next replica, and to another one when that cannot be reached. A request of which a
    replica has read something is only repeated when it changes nothing; else it is answered with 502 and IN_FLIGHT."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, ports: list[int]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.ports = ports
        self._turn = 0
        self._counting = threading.Lock()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: somebody has left without waiting for the answer."""

    def in_turn(self) -> list[int]:
        """The ports of all replicas, another one first each time."""
        with self._counting:
            self._turn += 1
            first = self._turn % len(self.ports)
        return self.ports[first:] + self.ports[:first]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Proxy

    def do_GET(self) -> None:
        self._pass_on()

    def do_POST(self) -> None:
        self._pass_on()

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name: self.headers[name] for name in _PASSED_ON if name in self.headers}
        for port in self.server.in_turn():
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
            try:
                connection.connect()
            except OSError:  # it is not there: nothing was sent
                continue
            try:
                connection.request(self.command, self.path, body or None, {**headers, "Host": self.headers["Host"]})
                answer = connection.getresponse()
                content = answer.read()
            except (OSError, http.client.HTTPException):
                if self.command in _REPEATED:
                    continue
                return self._answer(502, [(IN_FLIGHT, "1")], b"")
            finally:
                connection.close()
            passed = [(name, value) for name, value in answer.getheaders() if name in ("Location", "Set-Cookie")]
            return self._answer(answer.status, passed, content)
        return self._answer(503, [], b"no replica")

    def _answer(self, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
        self.send_response(status)
        for name, value in (*headers, ("Content-Length", str(len(content)))):
            self.send_header(name, value)
        with contextlib.suppress(ConnectionError):  # somebody who does not wait any more
            self.end_headers()
            self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@dataclass
class Tally:
    """What came of the requests, and which titles were acknowledged."""

    counts: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    acknowledged: list[str] = field(default_factory=list)

    def add(self, what: str, status: int, in_flight: bool, expected: int) -> bool:
        """Count an answer; True when it was the one expected."""
        self.counts["requests"] += 1
        if status == expected:
            return True
        if in_flight:
            self.counts["in flight"] += 1
        else:
            self.counts["failed"] += 1
            self.problems.append(f"{what}: {status}")
        return False


class Visitor:
    """Somebody who searches, reads and writes through the proxy, one after the other."""

    def __init__(self, port: int, number: int, token: str, sign_in: tuple[str, str]) -> None:
        self._port, self._number, self._token, self._sign_in = port, number, token, sign_in
        self._cookies: dict[str, str] = {}

    def visit(self, tally: Tally, stop: threading.Event) -> None:
        """Go on until it is time to stop."""
        self._enter()
        for turn in range(1_000_000):
            if stop.is_set():
                return
            title = f"sent by {self._number}, {turn}"
            status, in_flight, _text = self.ask("POST", "/api/v1/requests", {"title": title, "everyone": True})
            if tally.add("write", status, in_flight, 201):
                tally.acknowledged.append(title)
            status, in_flight, _text = self.ask("GET", "/?q=first+printer+jam")
            tally.add("search", status, in_flight, 200)
            status, in_flight, text = self.ask("GET", "/inbox/")  # who is not signed in gets another page
            is_signed_out = status == 200 and "/sign-out" not in text
            tally.add("read", 401 if is_signed_out else status, in_flight, 200)

    def _enter(self) -> None:
        """Sign in, before anything is counted: few may do so at once, and the others are asked to try again."""
        for _try in range(100):
            status = self._signs_in()
            if status == 302:
                return
            time.sleep(0.5)
        raise AssertionError(f"signing in was answered with {status}")

    def _signs_in(self) -> int:
        name, password = self._sign_in
        page = self.ask("GET", "/sign-in")[2]
        found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
        form = f"csrf_token={found[1] if found else ''}&handle={name}&password={password}"
        return self.ask("POST", "/sign-in", form)[0]

    def ask(self, method: str, path: str, sent: object = None) -> tuple[int, bool, str]:
        """(status, whether it was in flight when a replica was killed, the page)."""
        is_form = isinstance(sent, str)
        kind = "application/x-www-form-urlencoded" if is_form else "application/json"
        headers = {"Content-Type": kind} if sent is not None else {}
        if path.startswith("/api/"):
            headers["Authorization"] = f"Bearer {self._token}"
        else:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        body = None if sent is None else str(sent) if is_form else json.dumps(sent)
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=300)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            text = answer.read().decode("utf-8", "replace")
        finally:
            connection.close()
        for cookie in answer.headers.get_all("Set-Cookie", []):
            name, _, value = cookie.partition(";")[0].partition("=")
            self._cookies[name] = value
        return answer.status, answer.headers.get(IN_FLIGHT) is not None, text


@dataclass
class Replica:
    """One process, and how another one like it is started."""

    kind: str
    start: Callable[[], int]
    process: int = 0

    def begin(self) -> None:
        """Start it; it is ready when this returns."""
        self.process = self.start()

    def kill(self) -> None:
        """Kill it, and wait until it is gone."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.process, signal.SIGKILL)
            while True:
                os.kill(self.process, 0)
                time.sleep(0.005)


@dataclass
class Cluster:
    """The processes, and what they share. `ports` are of the web processes, `token` and PASSWORD of aino."""

    settings: Settings
    sessions: sessionmaker[Session]
    replicas: list[Replica]
    ports: list[int]
    token: str
    tally: Tally = field(default_factory=Tally)
    takeovers: list[float] = field(default_factory=list)
    LONGEST: ClassVar[float] = 120.0

    def leaders(self) -> tuple[str | None, str | None]:
        """Who leads in the index and in the shared work."""
        engine: Engine = self.sessions.kw["bind"]
        return leader(engine, index_lead(self.settings)), leader(engine, SHARED_WORK)

    @contextmanager
    def running(self) -> Iterator[None]:
        """All processes run within this block."""
        for replica in self.replicas:
            replica.begin()
        try:
            yield
        finally:
            for replica in self.replicas:
                replica.kill()

    def kill_at_random(self, chance: random.Random, down: tuple[float, float]) -> None:
        """Kill one process of each kind, wait until the others lead, and start both again after some seconds."""
        victims = [chance.choice([each for each in self.replicas if each.kind == kind]) for kind in ("serve", "watch")]
        for victim in victims:
            victim.kill()
            self.tally.counts[f"{victim.kind} killed"] += 1
        self._see_the_others_lead(victims[1].process)
        time.sleep(chance.uniform(*down))
        for victim in victims:
            victim.begin()

    def _see_the_others_lead(self, killed: int) -> None:
        began = time.monotonic()
        while True:
            leads = self.leaders()
            if all(each is not None and not each.endswith(f", process {killed}") for each in leads):
                self.takeovers.append(time.monotonic() - began)
                return
            if time.monotonic() > began + self.LONGEST:
                raise AssertionError(f"nobody took over from {killed}: {leads}")
            time.sleep(0.05)

    def lost(self) -> list[str]:
        """Titles that were acknowledged and are not in the database, or not in the index after a while."""
        with self.sessions() as session:
            rows = {title: f"request:{number}" for number, title in session.execute(
                select(HelpRequest.id, HelpRequest.title))}  # fmt: skip
        until, wanted = time.monotonic() + self.LONGEST, set(self.tally.acknowledged)
        while time.monotonic() < until:
            with contextlib.suppress(KollegaError, OSError):
                catalogue = Catalogue.load(generations.live(self.settings.index_dir) / generations.CATALOGUE)
                indexed = catalogue.digests().keys()
                catalogue.close()
                if all(rows.get(title) in indexed for title in wanted):
                    return []
            time.sleep(0.2)
        return sorted(title for title in wanted if rows.get(title) not in indexed)


@contextmanager
def opened(home: Path, database: str, analyzer: Analyzer) -> Iterator[Cluster]:
    """Three web processes and two watch processes, not started yet, on a new database with one request."""
    settings = Settings(home=home, database=database, model="fake", reranker="none")
    sessions = open_database(settings)
    settings.models_dir.mkdir()
    (settings.models_dir / "dictionaries").symlink_to(MODELS / "dictionaries", target_is_directory=True)
    with sessions.begin() as session:
        person = Person(handle="aino", name="Aino", role="agent", teams=[Team(handle="it", name="IT")])
        session.add(person)
        session.flush()
        accounts.set_password(session, person, PASSWORD)
        token = accounts.make_token(session, person, "replicas", ("read", "write"))
        audience, reply = (
            [RequestAudience(token="everyone")],
            Reply(author=person, body="Open the tray.", created_at=utc_now(), accepted=True),
        )
        session.add(
            HelpRequest(title="first printer jam", body="", language="en", status="resolved", created_at=utc_now(),
                        audience=audience, replies=[reply])
        )  # fmt: skip
    reindex(settings, sessions, FakeEncoder(), analyzer)
    own = {"HOME": str(home), "DATABASE": database, "MODEL": "fake", "SECRET_KEY": "k" * 32,
           "API_RATE": "100000 per minute", "SEARCH_RATE": "100000 per minute"}  # fmt: skip
    environment = {**os.environ, **{f"KOLLEGA_{name}": value for name, value in own.items()}, "OMP_NUM_THREADS": "1"}
    starter, ports = Starter(environment), free_ports(3)
    replicas = [Replica("serve", partial(starter.start, "serve", port)) for port in ports]
    replicas += [Replica("watch", partial(starter.start, "watch-together")) for _ in range(2)]
    try:
        yield Cluster(settings, sessions, replicas, ports, token)
    finally:
        starter.close()
        sessions.kw["bind"].dispose()


def run(cluster: Cluster, visitors: int, seconds: float, seed: int = 1) -> list[str]:
    """Let people visit while processes are killed for some seconds; the changes that were lost."""
    proxy, stop, chance = Proxy(cluster.ports), threading.Event(), random.Random(seed)  # noqa: S311
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    port, sign_in = int(proxy.server_address[1]), ("aino", PASSWORD)
    with cluster.running():
        people = [Visitor(port, number, cluster.token, sign_in) for number in range(visitors)]
        threads = [threading.Thread(target=each.visit, args=(cluster.tally, stop), daemon=True) for each in people]
        for thread in threads:
            thread.start()
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            cluster.kill_at_random(chance, (0.5, 3.0))
        stop.set()
        for thread in threads:
            thread.join(cluster.LONGEST)
        lost = cluster.lost()
    proxy.shutdown()
    proxy.server_close()
    return lost
