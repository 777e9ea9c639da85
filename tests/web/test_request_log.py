"""request_log.py: every answer has an id, every request one line, and no line repeats what somebody sent."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from recommender.monitoring.logs import JSONFormatter, TextFormatter
from recommender.settings import Settings
from tests.conftest import sign_in
from tests.web.conftest import OpenWith

SECRET = "q8sal4isuus"
"""What is sent in every place, and must be in no line."""
PROXY_ID = "0f9c2d4e8b7a4c1d"


@pytest.fixture
def log() -> Iterator[dict[str, io.StringIO]]:
    """What is logged, in both forms: what libraries log as warnings, and all that Kollega itself logs."""
    streams = {"json": io.StringIO(), "text": io.StringIO()}
    handlers = []
    for name, formatter in (("json", JSONFormatter()), ("text", TextFormatter())):
        handler = logging.StreamHandler(streams[name])
        handler.setFormatter(formatter)
        handlers.append(handler)
    root, own = logging.getLogger(), [logging.getLogger(name) for name in ("web", "recommender", "indexer")]
    levels = [(logger, logger.level) for logger in own]
    for handler in handlers:
        root.addHandler(handler)
    for logger in own:
        logger.setLevel(logging.DEBUG)
    yield streams
    for handler in handlers:
        root.removeHandler(handler)
    for logger, level in levels:
        logger.setLevel(level)


def _lines(log: dict[str, io.StringIO]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log["json"].getvalue().splitlines()]


def test_each_request_is_one_line_with_route_method_status_and_time(
    open_with: OpenWith, log: dict[str, io.StringIO]
) -> None:
    client = open_with()
    answer = client.get("/requests/12345?x=1")
    (line,) = [line for line in _lines(log) if line["message"] == "request answered"]
    assert (line["route"], line["method"], line["status"]) == ("requests.show", "GET", answer.status_code)
    assert line["request_id"] == answer.headers["X-Request-ID"] and line["logger"] == "web.request_log"
    assert 0 < line["milliseconds"] < 60_000


def test_each_answer_has_another_id(open_with: OpenWith) -> None:
    client = open_with()
    ids = {client.get(path).headers["X-Request-ID"] for path in ("/", "/", "/nowhere", "/static/style.css", "/health")}
    assert len(ids) == 5 and all(len(request_id) == 32 for request_id in ids)


@pytest.mark.parametrize(
    ("given", "address", "taken"),
    [
        (PROXY_ID, "127.0.0.1", True),
        (PROXY_ID, "192.0.2.7", False),  # not a proxy
        ("short", "127.0.0.1", False),
        ("x" * 65, "127.0.0.1", False),
        ("with a space", "127.0.0.1", False),
        ("<script>alert(1)", "127.0.0.1", False),
    ],
)
def test_only_a_plain_id_of_a_trusted_proxy_is_taken(
    open_with: OpenWith, log: dict[str, io.StringIO], given: str, address: str, taken: bool
) -> None:
    client = open_with()
    answer = client.get("/", headers={"X-Request-ID": given}, environ_base={"REMOTE_ADDR": address})
    assert (answer.headers["X-Request-ID"] == given) is taken
    assert (given in log["json"].getvalue()) is taken


def test_an_unhandled_error_is_logged_with_the_id_that_the_answer_has(
    open_with: OpenWith, log: dict[str, io.StringIO], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = open_with()
    monkeypatch.setattr("web.search.views.team_rows", lambda: int(SECRET))
    answer = client.get("/")
    assert answer.status_code == 500
    (crash,) = [line for line in _lines(log) if line["message"] == "unhandled error"]
    assert crash["request_id"] == answer.headers["X-Request-ID"]
    assert f"(request {crash['request_id']})" in log["text"].getvalue()


def test_nothing_that_somebody_sends_is_in_the_log(
    open_client: Callable[[], FlaskClient],
    add_request: Callable[..., int],
    add_person: Callable[..., int],
    log: dict[str, io.StringIO],
) -> None:
    number = add_request(f"Printer {SECRET}", SECRET, SECRET)
    add_person(SECRET, "staff", "it")
    client = open_client()
    person = sign_in(client, SECRET)
    headers = {name: SECRET for name in ("Referer", "User-Agent", "X-Request-ID", "Cookie")}
    bearer = {"Authorization": f"Bearer {SECRET}"}
    anyone = {"environ_base": {"REMOTE_ADDR": "192.0.2.7"}}
    for each in (client, person):
        for path in ("/", "/search", f"/{SECRET}", f"/people/{SECRET}", f"/requests/{number}", f"/requests/{SECRET}"):
            each.get(path, query_string={"q": SECRET, "body": SECRET, "next": SECRET, "lang": SECRET}, headers=headers,
                     **anyone)  # fmt: skip
        replies = f"/requests/{number}/replies"
        for path in ("/", "/suggest", "/suggest/people", "/asked", "/solved", "/left", "/requests/", replies):
            form = {"q": SECRET, "body": SECRET, "title": SECRET, "item": SECRET, "team": SECRET, "handle": SECRET}
            each.post(path, data=form, **anyone)
    for _ in range(12):  # more often than is allowed
        client.post("/sign-in", data={"handle": SECRET, "password": SECRET, "next": f"http://[{SECRET}"}, **anyone)
    for path in ("/api/v1/recommend", "/api/v1/requests"):
        client.get(path, query_string={"q": SECRET}, headers=bearer)
        client.post(path, data=f"{{{SECRET}", headers=bearer, content_type="application/json")
    client.open("/", method=SECRET.upper())
    _break_the_database(client)
    person.post(f"/requests/{number}/replies", data={"body": f"{SECRET} once more", "again": "1"})
    person.post(
        "/requests/", data={"title": f"{SECRET} once more", "body": SECRET, "team": "it", "audience": "everyone"}
    )
    person.get(f"/requests/{number}", query_string={"q": SECRET})
    client.get("/", query_string={"q": f"Printer {SECRET}"})
    assert sum(line["message"] == "request answered" for line in _lines(log)) > 40
    refused = {line["route"] for line in _lines(log) if line.get("status") == 500}
    assert {"requests.create", "requests.reply"} <= refused
    for form in log.values():
        assert SECRET not in form.getvalue().lower()


def _break_the_database(client: FlaskClient) -> None:
    """From now on no request and no reply can be stored: the database refuses them, with the values that they have."""
    with client.application.extensions["kollega_sessions"].begin() as session:
        for table in ("requests", "replies"):
            session.execute(
                text(f"CREATE TRIGGER refuse_{table} BEFORE INSERT ON {table} BEGIN SELECT RAISE(FAIL, 'refused'); END")
            )


def test_ids_of_another_proxy_are_taken_when_the_settings_trust_it(open_with: OpenWith, settings: Settings) -> None:
    client = open_with(settings_changed={"trusted_proxies": "192.0.2.7, 198.51.100.0/24"})
    for address, taken in (("192.0.2.7", True), ("198.51.100.9", True), ("127.0.0.1", False)):
        answer = client.get("/", headers={"X-Request-ID": PROXY_ID}, environ_base={"REMOTE_ADDR": address})
        assert (answer.headers["X-Request-ID"] == PROXY_ID) is taken
