"""loading/: what a source says about people who were erased or deleted here."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from indexer.commands import accounts as commands
from indexer.loading.load import load
from indexer.loading.report import LoadReport
from indexer.sources.jsonl import JSONLSource
from recommender import audit
from recommender.database.import_tables import ImportedRecord, digest
from recommender.database.tables import Document, HelpRequest, Person
from recommender.knowledge import erasure
from recommender.language.analyzer import Analyzer
from recommender.settings import Settings
from tests.rows import rows_of_store

Line = dict[str, Any]
Import = Callable[..., LoadReport]
AT = "2026-01-02T10:00:00"
HR: Line = {"type": "team", "id": "hr", "name": "HR", "restricted": True}


def _person(handle: str, **changes: Any) -> Line:
    return {"type": "person", "id": handle, "name": handle.title()} | changes


def _request(**changes: Any) -> Line:
    reply = {"id": "a", "author": "aino", "body": "Ask payroll", "created_at": AT}
    line = {"type": "request", "id": "r", "title": "Salary", "body": "is late", "created_at": AT, "team": "hr"}
    return line | {"asked_by": "aino", "audience": [], "replies": [reply]} | changes


def _document(**changes: Any) -> Line:
    line = {"type": "document", "id": "d", "title": "Guide", "body": "Text", "updated_at": AT, "team": "hr"}
    return line | {"owner": "aino", "audience": ["team:hr"]} | changes


@pytest.fixture
def import_lines(tmp_path: Path, sessions: sessionmaker[Session], analyzer: Analyzer) -> Import:
    def run(*lines: Line) -> LoadReport:
        path = tmp_path / "records.jsonl"
        path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
        return load(JSONLSource(path), sessions, analyzer)

    return run


@pytest.fixture
def erase(sessions: sessionmaker[Session]) -> Callable[[str], None]:
    def run(handle: str) -> None:
        with sessions.begin() as session:
            person = session.scalars(select(Person).where(Person.handle == handle)).one()
            erasure.erase_person(session, person, audit.COMMAND)

    return run


def _add_namesake(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        commands.add(session, "aino", "Aino Newcomer", "staff", [], None)


def _has_nobody(sessions: sessionmaker[Session]) -> None:
    """No item has a person, and something was looked at."""
    with sessions() as session:
        requests, documents = session.scalars(select(HelpRequest)).all(), session.scalars(select(Document)).all()
        assert requests and documents
        assert {row.asked_by for row in requests} | {row.owner for row in documents} == {None}
        assert not any(reply.author for row in requests for reply in row.replies)


def test_a_later_person_with_the_user_name_of_an_erased_one_gets_nothing_of_theirs(
    import_lines: Import, sessions: sessionmaker[Session], erase: Callable[[str], None]
) -> None:
    import_lines(HR, _person("aino"), _request(), _document())
    erase("aino")
    import_lines(HR, _request(), _document())
    import_lines(HR, _request(title="Salary 2"), _document(title="Guide 2"))
    late = (_request(id="late", title="Came after"), _document(id="late", title="Came after"))
    import_lines(HR, *late)  # the source names the erased person in something new
    _add_namesake(sessions)
    for title in ("Salary 2", "Salary 3"):
        report = import_lines(
            HR, _request(title=title), _document(title=title), *late, _request(id="late", title=title)
        )
        assert report.problems == []
        _has_nobody(sessions)


def test_a_person_who_was_deleted_and_made_again_does_not_get_back_what_was_taken_from_them_here(
    import_lines: Import, sessions: sessionmaker[Session]
) -> None:
    lines = (_document(), _request(replies=[]))
    import_lines(HR, _person("aino"), *lines)
    with sessions.begin() as session:
        session.query(Document).one().owner = None
        session.query(HelpRequest).one().asked_by = None
    with sessions.begin() as session:
        session.delete(session.query(Person).one())
    changed = (_document(title="New"), _request(replies=[], title="New"))
    import_lines(HR, *changed)
    _add_namesake(sessions)
    import_lines(HR, *changed)
    import_lines(HR, *lines)
    _has_nobody(sessions)


def test_no_digest_of_the_user_name_of_an_erased_person_is_left(
    import_lines: Import, sessions: sessionmaker[Session], erase: Callable[[str], None]
) -> None:
    unlisted = _document(id="before")  # imported while nobody had the user name
    import_lines(HR, unlisted)
    import_lines(
        HR, _person("aino"), _person("bo"), _request(anonymous=True), _document(), _document(id="2", owner="bo")
    )
    erase("aino")
    import_lines(HR, unlisted, _request(title="Salary 2"), _document(id="new"))
    with sessions() as session:
        stored = [row.fields for row in session.scalars(select(ImportedRecord))]
    assert len(stored) == 7
    assert [fields for fields in stored if digest("aino") in json.dumps(fields)] == []
    assert [fields["owner"] for fields in stored if digest("bo") in json.dumps(fields)] == [digest("bo")]


def test_an_unchanged_file_changes_nothing_after_somebody_in_it_was_erased(
    import_lines: Import, settings: Settings, erase: Callable[[str], None]
) -> None:
    lines = (HR, _person("bo"), _request(audience=["person:aino", "person:bo"]), _document())
    import_lines(_person("aino"), *lines)
    erase("aino")
    before = rows_of_store(settings)
    assert import_lines(*lines).line() == "0 added, 0 updated, 4 unchanged"
    assert rows_of_store(settings) == before


def test_an_erased_person_in_an_audience_is_left_out_of_it(
    import_lines: Import, sessions: sessionmaker[Session], erase: Callable[[str], None]
) -> None:
    audience = ["person:aino", "person:bo"]
    import_lines(HR, _person("aino"), _person("bo"), _request(audience=audience), _document(audience=audience))
    erase("aino")
    report = import_lines(
        _request(audience=audience, title="Changed"), _request(audience=audience, id="new"),
        _document(audience=audience, title="Changed"), _document(audience=audience, id="new"),
    )  # fmt: skip
    assert (report.problems, report.added, report.updated, report.not_widened) == ([], 2, 2, [])
    assert "people in an audience who were erased here were left out (4 times, first at records.jsonl:1: aino (4))" in (
        list(report.change_lines())
    )
    with sessions() as session:
        number = session.query(Person).one().id
        found = [*session.scalars(select(HelpRequest)), *session.scalars(select(Document))]
        assert [[entry.token for entry in row.audience] for row in found] == [[f"person:{number}"]] * 4
    assert import_lines(_request(id="x", audience=["person:nobody"])).problems == [
        "records.jsonl:1: audience: there is no person 'nobody'. Put the person's line before this one"
    ]
