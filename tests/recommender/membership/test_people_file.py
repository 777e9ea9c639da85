"""membership/people_file.py: lists of people as Excel writes them, and what they change."""

from collections.abc import Callable
from datetime import date

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from recommender import accounts
from recommender.database.tables import Person, Team
from recommender.membership import people, people_file
from recommender.membership.people_file import CHANGED, NEW, REFUSED, SAME, UnreadableFile, decoded, import_people

FINNISH = (
    "Käyttäjätunnus;Nimi;Sähköposti;Rooli;Tiimit;Puhelin\r\n"
    "aino;Äinö Virtanen;aino@example.org;Käsittelijä;IT-tuki, hr;040 123\r\n"
    "ville;Ville Mäki;;;;\r\n"
)


@pytest.fixture(autouse=True)
def teams(session: Session) -> None:
    session.add_all([Team(handle="it", name="IT support", name_fi="IT-tuki"), Team(handle="hr", name="HR")])
    session.commit()


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-8", "utf-16", "cp1252"])
@pytest.mark.parametrize("begins", ["", "sep=;\r\n"])
def test_a_list_of_finnish_excel_is_read(session: Session, encoding: str, begins: str) -> None:
    found = import_people(session, decoded((begins + FINNISH).encode(encoding)))
    assert [(row.handle, row.what) for row in found.rows] == [("aino", NEW), ("ville", NEW)]
    assert found.rows[0].line == (3 if begins else 2) and found.unused == ("Puhelin",)
    aino = people.find(session, "aino")
    assert (aino.name, aino.role, [team.handle for team in aino.teams]) == ("Äinö Virtanen", "agent", ["hr", "it"])
    account = accounts.find(session, "aino")
    assert account is not None and account.email == "aino@example.org" and account.password_hash is None


@pytest.mark.parametrize("separator", [",", "\t"])
def test_a_list_in_english_is_read_with_first_and_last_name_and_a_last_day(session: Session, separator: str) -> None:
    lines = ["First name,Last name,Email,Role,Team,Last day", "Aino,Virtanen,aino@example.org,Team lead,it,31.1.2026"]
    found = import_people(session, "\n".join(lines).replace(",", separator))
    assert [row.what for row in found.rows] == [NEW]
    aino = people.find(session, "aino")  # the user name is what stands before the @
    assert (aino.name, aino.role, aino.left_on) == ("Aino Virtanen", "lead", date(2026, 1, 31))


def test_the_same_list_again_changes_nothing_and_an_empty_cell_takes_nothing_away(session: Session) -> None:
    import_people(session, FINNISH)
    assert [row.what for row in import_people(session, FINNISH).rows] == [SAME, SAME]
    changed = import_people(session, "user name,name,role,teams\naino,Aino Lahti,,hr\nville,,lead,").rows
    assert [(row.what, row.fields) for row in changed] == [(CHANGED, ("name", "teams")), (CHANGED, ("role",))]
    aino, ville = people.find(session, "aino"), people.find(session, "ville")
    assert (aino.role, ville.name, ville.role) == ("agent", "Ville Mäki", "lead")


def test_lines_that_cannot_be_used_are_refused_one_by_one(session: Session) -> None:
    import_people(session, "user name,name,e-mail,role\nboss,The Boss,boss@example.org,admin\n")
    lines = (
        "user name,name,e-mail,role,teams,last day",
        "ai no,Aino,,,,",
        "aino,Aino,not-an-address,,,",
        "aino,Aino,boss@example.org,,,",
        "aino,Aino,,king,,",
        "aino,Aino,,,nowhere,",
        "aino,Aino,,,,soon",
        "boss,The Boss,,staff,,",
        "vera,Vera,vera@example.org,,it,",
        "vera,Vera,,lead,,",
        ",,,,,",
    )
    found = import_people(session, "\n".join(lines))
    assert [(row.line, row.reason) for row in found.rows if row.what == REFUSED] == [
        (2, "handle"), (3, "email"), (4, "email_taken"), (5, "role"), (6, "team"), (7, "day"), (8, "last_admin"),
        (10, "twice"),
    ]  # fmt: skip
    handles = session.scalars(select(Person.handle).order_by(Person.handle)).all()
    assert handles == ["boss", "vera"] and found.count(NEW) == 1  # nothing of a refused line was stored


def test_a_preview_is_rolled_back(session: Session, add_person: Callable[..., int]) -> None:
    assert import_people(session, FINNISH).count(NEW) == 2
    session.rollback()
    assert session.scalars(select(Person)).all() == []


@pytest.mark.parametrize("text", ["", "aino;Aino\n", "Name,Role\nAino,staff\n", '"user name,name\naino'])
def test_what_is_no_list_of_people_is_refused_as_a_whole(session: Session, text: str) -> None:
    with pytest.raises(UnreadableFile):
        import_people(session, text)


def test_a_file_is_not_longer_than_it_may_be(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people_file, "MOST_ROWS", 1)
    with pytest.raises(UnreadableFile, match="at most 1 people"):
        import_people(session, FINNISH)
