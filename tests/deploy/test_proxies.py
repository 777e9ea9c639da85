"""deploy/nginx.conf and deploy/Caddyfile: the proxies accept them, and pass on what Kollega needs to know, with real
requests over HTTPS."""

import http.client
import json
import os
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, jsonify, request
from flask.testing import FlaskClient

from recommender.accounts.secret_key import load_secret_key
from recommender.settings import Settings
from tests.paths import ROOT
from web.client_address import client_address
from web.server import Server

DEPLOY = ROOT / "deploy"
NAME = "kollega.example.org"
SECRET = "q8sal4isuus"
PROXIES = [
    pytest.param(name, marks=pytest.mark.skipif(shutil.which(name) is None, reason=f"{name} is not installed"))
    for name in ("nginx", "caddy")
]


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, public_url=f"https://{NAME}", metrics_token="a-token-for-prometheus", port=_free_port())


@pytest.fixture
def kollega(open_client: Callable[[], FlaskClient], settings: Settings) -> Iterator[int]:
    """The port of a real server, which also tells at /seen what it was sent."""
    app: Flask = open_client().application
    app.add_url_rule("/seen", "seen", _seen)
    server = Server(app, settings)
    thread = threading.Thread(target=server.run)
    thread.start()
    yield settings.port
    server.stop()
    thread.join()


def _seen() -> Any:
    return jsonify(dict(request.headers) | {"client": client_address()})


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate for NAME and its key."""
    made = tmp_path / "fullchain.pem", tmp_path / "privkey.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={NAME}",
         "-addext", f"subjectAltName=DNS:{NAME}", "-out", made[0], "-keyout", made[1]],
        check=True, capture_output=True,
    )  # fmt: skip
    return made


@pytest.fixture(params=PROXIES)
def proxy(request: Any, tmp_path: Path, kollega: int, certificate: tuple[Path, Path]) -> Iterator["Proxy"]:
    """One of the proxies in front of Kollega, with the file that ships, other ports and a certificate of its own."""
    made = {"nginx": _nginx, "caddy": _caddy}[request.param](tmp_path, kollega, certificate)
    subprocess.run(made.check, check=True, capture_output=True, cwd=tmp_path)
    environment = os.environ | {"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    with (tmp_path / "output").open("w") as output:
        process = subprocess.Popen(made.start, cwd=tmp_path, env=environment, stdout=output, stderr=output)
    try:
        deadline = time.monotonic() + 60
        while not (_answers(made.port) and _answers(made.plain_port)):
            assert process.poll() is None and time.monotonic() < deadline, (tmp_path / "output").read_text()
            time.sleep(0.05)
        yield made
    finally:
        process.terminate()
        process.wait(30)


class Proxy:
    """How to check and start a proxy, its port for HTTPS and the one for HTTP, and its certificate."""

    def __init__(self, check: list[str], start: list[str], ports: tuple[int, int], certificate: Path) -> None:
        self.check, self.start, (self.port, self.plain_port) = check, start, ports
        self._context = ssl.create_default_context(cafile=str(certificate))

    def ask(
        self, path: str, method: str = "GET", body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> http.client.HTTPResponse:
        """The answer over HTTPS, whose body has been read into `text`."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as plain:
            connection = http.client.HTTPConnection(NAME)
            connection.sock = self._context.wrap_socket(plain, server_hostname=NAME)
            try:
                connection.request(method, path, body, headers or {})
                answer = connection.getresponse()
                answer.text = answer.read().decode()  # type: ignore[attr-defined]
                return answer
            finally:
                connection.close()


def _nginx(folder: Path, upstream: int, certificate: tuple[Path, Path]) -> Proxy:
    https, plain = _free_port(), _free_port()
    site = (DEPLOY / "nginx.conf").read_text(encoding="utf-8")
    for shipped, here in (
        ("listen [::]:80;", ""),
        ("listen [::]:443 ssl http2;", ""),
        ("listen 80;", f"listen 127.0.0.1:{plain};"),
        ("listen 443 ssl http2;", f"listen 127.0.0.1:{https} ssl http2;"),
        ("127.0.0.1:8080;", f"127.0.0.1:{upstream};"),
        ("/etc/ssl/kollega/fullchain.pem", str(certificate[0])),
        ("/etc/ssl/kollega/privkey.pem", str(certificate[1])),
        ("/var/log/nginx", str(folder)),
    ):
        assert shipped in site
        site = site.replace(shipped, here)
    (folder / "site.conf").write_text(site, encoding="utf-8")
    user = "user root;\n" if os.geteuid() == 0 else ""
    paths = "".join(
        f"{name}_temp_path {folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "main.conf").write_text(
        f"{user}daemon off;\npid {folder}/pid;\nerror_log {folder}/main.log;\nevents {{}}\n"
        f"http {{ {paths} access_log off; include {folder}/site.conf; }}\n",
        encoding="utf-8",
    )
    start = ["nginx", "-p", str(folder), "-e", str(folder / "main.log"), "-c", str(folder / "main.conf")]
    return Proxy([*start, "-t"], start, (https, plain), certificate[0])


def _caddy(folder: Path, upstream: int, certificate: tuple[Path, Path]) -> Proxy:
    https, plain = _free_port(), _free_port()
    site = (DEPLOY / "Caddyfile").read_text(encoding="utf-8")
    site = site.replace("reverse_proxy 127.0.0.1:8080", f"reverse_proxy 127.0.0.1:{upstream}")
    site = site.replace(f"{NAME} {{", f"{NAME} {{\n\ttls {certificate[0]} {certificate[1]}", 1)
    options = f"{{\n\tadmin off\n\thttp_port {plain}\n\thttps_port {https}\n\tdefault_bind 127.0.0.1\n}}\n"
    (folder / "Caddyfile").write_text(options + site, encoding="utf-8")
    arguments = ["--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]
    return Proxy(["caddy", "validate", *arguments], ["caddy", "run", *arguments], (https, plain), certificate[0])


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return False
    return True


def test_the_proxy_passes_pages_on_and_browsers_are_told_to_stay_on_https(proxy: Proxy) -> None:
    page = proxy.ask("/sign-in")
    assert page.status == 200 and "<form" in page.text  # type: ignore[attr-defined]
    assert page.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert "; Secure;" in page.headers["Set-Cookie"] + ";"
    assert proxy.ask("/health/ready").status == 200


def test_plain_http_is_redirected(proxy: Proxy) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", proxy.plain_port)
    connection.request("GET", "/requests/", headers={"Host": NAME})
    answer = connection.getresponse()
    connection.close()
    assert answer.status in (301, 308)
    assert answer.headers["Location"] in (f"https://{NAME}/requests/", f"https://{NAME}:{proxy.port}/requests/")


def test_the_client_is_named_by_the_proxy_and_not_by_itself(proxy: Proxy) -> None:
    forged = {"X-Forwarded-For": "192.0.2.66", "X-Forwarded-Proto": "http", "X-Request-ID": "chosen-by-the-client"}
    answer = proxy.ask("/seen", headers=forged)
    seen = {name.lower(): value for name, value in json.loads(answer.text).items()}  # type: ignore[attr-defined]
    assert seen["host"] == NAME
    assert (seen["x-forwarded-for"], seen["x-forwarded-proto"]) == ("127.0.0.1", "https")
    assert seen["client"] == "127.0.0.1"  # which every limit counts by
    assert seen["x-request-id"] != "chosen-by-the-client"
    assert answer.headers["X-Request-ID"] == seen["x-request-id"]


def test_a_form_with_files_may_be_larger_than_others(proxy: Proxy, settings: Settings) -> None:
    """Kollega itself refuses it at last, since the session has ended: its answer has the id of the request."""
    app = Flask("signs cookies")
    app.secret_key = load_secret_key(settings.home)
    signer = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
    cookie = {"Cookie": f"session={signer.dumps({'_user_id': 'ended'})}"}
    for path in ("/attachments/", "/requests/", "/requests/1/replies", "/documents/"):
        refused = proxy.ask(path, "POST", b"x" * 3_000_000, cookie)
        assert refused.status == 413 and "X-Request-ID" in refused.headers, path


@pytest.mark.parametrize("proxy", PROXIES[:1], indirect=True)  # Caddy begins to pass it on, and then cuts it off
def test_what_is_too_large_is_refused_by_nginx(proxy: Proxy) -> None:
    try:
        refused = proxy.ask("/sign-in", "POST", b"x" * 3_000_000)
    except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
        return  # it closed the connection while the rest was being sent
    assert refused.status == 413


def test_the_numbers_for_prometheus_are_not_reachable_through_the_proxy(proxy: Proxy) -> None:
    headers = {"Authorization": "Bearer a-token-for-prometheus"}
    assert proxy.ask("/metrics", headers=headers).status == 404


def test_nothing_that_people_search_for_is_in_the_proxy_s_files(proxy: Proxy, tmp_path: Path) -> None:
    proxy.ask(f"/?q={SECRET}")
    proxy.ask(f"/nowhere?q={SECRET}")
    proxy.ask(f"/sign-in?q={SECRET}", "POST", b"x" * 100)
    time.sleep(0.2)
    logs = [path for path in tmp_path.rglob("*") if path.is_file() and path.suffix in (".log", "")]
    assert logs
    for path in logs:
        assert SECRET.encode() not in path.read_bytes(), path
