"""server.py: idle and slow clients keep nobody out, and what is too large is refused before it is read."""

import contextlib
import http.client
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, request

from recommender.settings import Settings
from tests.timing import LONG
from web import server as web_server
from web.files.uploads import may_send_files
from web.server import Server
from web.starting.open_files import MOST_CONNECTIONS, most_connections

Serve = Callable[..., Any]


@pytest.fixture
def serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Serve:
    """Serves an application that answers with the number of bytes that it got; `with serve(...) as port`."""
    app = Flask("test")
    app.config["MAX_CONTENT_LENGTH"] = 1_000_000

    @app.route("/", methods=["GET", "POST"])
    def size() -> str:
        return str(len(request.get_data()))

    @contextmanager
    def serving(**changes: Any) -> Iterator[int]:
        port = _free_port()
        server = Server(app, Settings(home=tmp_path, port=port), **changes)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        yield port
        server.stop()
        thread.join(timeout=60)

    return serving


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _ask(port: int, body: Any = None, timeout: float = LONG, **headers: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("POST" if body is not None else "GET", "/", body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


@contextmanager
def _opened(port: int, number: int, sent: bytes = b"") -> Iterator[list[socket.socket]]:
    with ExitStack() as stack:
        sockets = [
            stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=LONG)) for _ in range(number)
        ]
        for each in sockets:
            if sent:
                each.sendall(sent)
        yield sockets


def _still_open(clients: Iterable[socket.socket]) -> int:
    number = 0
    for client in clients:
        client.settimeout(0.2)
        try:
            client.recv(1)
        except TimeoutError:
            number += 1
        except ConnectionError:
            continue
    return number


@pytest.mark.parametrize(
    "sent", [b"", b"GET / HTTP/1.1\r\nHost: x\r\nX-a: ", b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n1"]
)
def test_three_hundred_connections_that_send_nothing_more_keep_nobody_out(serve: Serve, sent: bytes) -> None:
    with serve() as port, _opened(port, 300, sent):
        assert _ask(port) == (200, b"0")


def test_a_question_that_nobody_waits_for_any_more_is_not_worked_on(tmp_path: Path) -> None:
    app, begun, go_on, worked_on = Flask("test"), threading.Event(), threading.Event(), list[str]()

    @app.get("/<name>")
    def work(name: str) -> str:
        worked_on.append(name)
        if name == "first":
            begun.set()
            go_on.wait(60)
        return name

    port = _free_port()
    server = Server(app, Settings(home=tmp_path, port=port, server_threads=1))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=60) as first:
            first.sendall(b"GET /first HTTP/1.1\r\nHost: x\r\n\r\n")
            assert begun.wait(60)
            with socket.create_connection(("127.0.0.1", port), timeout=60) as left:
                left.sendall(b"GET /left HTTP/1.1\r\nHost: x\r\n\r\n")
                time.sleep(0.5)  # it is read and waits for the thread
            time.sleep(0.5)  # the server notices that the connection was closed
            with socket.create_connection(("127.0.0.1", port), timeout=60) as stayed:
                stayed.sendall(b"GET /stayed HTTP/1.1\r\nHost: x\r\n\r\n")
                time.sleep(0.2)
                go_on.set()
                assert stayed.recv(1_000).startswith(b"HTTP/1.1 200 OK")
        assert worked_on == ["first", "stayed"]
    finally:
        go_on.set()
        server.stop()
        thread.join(timeout=60)


def test_when_all_connections_are_taken_the_longest_idle_ones_are_closed(serve: Serve) -> None:
    with serve(connection_limit=100) as port, _opened(port, 150, b"GET / HTTP/1.1\r\n"):
        for _ in range(3):
            assert _ask(port) == (200, b"0")


def test_a_client_that_sends_a_byte_now_and_then_is_cut_off(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_server, "WHOLE_REQUEST_WITHIN", 1)
    with serve() as port, _opened(port, 1, b"GET / HTTP/1.1\r\nX-a: ") as (slow,):
        slow.settimeout(0.2)
        end, closed = time.monotonic() + LONG, False
        while not closed and time.monotonic() < end:
            try:
                slow.sendall(b"x")
                closed = slow.recv(1) == b""
            except TimeoutError:
                continue
            except OSError:
                closed = True
        assert closed
        assert _ask(port) == (200, b"0")


def test_a_client_that_keeps_its_connection_is_not_cut_off_between_requests(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web_server, "WHOLE_REQUEST_WITHIN", 2)
    with serve() as port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LONG)
        for _ in range(3):
            connection.request("GET", "/")
            assert connection.getresponse().read() == b"0"
            time.sleep(2.2)
        connection.close()


def test_unfinished_bodies_do_not_fill_the_memory(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_server, "UNANSWERED_AT_MOST", 5_000_000)
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n"
    with serve() as port, _opened(port, 1, head) as (first,), _opened(port, 30) as others:
        for each in others:
            with contextlib.suppress(OSError):  # closed while it sends
                each.sendall(head + b"x" * 900_000)
        assert _ask(port, b"x" * 900_000) == (200, b"900000")
        assert 1 <= _still_open((first, *others)) <= 6  # of 31: their bodies are 5.4 MB
        for each in others[-1:]:  # the newest can still send the rest
            each.sendall(b"x" * 100_000)
            each.settimeout(LONG)
            assert each.recv(100).startswith(b"HTTP/1.1 200 ")


def test_it_can_be_stopped_although_it_has_just_stopped_by_itself(tmp_path: Path) -> None:
    server = Server(Flask("test"), Settings(home=tmp_path, port=_free_port()))
    server._stopping.set()  # as between the two steps of `stop`, when `run` wakes up by itself
    server.run()
    server.stop()


def test_a_form_that_is_too_large_is_refused_before_it_is_sent(serve: Serve) -> None:
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 60000000\r\n\r\n"
    with serve() as port, _opened(port, 1, head) as (client,):
        assert client.recv(100).startswith(b"HTTP/1.1 413 ")


def test_chunks_are_refused_as_soon_as_they_are_too_many_and_nothing_is_written_to_disk(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_file(*_arguments: Any, **_options: Any) -> Any:
        raise AssertionError("a temporary file was made")

    monkeypatch.setattr(tempfile, "TemporaryFile", no_file)
    head = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    with serve() as port, _opened(port, 1, head) as (client,):
        sent, answer = 0, b""
        client.settimeout(0.01)
        while not answer and sent < 5_000_000:
            try:
                client.sendall(b"2710\r\n" + b"x" * 10_000 + b"\r\n")
                sent += 10_000
                answer = client.recv(100)
            except TimeoutError:
                continue
            except OSError:
                break
        assert answer.startswith(b"HTTP/1.1 413 ") or sent < 5_000_000
    with serve() as port:
        assert _ask(port, b"x" * 900_000) == (200, b"900000")
        assert _ask(port, b"x" * 1_050_000)[0] == 413  # by the application, with a page


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nX: " + b"x" * 70_000 + b"\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: " + b"9" * 5_000 + b"\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"\r\n" * 1_000,
        b"\x00\xff\r\n\r\n",
    ],
)
def test_requests_that_are_none_are_refused_and_the_server_goes_on(serve: Serve, head: bytes) -> None:
    with serve() as port, _opened(port, 1, head) as (client,):
        client.settimeout(2)
        try:
            answer = client.recv(100)
        except (TimeoutError, ConnectionResetError):
            answer = b""
        assert not answer.startswith((b"HTTP/1.1 2", b"HTTP/1.1 5"))
        assert _ask(port) == (200, b"0")


def test_as_many_connections_are_allowed_as_the_system_has_files() -> None:
    assert 100 <= most_connections() <= MOST_CONNECTIONS


UPLOAD = b"POST /attachments/ HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n%s\r\n"


@pytest.fixture
def upload_server(tmp_path: Path) -> Iterator[tuple[int, bytes]]:
    """(the port of a server with a form that takes files, the header of somebody who has signed in)."""
    app = Flask("test", instance_path=str(tmp_path))
    app.config.update(SECRET_KEY="a key", MAX_CONTENT_LENGTH=30_000_000)

    @app.post("/attachments/", endpoint="attachments.upload")
    @app.post("/other", endpoint="other")
    def size() -> str:
        return str(len(request.get_data()))

    signer = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
    cookie = f"Cookie: session={signer.dumps({'_user_id': 'abc'})}\r\n".encode()
    port = _free_port()
    server = Server(app, Settings(home=tmp_path, port=port))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield port, cookie
    server.stop()
    thread.join(timeout=60)


def test_large_forms_are_read_only_where_files_are_taken_and_of_those_who_have_signed_in(
    upload_server: tuple[int, bytes],
) -> None:
    port, cookie = upload_server
    forged = cookie.replace(b"session=", b"session=x")
    for head, status in (
        (UPLOAD % (5_000_000, cookie), b"200"),
        (UPLOAD % (5_000_000, b""), b"413"),
        (UPLOAD % (5_000_000, forged), b"413"),
        (UPLOAD % (5_000_000, b"X-Remote-User: matti\r\n"), b"413"),
        (UPLOAD % (27_000_000, cookie), b"413"),
        (UPLOAD.replace(b"/attachments/", b"/other") % (5_000_000, cookie), b"413"),
        (UPLOAD.replace(b"POST", b"PUT") % (5_000_000, cookie), b"413"),
    ):
        with _opened(port, 1, head) as (client,):
            if status == b"200":
                client.sendall(b"x" * 5_000_000)
            assert client.recv(100).startswith(b"HTTP/1.1 " + status), head


def test_a_trusted_proxy_says_who_sends_files(tmp_path: Path) -> None:
    app = Flask("test")
    app.add_url_rule("/attachments/", "attachments.upload", methods=["POST"])
    behind = Settings(home=tmp_path, proxy_header="X-Remote-User", trusted_proxies="10.0.0.0/8")
    named = {"X_REMOTE_USER": "matti"}
    assert may_send_files(app, behind, "/attachments/", named, "10.1.2.3")
    assert may_send_files(app, behind, "/attachments/", named, "::ffff:10.1.2.3")
    assert not may_send_files(app, behind, "/attachments/", named, "192.0.2.1")
    assert not may_send_files(app, behind, "/attachments/", {"X_REMOTE_USER": ""}, "10.1.2.3")
    assert not may_send_files(app, replace(behind, attachment_mb=0), "/attachments/", named, "10.1.2.3")


def test_unfinished_uploads_fill_neither_the_memory_nor_the_disk_and_others_are_answered(
    upload_server: tuple[int, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    port, cookie = upload_server
    monkeypatch.setattr(web_server, "UNANSWERED_AT_MOST", 5_000_000)
    monkeypatch.setattr(web_server, "ON_DISK_AT_MOST", 20_000_000)
    with _opened(port, 12, UPLOAD % (5_000_000, cookie)) as clients:
        for client in clients:
            with contextlib.suppress(OSError):  # closed while it sends
                client.sendall(b"x" * 4_500_000)
        assert 1 <= _still_open(clients) <= 5  # of 12, whose bodies are 54 MB
        clients[-1].sendall(b"x" * 500_000)
        clients[-1].settimeout(10)
        assert clients[-1].recv(100).startswith(b"HTTP/1.1 200 ")


def test_an_upload_may_take_longer_than_another_request(
    upload_server: tuple[int, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    port, cookie = upload_server
    monkeypatch.setattr(web_server, "WHOLE_REQUEST_WITHIN", 1)
    monkeypatch.setattr(web_server, "WHOLE_UPLOAD_WITHIN", 6)
    with (
        _opened(port, 1, UPLOAD % (10, cookie) + b"x") as (upload,),
        _opened(port, 1, UPLOAD % (10, b"") + b"x") as (other,),
    ):
        upload.settimeout(10)
        other.settimeout(10)
        assert other.recv(1) == b""
        upload.sendall(b"x" * 9)
        assert upload.recv(100).startswith(b"HTTP/1.1 200 ")
        with _opened(port, 1, UPLOAD % (10, cookie) + b"x") as (slow,):
            slow.settimeout(20)
            assert slow.recv(1) == b""
