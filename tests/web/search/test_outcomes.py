"""views.py: this solved it, not helpful, and taking it back; and the filters of the search page."""

import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from recommender.access import ANYONE
from recommender.database.tables import Event
from recommender.knowledge import outcomes
from tests.conftest import sign_in
from tests.web.forms import press

AddRequest = Callable[..., int]
QUESTION = {"q": "Printer on floor two is stuck"}


@pytest.fixture
def client(open_client: Callable[[], FlaskClient], add_request: AddRequest) -> FlaskClient:
    """A client that needs no CSRF token, with requests of two teams."""
    add_request("Printer on floor two is stuck", "Paper everywhere", "Open the back cover", team="it")
    add_request("Printer is stuck again", "Paper", "Ask the warehouse", team="warehouse")
    add_request("Coffee machine is empty", "No beans", "Call facilities", team="warehouse")
    add_request("Salary of a printer", "secret", "secret", team="hr", audience=["team:hr"])
    opened = open_client()
    opened.application.config["WTF_CSRF_ENABLED"] = False
    return opened


def _counted(sessions: sessionmaker[Session]) -> tuple[int, int]:
    with sessions() as session:
        usage = outcomes.usage(session, ["request:1"], ANYONE)["request:1"]
    return usage.used, usage.unhelpful


def test_what_somebody_says_is_counted_once_and_taken_back_without_a_script(
    client: FlaskClient, sessions: sessionmaker[Session]
) -> None:
    page = client.post("/unhelpful", data={"item": "request:1"})
    assert "Thanks for telling us" in page.text and _counted(sessions) == (0, 1)
    client.post("/unhelpful", data={"item": "request:1"})
    assert _counted(sessions) == (0, 1)
    assert "Glad it helped" in client.post("/solved", data={"item": "request:1"}).text and _counted(sessions) == (1, 0)
    undone = client.post("/undo", data={"item": "request:1", "outcome": "solved"})
    assert "no longer counts" in undone.text and _counted(sessions) == (0, 0)
    form = re.search(r'action="/undo">.*?</form>', page.text, re.DOTALL)
    assert form and 'name="outcome" value="unhelpful"' in form.group() and 'value="request:1"' in form.group()


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("/unhelpful", {"item": "request:4"}),
        ("/unhelpful", {"item": "request:99"}),
        ("/unhelpful", {}),
        ("/undo", {"item": "request:4", "outcome": "solved"}),
        ("/undo", {"item": "request:1", "outcome": "flagged"}),
        ("/undo", {"item": "request:1"}),
    ],
)
def test_nothing_is_said_of_what_one_may_not_read(
    client: FlaskClient, sessions: sessionmaker[Session], path: str, data: dict[str, str]
) -> None:
    assert client.post(path, data=data).status_code == 404
    with sessions() as session:
        assert session.scalars(select(Event)).all() == []


def test_not_helpful_does_not_change_the_order_or_the_match(
    client: FlaskClient, sessions: sessionmaker[Session]
) -> None:
    before = client.post("/suggest", data=QUESTION).text
    with sessions.begin() as session:
        for number in range(100):
            outcomes.record_once(session, outcomes.EventKind.UNHELPFUL, "request:1", f"person:{number}", "secret")
    assert _counted(sessions) == (0, 100)
    assert client.post("/suggest", data=QUESTION).text == before


def test_a_page_says_that_an_item_did_not_help_from_five_people_on(
    client: FlaskClient, sessions: sessionmaker[Session]
) -> None:
    for number in range(5):
        assert "Did not help" not in client.get("/requests/1").text
        with sessions.begin() as session:
            outcomes.record_once(session, outcomes.EventKind.UNHELPFUL, "request:1", f"person:{number}", "secret")
    assert "Did not help 5 people" in client.get("/requests/1").text


def test_each_card_has_both_buttons(client: FlaskClient) -> None:
    page = client.post("/suggest", data=QUESTION).text
    cards = page.count('<li class="card" data-item')
    assert cards and page.count('data-outcome="solved"') == page.count('data-outcome="unhelpful"') == cards
    assert page.count('formaction="/unhelpful"') == cards


def _titles(page: str) -> list[str]:
    return re.findall(r'<h3><a href="/requests/\d+"[^>]*>(.*?)</a></h3>', page)


def test_filters_in_the_address_in_a_form_and_while_typing_find_the_same(client: FlaskClient) -> None:
    filters = {**QUESTION, "team": "warehouse"}
    pages = [
        client.get("/", query_string=filters).text,
        client.post("/", data=filters, follow_redirects=True).text,
        client.post("/suggest", data=filters).text,
    ]
    assert [_titles(page)[0] for page in pages] == ["Printer is stuck again"] * 3
    assert all("Printer on floor two is stuck" not in _titles(page) for page in pages)
    assert '<option value="warehouse" selected>WAREHOUSE</option>' in pages[0]
    assert re.search(r'name="kind">\s*<option value="" selected', pages[0])
    cleared = client.get("/", query_string={**filters, "unfiltered": "1"}).text
    assert _titles(cleared)[0] == "Printer on floor two is stuck" and 'warehouse" selected' not in cleared


def test_only_teams_of_which_something_may_be_read_can_be_chosen(
    client: FlaskClient, add_person: Callable[..., int]
) -> None:
    add_person("riikka", "agent", "hr")
    assert 'value="hr"' not in client.get("/").text and 'value="warehouse"' in client.get("/").text
    assert '<option value="hr">HR</option>' in sign_in(client, "riikka").get("/").text
    for team in ("hr", "nobody"):
        page = client.get("/", query_string={**QUESTION, "team": team}).text
        assert _titles(page) == [] and "Filters are on. Clear them to search everything." in page


def test_a_form_keeps_its_filters_when_the_question_is_changed(client: FlaskClient) -> None:
    path = "/?q=printer&team=warehouse&kind=request&newest=1"
    address = press(client, path, "/", q="Printer on floor two is stuck").location
    assert "team=warehouse" in address and "kind=request" in address and "newest=1" in address
    page = client.get(address).text
    assert (
        set(_titles(page)) == {"Printer is stuck again", "Coffee machine is empty"}
        and 'name="newest" value="1" checked' in page
    )
    assert client.get("/?q=printer&kind=nonsense").status_code == 200
