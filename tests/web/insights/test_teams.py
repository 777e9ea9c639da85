"""web/insights/teams.py: the page of a team, its measures and its CSV file; also when there is next to nothing."""

import csv
import io
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from recommender.access import EVERYONE
from recommender.database.audit_table import AuditEntry
from recommender.database.service_tables import MeasureValue, SentAfterwards, SuccessMeasure, Teaching
from recommender.database.tables import Event, HelpRequest, Person, Reply, RequestAudience, Team, utc_now
from recommender.knowledge.sent_afterwards import four_weeks
from tests.conftest import sign_in
from tests.paths import ROOT
from tests.web.conftest import OpenWith
from tests.web.forms import forms_of, press
from tests.web.insights.figures import fill
from web.insights.about import never, of_service, of_topics

AddPerson = Callable[..., int]
Sessions = sessionmaker[Session]


@pytest.fixture
def client(open_with: OpenWith, add_person: AddPerson, sessions: Sessions) -> FlaskClient:
    """IT was asked by six people of HR and six of sales; its members are lea (lead), aino (agent) and matti (staff)."""
    for handle, role in (("lea", "lead"), ("aino", "agent"), ("matti", "staff"), ("eero", "agent"), ("pia", "agent")):
        add_person(handle, role, "it")
    add_person("oona", "admin", "hr")
    with sessions.begin() as session:
        fill(session)
    opened = open_with()
    opened.application.config["WTF_CSRF_ENABLED"] = False
    return opened


def _text(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page))


def test_the_page_shows_what_every_member_may_know(client: FlaskClient) -> None:
    pages = {handle: sign_in(client, handle).get("/insights/teams/it") for handle in ("lea", "aino", "matti")}
    assert {page.status_code for page in pages.values()} == {200}
    text = _text(pages["matti"].text)
    assert "half within 3 hours, nine of ten within 2 days" in text
    for part in ("HR", "SALES", "Solved by itself", "never added up", "Printer", "never for appraising people"):
        assert part in text
    assert pages["matti"].text.count('role="img"') >= 3 and pages["matti"].text.count("As a table") >= 3
    figures = {handle: re.findall(r"<(?:dd|td)>(.*?)</", page.text) for handle, page in pages.items()}
    assert figures["lea"] == figures["aino"] == figures["matti"] != []


def test_topics_are_links_for_those_who_may_open_them(client: FlaskClient) -> None:
    pages = {handle: sign_in(client, handle).get("/insights/teams/it").text for handle in ("lea", "aino")}
    (address,) = set(re.findall(r'href="(/insights/topics/\d+)"', pages["lea"]))
    assert sign_in(client, "lea").get(address).status_code == 200
    assert "/insights/topics/" not in pages["aino"] and "Printer" in pages["aino"]
    assert sign_in(client, "aino").get(address).status_code == 403


def test_nobody_but_members_sees_it(client: FlaskClient) -> None:
    assert client.get("/insights/teams/it").status_code == 401
    for path, status in (("it", 403), ("it.csv", 403), ("unknown", 404), ("unknown.csv", 404)):
        assert sign_in(client, "oona").get(f"/insights/teams/{path}").status_code == status
    staff = sign_in(client, "matti")
    assert staff.get("/insights/teams/").headers["Location"] == "/insights/teams/it"
    assert staff.post("/insights/teams/it/measures", data={"sentence": "x"}).status_code == 403


def test_the_menu_leads_there_only_for_members_of_a_team(client: FlaskClient, add_person: AddPerson) -> None:
    add_person("guest", "staff")
    assert "/insights/teams/" in sign_in(client, "matti").get("/people/").text
    assert "/insights/" not in sign_in(client, "guest").get("/people/").text
    assert sign_in(client, "guest").get("/insights/teams/").status_code == 403


def test_no_colleague_who_answers_or_asks_is_named(client: FlaskClient, sessions: Sessions) -> None:
    page = sign_in(client, "lea").get("/insights/teams/it").text
    shown = _text(page[page.index("<main") :])
    with sessions() as session:
        assert [name for name in session.scalars(select(Person.name)) if re.search(rf"\b{name}\b", shown)] == []


def test_the_csv_file_has_what_the_page_shows(client: FlaskClient) -> None:
    answer = sign_in(client, "matti").get("/insights/teams/it.csv")
    assert answer.mimetype == "text/csv" and "service-it.csv" in answer.headers["Content-Disposition"]
    rows = list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert rows[0] == ["Part", "Of", "Figure", "Value"]
    assert ["Whom the team serves", "HR", "Requests sent", "36"] in rows
    page = _text(sign_in(client, "matti").get("/insights/teams/it").text)
    assert [row[3] for row in rows[1:] if row[0] in ("All", "Topic") and row[3] not in page] == []
    assert [row for row in rows if row[3].isdecimal() and int(row[3]) < 5] == []


def test_a_measure_is_written_down_once_and_gets_further_numbers(client: FlaskClient, sessions: Sessions) -> None:
    aino = sign_in(client, "aino")
    page, action = "/insights/teams/it", "/insights/teams/it/measures"
    form = next(form for form in forms_of(aino.get(page).text) if form.action == action)
    sent = {**dict(form.fields), "sentence": "=New laptops are  ready <b>on day one</b>.", "number": "12.5"}
    assert aino.post(action, data=sent).status_code == aino.post(action, data=sent).status_code == 302
    assert press(aino, page, f"{action}/1", number="1,200", day="2026-01-05").status_code == 302
    shown = sign_in(client, "matti").get(page).text
    assert "=New laptops are ready &lt;b&gt;on day one" in shown and "12.5" in shown and f"{action}/1" not in shown
    assert 'id="measure-1-picture-title"' in shown  # two numbers make a picture
    rows = csv.reader(io.StringIO(aino.get(f"{page}.csv").text))
    assert next(row[1] for row in rows if row[0] == "What the team measures itself").startswith("'=New")
    with sessions() as session:
        assert [row.number for row in session.scalars(select(MeasureValue).order_by(MeasureValue.day))] == [1200, 12.5]
        audited = session.scalars(select(AuditEntry.action).where(AuditEntry.action.startswith("measure"))).all()
        assert audited == ["measure.added", "measure.number"]
    assert press(aino, page, f"{action}/1/end").status_code == 302
    assert "New laptops" not in aino.get(page).text
    assert aino.post(f"{action}/1", data={"number": "1", "day": "2026-01-05"}).status_code == 404
    with sessions() as session:
        assert session.scalars(select(SuccessMeasure)).one().ended_on is not None


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"sentence": " "}, "Write a sentence of at most 300 characters."),
        ({"sentence": "x" * 301}, "Write a sentence of at most 300 characters."),
        ({"number": "many"}, "Write a number"),
        ({"number": "nan"}, "Write a number"),
        ({"number": "1e99"}, "Write a number"),
        ({"day": "2999-01-01"}, "Write a day that is not in the future"),
        ({"day": "yesterday"}, "Write a day that is not in the future"),
    ],
)
def test_what_is_wrong_with_a_measure_is_said_beside_its_field(
    client: FlaskClient, sessions: Sessions, changed: dict[str, str], problem: str
) -> None:
    typed = {"sentence": "Laptops are ready.", "number": "3", "day": "2026-01-05", **changed}
    answer = sign_in(client, "aino").post("/insights/teams/it/measures", data=typed)
    (name,) = changed
    assert answer.status_code == 422 and problem in answer.text and f'id="{name}-error"' in answer.text
    with sessions() as session:
        assert session.scalars(select(SuccessMeasure)).all() == []


def test_a_number_is_read_as_the_language_writes_it(client: FlaskClient, sessions: Sessions) -> None:
    aino = sign_in(client, "aino")
    for number in ("12,5", "12.5"):
        sent = {"sentence": "Valmiina ajoissa.", "number": number, "day": "2026-01-05"}
        assert aino.post("/insights/teams/it/measures?lang=fi", data=sent).status_code == 302
    with sessions() as session:
        assert session.scalars(select(MeasureValue.number)).all() == [12.5, 12.5]


def test_only_the_lead_sees_who_teaches_what(client: FlaskClient, sessions: Sessions) -> None:
    with sessions.begin() as session:
        people = {row.handle: row.id for row in session.scalars(select(Person))}
        session.add(Teaching(topic_id=1, person_id=people["eero"], colleague_id=people["pia"], since=utc_now().date()))
    shown = {handle: sign_in(client, handle).get("/insights/teams/it").text for handle in ("lea", "aino")}
    assert "Eero" in _text(shown["lea"]) and "Pia" in _text(shown["lea"])
    assert "What colleagues are teaching" not in shown["aino"]


def _odd_world(kind: str, session: Session, add_person: AddPerson) -> None:
    """One team with little: nothing, one person, ten items, no times, everything restricted."""
    team = session.scalars(select(Team)).one()
    member = session.scalars(select(Person)).one()
    at = utc_now() - timedelta(days=20)
    for number in range({"one request": 1, "ten of one person": 10, "no times": 12, "restricted": 12}.get(kind, 0)):
        ends = at if kind == "no times" else at + timedelta(hours=number + 1)
        row = HelpRequest(
            title="Door", body="", language="en", team=team, asked_by=member, created_at=at, source="elsewhere",
            external_id=str(number), status="resolved", resolved_at=ends,
            audience=[RequestAudience(token="team:it" if kind == "restricted" else EVERYONE)],
            replies=[Reply(author=member if number % 2 else None, body="Done", created_at=ends, accepted=True)],
        )  # fmt: skip
        session.add(row)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("nothing", "Nothing has been sent to this team yet."),
        ("one request", "Fewer than 5 requests were sent in this time"),
        ("ten of one person", "Otherwise they would tell how fast somebody is."),
        ("no times", "Import them again with created_at and resolved_at."),
        ("restricted", "A team is named among those who ask once 5 of its people have asked."),
    ],
)
@pytest.mark.parametrize("language", ["en", "fi"])
def test_a_page_with_next_to_nothing_says_what_is_missing(
    open_with: OpenWith, add_person: AddPerson, sessions: Sessions, kind: str, said: str, language: str
) -> None:  # fmt: skip
    add_person("aino", "lead", "it")
    with sessions.begin() as session:
        _odd_world(kind, session, add_person)
    aino = sign_in(open_with(), "aino")
    page = aino.get(f"/insights/teams/it?lang={language}")
    assert page.status_code == 200 and aino.get("/insights/teams/it.csv").status_code == 200
    assert (said in _text(page.text)) is (language == "en")
    assert "Aino" not in _text(page.text[page.text.index("<main") :])


def test_outcomes_are_shown_without_those_who_sent_a_request(client: FlaskClient, sessions: Sessions) -> None:
    lea, day = sign_in(client, "lea"), utc_now().date() - timedelta(days=20)
    with sessions.begin() as session:  # 17 are there already
        session.add_all(Event(kind="solved", item="request:1", day=day) for _ in range(1220))
        session.add(SentAfterwards(team_id=1, topic_id=1, kind="solved", since=four_weeks(day), times=3))
    assert "1,234" in lea.get("/insights/teams/it").text
    assert "1\xa0234" in lea.get("/insights/teams/it?lang=fi").text


def test_what_is_computed_is_said_to_everybody_who_has_signed_in(client: FlaskClient) -> None:
    assert client.get("/insights/about").status_code == 401
    page = _text(sign_in(client, "oona").get("/insights/about").text)
    for part in ("How long it is kept", "never computed", "have a topic left out", "7 days"):
        assert part in page
    assert 'href="/insights/about"' in sign_in(client, "lea").get("/insights/teams/it").text


def test_the_page_of_the_documentation_says_the_same(client: FlaskClient) -> None:
    page = (ROOT / "docs" / "insights-and-people.md").read_text(encoding="utf-8")
    written = " ".join(page.split())
    with client.application.test_request_context():
        rows = [*of_topics(), *of_service()]
        texts = [text for row in rows for text in (row.what, row.source, row.readers, row.kept)] + never()
    assert len(rows) == len(re.findall(r"^\| (?!what |---)", page, re.M))
    assert [text for text in texts if text not in written] == []
