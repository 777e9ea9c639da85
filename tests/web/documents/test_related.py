"""related.py: the requests that a document has answered, and its translations, on its page and for whom."""

import re
from collections.abc import Callable
from datetime import date, datetime

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session, sessionmaker

from recommender.database.documents_tables import DocumentTranslation
from recommender.database.tables import Document, Event, HelpRequest
from tests.conftest import sign_in
from tests.web.forms import press

Sessions = sessionmaker[Session]
Visit = Callable[[str], FlaskClient]


@pytest.fixture
def visit(open_client: Callable[[], FlaskClient], add_person: Callable[..., int]) -> Visit:
    """Browsers of matti (staff), aino (agent of IT), riikka (agent of HR)."""
    for handle, role, teams in (("matti", "staff", ()), ("aino", "agent", ("it",)), ("riikka", "agent", ("hr",))):
        add_person(handle, role, *teams)
    clients: list[FlaskClient] = []

    def opened(handle: str) -> FlaskClient:
        clients[:] = clients or [open_client()]
        return sign_in(clients[0], handle)

    return opened


def test_a_document_tells_which_requests_it_has_answered_that_the_reader_may_read(
    visit: Visit, add_document: Callable[..., int], add_request: Callable[..., int], sessions: Sessions
) -> None:
    add_document("VPN guide", "Use port 443", team="it")
    shared = add_request("VPN drops at home", team="it", at=datetime(2026, 1, 2))
    private = add_request("VPN of Matti", team="it", audience=[], at=datetime(2026, 1, 3))
    hidden, other = add_request("Hidden one", team="it"), add_request("Not answered with it", team="it")
    with sessions.begin() as session:
        session.get_one(HelpRequest, hidden).hidden = True
        for number in (shared, private, hidden):
            session.add(Event(kind="used", item="document:1", day=date(2026, 1, 1), request_id=number, settled=False))
        session.add(Event(kind="flagged", item="document:1", day=date(2026, 1, 1), request_id=other, settled=False))
    page = visit("aino").get("/documents/1").text
    assert "Solved 2 requests" in page and page.index("VPN of Matti") < page.index("VPN drops at home")
    for who in ("matti", "riikka"):
        page = visit(who).get("/documents/1").text
        assert "Solved 1 request<" in page.replace("</", "<") and "VPN drops at home" in page
        assert not re.search("VPN of Matti|Hidden one|Not answered with it", page)
    add_document("Unused", "text")
    assert "Answered" not in visit("matti").get("/documents/2").text


def test_related_documents_are_those_that_the_reader_may_read(visit: Visit, add_document: Callable[..., int]) -> None:
    add_document("Printer is stuck", "Open the back cover of the printer.", team="it")
    add_document("Printer is out of paper", "Printer paper is in the cupboard: printer is stuck without.", team="it")
    add_document("Printer is stuck for admins", "The printer is stuck: secret code.", team="it", audience=[])
    add_document("Printer is stuck: draft", "Printer is stuck.", team="it", draft=True)
    add_document("Holidays", "Ask your manager.", team="hr")
    for who, shown in (("aino", {2, 3}), ("matti", {2})):
        page = visit(who).get("/documents/1").text.partition('id="alike"')[2].partition("</section>")[0]
        assert {int(number) for number in re.findall(r'href="/documents/(\d+)"', page)} == shown, who
    assert 'id="alike"' not in visit("matti").get("/documents/5").text


def test_a_document_is_translated_and_says_when_its_original_was_changed_later(
    visit: Visit, add_document: Callable[..., int], sessions: Sessions
) -> None:
    add_document("Etäyhteys", "Käytä porttia 443, kun yhteys katkeaa kotona.", team="it", owner="aino")
    with sessions.begin() as session:
        session.get_one(Document, 1).language = "fi"
    assert 'href="/documents/new?translates=1"' in visit("aino").get("/documents/1").text
    assert "translates" not in visit("matti").get("/documents/1").text
    form = visit("aino").get("/documents/new?translates=1").text
    assert 'name="translates" value="/documents/1"' in form and "porttia 443" in form
    answer = press(
        visit("aino"), "/documents/new?translates=1", "/documents/", title="Remote access", then="publish",
        body="Use port 443 when the connection drops at home.",
    )  # fmt: skip
    assert answer.headers["Location"] == "/documents/2"
    original, translation = visit("matti").get("/documents/1").text, visit("matti").get("/documents/2").text
    assert "Also in English:" in original and "Remote access" in original and "older than" not in original
    assert "Also in Finnish:" in translation and "Its original was changed later" not in translation
    with sessions.begin() as session:
        session.get_one(Document, 1).written_at = datetime(2100, 1, 2)
    assert "older than this page" in visit("matti").get("/documents/1").text
    assert "Its original was changed later, on Jan 2, 2100" in visit("matti").get("/documents/2").text
    with sessions.begin() as session:
        session.get_one(Document, 2).verified_on = date(2100, 1, 2)
    assert "older than" not in visit("matti").get("/documents/1").text
    assert "changed later" not in visit("matti").get("/documents/2").text


@pytest.mark.parametrize("typed", ["/documents/2", "http://localhost/documents/2", "2", "document:2"])
def test_a_translation_is_linked_by_number_or_address(
    visit: Visit, add_document: Callable[..., int], sessions: Sessions, typed: str
) -> None:
    add_document("One", "text", team="it"), add_document("Two", "text", team="it")
    assert (
        press(visit("aino"), "/documents/1/edit", "/documents/1", translates=typed, then="publish").status_code == 302
    )
    with sessions() as session:
        assert session.get_one(DocumentTranslation, 1).original_id == 2
    press(visit("aino"), "/documents/1/edit", "/documents/1", translates="", then="publish")
    with sessions() as session:
        assert session.get(DocumentTranslation, 1) is None


def test_translations_form_no_chains_and_no_circles(
    visit: Visit, add_document: Callable[..., int], sessions: Sessions
) -> None:
    for title in ("One", "Two", "Three"):
        add_document(title, "text", team="it")

    def link(number: int, original: int) -> dict[int, int]:
        page = f"/documents/{number}"
        press(visit("aino"), f"{page}/edit", page, translates=str(original), then="publish")
        with sessions() as session:
            return {row.document_id: row.original_id for row in session.query(DocumentTranslation)}

    assert link(2, 1) == {2: 1}
    assert link(3, 2) == {2: 1, 3: 1}
    assert link(1, 2) == {1: 2, 3: 2}


def test_what_somebody_may_not_read_is_neither_named_nor_found_nor_lost(
    visit: Visit, add_document: Callable[..., int], sessions: Sessions
) -> None:
    add_document("Secret of HR", "text", team="hr", audience=[])
    add_document("Open", "text", team="it")
    refused = press(visit("aino"), "/documents/2/edit", "/documents/2", translates="1", then="publish")
    unknown = press(visit("aino"), "/documents/2/edit", "/documents/2", translates="99", then="publish")
    assert refused.status_code == unknown.status_code == 422
    assert "that you can read has this address" in refused.text and "that you can read has this address" in unknown.text
    itself = press(visit("aino"), "/documents/2/edit", "/documents/2", translates="2", then="publish")
    assert itself.status_code == 422
    with sessions.begin() as session:
        session.add(DocumentTranslation(document_id=2, original_id=1))
    for who in ("aino", "matti"):
        page = visit(who).get("/documents/2").text
        assert "Secret" not in page and "Also in" not in page
    assert "/documents/1" not in visit("aino").get("/documents/2/edit").text
    assert press(visit("aino"), "/documents/2/edit", "/documents/2", then="publish").status_code == 302
    with sessions() as session:
        assert session.get_one(DocumentTranslation, 2).original_id == 1
    assert "Open" in visit("riikka").get("/documents/1").text


def test_a_translation_of_a_narrow_document_is_for_everyone_only_when_confirmed(
    visit: Visit, add_document: Callable[..., int]
) -> None:
    add_document("For IT", "text", team="it", audience=[])
    assert 'value="team" checked' in visit("aino").get("/documents/new?translates=1").text
    sent = {"title": "In English", "audience": "everyone", "then": "publish"}
    refused = press(visit("aino"), "/documents/new?translates=1", "/documents/", **sent)
    assert refused.status_code == 422 and "that it translates is restricted" in refused.text
    assert press(visit("aino"), "/documents/new?translates=1", "/documents/", **sent, sure="1").status_code == 302
