"""membership/people_preview.py: what is said before is what happens, and nothing is written to find it out."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from recommender import accounts
from recommender.database.foreign_tables import ANY_SOURCE, ForeignPerson
from recommender.database.tables import Person, Team, utc_now
from recommender.membership.people_file import REFUSED, UnreadableFile, import_people
from recommender.membership.people_preview import preview
from tests.recommender.membership.conftest import Add

HANDLES = ("boss", "chief", "aino", "vera", "former", "old", "new1", "new2", "a b", "", "")
EMAILS = ("", "", "boss@x.org", "AINO@x.org", "new1@x.org", "vera@x.org", "not-an-address", "new1@y.org")
ROLES = ("", "", "staff", "agent", "lead", "admin", "king")
TEAMS = ("", "it", "hr, it", "IT-tuki", "nowhere", "it, it")
DAYS = ("", "", "2020-01-31", "31.1.2090", "soon")


@contextmanager
def _statements(session: Session) -> Iterator[list[str]]:
    """What is sent to the database meanwhile."""
    sent: list[str] = []
    engine = session.get_bind()

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        sent.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)


@pytest.fixture(autouse=True)
def some_people(session: Session, add: Add, add_person: Callable[..., int]) -> None:
    """Two admins of whom one can sign in, others of all kinds, a user name from before two accounts became one."""
    session.add(Team(handle="hr", name="HR"))
    session.commit()
    boss, chief, aino = add("boss", "admin"), add("chief", "admin"), add("aino", "staff", "it")
    session.get_one(Person, aino.id).teams[0].name_fi = "IT-tuki"
    accounts.set_password(session, boss, "Correct-horse 9")
    accounts.set_email(session, boss, "boss@x.org")
    accounts.set_email(session, aino, "aino@x.org")
    old = add("old", "agent", "it")
    old.left_on = utc_now().date() - timedelta(days=9)
    chief.left_on = date(2089, 1, 1)
    add_person("vera", "lead", "hr")
    session.add(ForeignPerson(source=ANY_SOURCE, foreign_id="former", person_id=aino.id))
    session.commit()


@pytest.mark.parametrize("seed", range(25))
def test_it_says_what_the_import_does(session: Session, seed: int) -> None:
    draw = random.Random(seed)  # noqa: S311 - cases, no secrets
    lines = ["user name;name;e-mail;role;teams;last day"]
    for number in range(12):
        chosen = [draw.choice(values) for values in (HANDLES, ("", f"Name {number}"), EMAILS, ROLES, TEAMS, DAYS)]
        lines.append(";".join(chosen))
    text = "\n".join(lines)
    with _statements(session) as sent:
        said = preview(session, text)
    assert all(statement.lstrip().startswith("SELECT") for statement in sent) and len(sent) <= 6
    session.rollback()
    assert said == import_people(session, text)


def test_the_cases_are_of_all_kinds(session: Session) -> None:
    text = (
        "user name;name;e-mail;role\nboss;;;staff\naino;;boss@x.org;\nnew1;;new1@x.org;\nnew1;;;\na b;;;\nvera;;;king"
    )
    reasons = [row.reason for row in preview(session, text).rows if row.what == REFUSED]
    assert reasons == ["last_admin", "email_taken", "twice", "handle", "role"]
    with pytest.raises(UnreadableFile):
        preview(session, text, most=3)


def test_it_takes_as_many_queries_for_many_lines(session: Session) -> None:
    lines = [f"p{number};Person {number};p{number}@x.org;agent;it" for number in range(400)]
    with _statements(session) as sent:
        found = preview(session, "\n".join(["user name;name;e-mail;role;teams", *lines]))
    assert len(found.rows) == 400 and len(sent) <= 6
