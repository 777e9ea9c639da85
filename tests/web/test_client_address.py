"""client_address.py: which address a request comes from, behind one proxy, several, or none."""

import threading
from socket import socket
from urllib.request import Request, urlopen

import pytest
from flask import Flask

from recommender.errors import SettingsError
from recommender.settings import Settings
from web.client_address import client_address, from_trusted_proxy, limit_key
from web.server import Server

PROXIES = "127.0.0.1, 10.0.0.0/8, 2001:db8:1::/48"


def _app(trusted: str = PROXIES) -> Flask:
    app = Flask("test")
    app.extensions["kollega_settings"] = Settings(trusted_proxies=trusted)
    app.add_url_rule("/", view_func=client_address)
    return app


def _address(remote: str, *forwarded: str, trusted: str = PROXIES) -> str:
    headers = [("X-Forwarded-For", line) for line in forwarded]
    with _app(trusted).test_request_context(headers=headers, environ_base={"REMOTE_ADDR": remote}):
        return client_address()


@pytest.mark.parametrize(
    ("remote", "forwarded", "address"),
    [
        ("127.0.0.1", (), "127.0.0.1"),
        ("203.0.113.9", (), "203.0.113.9"),
        ("10.1.2.3", ("203.0.113.9",), "203.0.113.9"),
        ("10.1.2.3", ("203.0.113.9:50111",), "203.0.113.9"),
        ("10.1.2.3", ("[2001:db8:9::1]:50111",), "2001:db8:9::1"),
        ("10.1.2.3", ("2001:db8:9::1",), "2001:db8:9::1"),
        ("2001:db8:1::7", ("203.0.113.9",), "203.0.113.9"),
        ("::ffff:10.1.2.3", ("203.0.113.9",), "203.0.113.9"),
        # what the client itself wrote stands before what the proxy has added
        ("10.1.2.3", ("198.51.100.1, 203.0.113.9",), "203.0.113.9"),
        ("10.1.2.3", ("198.51.100.1", "203.0.113.9"), "203.0.113.9"),
        ("10.1.2.3", ("198.51.100.1, 203.0.113.9, 10.9.9.9, 127.0.0.1",), "203.0.113.9"),
        # the header of somebody who is no proxy is not believed
        ("203.0.113.9", ("198.51.100.1",), "203.0.113.9"),
        ("203.0.113.9", ("10.1.2.3",), "203.0.113.9"),
        # nothing but proxies, or garbage: the last that is known
        ("10.1.2.3", ("10.9.9.9",), "10.9.9.9"),
        ("10.1.2.3", ("unknown",), "10.1.2.3"),
        ("10.1.2.3", ("203.0.113.9, _hidden",), "10.1.2.3"),
        ("10.1.2.3", ("",), "10.1.2.3"),
        ("10.1.2.3", ("203.0.113.9,",), "10.1.2.3"),
        ("", ("203.0.113.9",), ""),
    ],
)
def test_the_address_is_the_last_one_that_a_trusted_proxy_has_seen(
    remote: str, forwarded: tuple[str, ...], address: str
) -> None:
    assert _address(remote, *forwarded) == address


def test_without_trusted_proxies_no_header_is_believed() -> None:
    assert _address("127.0.0.1", "203.0.113.9", trusted=" ") == "127.0.0.1"


def test_an_ipv6_client_is_limited_by_its_network_and_an_ipv4_client_by_its_address() -> None:
    keys = []
    for address in ("2001:db8:9:1::1", "2001:db8:9:1:ffff::2", "2001:db8:9:2::1", "203.0.113.9", "::ffff:203.0.113.9"):
        with _app().test_request_context(environ_base={"REMOTE_ADDR": address}):
            keys.append(limit_key())
    assert keys[0] == keys[1] == "2001:db8:9:1::/64" != keys[2] and keys[3] == "203.0.113.9"


@pytest.mark.parametrize(("remote", "trusted"), [("10.1.2.3", True), ("11.1.2.3", False), ("x", False)])
def test_a_proxy_is_trusted_by_its_network(remote: str, trusted: bool) -> None:
    with _app().test_request_context(environ_base={"REMOTE_ADDR": remote}):
        assert from_trusted_proxy() is trusted


def test_what_is_no_address_or_network_is_refused_as_a_setting() -> None:
    with pytest.raises(SettingsError, match="KOLLEGA_TRUSTED_PROXIES must be addresses or networks"):
        Settings(trusted_proxies="10.0.0.0/8, proxy.example")


def test_the_header_reaches_the_application_through_the_real_server() -> None:
    """waitress removes the header unless it is told not to."""
    with socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = Server(_app(), Settings(port=port, stop_seconds=0.5))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    headers = {"X-Forwarded-For": "198.51.100.1, 203.0.113.9"}
    with urlopen(Request(f"http://127.0.0.1:{port}/", headers=headers), timeout=60) as answer:
        assert answer.read() == b"203.0.113.9"
    server.stop()
    thread.join(20)
    assert not thread.is_alive()
