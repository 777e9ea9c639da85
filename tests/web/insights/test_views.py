"""web/insights/views.py: the pages of leads."""

import re
from collections.abc import Callable
from datetime import date

import pytest
from flask.testing import FlaskClient
from sqlalchemy import delete, event, select
from sqlalchemy.orm import Session, sessionmaker

from recommender.database.risk_tables import PAIR, STARTED, WRITE, TopicFigure, TopicKnower, TopicWeek, TransferAct
from recommender.database.tables import Document, Person
from tests.conftest import sign_in
from tests.plans import add_gap, add_plan
from tests.web.forms import press

Add = Callable[..., int]


@pytest.fixture
def acts(sessions: sessionmaker[Session], add_request: Add, add_person: Add) -> dict[str, int]:
    add_person("maija", "lead", "hr"), add_person("oskari", "agent", "it")
    return add_plan(sessions, add_request, add_person)


@pytest.fixture
def aino(open_client: Callable[[], FlaskClient]) -> FlaskClient:
    return sign_in(open_client(), "aino")


def test_a_lead_reads_what_is_worth_doing_and_what_hangs_on_whom(acts: dict[str, int], aino: FlaskClient) -> None:
    page = aino.get("/insights/").text
    assert "Write a guide about “Printer” from 3 requests that Eero has answered." in page
    assert "Let Aalto watch when Eero answers the next two questions about “Printer”." in page
    assert "about 1.6 a year now, about 0.2 a year afterwards" in page
    assert "On one person" in page and "about 24 a year" in page
    assert "Kirjoita ohje aiheesta ”Tulostin”" in aino.get("/insights/?lang=fi").text


@pytest.mark.parametrize(("handle", "status"), [("oskari", 403), ("maija", 404)])
def test_only_the_leads_of_the_team_open_a_topic(
    acts: dict[str, int], open_client: Callable[[], FlaskClient], handle: str, status: int
) -> None:
    other = sign_in(open_client(), handle)
    assert other.get(f"/insights/topics/{acts['topic']}").status_code == status
    assert other.post(f"/insights/acts/{acts[PAIR]}").status_code == 403
    home = other.get("/insights/")
    assert "Printer" not in home.text and home.status_code == (403 if handle == "oskari" else 200)


def test_who_has_not_signed_in_is_asked_to(acts: dict[str, int], open_client: Callable[[], FlaskClient]) -> None:
    assert open_client().get("/insights/").status_code == 401


def test_people_stand_in_the_order_of_their_names(acts: dict[str, int], aino: FlaskClient) -> None:
    for address in ("/insights/people", f"/insights/topics/{acts['topic']}"):
        page = aino.get(address).text
        assert page.index(">Aalto<") < page.index(">Eero<")
        assert "75%" in page


def test_a_topic_shows_what_is_missing_to_members_of_its_team(
    acts: dict[str, int], open_client: Callable[[], FlaskClient], add_person: Add, sessions: sessionmaker[Session]
) -> None:
    add_person("paula", "admin", "hr")
    address, client = f"/insights/topics/{acts['topic']}", open_client()
    assert "Nothing was found in this topic." in sign_in(client, "aino").get(address).text
    with sessions.begin() as session:
        add_gap(session, acts["topic"])
    page = sign_in(client, "aino").get(address).text
    assert "What is missing" in page and "/insights/gaps/it" in page and "Asked 5 times" in page
    others = sign_in(client, "paula").get(address)
    assert others.status_code == 200 and 'id="missing"' not in others.text and "Asked 5 times" not in others.text


def test_a_topic_over_time_is_a_picture_with_a_table(
    acts: dict[str, int], aino: FlaskClient, sessions: sessionmaker[Session]
) -> None:
    address = f"/insights/topics/{acts['topic']}"
    assert "Pictures are drawn from two weeks on." in aino.get(address).text
    with sessions.begin() as session:
        for day, demand, answerable in ((1, 12.0, 0.5), (8, 24.5, 0.75)):
            week = TopicWeek(topic_id=acts["topic"], week=date(2026, 6, day), demand=demand, answerable=answerable)
            week.bus_factor, week.expected_loss = 1, 2.0
            session.add(week)
    page = aino.get(address).text
    assert page.count('<svg class="drawing"') == 2 and "How often it is asked" in page
    rows = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in re.findall(r"<tr>(.*?)</tr>", page)]
    assert ["Jun 1, 2026", "12"] in rows and ["Jun 8, 2026", "24.5"] in rows and ["Jun 8, 2026", "75%"] in rows


def test_who_knows_only_a_small_part_has_no_row_and_no_column(
    acts: dict[str, int], aino: FlaskClient, sessions: sessionmaker[Session], add_person: Add
) -> None:
    add_person("urho", "agent", "it")
    with sessions.begin() as session:
        urho = session.scalars(select(Person.id).where(Person.handle == "urho")).one()
        values = {"topic_id": acts["topic"], "person_id": urho, "share": 0.01, "leaving": 0.1}
        figure = session.get_one(TopicFigure, acts["topic"])
        session.add(TopicKnower(answerable_without=figure.answerable, **values))
    page = aino.get(f"/insights/topics/{acts['topic']}").text
    assert page.index("1 knows a small part") < page.index(">Urho<")
    assert ">Urho<" not in aino.get("/insights/people").text


def test_starting_to_write_opens_a_draft_of_the_requests(
    acts: dict[str, int], aino: FlaskClient, sessions: sessionmaker[Session]
) -> None:
    answer = press(aino, "/insights/", f"/insights/acts/{acts[WRITE]}", what="start")
    with sessions() as session:
        draft = session.query(Document).one()
        assert answer.location == f"/documents/{draft.id}/edit" and draft.draft and draft.title == "Printer"
        assert draft.body.count("Open the tray.") == 3
        assert session.get_one(TransferAct, acts[WRITE]).state == STARTED
    page = aino.get("/insights/").text
    assert "Under way" in page and "a colleague has marked it as verified" in page


def test_an_act_is_started_or_taken_off_the_list(
    acts: dict[str, int], aino: FlaskClient, sessions: sessionmaker[Session]
) -> None:
    assert press(aino, "/insights/", f"/insights/acts/{acts[PAIR]}", what="start").location == "/insights/#plan"
    press(aino, "/insights/", f"/insights/acts/{acts[WRITE]}", what="drop")
    page = aino.get("/insights/").text
    assert "Let Aalto watch" in page and "Write a guide about" not in page
    with sessions() as session:
        assert session.get_one(TransferAct, acts[PAIR]).state == STARTED


def test_the_figures_are_read_once_to_decide(
    acts: dict[str, int], aino: FlaskClient, sessions: sessionmaker[Session]
) -> None:
    statements: list[str] = []
    engine = aino.application.extensions["kollega_sessions"].kw["bind"]
    event.listen(engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    for what, kind in (("start", WRITE), ("start", PAIR), ("drop", PAIR)):
        aino.application.config["WTF_CSRF_ENABLED"] = False
        statements.clear()
        assert aino.post(f"/insights/acts/{acts[kind]}", data={"what": what}).status_code == 302
        assert sum("FROM topic_figures" in statement for statement in statements) == 1, (what, kind)


def test_the_table_comes_as_csv_without_formulas(acts: dict[str, int], aino: FlaskClient) -> None:
    answer = aino.get("/insights/topics.csv")
    assert answer.mimetype == "text/csv" and answer.data.startswith(b"\xef\xbb\xbf")
    head, row = answer.get_data(as_text=True).lstrip("\ufeff").splitlines()
    assert head.startswith("Topic,Questions a year,") and row == "Printer,24.0,1.0,1,1.6,Aalto; Eero"


def test_without_topics_the_page_says_what_is_missing(add_person: Add, open_client: Callable[[], FlaskClient]) -> None:
    add_person("aino", "lead", "it")
    page = sign_in(open_client(), "aino").get("/insights/").text
    assert "There are no topics here yet." in page and "kollega insights update" in page


@pytest.mark.parametrize("path", ["/insights/", "/insights/people"])
def test_topics_that_have_no_figures_yet_are_not_said_to_be_missing(
    acts: dict[str, int], aino: FlaskClient, sessions: sessionmaker[Session], path: str
) -> None:
    with sessions.begin() as session:
        session.execute(delete(TopicFigure))
    page = aino.get(path).text
    assert "1 topic was found. What hangs on few people in it is computed now" in page
    assert "There are no topics here yet." not in page
