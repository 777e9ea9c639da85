"""health.py: the addresses that monitoring asks."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from flask.testing import FlaskClient

from recommender.language.analyzer import Analyzer
from recommender.monitoring import readiness
from recommender.settings import Settings
from tests.apps import close_app
from tests.conftest import make_recommender
from tests.timing import LONG
from web import health
from web.app import create_app

READY = ("/health", "/health/ready")


@pytest.mark.parametrize("path", READY)
def test_ready_is_200_with_an_index(
    open_client: Callable[[], FlaskClient], add_request: Callable[..., int], path: str
) -> None:
    add_request("Coffee machine is empty")
    answer = open_client().get(path)
    assert (answer.status_code, answer.json) == (200, {"ready": True})


def test_without_an_index_it_is_live_and_not_ready(settings: Settings, analyzer: Analyzer) -> None:
    app = create_app(settings, recommender=make_recommender(settings, analyzer, None, None))
    client = app.test_client()
    for path in READY:
        answer = client.get(path)
        assert (answer.status_code, answer.json) == (503, {"ready": False, "reason": "no index"})
    assert (client.get("/health/live").status_code, client.get("/health/live").json) == (200, {"live": True})
    close_app(app)


@pytest.mark.sqlite_only
@pytest.mark.parametrize("damage", [b"", b"x" * 8192])
def test_with_a_damaged_database_it_is_live_and_not_ready(
    open_client: Callable[[], FlaskClient], add_request: Callable[..., int], settings: Settings, damage: bytes
) -> None:
    add_request("Coffee machine is empty")
    client = open_client()
    (settings.home / "kollega.db").write_bytes(damage)
    answer = client.get("/health/ready")
    assert (answer.status_code, answer.json) == (503, {"ready": False, "reason": "the database cannot be read"})
    assert client.get("/health/live").status_code == 200


def test_a_database_that_does_not_answer_is_not_waited_for(
    open_client: Callable[[], FlaskClient], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "SECONDS", 1.0)
    client = open_client()
    client.application.config["TESTING"] = True
    released = threading.Event()
    monkeypatch.setattr(readiness, "_problem_of_database", lambda _engine: released.wait(2 * LONG))
    monkeypatch.setattr("recommender.monitoring.freshness.lag", lambda *_: released.wait(2 * LONG))
    app_settings = replace(settings, metrics_token="a-token-for-prometheus")
    client.application.extensions["kollega_settings"] = app_settings
    began = time.monotonic()
    for _ in range(2):
        answer = client.get("/health/ready")
        assert (answer.status_code, answer.json) == (
            503,
            {"ready": False, "reason": "the database does not answer in time"},
        )
    metrics = client.get("/metrics", headers={"Authorization": "Bearer a-token-for-prometheus"})
    assert "kollega_index_ready" in metrics.text and "kollega_index_lag_seconds" not in metrics.text
    assert client.get("/health/live").status_code == 200
    assert time.monotonic() - began < LONG
    released.set()
    for thread in threading.enumerate():
        if thread.name.endswith("(_run)"):  # what waited gives its connection back
            thread.join(LONG)


def test_nothing_but_fixed_words_is_told(settings: Settings, analyzer: Analyzer) -> None:
    app = create_app(settings, recommender=make_recommender(settings, analyzer, None, None))
    answer = app.test_client().get("/health", headers={"X-Request-ID": "secret-secret"})
    assert str(settings.home) not in answer.text and "secret" not in answer.text and "sqlite" not in answer.text
    close_app(app)


@pytest.mark.sqlite_only
@pytest.mark.parametrize("damage", ["junk", "cut"])
def test_health_is_503_when_the_database_is_damaged(
    settings: Settings, open_client: Callable[[], FlaskClient], add_request: Callable[..., int], damage: str
) -> None:
    add_request("Coffee machine is empty")
    client = open_client()
    assert client.get("/health").status_code == 200
    client.application.extensions["kollega_sessions"].kw["bind"].dispose()  # SQLite writes its log into the file
    path = settings.home / "kollega.db"
    content = path.read_bytes()
    path.write_bytes(
        content[:4096] + b"x" * (len(content) - 4096) if damage == "junk" else content[: len(content) // 8]
    )
    answer = client.get("/health")
    assert (answer.status_code, answer.json) == (503, {"ready": False, "reason": "the database cannot be read"})
