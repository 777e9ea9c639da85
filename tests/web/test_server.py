"""server.py: `kollega serve` finishes what it is at before it stops, and answers monitoring while all else waits."""

import gc
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from recommender import accounts
from recommender.database.tables import HelpRequest, Person
from recommender.errors import KollegaError
from recommender.settings import Settings
from tests.conftest import MODELS
from tests.paths import ROOT
from tests.timing import LONG
from web.server import run

LARGE = 20_000_000  # bytes of an answer: more than the system takes from a server at once
SCRIPT = f"""
import os
import time
import web.server
import web.set_up.telling
import web.starting.opening

def app(environment, start):
    path = environment["PATH_INFO"]
    length = int(environment.get("CONTENT_LENGTH") or 0)
    environment["wsgi.input"].read(length)
    if path.startswith("/slow") or path in ("/suggest", "/suggest/people", "/embed/suggest"):
        print("begun", flush=True)
        seconds = path.rpartition("/")[2]
        until = time.monotonic() + float("{2 * LONG}" if seconds in ("suggest", "people") else seconds)
        while time.monotonic() < until and not os.path.exists("go"):
            time.sleep(0.01)
    start("200 OK", [("Content-Type", "text/plain")])
    return [b"x" * ({LARGE} if path.startswith("/slow") else 2)]

app.extensions = {{"kollega_counting": open("/dev/null")}}  # all that the server wants of it is that it can be closed
app.config = {{"MAX_CONTENT_LENGTH": 1_000_000}}
web.starting.opening.begin = lambda settings: open("/dev/null")
web.server.create_app = lambda settings, opening: app
web.set_up.telling.tell_code = lambda app, settings, address: None  # which asks the database
from indexer.cli import main
main()
"""
REAL = """
import recommender.encoder.load
import recommender.recommender
from tests.fake_encoder import FakeEncoder
for module in (recommender.encoder.load, recommender.recommender):
    module.load_encoder = lambda settings: FakeEncoder()
from indexer.cli import main
main()
"""
"""`kollega serve` as it is, with the fake encoder."""
Serve = Callable[..., tuple[subprocess.Popen[str], int]]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Starts `kollega serve` with an application that answers /slow/SECONDS after these or when there is a file `go`,
    what is typed after a long time or the same, and all else at once; returns the process and its port."""
    started = []

    def start(script: str = SCRIPT, **settings: str) -> tuple[subprocess.Popen[str], int]:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        environment = os.environ | {
            "KOLLEGA_HOME": str(tmp_path / "home"),
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
        }
        server = subprocess.Popen(
            [sys.executable, "-c", script, "serve", "--no-watch", "--port", str(port)],
            env=environment | {"PYTHONUNBUFFERED": "1"} | settings,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
        )
        started.append(server)
        assert server.stdout is not None
        said = iter(server.stdout.readline, "")
        assert any(line.startswith("Kollega is at ") for line in said)
        return server, port

    yield start
    for server in started:
        server.kill()
        server.communicate()


class Request(threading.Thread):
    """A request that is made beside the test; `answer` is (status, bytes of the body), None when it was cut off."""

    def __init__(self, port: int, path: str) -> None:
        super().__init__()
        self._port, self._path = port, path
        self.answer: tuple[int, int] | None = None
        self.start()

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        try:
            connection.request("GET", self._path)
            answer = connection.getresponse()
            self.answer = answer.status, len(answer.read())
        except (OSError, http.client.HTTPException):
            pass
        finally:
            connection.close()


def _accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return False
    return True


def _begun(server: subprocess.Popen[str], times: int = 1) -> None:
    """Waits until the application is at so many slow requests."""
    assert server.stdout is not None
    assert [server.stdout.readline() for _ in range(times)] == ["begun\n"] * times


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_request_that_is_being_answered_is_finished_before_the_server_stops(
    serve: Serve, tmp_path: Path, number: int
) -> None:
    server, port = serve(KOLLEGA_STOP_SECONDS=str(2 * LONG))
    idle = http.client.HTTPConnection("127.0.0.1", port)
    with closing(idle):
        idle.request("GET", "/")
        idle.getresponse().read()  # its connection stays open
        _stop_while_busy(server, port, number, tmp_path)


def _stop_while_busy(server: subprocess.Popen[str], port: int, number: int, folder: Path) -> None:
    slow = Request(port, f"/slow/{LONG}")
    _begun(server)
    server.send_signal(number)
    while _accepts(port):
        assert slow.answer is None, "it still accepts connections"
        time.sleep(0.05)
    (folder / "go").touch()
    assert server.wait(60) == 0
    slow.join()
    assert slow.answer == (200, LARGE)


def test_requests_that_wait_for_a_thread_are_answered_too_before_the_server_stops(serve: Serve) -> None:
    server, port = serve(KOLLEGA_SERVER_THREADS="1")
    slow = Request(port, "/slow/1")
    _begun(server)
    waiting = [Request(port, f"/slow/0.{number}") for number in range(3)]
    time.sleep(0.5)
    server.terminate()
    assert server.wait(60) == 0
    for request in (slow, *waiting):
        request.join()
        assert request.answer == (200, LARGE)
    assert server.stderr is not None and "queue" not in server.stderr.read()  # a line for each would fill the log


def test_the_server_stops_after_a_limited_time_and_says_what_it_cut_off(serve: Serve) -> None:
    server, port = serve(KOLLEGA_STOP_SECONDS="0.5")
    slow = Request(port, f"/slow/{2 * LONG}")
    _begun(server)
    began = time.monotonic()
    server.terminate()
    assert server.wait(60) == 0
    assert time.monotonic() - began < LONG
    slow.join()
    assert slow.answer is None
    assert server.stderr is not None
    assert "Stopped in the middle of 1 requests, after 0.5 seconds" in server.stderr.read()


def test_a_server_at_rest_stops_at_once(serve: Serve) -> None:
    server, _port = serve()
    began = time.monotonic()
    server.terminate()
    assert server.wait(60) == 0
    assert time.monotonic() - began < LONG


def test_monitoring_is_answered_while_every_thread_waits(serve: Serve, tmp_path: Path) -> None:
    server, port = serve(KOLLEGA_SERVER_THREADS="2")
    slow = [Request(port, f"/slow/{LONG}") for _ in range(3)]
    _begun(server, 2)
    for path in ("/health", "/health/live", "/metrics"):
        monitor = Request(port, path)
        monitor.join()
        assert monitor.answer == (200, 2)
    for path in ("/healthy", "/metrics/x"):  # they cannot take the threads of monitoring
        other = Request(port, path)
        other.join(0.3)
        assert other.answer is None
    assert [request.answer for request in slow] == [None, None, None]
    (tmp_path / "go").touch()
    for request in slow:
        request.join()
        assert request.answer == (200, LARGE)


def test_pages_do_not_wait_behind_questions_that_are_being_typed(serve: Serve, tmp_path: Path) -> None:
    server, port = serve(KOLLEGA_SERVER_THREADS="2")
    typed = [Request(port, path) for path in ("/suggest/people", "/embed/suggest", "/suggest")]
    _begun(server, 2)
    for path in ("/", "/suggested"):
        page = Request(port, path)
        page.join()
        assert page.answer == (200, 2)
    assert [request.answer for request in typed] == [None, None, None]
    (tmp_path / "go").touch()
    for request in typed:
        request.join()
        assert request.answer == (200, 2)


class Writer(threading.Thread):
    """Somebody who sends one request after the other until the server is gone. `stored` are the titles whose storing
    was acknowledged, `refused` any other answer than that."""

    def __init__(self, port: int, token: str, number: int) -> None:
        super().__init__()
        self._port, self._token, self._number = port, token, number
        self.stored: list[str] = []
        self.refused: list[int] = []
        self.start()

    def run(self) -> None:
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        for turn in range(100_000):
            title = f"Request {turn} of writer {self._number}"
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
            try:
                connection.request("POST", "/api/v1/requests", json.dumps({"title": title, "body": ""}), headers)
                status = connection.getresponse().status
            except (OSError, http.client.HTTPException):
                return
            finally:
                connection.close()
            if status == 201:
                self.stored.append(title)
            else:
                self.refused.append(status)


def test_nothing_that_was_acknowledged_is_lost_when_the_server_is_stopped_under_ten_writers(
    serve: Serve, settings: Settings, sessions: sessionmaker[Session], add_person: Callable[..., int]
) -> None:
    (settings.home / "models").symlink_to(MODELS, target_is_directory=True)
    person_id = add_person("aino")
    with sessions.begin() as session:
        token = accounts.make_token(session, session.get_one(Person, person_id), "test", ["read", "write"])
    server, port = serve(REAL, KOLLEGA_API_RATE="1000000 per minute", KOLLEGA_MODEL="fake")
    writers = [Writer(port, token, number) for number in range(10)]
    while not all(len(writer.stored) >= 3 for writer in writers):
        assert server.poll() is None and all(writer.is_alive() for writer in writers)
        time.sleep(0.05)
    server.terminate()
    assert server.wait(60) == 0
    for writer in writers:
        writer.join()
    acknowledged = {title for writer in writers for title in writer.stored}
    with sessions() as session:
        stored = set(session.scalars(select(HelpRequest.title)))
    assert len(acknowledged) >= 30 and acknowledged <= stored
    assert [status for writer in writers for status in writer.refused] == []
    assert len(stored - acknowledged) <= len(writers)  # at most one for each writer, whose answer did not come through


def test_python_looks_seldom_for_garbage_while_it_serves(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def taken(*_parts: object) -> None:
        raise OSError(98, "Address already in use")

    nothing: Any = None
    monkeypatch.setattr("web.server.create_app", lambda _settings, opening: opening)
    monkeypatch.setattr("web.server.Server", taken)
    before = gc.get_threshold()
    try:
        with pytest.raises(KollegaError, match="Set KOLLEGA_PORT"):
            run(settings, nothing)
        assert gc.get_threshold()[0] > 10_000  # more than the objects of a question
        assert gc.get_freeze_count() > 10_000  # what is loaded
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
