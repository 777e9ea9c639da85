"""measuring.py and `/metrics`: who may read it, what it counts, and that nothing written by people is in it."""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, sessionmaker

from recommender.outbox import mail
from recommender.settings import Settings
from tests.apps import close_app
from tests.conftest import sign_in
from web.app import create_app

TOKEN = "a-token-for-prometheus"
SECRET = "q8sal4isuus"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, metrics_token=TOKEN)


def _samples(client: FlaskClient) -> dict[str, float]:
    """{name with labels: value} of everything that Prometheus reads."""
    answer = client.get("/metrics", headers=BEARER)
    assert answer.status_code == 200 and answer.content_type.startswith("text/plain; version=")
    lines = [line.rpartition(" ") for line in answer.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in lines}


def test_without_a_token_in_the_settings_there_are_no_metrics(
    settings: Settings, open_recommender: Callable[[], object], add_request: Callable[..., int]
) -> None:
    recommender: object = open_recommender()
    app = create_app(replace(settings, metrics_token=""), recommender=recommender)  # type: ignore[arg-type]
    client = app.test_client()
    for headers in ({}, BEARER, {"Authorization": "Bearer "}, {"Authorization": "Bearer"}):
        assert client.get("/metrics", headers=headers).status_code == 404
    close_app(app)


@pytest.mark.parametrize("sent", ["", "Bearer", "Bearer ", f"Bearer {TOKEN}x", f"Basic {TOKEN}", "Bearer ä", TOKEN])
def test_only_who_has_the_token_reads_the_metrics(open_client: Callable[[], FlaskClient], sent: str) -> None:
    answer = open_client().get("/metrics", headers={"Authorization": sent})
    assert answer.status_code == 401 and answer.headers["WWW-Authenticate"] == "Bearer"
    assert "kollega_requests" not in answer.text


def test_somebody_who_has_signed_in_does_not_read_the_metrics(
    open_client: Callable[[], FlaskClient], add_person: Callable[..., int]
) -> None:
    add_person("boss", "admin")
    assert sign_in(open_client(), "boss").get("/metrics").status_code == 401


def test_requests_are_counted_and_timed_by_route(
    open_client: Callable[[], FlaskClient], add_request: Callable[..., int]
) -> None:
    number = add_request("Coffee machine is empty")
    client = open_client()
    for _ in range(3):
        client.get(f"/requests/{number}")
    client.get("/requests/99999")
    samples = _samples(client)
    assert samples['kollega_requests_total{method="GET",route="requests.show",status="200"}'] == 3
    assert samples['kollega_requests_total{method="GET",route="requests.show",status="404"}'] == 1
    assert samples['kollega_request_seconds_count{route="requests.show"}'] == 4
    assert samples['kollega_request_seconds_bucket{le="+Inf",route="requests.show"}'] == 4
    assert 0 < samples['kollega_request_seconds_sum{route="requests.show"}'] < 60


def test_answers_are_counted_by_verdict(
    open_client: Callable[[], FlaskClient], add_request: Callable[..., int]
) -> None:
    add_request("Coffee machine is empty", "", "Call facilities")
    client = open_client()
    client.application.config["WTF_CSRF_ENABLED"] = False
    client.get("/?q=Coffee+machine+is+empty")
    client.get("/?q=zzz+qqq")
    client.post("/suggest", data={"q": "zzz"})
    client.get("/")  # nothing was asked
    counted = {name: value for name, value in _samples(client).items() if name.startswith("kollega_answers_total")}
    assert sum(counted.values()) == 3
    assert counted['kollega_answers_total{partial="no",verdict="unknown"}'] == 1
    assert counted['kollega_answers_total{partial="yes",verdict="unknown"}'] == 1


def test_the_index_and_what_waits_for_it_are_shown(
    open_client: Callable[[], FlaskClient], add_request: Callable[..., int]
) -> None:
    add_request("Coffee machine is empty")
    client = open_client()
    before = _samples(client)
    assert (before["kollega_index_ready"], before["kollega_index_generation"]) == (1, 1)
    assert (before["kollega_index_items"], before["kollega_index_passages"]) == (1, 2)
    assert before['kollega_queue_length{queue="index"}'] == before["kollega_index_lag_seconds"] == 0
    assert before["process_resident_memory_bytes"] > 10_000_000
    add_request("Printer stuck")
    after = _samples(client)
    assert after['kollega_queue_length{queue="index"}'] >= 1
    assert 0 < after["kollega_index_lag_seconds"] < 60


def test_mails_that_wait_and_mails_that_were_given_up_are_shown(
    open_client: Callable[[], FlaskClient], sessions: sessionmaker[Session], add_person: Callable[..., int]
) -> None:
    client, number = open_client(), add_person("matti")
    with sessions.begin() as session:
        for _ in range(3):
            mail.queue(session, number, mail.PASSWORD_CHANGED, "en")
        session.flush()
        first, second, _third = mail.latest(session)
        mail.fail(first, "no such mailbox", for_good=True)
        mail.succeed(second)
    samples = _samples(client)
    assert [samples[f'kollega_queue_length{{queue="{queue}"}}'] for queue in ("mail", "mail_failed")] == [1, 1]


def test_without_an_index_the_rest_is_still_shown(
    open_client: Callable[[], FlaskClient], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = open_client()
    monkeypatch.setattr("recommender.monitoring.freshness.lag", lambda *_: None)
    samples = _samples(client)
    assert samples['kollega_queue_length{queue="mail"}'] == 0
    assert "kollega_index_lag_seconds" not in samples and "process_resident_memory_bytes" in samples


@pytest.mark.sqlite_only
def test_what_the_database_refuses_is_counted_with_the_reason(
    open_client: Callable[[], FlaskClient], sessions: sessionmaker[Session]
) -> None:
    client = open_client()
    factory = client.application.extensions["kollega_sessions"]
    with sessions() as other:
        other.execute(text("BEGIN IMMEDIATE"))
        with factory() as session, pytest.raises(OperationalError, match="locked"):
            session.execute(text("PRAGMA busy_timeout=1"))
            session.execute(text("INSERT INTO teams (handle, name, restricted) VALUES ('a', 'A', 0)"))
    with factory() as session, pytest.raises(OperationalError):
        session.execute(text("SELECT missing"))
    samples = _samples(client)
    assert samples['kollega_database_errors_total{operation="write",reason="locked"}'] == 1
    assert samples['kollega_database_errors_total{operation="read",reason="other"}'] == 1


def test_nothing_that_somebody_sends_becomes_a_label_and_unknown_addresses_share_one(
    open_client: Callable[[], FlaskClient], add_request: Callable[..., int], add_person: Callable[..., int]
) -> None:
    add_request(f"Printer {SECRET}", SECRET, SECRET)
    add_person(SECRET)
    client = open_client()
    person = sign_in(client, SECRET)
    for each in (client, person):
        for number in range(40):
            each.get(f"/{SECRET}{number}")
            each.get(f"/people/{SECRET}{number}", query_string={"q": SECRET, "lang": SECRET})
            each.open(f"/{number}", method=f"{SECRET}{number}".upper())
        each.get("/", query_string={"q": f"Printer {SECRET}"}, headers={"User-Agent": SECRET, "Host": f"{SECRET}.x"})
        each.post("/", data={"q": SECRET})
        each.post(f"/static/{SECRET}")
    answer = client.get("/metrics", headers=BEARER)
    assert SECRET not in answer.text.lower()
    routes = set(re.findall(r'route="([^"]*)"', answer.text))
    known = {rule.endpoint for rule in client.application.url_map.iter_rules()}
    assert routes <= known | {"unknown"} and "unknown" in routes
    methods = set(re.findall(r'method="([^"]*)"', answer.text))
    assert methods == {"GET", "POST", "other"}
    assert len([line for line in answer.text.splitlines() if line.startswith("kollega_requests_total")]) < 15
