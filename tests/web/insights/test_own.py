"""What hangs on a person, on their own page: only they see it, and what they say reaches whom it should."""

import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from recommender.database.service_tables import LeftOut, Teaching
from recommender.database.tables import Person
from tests.conftest import sign_in
from tests.web.forms import forms_of, press
from tests.web.insights.figures import fill

Sessions = sessionmaker[Session]
TEACHING, LEFT_OUT = "/people/me/teaching", "/people/me/left-out"


@pytest.fixture
def client(open_client: Callable[[], FlaskClient], add_person: Callable[..., int], sessions: Sessions) -> FlaskClient:
    """A topic of IT hangs on eero; pia is his colleague and lea their lead."""
    for handle, role in (("eero", "agent"), ("pia", "agent"), ("lea", "lead"), ("aino", "agent")):
        add_person(handle, role, "it")
    add_person("oona", "lead", "finance")
    with sessions.begin() as session:
        fill(session, requests=12)
    opened = open_client()
    opened.application.config["WTF_CSRF_ENABLED"] = False
    return opened


def _own(client: FlaskClient, handle: str) -> str:
    return re.sub(r"\s+", " ", sign_in(client, handle).get(f"/people/{handle}").text)


def test_only_the_person_sees_what_hangs_on_them(client: FlaskClient) -> None:
    own = _own(client, "eero")
    assert "What hangs on you" in own and "Printer" in own and "40%" in own
    for handle in ("pia", "lea", "aino", "oona"):
        assert "hangs on you" not in _own(client, handle)
        assert "hangs on you" not in sign_in(client, handle).get("/people/eero").text


def test_teaching_is_said_seen_by_the_colleague_and_taken_back(client: FlaskClient, sessions: Sessions) -> None:
    eero = sign_in(client, "eero")
    assert press(eero, "/people/eero", TEACHING, colleague="pia").status_code == 302
    assert "You are teaching this to Pia" in _own(client, "eero") and "being taught" in _own(client, "pia")
    assert "being taught" not in _own(client, "aino")
    assert "being taught" not in sign_in(client, "lea").get("/people/pia").text
    exported = eero.get("/people/me/export").json["hangs_on_you"]
    assert [(row["teaching_to"], row["left_out"]) for row in exported] == [(["pia"], False)]
    with sessions() as session:
        number = session.scalars(select(Teaching.id)).one()
    assert eero.post(TEACHING, data={"undo": str(number)}).status_code == 302
    assert "You are teaching" not in _own(client, "eero") and "being taught" not in _own(client, "pia")


def test_who_is_left_out_disappears_from_the_page_of_leads(client: FlaskClient, sessions: Sessions) -> None:
    lea, eero = sign_in(client, "lea"), sign_in(client, "eero")
    assert "Eero" in lea.get("/insights/people").text
    assert press(eero, "/people/eero", LEFT_OUT).status_code == 302
    for path in ("/insights/", "/insights/people", "/insights/topics.csv", "/insights/teams/it", "/people/eero"):
        page = lea.get(path).text
        assert not re.search(r"left out|asked to be", page) and ("Eero" not in page or path == "/people/eero")
    assert "You are left out of this topic" in _own(client, "eero")
    undo = next(form for form in forms_of(_own(client, "eero")) if form.action == LEFT_OUT)
    assert dict(undo.fields)["undo"] == "1" and eero.post(LEFT_OUT, data=dict(undo.fields)).status_code == 302
    assert "Eero" in lea.get("/insights/people").text
    eero.post(LEFT_OUT, data={"topic": "1"})
    eero.post("/people/me/erase")
    with sessions() as session:
        assert len(session.scalars(select(LeftOut)).all()) == 1  # a wish that protects outlives the erasure


@pytest.mark.parametrize(
    ("handle", "path", "data", "status"),
    [
        ("eero", TEACHING, {"topic": "1", "colleague": "nobody"}, 404),
        ("eero", TEACHING, {"topic": "1", "colleague": "oona"}, 403),  # of another team
        ("eero", TEACHING, {"topic": "1", "colleague": "eero"}, 403),
        ("eero", TEACHING, {"topic": "99", "colleague": "pia"}, 404),
        ("pia", TEACHING, {"topic": "1", "colleague": "eero"}, 404),  # nothing hangs on her
        ("pia", LEFT_OUT, {"topic": "1"}, 404),
        ("eero", LEFT_OUT, {"topic": "x"}, 404),
    ],
)
def test_what_cannot_be_said_is_refused(
    client: FlaskClient, sessions: Sessions, handle: str, path: str, data: dict[str, str], status: int
) -> None:
    assert sign_in(client, handle).post(path, data=data).status_code == status
    assert client.post(path, data=data).status_code == 401
    with sessions() as session:
        assert session.scalars(select(Teaching)).all() == session.scalars(select(LeftOut)).all() == []
        assert session.scalars(select(Person).where(Person.handle == handle)).one() is not None
