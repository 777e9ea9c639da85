"""health.py: the address that monitoring asks."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from recommender.language.analyzer import Analyzer
from recommender.settings import Settings
from tests.conftest import make_recommender
from web.app import create_app


def test_health_is_200_with_an_index(open_client: Callable[[], FlaskClient], add_request: Callable[..., int]) -> None:
    add_request("Coffee machine is empty")
    answer = open_client().get("/health")
    assert (answer.status_code, answer.json) == (200, {"ready": True})


def test_health_is_503_without_an_index(settings: Settings, analyzer: Analyzer) -> None:
    app = create_app(settings, recommender=make_recommender(settings, analyzer, None, None))
    answer = app.test_client().get("/health")
    assert (answer.status_code, answer.json) == (503, {"ready": False})
    app.extensions["kollega_sessions"].kw["bind"].dispose()


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
    assert (answer.status_code, answer.json) == (503, {"ready": False})
