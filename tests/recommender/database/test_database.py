"""database/engine.py and the migrations, on real SQLite."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, column, inspect, select, table, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker

import recommender
from recommender.database.account_tables import Account, APIToken
from recommender.database.engine import migrate, newest_revision, open_database, open_engine
from recommender.database.handles import usable_handle
from recommender.database.tables import Base, Document, Event, HelpRequest, Person, Reply, RequestAudience, Team
from recommender.settings import Settings
from tests.migrations import stopped_at
from tests.paths import ROOT

pytestmark = pytest.mark.sqlite_only  # test_postgresql.py tests the same things on PostgreSQL


@pytest.fixture(autouse=True)
def each_migrated(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here each new database gets its tables from the migrations, and not from one that was migrated before."""
    monkeypatch.setattr("recommender.database.engine.migrate", migrate)


def test_upgrading_an_empty_database_makes_exactly_the_declared_tables(settings: Settings) -> None:
    engine = open_engine(settings)
    assert inspect(engine).get_table_names() == []
    migrate(engine)
    assert set(inspect(engine).get_table_names()) == {*Base.metadata.tables, "alembic_version"}
    assert _differences(engine) == []
    engine.dispose()


def _differences(engine: Engine) -> Any:
    """The changes that Alembic would make to get the declared tables."""
    options = {"compare_type": True, "render_as_batch": True, "compare_server_default": True}
    with engine.connect() as connection:
        return compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata)


def test_the_comparison_finds_a_missing_column(settings: Settings) -> None:
    engine = open_engine(settings)
    migrate(engine)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE people DROP COLUMN away_until"))
        (difference,) = compare_metadata(MigrationContext.configure(connection), Base.metadata)
    assert difference[:3] == ("add_column", None, "people")
    engine.dispose()


AT_0001 = """
    INSERT INTO teams VALUES (1, 'it', 'IT', 'IT-tuki'), (2, 'gone', 'Gone', NULL);
    DELETE FROM teams WHERE id = 2;
    INSERT INTO people VALUES (7, 'aino', 'Aino', 'agent', '["fi"]', NULL, '2026-05-01', '2026-01-01 00:00:00');
    INSERT INTO team_members VALUES (1, 7);
    INSERT INTO requests VALUES (4, 'VPN', 'It drops.', 'resolved', 0, 'en', '["vpn"]', 1, 7, '2026-01-02 00:00:00',
        '2026-01-03 00:00:00', 'Update it.', 'jsonl', 'r1', NULL, NULL, '2026-01-03 00:00:00');
    INSERT INTO requests VALUES (5, 'Door', '', 'open', 1, 'en', '[]', NULL, NULL, '2026-01-04 00:00:00',
        NULL, NULL, 'kollega', NULL, NULL, 'https://example.org', '2026-01-04 00:00:00');
    INSERT INTO replies VALUES (2, 4, 7, 'Which one?', '2026-01-02 10:00:00', 0, 3, 'a1', '2026-01-02 10:00:00');
    INSERT INTO replies VALUES (3, 4, 7, 'Update it.', '2026-01-03 00:00:00', 1, 0, NULL, '2026-01-03 00:00:00');
    INSERT INTO request_audience VALUES (4, 'team:it', '2026-01-02 00:00:00');
    INSERT INTO request_audience VALUES (5, 'everyone', '2026-01-04 00:00:00');
    INSERT INTO request_links VALUES (5, 4, 'related');
    INSERT INTO documents VALUES (6, 'Guide', '## VPN', 'en', 0, 1, 7, '2026-01-05 00:00:00', '2026-02-01', 'jsonl',
        'd1', NULL, '2026-01-05 00:00:00');
    INSERT INTO document_audience VALUES (6, 'everyone', '2026-01-05 00:00:00')
"""


@pytest.fixture
def at_0001(settings: Settings) -> Iterator[Engine]:
    """A database as the first version left it, with rows in every table."""
    engine = open_engine(settings)
    _alembic(engine, command.upgrade, "0001")
    with engine.begin() as connection:
        for statement in AT_0001.split(";"):
            connection.exec_driver_sql(statement)
    yield engine
    engine.dispose()


def _alembic(engine: Engine, direction: Callable[[Config, str], None], revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(recommender.__file__).parent / "database" / "migrations"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        direction(config, revision)


def _rows(engine: Engine, columns: dict[str, list[str]]) -> dict[str, list[dict[str, Any]]]:
    """Every row of these tables, with these columns."""
    with engine.connect() as connection:
        return {
            name: [dict(row) for row in connection.execute(select(table(name, *map(column, names)))).mappings()]
            for name, names in columns.items()
        }


def _columns(engine: Engine) -> dict[str, list[str]]:
    inspected = inspect(engine)
    return {
        name: [column_info["name"] for column_info in inspected.get_columns(name)]
        for name in inspected.get_table_names()
    }


def test_upgrading_from_the_first_version_keeps_every_row(at_0001: Engine) -> None:
    columns = _columns(at_0001)
    before = _rows(at_0001, columns)
    assert all(before.values()) and before.pop("alembic_version") == [{"version_num": "0001"}]
    migrate(at_0001)
    after = _rows(at_0001, columns)
    assert after.pop("alembic_version") != [{"version_num": "0001"}]
    assert after == before


def test_rows_from_before_an_upgrade_have_the_defaults_of_new_columns(at_0001: Engine) -> None:
    migrate(at_0001)
    with Session(at_0001) as session:
        assert [team.restricted for team in session.query(Team)] == [False]
        assert [(row.anonymous, row.assigned_to_id, row.attempts) for row in session.query(HelpRequest)] == [
            (False, None, [])
        ] * 2
        (page,) = session.query(Document)
        assert (page.draft, page.review_days, page.verified_by_id, page.drafted_from_id) == (False, None, None, None)
        assert session.query(Account).count() == session.query(APIToken).count() == session.query(Event).count() == 0


def test_an_upgraded_database_has_the_declared_constraints(at_0001: Engine) -> None:
    migrate(at_0001)
    for statement in (
        "UPDATE requests SET assigned_to_id = 404",
        "UPDATE requests SET anonymous = NULL",
        "UPDATE documents SET verified_by_id = 404",
        "UPDATE documents SET drafted_from_id = 404",
        "UPDATE documents SET draft = NULL",
        "UPDATE teams SET restricted = NULL",
        "INSERT INTO accounts VALUES (404, NULL, 0, NULL, NULL)",
        "INSERT INTO events VALUES (1, 'used', 'request:4', '2026-01-01', 404, NULL, NULL, 0)",
    ):
        with at_0001.connect() as connection, pytest.raises(IntegrityError):
            connection.exec_driver_sql(statement)


def test_an_upgraded_database_never_reuses_an_id(at_0001: Engine) -> None:
    migrate(at_0001)
    with at_0001.begin() as connection:
        added = "INSERT INTO teams (handle, name) VALUES ('hr', 'HR')"
        assert connection.exec_driver_sql(added).lastrowid == 3  # 2 was the id of a deleted team


def _upgrade_and_downgrade(engine: Engine, version: str, statements: Sequence[str]) -> None:
    """Upgrade, write values that only the newest version has, and downgrade: the old rows are unchanged, and a second
    upgrade works."""
    columns = _columns(engine)
    before = _rows(engine, columns)
    migrate(engine)
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    _alembic(engine, command.downgrade, version)
    assert _columns(engine) == columns
    assert _rows(engine, columns) == before
    migrate(engine)
    assert _differences(engine) == []


def test_downgrading_to_the_first_version_keeps_its_rows_and_upgrading_again_works(at_0001: Engine) -> None:
    _upgrade_and_downgrade(
        at_0001,
        "0001",
        (
            "UPDATE teams SET restricted = 1",
            "UPDATE requests SET anonymous = 1, assigned_to_id = 7",
            "UPDATE documents SET draft = 1, review_days = 90, verified_by_id = 7, drafted_from_id = 4",
            "INSERT INTO accounts VALUES (7, NULL, 0, NULL, NULL)",
            "INSERT INTO events VALUES (1, 'used', 'request:4', '2026-01-01', 5, NULL, NULL, 0)",
        ),
    )


def test_downgrading_to_the_second_version_deletes_personal_settings_and_nothing_else(at_0001: Engine) -> None:
    _alembic(at_0001, command.upgrade, "0002")
    _upgrade_and_downgrade(
        at_0001,
        "0002",
        (
            "INSERT INTO person_settings VALUES (7, 1, 3, NULL)",
            "INSERT INTO person_topics VALUES (1, 7, 'muted', 'vpn', '2026-01-01')",
            "INSERT INTO first_suggestions VALUES (7, '2026-01-01', 2)",
        ),
    )
    assert not any(_rows(at_0001, {"person_settings": ["person_id"], "first_suggestions": ["day"]}).values())


def test_an_upgrade_tells_services_from_people_by_their_names(at_0001: Engine) -> None:
    with at_0001.begin() as connection:
        added = "INSERT INTO people VALUES (8, 'jira', 'Automation for Jira', 'staff', '[]', NULL, NULL, '2026-01-01')"
        connection.exec_driver_sql(added)
    migrate(at_0001)
    rows = _rows(at_0001, {"people": ["handle", "kind", "stated_kind"]})["people"]
    assert rows == [
        {"handle": "aino", "kind": "person", "stated_kind": None},
        {"handle": "jira", "kind": "service", "stated_kind": None},
    ]


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO person_settings VALUES (404, 0, NULL, NULL)",
        "INSERT INTO person_settings VALUES (7, 0, NULL, 404)",
        "INSERT INTO person_topics VALUES (1, 404, 'muted', 'vpn', '2026-01-01')",
        "INSERT INTO person_topics VALUES (2, 7, 'muted', 'vpn', '2026-01-01'), (3, 7, 'muted', 'vpn', '2026-01-02')",
        "INSERT INTO first_suggestions VALUES (7, '2026-01-01', 1), (7, '2026-01-01', 1)",
    ],
)
def test_personal_settings_need_an_existing_person_and_are_unique(at_0001: Engine, statement: str) -> None:
    migrate(at_0001)
    with at_0001.connect() as connection, pytest.raises(IntegrityError):
        connection.exec_driver_sql(statement)


def test_migrating_twice_keeps_the_rows(settings: Settings) -> None:
    first = open_database(settings)
    with first.begin() as session:
        session.add(HelpRequest(title="Kept", body="", language="en", created_at=datetime(2026, 1, 1)))
    first.kw["bind"].dispose()
    again = open_database(settings)
    with again() as session:
        assert [row.title for row in session.query(HelpRequest)] == ["Kept"]
    again.kw["bind"].dispose()


def test_the_newest_revision_is_the_one_alembic_finds() -> None:
    migrations = Path(recommender.__file__).parent / "database" / "migrations"
    assert newest_revision() == ScriptDirectory(str(migrations)).get_current_head()


def test_a_database_that_has_the_newest_tables_is_opened_without_alembic(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_database(settings).kw["bind"].dispose()
    upgrades: list[str] = []
    monkeypatch.setattr(command, "upgrade", lambda _config, revision: upgrades.append(revision))
    open_database(settings).kw["bind"].dispose()
    assert upgrades == []
    open_database(replace(settings, home=settings.home / "another")).kw["bind"].dispose()
    assert upgrades == ["head"]


def test_every_sqlite_connection_has_wal_foreign_keys_and_a_timeout(sessions: sessionmaker[Session]) -> None:
    with sessions() as first_session, sessions() as second_session:
        for session in (first_session, second_session):
            values = [
                session.scalar(text(f"PRAGMA {name}"))
                for name in ("journal_mode", "foreign_keys", "busy_timeout", "synchronous")
            ]
            assert values == ["wal", 1, 10_000, 2]  # 2 is FULL: a commit waits for the disk


def test_an_engine_that_need_not_be_durable_does_not_wait_for_locks_or_the_disk(settings: Settings) -> None:
    engine = open_engine(settings, wait=0.05, durable=False)
    with engine.connect() as connection:
        values = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("busy_timeout", "synchronous")]
    engine.dispose()
    assert values == [50, 1]


def test_foreign_keys_are_enforced_and_deleting_a_request_deletes_its_parts(
    sessions: sessionmaker[Session],
) -> None:
    with sessions() as session:
        session.add(Reply(request_id=404, body="lost", created_at=datetime(2026, 1, 1)))
        with pytest.raises(IntegrityError, match="FOREIGN KEY"):
            session.flush()
    with sessions.begin() as session:
        row = HelpRequest(title="T", body="", language="en", created_at=datetime(2026, 1, 1))
        row.replies.append(Reply(body="r", created_at=datetime(2026, 1, 1)))
        row.audience.append(RequestAudience(token="everyone"))
        session.add(row)
    with sessions.begin() as session:
        session.execute(text("DELETE FROM requests"))
        assert session.query(Reply).count() == session.query(RequestAudience).count() == 0


def test_a_reader_sees_the_last_commit_while_someone_writes(sessions: sessionmaker[Session]) -> None:
    with sessions() as writer, sessions() as reader:
        writer.add(HelpRequest(title="T", body="", language="en", created_at=datetime(2026, 1, 1)))
        writer.flush()
        assert reader.query(HelpRequest).count() == 0
        reader.rollback()
        writer.commit()
        assert reader.query(HelpRequest).count() == 1


def test_the_home_directory_is_made_and_another_database_can_be_named(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "a" / "b")
    open_database(settings).kw["bind"].dispose()
    assert (tmp_path / "a" / "b" / "kollega.db").is_file()
    other = replace(settings, database=f"sqlite:///{tmp_path / 'other.db'}")
    open_database(other).kw["bind"].dispose()
    assert (tmp_path / "other.db").is_file()


def test_a_first_start_succeeds_after_an_earlier_one_was_killed(settings: Settings) -> None:
    engine = open_engine(settings)
    with stopped_at("replies"):
        migrate(engine)
    assert inspect(engine).get_table_names() == []
    migrate(engine)
    assert set(inspect(engine).get_table_names()) >= set(Base.metadata.tables)
    engine.dispose()


def test_processes_that_start_together_on_an_empty_home_all_start(settings: Settings) -> None:
    code = (
        "import sys\nfrom pathlib import Path\nfrom recommender.database.engine import open_database\n"
        "from recommender.settings import Settings\nopen_database(Settings(home=Path(sys.argv[1])))"
    )
    command = [sys.executable, "-c", code, str(settings.home)]
    started = [subprocess.Popen(command, cwd=ROOT) for _ in range(4)]
    assert [process.wait(300) for process in started] == [0, 0, 0, 0]


def test_the_id_of_a_deleted_request_is_never_used_again(sessions: sessionmaker[Session]) -> None:
    ids = []
    for title in ("first", "second"):
        with sessions.begin() as session:
            row = HelpRequest(title=title, body="", language="en", created_at=datetime(2026, 1, 1))
            session.add(row)
            session.flush()
            ids.append(row.id)
        with sessions.begin() as session:
            session.delete(session.get_one(HelpRequest, ids[-1]))
    assert ids[0] != ids[1]


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
def test_a_new_home_is_readable_only_by_its_owner(settings: Settings) -> None:
    open_database(settings).kw["bind"].dispose()
    assert settings.home.stat().st_mode & 0o077 == 0


def test_handles_that_can_stand_in_no_address_are_renamed_with_their_audiences(settings: Settings) -> None:
    engine = open_engine(settings)
    _alembic(engine, command.upgrade, "0008")
    with engine.begin() as connection:
        for statement in (
            "INSERT INTO people (id, handle, name, role, languages, kind, updated_at)"
            " VALUES (1, 'a/b', 'A', 'staff', '[]', 'person', '2020-01-01'),"
            " (2, 'aino', 'Aino', 'staff', '[]', 'person', '2020-01-01')",
            "INSERT INTO teams (id, handle, name) VALUES (1, 'it/desk', 'IT'), (2, 'hr', 'HR')",
            "INSERT INTO requests"
            " (id, title, body, status, hidden, language, tags, team_id, created_at, source, updated_at)"
            " VALUES (1, 'x', 'x', 'open', 0, 'en', '[]', 2, '2020-01-01', 'x', '2020-01-01'),"
            " (2, 'x', 'x', 'open', 0, 'en', '[]', 2, '2020-01-01', 'x', '2020-01-01')",
            "INSERT INTO request_audience (request_id, token, updated_at) VALUES (1, 'team:it/desk', '2020-01-01'),"
            " (2, 'team:hr', '2020-01-01')",
        ):
            connection.exec_driver_sql(statement)
    migrate(engine)
    team = usable_handle("it/desk", "team")
    with engine.connect() as connection:
        assert [row[0] for row in connection.exec_driver_sql("SELECT handle FROM people ORDER BY id")] == [
            usable_handle("a/b"),
            "aino",
        ]
        assert [row[0] for row in connection.exec_driver_sql("SELECT handle FROM teams ORDER BY id")] == [team, "hr"]
        tokens = connection.exec_driver_sql("SELECT token FROM request_audience ORDER BY request_id")
        assert [row[0] for row in tokens] == [f"team:{team}", "team:hr"]
        changed = connection.exec_driver_sql("SELECT updated_at > '2020-01-02' FROM requests ORDER BY id")
        assert [row[0] for row in changed] == [1, 0]
    engine.dispose()


def test_what_is_deleted_in_any_way_is_overwritten_in_the_file(
    settings: Settings, sessions: sessionmaker[Session]
) -> None:
    with sessions.begin() as session:
        session.add(Person(handle="zyxwvut", name="Zyxwvut Erkki"))
    with sessions() as session:
        session.connection().exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    assert b"Zyxwvut Erkki" in (settings.home / "kollega.db").read_bytes()
    with sessions.begin() as session:
        session.execute(text("DELETE FROM people"))
    with sessions() as session:
        session.connection().exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    assert b"Zyxwvut Erkki" not in (settings.home / "kollega.db").read_bytes()


def test_each_thread_of_a_server_with_many_has_connections(settings: Settings) -> None:
    sessions = open_database(replace(settings, server_threads=12))
    with ExitStack() as held:
        for _thread in range(2 * 12 + 2):
            for _session in range(2):
                held.enter_context(sessions()).connection()
        assert sessions.kw["bind"].pool.checkedout() == 2 * (2 * 12 + 2)
    sessions.kw["bind"].dispose()
