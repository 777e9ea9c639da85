"""views.py: drafted from a request, published, edited by two people at once, verified, due, flagged, hidden."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session, sessionmaker

from recommender.database.tables import Document, Event, utc_now
from recommender.recommender import Recommender
from recommender.settings import Settings
from tests.conftest import sign_in
from tests.web.forms import press

Sessions = sessionmaker[Session]
Visit = Callable[[str], FlaskClient]
FORM = {
    "title": "Black screens",
    "body": "## Fix\n\nHold the **button**.",
    "team": "it",
    "owner": "aino",
    "audience": "everyone",
    "review_days": "90",
    "then": "publish",
}


@pytest.fixture
def visit(
    open_client: Callable[[], FlaskClient], add_person: Callable[..., int], add_request: Callable[..., int]
) -> Visit:
    """Browsers of matti (staff), tiina (staff in IT), aino and pekka (agents of IT), riikka (agent of HR)."""
    add_request("Screen is black", "After an update", "Hold the power button", by="aino", asked_by="matti", team="it")
    add_request("Screen of Matti is black", "Private", "Hold it", by="aino", asked_by="matti", team="it", audience=[])
    add_person("matti")
    add_person("tiina", "staff", "it")
    add_person("aino", "agent", "it")
    add_person("pekka", "agent", "it")
    add_person("riikka", "agent", "hr")
    client = open_client()
    return lambda handle: sign_in(client, handle)


def _write(visitor: FlaskClient, **changes: str) -> int:
    """Write a document and return its id."""
    answer = visitor.post("/documents/", data={**FORM, **changes})
    assert answer.status_code == 302, answer.text
    return int(answer.headers["Location"].rpartition("/")[2])


def _version(page: str) -> str:
    match = re.search(r'name="seen" value="([^"]*)"', page)
    assert match is not None
    return match[1]


def test_a_draft_is_started_from_a_resolved_request(visit: Visit, sessions: Sessions) -> None:
    page = visit("aino").get("/documents/new?from=1").text
    assert 'value="Screen is black"' in page
    assert "## Question\n\nAfter an update\n\n## Answer\n\nHold the power button</textarea>" in page
    assert 'value="everyone" checked' in page and 'value="aino" selected' in page
    number = _write(visit("aino"), **{"from": "1", "then": "draft"})
    with sessions() as session:
        row = session.get_one(Document, number)
        assert (row.draft, row.drafted_from_id, row.review_days, row.language) == (True, 1, 90, "en")


def test_only_its_team_sees_a_draft_until_it_is_published(
    visit: Visit, open_recommender: Callable[[], Recommender]
) -> None:
    number = _write(visit("aino"), then="draft")
    visitor = visit("aino")
    readers = {
        name: visit(name).get(f"/documents/{number}").status_code for name in ("tiina", "pekka", "matti", "riikka")
    }
    assert readers == {"tiina": 200, "pekka": 200, "matti": 404, "riikka": 404}
    open_recommender()
    visitor.application.extensions["kollega_recommender"].refresh(wait=True)
    assert "Black screens" not in visit("matti").post("/suggest", data={"q": "black screens"}).text
    page = visit("pekka").get(f"/documents/{number}/edit").text
    visit("pekka").post(f"/documents/{number}", data={**FORM, "seen": _version(page)})
    open_recommender()
    visitor.application.extensions["kollega_recommender"].refresh(wait=True)
    assert "Black screens" in visit("matti").post("/suggest", data={"q": "black screens fix"}).text


def test_a_document_from_a_private_request_is_published_to_everyone_only_when_confirmed(
    visit: Visit, sessions: Sessions
) -> None:
    assert 'value="team" checked' in visit("aino").get("/documents/new?from=2").text
    refused = visit("aino").post("/documents/", data={**FORM, "from": "2"})
    assert refused.status_code == 422 and "Take out what is personal" in refused.text and 'name="sure"' in refused.text
    with sessions() as session:
        assert session.query(Document).count() == 0
    for_team = _write(visit("aino"), **{"from": "2", "audience": "team"})
    assert visit("matti").get(f"/documents/{for_team}").status_code == 404
    seen = _version(visit("aino").get(f"/documents/{for_team}/edit").text)
    assert visit("aino").post(f"/documents/{for_team}", data={**FORM, "seen": seen}).status_code == 422
    for_everyone = _write(visit("aino"), **{"from": "2", "sure": "1"})
    page = visit("matti").get(f"/documents/{for_everyone}")
    assert page.status_code == 200 and "/requests/2" not in page.text


@pytest.mark.parametrize(
    ("who", "number", "status"),
    [
        ("aino", "1", 200),
        ("riikka", "1", 403),
        ("matti", "1", 403),
        ("riikka", "2", 404),
        ("aino", "99", 404),
        ("aino", "x", 404),
    ],
)
def test_only_agents_who_handle_a_request_draft_from_it(visit: Visit, who: str, number: str, status: int) -> None:
    assert visit(who).get(f"/documents/new?from={number}").status_code == status
    assert visit(who).post("/documents/", data={**FORM, "from": number, "then": "preview"}).status_code == (
        200 if status == 200 else status
    )


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"title": ""}, "Give it a title."),
        ({"title": "x" * 501}, "Shorten the title to 500 characters."),
        ({"body": " "}, "Write something first."),
        ({"body": "x" * 100_001}, "At most 100000 characters. Split it into two guides."),
        ({"team": "hr"}, "Choose one of your teams."),
        ({"owner": "matti"}, "Choose a member of the team."),
        ({"audience": ""}, "Choose who may read it."),
    ],
)
def test_errors_are_shown_beside_their_fields(
    visit: Visit, sessions: Sessions, changes: dict[str, str], problem: str
) -> None:
    page = visit("aino").post("/documents/", data={**FORM, **changes})
    (name,) = changes
    assert page.status_code == 422 and f'id="{name}-error">{problem}' in page.text
    assert name == "title" or 'value="Black screens"' in page.text
    with sessions() as session:
        assert session.query(Document).count() == 0


def test_a_new_document_is_for_whom_the_teams_documents_usually_are(
    open_client: Callable[[], FlaskClient], add_person: Callable[..., int], sessions: Sessions
) -> None:
    add_person("riikka", "agent", "hr", restricted=["hr"])
    add_person("aino", "agent", "it")
    riikka, form = sign_in(open_client(), "riikka"), {**FORM, "team": "hr", "owner": ""}
    assert 'value="team" checked' in riikka.get("/documents/new").text
    refused = riikka.post("/documents/", data=form)
    assert refused.status_code == 422 and "usually for the team only" in refused.text and 'name="sure"' in refused.text
    sure = riikka.post("/documents/", data={**form, "sure": "1"})
    assert sure.status_code == 302
    seen = _version(riikka.get(sure.headers["Location"] + "/edit").text)
    assert riikka.post(sure.headers["Location"], data={**form, "seen": seen}).status_code == 302  # it is so already
    assert 'value="everyone" checked' in sign_in(riikka, "aino").get("/documents/new").text


@pytest.mark.parametrize(("days", "chosen"), [(365, "365"), (30, "30"), (0, "")])
def test_a_new_document_is_reviewed_as_often_as_the_settings_say(
    visit: Visit, sessions: Sessions, settings: Settings, days: int, chosen: str
) -> None:
    visitor = visit("aino")
    visitor.application.extensions["kollega_settings"] = replace(settings, review_days=days)
    page = visitor.get("/documents/new").text
    assert re.search(rf'<select id="review_days".*?value="{chosen}" selected' if chosen else "Never", page, re.DOTALL)
    number = _write(visitor, review_days=chosen)
    with sessions() as session:
        assert session.get_one(Document, number).review_days == (days or None)


def test_a_preview_stores_nothing(visit: Visit, sessions: Sessions) -> None:
    page = visit("aino").post("/documents/", data={**FORM, "then": "preview"}).text
    assert "<strong>button</strong>" in page and 'value="Black screens"' in page
    with sessions() as session:
        assert session.query(Document).count() == 0


def test_a_new_document_can_begin_with_an_outline_in_either_language(visit: Visit) -> None:
    page = visit("aino").get("/documents/new").text
    for start in ("how-to", "rule", "known-error"):
        for language in ("en", "fi"):
            assert f'href="/documents/new?start={start}&amp;language={language}"' in page
    assert "## Vaiheet\n\n1. \n2. \n3." in visit("aino").get("/documents/new?start=how-to&language=fi").text
    assert "## Steg för steg\n\n1. " in visit("aino").get("/documents/new?start=how-to&language=sv").text
    assert "## What to do now" in visit("aino").get("/documents/new?start=known-error&language=en").text
    assert visit("aino").get("/documents/new?start=x&language=y").status_code == 200


def test_the_preview_while_writing_is_safe_and_for_those_who_have_signed_in(visit: Visit) -> None:
    shown = visit("aino").post("/documents/preview", data={"body": "**a** <script>b</script> [c](javascript:d)"})
    assert shown.status_code == 200 and "<strong>a</strong>" in shown.text
    assert "<script" not in shown.text and "href" not in shown.text
    assert visit("aino").application.test_client().post("/documents/preview", data={"body": "a"}).status_code == 401


def test_when_two_people_edit_at_once_the_second_sees_both_texts(visit: Visit, sessions: Sessions) -> None:
    number = _write(visit("aino"))
    aino = _version(visit("aino").get(f"/documents/{number}/edit").text)
    pekka = _version(visit("pekka").get(f"/documents/{number}/edit").text)
    visit("aino").post(f"/documents/{number}", data={**FORM, "body": "Aino's text", "seen": aino})
    late = visit("pekka").post(f"/documents/{number}", data={**FORM, "body": "Pekka's text", "seen": pekka})
    assert late.status_code == 409 and "Pekka&#39;s text</textarea>" in late.text
    assert 'href="#theirs"' in late.text and "<ins>Aino&#39;s text<br></ins>" in late.text  # what the other one changed
    with sessions() as session:
        assert session.get_one(Document, number).body == "Aino's text"
    both = visit("pekka").post(f"/documents/{number}", data={**FORM, "body": "Both", "seen": _version(late.text)})
    assert both.status_code == 302


def test_an_edit_that_does_not_name_the_version_it_started_from_is_a_conflict(visit: Visit) -> None:
    number = _write(visit("aino"))
    assert visit("aino").post(f"/documents/{number}", data={**FORM, "seen": "yesterday"}).status_code == 409


def test_only_owner_and_agents_of_the_team_change_a_document(visit: Visit, sessions: Sessions) -> None:
    number = _write(visit("aino"), owner="tiina")
    for act in ("", "/verify", "/hidden"):
        answers = {
            n: visit(n).post(f"/documents/{number}{act}", data={**FORM, "hidden": "0"}) for n in ("matti", "riikka")
        }
        assert {name: answer.status_code for name, answer in answers.items()} == {"matti": 403, "riikka": 403}, act
    assert press(visit("tiina"), f"/documents/{number}", f"/documents/{number}/verify").status_code == 302
    with sessions() as session:
        row = session.get_one(Document, number)
        assert row.verified_by is not None and row.verified_by.handle == "tiina"


def test_verified_used_and_due_are_shown(visit: Visit, sessions: Sessions) -> None:
    number = _write(visit("aino"), owner="tiina")
    today = utc_now().date()
    assert "Not verified yet" in visit("matti").get(f"/documents/{number}").text
    press(visit("tiina"), f"/documents/{number}", f"/documents/{number}/verify")
    with sessions.begin() as session:
        session.add(Event(kind="used", item=f"document:{number}", day=today - timedelta(days=3), settled=False))
        session.add(Event(kind="solved", item=f"document:{number}", day=today - timedelta(days=9), settled=False))
        session.add(Event(kind="left", item=f"document:{number}", day=today, settled=False))
    page = visit("matti").get(f"/documents/{number}").text
    assert "by Tiina" in page and "Used 2 times, last 3 days ago" in page and "Next review" in page
    with sessions.begin() as session:
        row = session.get_one(Document, number)
        row.verified_on, row.written_at = today - timedelta(days=91), datetime.combine(today, datetime.min.time())
    page = visit("matti").get(f"/documents/{number}").text
    assert "Review was due" in page and "changed since" in page


def test_a_hidden_document_is_shown_only_to_people_who_may_edit_it(visit: Visit, sessions: Sessions) -> None:
    number = _write(visit("aino"))
    visit("aino").post(f"/documents/{number}/hidden", data={"hidden": "1"})
    assert visit("matti").get(f"/documents/{number}").status_code == 404
    assert "Hidden: only its owner" in visit("aino").get(f"/documents/{number}").text
    visit("aino").post(f"/documents/{number}/hidden", data={"hidden": "0"})
    assert visit("matti").get(f"/documents/{number}").status_code == 200


def test_declined_items_are_no_longer_evidence_and_nobody_else_sees_that(visit: Visit) -> None:
    question = {"q": "Screen is black after an update"}
    assert "/people/aino" in visit("matti").post("/suggest", data=question).text
    for number in (1, 2):
        visit("aino").post("/people/me/topics", data={"item": f"request:{number}"})
    assert "/people/aino" not in visit("matti").post("/suggest", data=question).text
    assert "You are not suggested because of this." in visit("aino").get("/people/aino").text
    for name in ("matti", "pekka"):
        page = visit(name).get("/people/aino").text
        assert "not suggested" not in page and "topic" not in page
    visit("aino").post("/people/me/topics", data={"item": "request:1", "undo": "1"})
    assert "/people/aino" in visit("matti").post("/suggest", data=question).text
    assert visit("riikka").post("/people/me/topics", data={"item": "request:2"}).status_code == 404


def test_the_form_of_an_imported_document_says_that_an_import_keeps_changes(
    visit: Visit, sessions: Sessions, add_document: Callable[..., int]
) -> None:
    number = add_document("Old guide", "text", team="it")
    with sessions.begin() as session:
        session.get_one(Document, number).source = "wiki"
    assert "imported from wiki. What you change here is kept" in visit("aino").get(f"/documents/{number}/edit").text
