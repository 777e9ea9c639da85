"""web/search: which questions are counted by their topic, and that nobody waits for it."""

import re
from collections.abc import Callable
from datetime import date

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session, sessionmaker

from recommender.access import EVERYONE
from recommender.database.insight_tables import TopicItem, TopicRow
from recommender.database.search_count_tables import SearchMark
from tests.conftest import sign_in

Sessions = sessionmaker[Session]
QUESTION = {"q": "printer is stuck again"}


@pytest.fixture
def client(
    open_client: Callable[[], FlaskClient], sessions: Sessions, add_request: Callable[..., int],
    add_person: Callable[..., int],
) -> FlaskClient:  # fmt: skip
    printer = add_request("printer is stuck again", answer="Open the tray and pull the paper out.")
    pay = add_request("payslip arrives late", answer="Ask the payroll desk.", team="hr", audience=["team:hr"])
    add_person("matti", "staff", "hr")
    with sessions.begin() as session:
        for name, item, audience in (("printer", printer, EVERYONE), ("pay", pay, "team:hr")):
            topic = TopicRow(audience=audience, name_fi=name, name_en=name, made_on=date(2026, 1, 1))
            session.add(topic)
            session.flush()
            session.add(TopicItem(topic_id=topic.id, item=f"request:{item}"))
    return open_client()


@pytest.fixture
def counted(client: FlaskClient, sessions: Sessions) -> Callable[[], list[tuple[int | None, str]]]:
    """The topic and verdict of everything that was counted."""

    def read() -> list[tuple[int | None, str]]:
        assert client.application.extensions["kollega_counting"].flush()
        with sessions() as session:
            return [(mark.topic_id, mark.verdict) for mark in session.query(SearchMark)]

    return read


def test_a_finished_question_is_counted_once_by_its_topic(
    client: FlaskClient, counted: Callable[[], list[tuple[int | None, str]]]
) -> None:
    matti = sign_in(client, "matti")
    matti.head("/", query_string=QUESTION)
    matti.get("/", query_string={**QUESTION, "lang": "fi"})
    shown = matti.post("/suggest", data=QUESTION).text
    assert counted() == []  # not while somebody types
    matti.get("/", query_string=QUESTION)
    assert counted() == [(1, "answer")]
    (note,) = re.findall(r'data-first="([^"]+)"', shown)
    matti.post("/asked", data={"first": note})
    matti.get("/", query_string=QUESTION)
    assert counted() == [(1, "answer")]


def test_results_of_typing_are_counted_when_they_are_used_also_when_nothing_was_found(
    client: FlaskClient, counted: Callable[[], list[tuple[int | None, str]]]
) -> None:
    matti = sign_in(client, "matti")
    (note,) = re.findall(r'data-first="([^"]+)"', matti.post("/suggest", data={"q": "zeppelin mooring mast"}).text)
    for changed in ("", note[:-1]):
        matti.post("/asked", data={"first": changed})
    assert counted() == []
    matti.post("/asked", data={"first": note})
    assert counted() == [(None, "unknown")]


@pytest.mark.parametrize("question", ["payslip arrives late", "my pay is late and the printer is stuck again"])
def test_what_is_private_or_not_for_everybody_is_not_counted(
    client: FlaskClient, counted: Callable[[], list[tuple[int | None, str]]], question: str
) -> None:
    matti = sign_in(client, "matti")
    assert matti.post("/", data={"q": question}).status_code in (200, 303)
    matti.get("/", query_string={"q": question})
    assert counted() == []


def test_visitors_are_not_counted_since_they_cannot_be_told_apart(
    client: FlaskClient, counted: Callable[[], list[tuple[int | None, str]]]
) -> None:
    assert "Open the tray" in client.get("/", query_string=QUESTION).text
    assert counted() == []
