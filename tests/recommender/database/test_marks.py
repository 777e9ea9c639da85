"""database/dialects/marks.py: every change of what is indexed is marked in SQLite, whoever makes it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.orm import Session, sessionmaker

from indexer.indexing.reindex import reindex
from indexer.indexing.report import ReindexReport
from recommender.database import dialects
from recommender.database.dialects.marks import BLOCK, PERSON, Marks
from recommender.database.engine import open_to_read
from recommender.database.fingerprint import fingerprint, fingerprint_and_newest, mark_changes, marks_of
from recommender.database.tables import HelpRequest, Person, Reply, utc_now
from recommender.language.analyzer import Analyzer
from recommender.settings import Settings
from tests.conftest import FakeEncoder

pytestmark = pytest.mark.sqlite_only
Add = Callable[..., int]
Sessions = sessionmaker[Session]


@pytest.fixture
def run(
    settings: Settings, sessions: Sessions, encoder: FakeEncoder, analyzer: Analyzer
) -> Callable[[], ReindexReport]:
    """Brings the index up to date."""
    return lambda: reindex(settings, sessions, encoder, analyzer, by_times=True)


def _marks(sessions: Sessions) -> Marks:
    with sessions() as session:
        found = marks_of(session)
    assert found is not None
    return found


def _changed(before: Marks, after: Marks) -> set[tuple[str, int]]:
    blocks = before.of_blocks.keys() | after.of_blocks.keys()
    return {block for block in blocks if before.of_blocks.get(block) != after.of_blocks.get(block)}


def _run(sessions: Sessions, *statements: str) -> None:
    with sessions.begin() as session:
        for statement in statements:
            session.execute(text(statement))


def test_nothing_is_marked_before_it_is_asked_for(sessions: Sessions, add_request: Add) -> None:
    add_request("The printer")
    with sessions() as session:
        assert marks_of(session) is None
        newest = fingerprint_and_newest(session)[1]
    mark_changes(sessions)
    assert _marks(sessions).of_blocks.keys() == {("request", 0), (PERSON, 0)}
    with sessions() as session:
        assert fingerprint_and_newest(session)[1] == newest


@pytest.mark.parametrize("way", ["INSERT", "INSERT OR IGNORE", "INSERT OR REPLACE"])
def test_a_row_is_marked_however_it_is_inserted(sessions: Sessions, add_request: Add, way: str) -> None:
    """The way in which a statement deals with a conflict holds for its triggers too."""
    number = add_request("The printer")
    mark_changes(sessions)
    before = _marks(sessions)
    _run(sessions, f"{way} INTO request_audience VALUES ({number}, 'team:hr', '2026-01-01 00:00:00.000000')")
    assert _changed(before, _marks(sessions)) == {("request", 0)}


def test_both_blocks_are_marked_when_a_row_moves_and_all_that_goes_with_a_request(
    sessions: Sessions, add_request: Add
) -> None:
    first, second = add_request("The printer"), add_request("The phone")
    mark_changes(sessions)
    near, far = _marks(sessions), 3 * BLOCK
    _run(sessions, f"INSERT INTO requests SELECT {far} AS id, {_OTHERS} FROM requests WHERE id = {second}")  # noqa: S608
    before = _marks(sessions)
    assert _changed(near, before) == {("request", 3)}
    _run(sessions, f"UPDATE replies SET request_id = {far} WHERE request_id = {first}")  # noqa: S608
    after = _marks(sessions)
    assert _changed(before, after) == {("request", 0), ("request", 3)}
    with sessions.begin() as session:
        session.execute(text(f"DELETE FROM requests WHERE id = {far}"))  # noqa: S608
        assert not session.query(Reply).filter_by(request_id=far).all()
    assert _changed(after, _marks(sessions)) == {("request", 3)}


_OTHERS = (
    "title, body, status, hidden, language, tags, team_id, asked_by_id, created_at, resolved_at, resolution, source, "
    "external_id, accepted_external_id, url, updated_at, anonymous, assigned_to_id, name_known_to"
)


def test_what_was_rolled_back_is_not_marked(sessions: Sessions, add_request: Add) -> None:
    number = add_request("The printer")
    mark_changes(sessions)
    before = _marks(sessions)
    with sessions() as session:
        session.get_one(HelpRequest, number).title = "Another title"
        session.flush()
        session.rollback()
    assert _marks(sessions) == before


def test_no_table_of_what_is_indexed_is_read_for_the_fingerprint(sessions: Sessions, add_request: Add) -> None:
    add_request("The printer")
    mark_changes(sessions)
    statements: list[str] = []
    note: Any = lambda _c, _cursor, statement, *_rest: statements.append(statement)  # noqa: E731
    event.listen(sessions.kw["bind"], "before_cursor_execute", note)
    with sessions() as session:
        before = fingerprint(session)
        session.query(Person).first().name = "Aino Virta"  # type: ignore[union-attr]
        session.commit()
        statements.clear()
        assert fingerprint(session) != before
    read = " ".join(statements)
    assert statements and not [
        name for name in ("requests", "replies", "people", "documents") if f"FROM {name}" in read
    ]


def test_times_that_had_not_come_when_marking_began_take_away_no_newest_change(
    sessions: Sessions, add_request: Add
) -> None:
    first, second = add_request("The printer"), add_request("The screen")
    with sessions.begin() as session:
        session.get_one(HelpRequest, first).updated_at = utc_now() + timedelta(days=300)
    mark_changes(sessions)
    with sessions() as session:
        assert fingerprint_and_newest(session)[1] is not None
    with sessions.begin() as session:
        session.get_one(HelpRequest, second).body = "It is black."
    with sessions() as session:
        newest = fingerprint_and_newest(session)[1]
        assert newest == session.get_one(HelpRequest, second).updated_at


def test_a_time_that_has_not_come_yet_is_not_the_newest(sessions: Sessions, add_request: Add) -> None:
    number = add_request("The printer")
    mark_changes(sessions)
    with sessions() as session:
        before = fingerprint_and_newest(session)[1]
        session.get_one(HelpRequest, number).updated_at = utc_now() + timedelta(days=1)
        session.commit()
        assert before is not None and fingerprint_and_newest(session)[1] == before


@pytest.mark.parametrize(
    "lose",
    [
        "DROP TRIGGER changed_block_of_replies_request_id_update",
        "ALTER TABLE replies RENAME TO replies_before",
    ],
)
def test_marks_are_not_used_when_some_may_be_missing(sessions: Sessions, add_request: Add, lose: str) -> None:
    add_request("The printer")
    mark_changes(sessions)
    _run(sessions, lose)
    with sessions() as session:
        assert marks_of(session) is None


def test_what_changes_without_being_marked_is_found_all_the_same(
    sessions: Sessions, add_request: Add, run: Callable[[], ReindexReport]
) -> None:
    numbers = [add_request(f"Request {number}") for number in range(3)]
    run()
    held = _marks(sessions)
    with sessions.kw["bind"].begin() as connection:
        dialects.of(connection).begin_migration(connection)
    with sessions.begin() as session:
        assert marks_of(session) is None
        session.get_one(HelpRequest, numbers[1]).title = "Another title"
    assert run().encoded > 0
    assert _changed(held, _marks(sessions)) == held.of_blocks.keys()
    before = run().generation
    assert run().generation == before


def test_a_database_that_cannot_be_written_is_not_marked(settings: Settings, sessions: Sessions) -> None:
    reading = open_to_read(settings)
    mark_changes(reading)
    with reading() as session:
        assert marks_of(session) is None and fingerprint(session)
    reading.kw["bind"].dispose()
