"""The colleagues who are left out while somebody types, and follow when the typing rests."""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from flask.testing import FlaskClient
from sqlalchemy import delete
from sqlalchemy.orm import Session, sessionmaker

from recommender import recommender
from recommender.database.tables import HelpRequest, RequestAudience
from recommender.search.search import Search
from recommender.settings import Settings
from tests.conftest import sign_in

OpenClient = Callable[[], FlaskClient]
AddRequest = Callable[..., int]
QUESTION = "VPN client drops at home"
LATER = {"q": QUESTION, "people": "later"}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Settings with which everything near a question counts as an answer."""
    return replace(settings, answer_from=0.0, maybe_from=0.0)


@pytest.fixture
def searched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The questions that were searched for."""
    texts: list[str] = []
    find = Search.find

    def noting(search: Search, *arguments: object, **named: object) -> object:
        texts.append(search.text)
        return find(search, *arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(Search, "find", noting)
    return texts


def _aside(html: str) -> str:
    found = re.search(r"<aside.*</aside>", html, re.DOTALL)
    return found.group() if found else ""


def _answers(html: str) -> str:
    found = re.search(r'<section class="answers".*</section>', html, re.DOTALL)
    assert found
    return found.group()


def _note(html: str) -> str:
    found = re.search(r'data-first="([^"]*)"', html)
    assert found
    return found.group(1)


def test_the_answers_and_the_colleagues_are_those_of_one_request(
    open_client: OpenClient, add_request: AddRequest, searched: list[str]
) -> None:
    add_request(QUESTION, "router", "Use port 443", by="matti", team="it")
    add_request("VPN is slow on the train", "router", "Use the cable", by="aino", team="it")
    client = open_client()
    whole = client.post("/suggest", data={"q": QUESTION}).text
    assert "Matti" in _aside(whole) and "data-people" not in whole
    searched.clear()
    first = client.post("/suggest", data=LATER).text
    assert _answers(first) == _answers(whole)
    assert _aside(first) == "" and 'data-people="later"' in first and _note(first) != _note(whole)
    then = client.post("/suggest/people", data=LATER | {"shown": _note(first)}).text
    assert _aside(then) == _aside(whole) and _note(then) == _note(whole)
    assert len(searched) == 1


def test_colleagues_are_searched_for_when_nothing_is_kept(
    open_client: OpenClient, add_request: AddRequest, searched: list[str]
) -> None:
    add_request(QUESTION, "router", "Use port 443", by="matti", team="it")
    client = open_client()
    assert "Matti" in _aside(client.post("/suggest/people", data=LATER).text)
    assert searched == [QUESTION]
    assert _aside(client.post("/suggest/people", data={"q": " "}).text) == ""


def test_colleagues_of_a_filtered_question_are_not_those_of_the_whole(
    open_client: OpenClient, add_request: AddRequest, searched: list[str]
) -> None:
    add_request(QUESTION, "router", "Use port 443", by="matti", team="it")
    client = open_client()
    client.post("/suggest", data=LATER)
    assert _aside(client.post("/suggest/people", data=LATER | {"kind": "document"}).text) == ""
    assert len(searched) == 2


def test_what_is_restricted_meanwhile_is_named_to_nobody(
    open_client: OpenClient, add_request: AddRequest, sessions: sessionmaker[Session]
) -> None:
    number = add_request(QUESTION, "router", "Use port 443", by="matti", team="it")
    client = open_client()
    assert QUESTION in client.post("/suggest", data=LATER).text
    with sessions.begin() as session:
        session.execute(delete(RequestAudience))
        session.get_one(HelpRequest, number).title = "Secret title"
    assert _aside(client.post("/suggest/people", data=LATER).text) == ""


def test_nobody_gets_the_colleagues_of_another_reader(
    open_client: OpenClient, add_request: AddRequest, add_person: Callable[..., int], searched: list[str]
) -> None:  # fmt: skip
    add_request(QUESTION, "router", "Use port 443", by="matti", team="it", audience=["team:it"])
    add_person("heli", "agent", "it")
    visitor = open_client()
    heli = sign_in(visitor, "heli")
    heli.post("/suggest", data=LATER)
    assert "Matti" in _aside(heli.post("/suggest/people", data=LATER).text)
    assert len(searched) == 1
    assert _aside(visitor.post("/suggest/people", data=LATER).text) == ""
    assert len(searched) == 2


def test_a_private_question_names_its_team_at_once(open_client: OpenClient, add_request: AddRequest) -> None:
    add_request("I am pregnant: how do I tell my manager", "leave", "Ask HR", by="matti", team="hr")
    page = open_client().post("/suggest", data={"q": "I am pregnant", "people": "later"}).text
    assert "data-people" not in page and "Matti" in _aside(page)


def test_a_question_that_nobody_waits_for_is_not_answered(open_client: OpenClient, searched: list[str]) -> None:
    answer = open_client().post(
        "/suggest/people", data=LATER, environ_overrides={"waitress.client_disconnected": lambda: True}
    )
    assert answer.status_code == 499 and searched == []


def test_what_was_found_is_forgotten_after_a_minute(
    open_client: OpenClient, add_request: AddRequest, searched: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(recommender, "_clock", lambda: now[0])
    add_request(QUESTION, "router", "Use port 443", by="matti", team="it")
    client = open_client()
    client.post("/suggest", data=LATER)
    now[0] = 61.0
    assert "Matti" in _aside(client.post("/suggest/people", data=LATER).text)
    assert len(searched) == 2
