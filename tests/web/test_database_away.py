"""The pages while the server of the database is away, and afterwards."""

from collections.abc import Callable
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from recommender.settings import Settings
from tests.postgresql import Server


@pytest.fixture
def settings(tmp_path: Path, server: Server, request: pytest.FixtureRequest) -> Settings:
    home, address = tmp_path / "home", server.new_database(request)
    return Settings(home=home, database=address, model="fake", anonymous_reading=True, reranker="none")


def test_pages_say_so_while_the_database_is_away_and_work_by_themselves_when_it_is_back(
    server: Server,
    add_request: Callable[..., int],
    open_client: Callable[[], FlaskClient],
    caplog: pytest.LogCaptureFixture,
) -> None:
    address = f"/requests/{add_request('The printer is out of paper')}"
    client = open_client()
    assert client.get(address).status_code == 200
    server.stop()
    try:
        page, ready = client.get(address), client.get("/health/ready")
    finally:
        server.start()
    assert (page.status_code, ready.status_code) == (503, 503) and page.headers.get("Retry-After") in (None, "5")
    assert "psycopg" not in page.text + caplog.text
    assert "The database cannot be reached. Check that its server runs" in caplog.text
    assert client.get(address).status_code == 200 and client.get("/health/ready").status_code == 200
