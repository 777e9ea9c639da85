"""library.py: who finds which documents in which list, the search, the filters, the order, and the pages."""

import re
from collections.abc import Callable
from datetime import date

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session, sessionmaker

from recommender.database.tables import Document, Event
from tests.conftest import sign_in
from web.documents import library as view

Sessions = sessionmaker[Session]
Visit = Callable[[str], FlaskClient]


@pytest.fixture
def add(add_document: Callable[..., int], sessions: Sessions) -> Callable[..., int]:
    """Adds a document with any columns."""

    def added(title: str, body: str = "text", **columns: object) -> int:
        given = {
            name: columns.pop(name) for name in ("team", "owner", "audience", "hidden", "draft") if name in columns
        }
        number = add_document(title, body, **given)
        with sessions.begin() as session:
            for name, value in columns.items():
                setattr(session.get_one(Document, number), name, value)
        return number

    return added


@pytest.fixture
def visit(open_client: Callable[[], FlaskClient], add_person: Callable[..., int]) -> Visit:
    """Browsers of matti (staff), tiina (staff in IT), aino and pekka (agents of IT), riikka (agent of HR). The index is
    made when the first of them is opened."""
    add_person("matti")
    add_person("tiina", "staff", "it")
    add_person("aino", "agent", "it")
    add_person("pekka", "agent", "it")
    add_person("riikka", "agent", "hr")
    clients: list[FlaskClient] = []

    def opened(handle: str) -> FlaskClient:
        clients[:] = clients or [open_client()]
        return sign_in(clients[0], handle) if handle else clients[0].application.test_client()

    return opened


def _rows(visitor: FlaskClient, query: str = "") -> list[int]:
    page = visitor.get(f"/documents/{query}").text
    return [int(number) for number in re.findall(r'class="row"><a href="/documents/(\d+)"', page)]


def test_everybody_finds_what_they_may_read_and_nothing_else(visit: Visit, add: Callable[..., int]) -> None:
    shared, narrow = add("Shared", team="it"), add("For IT", team="it", audience=[])
    draft, hidden = add("A draft", team="it", draft=True), add("Out of use", team="it", hidden=True)
    assert _rows(visit("aino")) == [draft, narrow, hidden, shared]  # by title
    assert _rows(visit("tiina")) == [draft, narrow, shared]
    for who in ("matti", "riikka", ""):
        page = visit(who).get("/documents/").text
        assert _rows(visit(who)) == [shared] and "1 guide<" in page.replace("\n", "<"), who
        assert not re.search("For IT|A draft|Out of use", page)
    assert 'href="/documents/"' in visit("matti").get("/requests/").text


def test_the_search_finds_inflected_words_also_in_drafts(visit: Visit, add: Callable[..., int]) -> None:
    finnish = add("Tunnukset", "Näin avaat lukitun tilin lukituksen.", team="it", language="fi")
    add("Printers", "Open the back.", team="it")
    draft = add("Lukot", "Uusi ohje lukoista", team="it", language="fi", draft=True)
    assert _rows(visit("matti"), "?q=tilit") == [finnish]
    assert _rows(visit("aino"), "?q=lukko") == [draft]
    assert _rows(visit("matti"), "?q=lukko") == []
    assert "matches this search" in visit("matti").get("/documents/?q=zzzz").text
    assert _rows(visit("matti"), "?q=tilit&team=hr") == []


def test_a_document_that_was_published_a_moment_ago_is_found(visit: Visit, add: Callable[..., int]) -> None:
    visit("matti").get("/documents/")  # makes the index
    number = add("Scanners", "Press the green button.")
    assert _rows(visit("matti"), "?q=button") == [number]


def test_what_needs_attention_comes_first_among_ones_own(
    visit: Visit, add: Callable[..., int], sessions: Sessions
) -> None:
    owned = {"team": "it", "owner": "aino"}
    calm, due = add("Calm", **owned), add("Due", **owned, review_days=90, verified_on=date(2025, 1, 1))
    flagged, draft = add("Flagged", **owned), add("Draft", **owned, draft=True)
    other, orphan = add("Other", team="it", owner="pekka"), add("Orphan", team="it")
    with sessions.begin() as session:
        session.add(Event(kind="flagged", item=f"document:{flagged}", day=date(2026, 1, 1), settled=False))
    assert _rows(visit("aino"), "?view=mine") == [due, flagged, draft, calm, orphan]
    assert _rows(visit("pekka"), "?view=mine") == [orphan, other]
    assert _rows(visit("matti"), "?view=mine") == []
    assert set(_rows(visit("pekka"), "?view=review")) == {due, flagged}
    assert _rows(visit("riikka"), "?view=review") == _rows(visit("matti"), "?view=review") == []
    assert "Review was due" in visit("pekka").get("/documents/?view=review").text
    tab = re.search(
        r'<a href="/documents/\?view=mine"[^>]*>My guides(.*?)</a>', visit("aino").get("/documents/").text, re.S
    )
    assert tab is not None and ">1</span>" in tab[1] and "(flagged)" in tab[1]  # the number of the navigation


def test_the_list_of_the_team_and_the_filters(visit: Visit, add: Callable[..., int]) -> None:
    ours, theirs = add("Ours", team="it", language="fi"), add("Theirs", team="hr", verified_on=date(2026, 1, 1))
    draft = add("Sketch", team="it", draft=True)
    assert _rows(visit("tiina"), "?view=team") == [ours, draft]
    assert _rows(visit("matti"), "?team=hr") == _rows(visit("matti"), "?state=verified") == [theirs]
    assert _rows(visit("matti"), "?language=fi") == _rows(visit("matti"), "?state=unverified") == [ours]
    assert _rows(visit("aino"), "?state=draft") == [draft] and _rows(visit("matti"), "?state=draft") == []
    assert _rows(visit("matti"), "?view=x&state=x&page=x") == [ours, theirs]
    page = visit("").get("/documents/").text
    assert "My team" not in page and "My guides" not in page


def test_a_language_that_only_a_restricted_document_has_is_not_offered(visit: Visit, add: Callable[..., int]) -> None:
    add("Shared"), add("Ohje", language="fi"), add("Hemlig", language="sv", team="it", audience=[])
    assert 'value="sv"' in visit("aino").get("/documents/").text
    page = visit("matti").get("/documents/").text
    assert 'value="fi"' in page and 'value="sv"' not in page


def test_rows_show_owner_verified_used_and_next_review(
    visit: Visit, add: Callable[..., int], sessions: Sessions
) -> None:
    add("Guide", team="it", owner="aino", verified_on=date(2026, 1, 2), review_days=365_000)
    with sessions.begin() as session:
        session.add(Event(kind="solved", item="document:1", day=date(2026, 1, 3), settled=False))
    page = visit("matti").get("/documents/").text
    for fact in ("Owner:", "/people/aino", "Verified Jan 2, 2026, changed since", "Used 1 time", "Next review"):
        assert fact in page, fact


def test_long_lists_come_in_pages(visit: Visit, add: Callable[..., int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(view.library, "PAGE", 2)
    numbers = [add(f"Guide {letter}", "button") for letter in "abc"]
    first = visit("matti").get("/documents/?q=button").text
    assert 'rel="next" href="/documents/?q=button&amp;page=2"' in first and "3 guides" in first
    found = _rows(visit("matti"), "?q=button") + _rows(visit("matti"), "?q=button&page=2")
    assert sorted(found) == numbers
    assert _rows(visit("matti"), "?page=99") == [numbers[2]]
