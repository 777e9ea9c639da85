"""The pages while the server of the database is away or its disk is full, and afterwards."""

from collections.abc import Callable
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session, sessionmaker

from recommender import accounts
from recommender.database.outages import BACK
from recommender.database.tables import HelpRequest, Person
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
        page, ready = [client.get(address) for _time in range(3)][-1], client.get("/health/ready")
    finally:
        server.start()
    assert (page.status_code, ready.status_code) == (503, 503) and page.headers.get("Retry-After") in (None, "5")
    assert "psycopg" not in page.text + caplog.text
    assert caplog.text.count("The database cannot be reached. Check that its server runs") == 1  # not for each page
    assert "The error page could not be made" not in caplog.text and BACK not in caplog.text
    assert client.get(address).status_code == 200 and client.get("/health/ready").status_code == 200
    assert caplog.text.count(BACK) == 1


FULL = """
CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'could not extend file "base/1/2": No space left on device' USING ERRCODE = '53100'; END $$;
CREATE TRIGGER full_disk BEFORE INSERT ON replies EXECUTE FUNCTION full_disk();
"""


def test_a_full_disk_of_the_server_stores_nothing_and_is_told(
    sessions: sessionmaker[Session],
    add_request: Callable[..., int],
    add_person: Callable[..., int],
    open_client: Callable[[], FlaskClient],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The server refuses what needs room as a trigger does here: with the code of a full disk."""
    number, agent = (
        add_request("The printer is out of paper", status="open", team="it"),
        add_person("aino", "agent", "it"),
    )
    with sessions.begin() as session:
        token = accounts.make_token(session, session.get_one(Person, agent), "full", ("read", "write"))
    client, headers = open_client(), {"Authorization": f"Bearer {token}"}
    address, reply = f"/api/v1/requests/{number}/replies", {"body": "There is more in the cupboard.", "resolve": True}
    with sessions.begin() as session:
        session.execute(text(FULL))
    refused = client.post(address, json=reply, headers=headers)
    assert refused.status_code == 503 and 0 < int(refused.headers["Retry-After"]) <= 60
    assert "the disk of its server is full. Make room" in caplog.text and "Traceback" not in caplog.text
    with sessions.begin() as session:
        assert session.get_one(HelpRequest, number).status == "open"  # nothing of it was stored
        session.execute(text("DROP TRIGGER full_disk ON replies"))
    assert client.get(f"/requests/{number}").status_code == 200
    assert client.post(address, json=reply, headers=headers).status_code == 201
    with sessions() as session:
        assert session.scalar(select(func.count()).where(HelpRequest.status == "resolved")) == 1
