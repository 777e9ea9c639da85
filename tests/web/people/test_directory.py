"""The directory of people: who is listed to whom, what is said of them, and who is named for a topic."""

import re
from collections.abc import Callable
from datetime import date

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from recommender.database.account_tables import Account
from recommender.database.tables import Person, PersonSettings
from recommender.people import directory
from tests.conftest import sign_in

Sessions = sessionmaker[Session]
Visit = Callable[[str], FlaskClient]


@pytest.fixture
def visit(
    open_client: Callable[[], FlaskClient],
    add_person: Callable[..., int],
    add_request: Callable[..., int],
    sessions: Sessions,
) -> Visit:
    """Browsers of matti (staff), aino and pekka (agents of IT), riikka (agent of HR). Aino has solved a request about
    printers, and riikka a private one about salaries."""
    add_request("Printer is stuck", "Paper everywhere", "Open the back cover", by="aino", asked_by="matti", team="it")
    add_request("Salary is wrong", "Too little", "Corrected", by="riikka", asked_by="pekka", team="hr", audience=[])
    for handle, role, teams in (
        ("matti", "staff", ()), ("aino", "agent", ("it",)), ("pekka", "agent", ("it",)), ("riikka", "agent", ("hr",)),
    ):  # fmt: skip
        add_person(handle, role, *teams)
    with sessions.begin() as session:
        session.scalars(select(Person).where(Person.handle == "aino")).one().name = "Aino Mäkelä"
    client = open_client()
    return lambda handle: sign_in(client, handle)


def _named(page: str) -> list[str]:
    """The people in the list by name."""
    return re.findall(r'href="/people/(\w+)"', page.partition('<h2 id="named"')[2])


def _helping(page: str) -> list[str]:
    """The people who are named for a topic."""
    return re.findall(r'href="/people/(\w+)"', page.partition('<h2 id="helping"')[2].partition('<h2 id="named"')[0])


def test_people_are_listed_by_name_for_those_who_have_signed_in(visit: Visit) -> None:
    assert _named(visit("matti").get("/people/").text) == ["aino", "matti", "pekka", "riikka"]
    assert visit("matti").application.test_client().get("/people/").status_code == 401
    page = visit("matti").get("/people/?q=makela").text
    assert _named(page) == ["aino"] and "1 person" in page
    assert _named(visit("matti").get("/people/?team=hr").text) == _named(visit("matti").get("/people/?q=hr").text)
    assert "Nobody found" in visit("matti").get("/people/?q=zzzz").text


def test_a_topic_names_the_colleagues_who_would_be_suggested_to_this_reader(visit: Visit) -> None:
    page = visit("matti").get("/people/?q=printer+stuck").text
    assert _helping(page) == ["aino"] and "Solved a similar case" in page
    assert _helping(visit("aino").get("/people/?q=salary").text) == []  # a private request of HR
    assert _helping(visit("pekka").get("/people/?q=salary").text) == ["riikka"]  # his own


def test_who_left_and_services_are_not_listed_and_who_paused_cannot_be_told(visit: Visit, sessions: Sessions) -> None:
    with sessions.begin() as session:
        people = {person.handle: person for person in session.scalars(select(Person))}
        people["riikka"].left_on = date(2026, 1, 1)
        people["matti"].stated_kind = "service"
        people["aino"].away_until = date(2099, 1, 1)
    before = visit("pekka").get("/people/").text
    with sessions.begin() as session:
        session.add(PersonSettings(person_id=people["aino"].id, paused=True))
    page = visit("pekka").get("/people/").text
    assert _named(page) == ["aino", "pekka"] and "Away until Jan 1, 2099" in page
    tokens = re.compile(r'name="csrf_token" value="[^"]*"')
    assert tokens.sub("", page) == tokens.sub("", before)
    assert _helping(visit("pekka").get("/people/?q=printer+stuck").text) == []
    with sessions.begin() as session:
        session.merge(Account(person_id=people["aino"].id, disabled=True))
    assert _named(visit("pekka").get("/people/").text) == ["pekka"]


def test_a_large_directory_comes_in_pages(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(directory, "PAGE", 3)
    page = visit("matti").get("/people/").text
    assert _named(page) == ["aino", "matti", "pekka"] and 'rel="next" href="/people/?page=2"' in page
    assert _named(visit("matti").get("/people/?page=9").text) == ["riikka"]
