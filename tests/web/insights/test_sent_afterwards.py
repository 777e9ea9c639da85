"""A request that is sent after an answer had helped is noted on the way, by the page and by the API, and undone clicks
are forgotten."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from recommender import accounts
from recommender.database.service_tables import ReadingMark, SentAfterwards
from recommender.database.tables import Person, utc_now
from recommender.knowledge import retention
from tests.conftest import sign_in

Sessions = sessionmaker[Session]


@pytest.fixture
def client(
    open_client: Callable[[], FlaskClient], add_request: Callable[..., int], add_person: Callable[..., int]
) -> FlaskClient:
    add_request("Printer is stuck", "Paper", "Open the lid", team="it")
    add_person("matti")
    add_person("liisa")
    return open_client()


def _marks(sessions: Sessions) -> list[tuple[str, int, bool]]:
    with sessions() as session:
        rows = session.scalars(select(ReadingMark).order_by(ReadingMark.kind, ReadingMark.sent))
        return [(row.kind, row.times, row.sent) for row in rows]


def test_a_request_after_an_answer_that_had_helped_is_noted(client: FlaskClient, sessions: Sessions) -> None:
    matti, liisa = sign_in(client, "matti"), sign_in(client, "liisa")
    client.post("/solved", data={"item": "request:1"})  # somebody who has not signed in
    for visitor in (matti, liisa):
        visitor.post("/solved", data={"item": "request:1"})
        visitor.post("/solved", data={"item": "request:1"})  # counts once
    liisa.post("/left", data={"item": "request:1"})
    assert _marks(sessions) == [("left", 1, False), ("solved", 1, False), ("solved", 1, False)]
    sent = {"title": "Printer is stuck", "body": "again", "team": "it", "audience": "everyone", "opened": "request:1"}
    assert matti.post("/requests/", data=sent).status_code == 302
    assert _marks(sessions) == [("left", 1, False), ("solved", 1, False), ("solved", 1, True)]
    liisa.post("/unhelpful", data={"item": "request:1"})  # takes back that it solved something
    assert _marks(sessions) == [("left", 1, False), ("solved", 1, True)]
    matti.post("/undo", data={"item": "request:1", "outcome": "solved"})
    with sessions.begin() as session:
        assert _marks(sessions) == [("left", 1, False)]
        person = session.scalars(select(Person).where(Person.handle == "liisa")).one()
        token = accounts.make_token(session, person, "t", ("read", "write"))
    called = {"title": "Printer is stuck", "body": "again", "team": "it", "opened": ["request:1"]}
    answer = client.post("/api/v1/requests", json=called, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 201 and _marks(sessions) == [("left", 1, True)]
    with sessions() as session:
        retention.erase_due(session, utc_now() + timedelta(days=7), 0)
        (counted,) = session.scalars(select(SentAfterwards))
        assert (counted.kind, counted.times) == ("left", 1) and _marks(sessions) == []
