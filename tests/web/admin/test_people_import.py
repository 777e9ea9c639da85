"""The page that imports people from a file: first shown, then stored."""

from collections.abc import Callable
from io import BytesIO

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from recommender.database.audit_table import AuditEntry
from recommender.database.tables import Person
from tests.conftest import sign_in
from tests.web.conftest import OpenWith

FILE = "Käyttäjätunnus;Nimi;Rooli;Tiimit;Puhelin\r\naino;Äinö;Käsittelijä;it;040\r\nvera;Vera;kuningas;;\r\n"


@pytest.fixture
def admin(open_with: OpenWith, add_person: Callable[..., int]) -> FlaskClient:
    add_person("tuomas", "admin", "it")
    return sign_in(open_with(), "tuomas")


def _handles(sessions: sessionmaker[Session]) -> list[str]:
    with sessions() as session:
        return list(session.scalars(select(Person.handle).order_by(Person.handle)))


def test_what_is_new_changed_and_refused_is_shown_before_it_is_stored(
    admin: FlaskClient, sessions: sessionmaker[Session]
) -> None:
    sent = {"file": (BytesIO(FILE.encode("cp1252")), "väki.csv")}
    shown = admin.post("/admin/people/import", data=sent, content_type="multipart/form-data").text
    assert "1 new person" in shown and "1 line refused" in shown and "no such role" in shown
    assert "Columns that are not used: Puhelin." in shown and "Äinö" in shown
    assert _handles(sessions) == ["tuomas"]
    stored = admin.post("/admin/people/import", data={"text": FILE, "confirmed": "1"}, follow_redirects=True)
    assert "1 person was stored." in stored.text
    assert _handles(sessions) == ["aino", "tuomas"]
    with sessions() as session:
        me = session.scalars(select(Person.id).where(Person.handle == "tuomas")).one()
        entries = session.scalars(select(AuditEntry).where(AuditEntry.action == "person.added"))
        assert [entry.actor_id for entry in entries] == [me]


def test_who_becomes_an_admin_is_told_first_and_roles_and_teams_are_shown(
    admin: FlaskClient, add_person: Callable[..., int]
) -> None:
    add_person("vera", "staff", "it")
    text = "user name;name;role;teams\nmallory;Mallory;admin;\nvera;Vera;lead;\naino;Aino;;it\n"
    sent = {"file": (BytesIO(text.encode()), "x.csv")}
    page = admin.post("/admin/people/import", data=sent, content_type="multipart/form-data").text
    said, _, rows = page.partition("1 new person" if "1 new person" in page else "2 new people")
    assert "1 person becomes an admin" in said
    mallory, vera, aino = (part.partition("</li>")[0] for part in rows.split("<strong>")[1:4])
    assert "Admin" in mallory and "lead" in vera.lower() and "changed:" in vera and "IT" in aino.upper()


@pytest.mark.parametrize(
    ("content", "said"), [("", "no CSV file with people"), ("a,b\n1,2\n", "The first line must name the columns")]
)
def test_what_is_no_list_of_people_is_said(content: str, said: str, admin: FlaskClient) -> None:
    sent = {"file": (BytesIO(content.encode()), "x.csv")}
    answer = admin.post("/admin/people/import", data=sent, content_type="multipart/form-data")
    assert answer.status_code == 422 and said in answer.text


def test_so_many_people_that_they_would_keep_others_waiting_are_refused_before_anything_is_written(
    admin: FlaskClient, sessions: sessionmaker[Session]
) -> None:
    lines = [f"p{number};Person {number}" for number in range(501)]
    text = "\n".join(["user name;name", *lines])
    sent = {"file": (BytesIO(text.encode()), "x.csv")}
    answer = admin.post("/admin/people/import", data=sent, content_type="multipart/form-data")
    assert answer.status_code == 422 and "at most 500 people" in answer.text and "kollega user import" in answer.text
    assert _handles(sessions) == ["tuomas"]


def test_only_admins_import_people(open_with: OpenWith, add_person: Callable[..., int]) -> None:
    add_person("vera", "lead", "it")
    visitor = sign_in(open_with(), "vera")
    assert visitor.get("/admin/people/import").status_code == 403
    assert visitor.post("/admin/people/import", data={"text": FILE, "confirmed": "1"}).status_code == 403
