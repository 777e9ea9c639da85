"""web/api/insights.py and `kollega insights`: what hangs on few people as JSON."""

import json
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session, sessionmaker

from indexer.commands.insights import as_text, insights
from recommender import accounts
from recommender.database.tables import Person
from tests.plans import add_gap, add_plan

Add = Callable[..., int]


@pytest.fixture
def topic(sessions: sessionmaker[Session], add_request: Add, add_person: Add) -> int:
    add_person("oskari", "agent", "it"), add_person("maija", "lead", "hr")
    return add_plan(sessions, add_request, add_person)["topic"]


@pytest.fixture
def call(sessions: sessionmaker[Session], open_client: Callable[[], FlaskClient]) -> Callable[..., object]:
    def called(handle: str, path: str = "/api/v1/insights") -> tuple[int, dict[str, object]]:
        with sessions.begin() as session:
            person = session.query(Person).filter_by(handle=handle).one()
            token = accounts.make_token(session, person, f"test {path}", ("read",))
        answer = open_client().get(path, headers={"Authorization": f"Bearer {token}"})
        return answer.status_code, answer.get_json()

    return called


def test_a_lead_gets_the_topics_and_the_plan(topic: int, call: Callable[..., tuple[int, dict[str, object]]]) -> None:
    status, shown = call("aino", "/api/v1/insights?team=it")
    assert status == 200 and json.dumps(shown["topics"])
    (row,) = shown["topics"]  # type: ignore[misc]
    assert (row["id"], row["team"], row["bus_factor"], row["demand"]) == (topic, "it", 1, 24.0)
    assert [person["handle"] for person in row["people"]] == ["aalto", "eero"]
    assert [(act["kind"], act["person"]) for act in shown["plan"]] == [("write", "eero"), ("pair", "eero")]  # type: ignore[attr-defined]


def test_others_do_not(topic: int, call: Callable[..., tuple[int, dict[str, object]]]) -> None:
    assert call("oskari")[0] == 403
    assert call("aino", "/api/v1/insights?team=hr")[0] == 404
    assert call("maija") == (200, {"topics": [], "plan": []})


def test_what_is_missing_is_for_members_of_the_team_that_handles_the_topic(
    topic: int, call: Callable[..., tuple[int, dict[str, object]]], add_person: Add, sessions: sessionmaker[Session]
) -> None:
    add_person("paula", "admin", "hr")
    with sessions.begin() as session:
        add_gap(session, topic)
    (of_aino,), (of_paula,) = (call(handle)[1]["topics"] for handle in ("aino", "paula"))  # type: ignore[misc]
    assert [(gap["kind"], len(gap["items"]), gap["counts"]["requests"]) for gap in of_aino["gaps"]] == [
        ("repeated", 5, 5)
    ]
    assert of_paula["id"] == topic and of_paula["gaps"] == []
    with sessions() as session:
        assert [row["gaps"] for row in insights(session)["topics"]] == [of_aino["gaps"]]


def test_the_command_prints_the_same_and_sentences(topic: int, sessions: sessionmaker[Session]) -> None:
    with sessions() as session:
        shown, text = insights(session), as_text(session)
    assert [row["id"] for row in shown["topics"]] == [topic] and len(shown["plan"]) == 2
    assert "1. Write a guide about “Printer” from 3 requests that Eero has answered. About 45 minutes" in text
    assert "24.0   100%   1    1.60  Printer (everyone)" in text
