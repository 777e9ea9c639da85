"""loading/: who the people of several sources are here, and what being known gives them and not."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from indexer.loading.merge import Merge
from indexer.loading.report import LoadReport
from recommender import accounts, audit
from recommender.access import may_read, reader_of, request_audience
from recommender.database.foreign_tables import ForeignPerson, PersonAddress
from recommender.database.import_tables import ImportedRecord
from recommender.database.tables import Base, HelpRequest, Person
from recommender.knowledge import erasure
from tests.indexer.loading.test_details import import_records as import_records

Line = dict[str, Any]
Import = Callable[..., LoadReport]
TEAM: Line = {"type": "team", "id": "it", "name": "IT"}
AINO: Line = {"type": "person", "id": "aino", "name": "Aino Virtanen", "email": "Aino@Example.org", "teams": ["it"],
              "role": "agent"}  # fmt: skip
SHOP: Line = {"type": "person", "id": "shop-557058:17", "name": "A. Virtanen", "email": "aino@example.org "}
AT = "2026-01-02T10:00:00"


def request(author: str, asker: str | None = None, **values: Any) -> Line:
    reply = {"id": "a", "author": author, "body": "Off and on.", "created_at": AT, "accepted": True}
    return {"type": "request", "id": "r", "title": "Till is stuck", "status": "resolved", "created_at": AT,
            "asked_by": asker, "replies": [reply], **values}  # fmt: skip


def handles(sessions: sessionmaker[Session]) -> list[str]:
    with sessions() as session:
        return sorted(session.scalars(select(Person.handle)))


def person(session: Session, handle: str) -> Person:
    return session.scalars(select(Person).where(Person.handle == handle)).one()


def test_two_sources_that_name_a_person_by_one_address_give_one_person(
    import_records: Import, sessions: sessionmaker[Session]
) -> None:
    import_records(TEAM, AINO)
    report = import_records(
        SHOP, request(SHOP["id"], asker=SHOP["id"], audience=[f"person:{SHOP['id']}"]), source="shop"
    )
    assert (report.problems, handles(sessions)) == ([], ["aino"])
    with sessions() as session:
        aino, row = person(session, "aino"), session.query(HelpRequest).one()
        assert (row.asked_by_id, row.replies[0].author_id) == (aino.id, aino.id)
        assert {entry.token for entry in row.audience} == {f"person:{aino.id}"}
        assert (aino.name, aino.role) == ("Aino Virtanen", "agent")
    again = import_records(
        SHOP, request(SHOP["id"], asker=SHOP["id"], audience=[f"person:{SHOP['id']}"]), source="shop"
    )
    assert again.line() == "0 added, 0 updated, 2 unchanged"


def test_a_person_is_found_by_the_id_of_the_source_when_the_address_is_gone(
    import_records: Import, sessions: sessionmaker[Session]
) -> None:
    import_records(TEAM, AINO)
    import_records(SHOP, source="shop")
    import_records({**SHOP, "email": None}, request(SHOP["id"]), source="shop")
    import_records({**SHOP, "email": "a.virtanen@example.org"}, source="shop")
    import_records({"type": "person", "id": "x", "name": "A", "email": "a.virtanen@example.org"}, source="chat")
    assert handles(sessions) == ["aino"]


def test_the_address_of_an_account_names_its_person(import_records: Import, sessions: sessionmaker[Session]) -> None:
    import_records({**AINO, "email": None, "teams": []})
    with sessions() as session:
        accounts.set_email(session, person(session, "aino"), "aino@example.org")
        session.commit()
    import_records(SHOP, source="shop")
    assert handles(sessions) == ["aino"]


def test_somebody_else_with_the_same_user_name_is_somebody_else(
    import_records: Import, sessions: sessionmaker[Session]
) -> None:
    import_records(TEAM, AINO)
    other = {"type": "person", "id": "aino", "name": "Aino Laine", "email": "aino@elsewhere.example"}
    report = import_records(other, request("aino"), source="code")
    assert [line for line in report.change_lines() if "another user name" in line and line.endswith(": aino-code)")]
    assert handles(sessions) == ["aino", "aino-code"]
    with sessions() as session:
        assert session.query(HelpRequest).one().replies[0].author_id == person(session, "aino-code").id
    assert import_records(other, request("aino"), source="code").line() == "0 added, 0 updated, 2 unchanged"
    assert import_records({**other, "name": "A. Laine"}, source="code").updated == 1
    assert import_records({**AINO, "email": "aino.v@example.org"}, TEAM).added == 0  # the source has named her before
    assert handles(sessions) == ["aino", "aino-code"]


def test_without_an_address_the_user_name_counts(import_records: Import, sessions: sessionmaker[Session]) -> None:
    import_records(TEAM, AINO)
    import_records({"type": "person", "id": "aino", "name": "Aino"}, source="code")
    assert handles(sessions) == ["aino"]


@pytest.mark.parametrize("address", ["support@example.org", "noreply@example.org", "it-tuki@example.org", "nobody"])
def test_a_shared_address_names_nobody(import_records: Import, sessions: sessionmaker[Session], address: str) -> None:
    people = [{"type": "person", "id": name, "name": name.title(), "email": address} for name in ("aino", "oona")]
    import_records(*people, source="desk")
    assert handles(sessions) == ["aino", "oona"]
    with sessions() as session:
        assert session.query(PersonAddress).count() == 0


def test_the_address_of_a_program_makes_a_service(import_records: Import, sessions: sessionmaker[Session]) -> None:
    robot = {"type": "person", "id": "desk-12", "name": "Max", "email": "noreply@example.org"}
    import_records(robot, {**SHOP, "kind": "service"})
    with sessions() as session:
        assert {row.kind for row in session.query(Person)} == {"service"}
    assert import_records({**robot, "name": "Maxi"}).updated == 1
    with sessions() as session:
        assert {row.kind for row in session.query(Person)} == {"service"}


def test_being_known_gives_no_role_no_team_and_no_other_name(
    import_records: Import, sessions: sessionmaker[Session]
) -> None:
    import_records(TEAM, {**AINO, "role": "staff", "teams": []})
    report = import_records({**SHOP, "role": "admin", "teams": ["it"], "left_on": "2026-01-01"}, source="shop")
    assert report.widened == []
    assert [line for line in report.change_lines() if "roles and teams" in line and line.endswith(": aino)")]
    with sessions() as session:
        aino = person(session, "aino")
        assert (aino.role, aino.teams, aino.left_on, aino.name) == ("staff", [], None, "Aino Virtanen")


def test_an_address_is_not_stored_and_shown_to_nobody(
    import_records: Import, sessions: sessionmaker[Session], open_client: Callable[[], Any]
) -> None:
    import_records(TEAM, AINO)
    with sessions() as session:
        for table in Base.metadata.sorted_tables:
            assert "example.org" not in repr(session.execute(select(table)).all()).lower(), table.name
    assert "example.org" not in open_client().get("/people/aino").text


def test_who_was_erased_does_not_come_back_under_another_id_or_address(
    import_records: Import, sessions: sessionmaker[Session]
) -> None:
    import_records(TEAM, AINO)
    import_records(SHOP, request(SHOP["id"]), source="shop")
    with sessions() as session:
        erasure.erase_person(session, person(session, "aino"), audit.COMMAND)
        session.commit()
        assert [session.query(table).count() for table in (ForeignPerson, PersonAddress)] == [0, 0]
    import_records(TEAM, AINO)
    import_records(SHOP, request(SHOP["id"], title="Till is stuck again"), source="shop")
    import_records({**SHOP, "email": None}, source="shop")
    import_records({**SHOP, "id": "elsewhere-1"}, source="elsewhere")
    assert handles(sessions) == []
    with sessions() as session:
        row = session.query(HelpRequest).one()
        assert (row.title, row.replies[0].author_id) == ("Till is stuck again", None)
        keys = {state.key for state in session.query(ImportedRecord).where(ImportedRecord.source == "shop")}
        assert len(keys) == 1


def test_a_reader_whom_the_source_knows_by_another_id_reads_as_the_person_here(
    import_records: Import, sessions: sessionmaker[Session]
) -> None:
    import_records(TEAM, {**AINO, "teams": []}, {"type": "person", "id": "oona", "name": "Oona"})
    import_records(SHOP, request("oona", audience=[f"person:{SHOP['id']}"]), source="shop")
    with sessions() as session:
        audience = request_audience(session.query(HelpRequest).one())
        assert [may_read(audience, reader_of(person(session, name))) for name in ("aino", "oona")] == [True, False]


def test_an_erased_person_is_found_in_the_values_and_names_of_files_of_a_request(
    import_records: Import, sessions: sessionmaker[Session]
) -> None:
    oona = {"type": "person", "id": "oona", "name": "Öona Ylä"}
    lines = [
        request("aino", id="1", properties={"contact": "Öona Ylä"}),
        request("aino", id="2", attachments=["oona.png"]),
    ]
    import_records(oona, *lines, request("aino", id="3", properties={"contact": "Aino"}))
    with sessions() as session:
        assert list(erasure.mentions(session, person(session, "oona"))) == ["request:1", "request:2"]


def test_a_record_of_somebody_who_is_here_says_so_where_nothing_was_taken() -> None:
    lines: list[str] = []
    report = LoadReport(show=lines.append)
    report.count("tickets.csv:1", ("person", "t-aino"), Merge({}), changed=True)
    assert lines == ["tickets.csv:1: person t-aino: known here already"]
