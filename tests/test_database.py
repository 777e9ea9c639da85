"""database.py and the migrations on real SQLite."""

import os
import subprocess
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker

from recommender.database import migrate, open_database, open_engine
from recommender.models import Base, HelpRequest, Reply, RequestAudience
from recommender.settings import Settings


def test_upgrading_from_nothing_gives_exactly_the_models_tables(settings: Settings) -> None:
    engine = open_engine(settings)
    assert inspect(engine).get_table_names() == []
    migrate(engine)
    assert set(inspect(engine).get_table_names()) == {*Base.metadata.tables, "alembic_version"}
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "render_as_batch": True, "compare_server_default": True}
        )
        assert compare_metadata(context, Base.metadata) == []
    engine.dispose()


def test_the_comparison_would_see_a_missing_column(settings: Settings) -> None:
    engine = open_engine(settings)
    migrate(engine)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE people DROP COLUMN away_until"))
        (difference,) = compare_metadata(MigrationContext.configure(connection), Base.metadata)
    assert difference[:3] == ("add_column", None, "people")
    engine.dispose()


def test_migrating_twice_keeps_what_is_there(settings: Settings) -> None:
    first = open_database(settings)
    with first.begin() as session:
        session.add(HelpRequest(title="Kept", body="", language="en", created_at=datetime(2026, 1, 1)))
    first.kw["bind"].dispose()
    again = open_database(settings)
    with again() as session:
        assert [row.title for row in session.query(HelpRequest)] == ["Kept"]
    again.kw["bind"].dispose()


def test_every_sqlite_connection_has_wal_foreign_keys_and_patience(sessions: sessionmaker[Session]) -> None:
    with sessions() as one, sessions() as two:
        for session in (one, two):
            found = [
                session.scalar(text(f"PRAGMA {name}")) for name in ("journal_mode", "foreign_keys", "busy_timeout")
            ]
            assert found == ["wal", 1, 10_000]


def test_foreign_keys_are_enforced_and_a_deleted_request_takes_its_parts_along(
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


def test_a_first_start_that_was_killed_leaves_nothing_in_the_way(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Operations.create_table

    def killed_at_replies(self: Operations, name: str, *columns: Any, **options: Any) -> Any:
        if name == "replies":
            raise KeyboardInterrupt
        return made(self, name, *columns, **options)

    engine = open_engine(settings)
    with monkeypatch.context() as patch:
        patch.setattr(Operations, "create_table", killed_at_replies)
        with pytest.raises(KeyboardInterrupt):
            migrate(engine)
    assert inspect(engine).get_table_names() == []
    migrate(engine)
    assert set(inspect(engine).get_table_names()) >= set(Base.metadata.tables)
    engine.dispose()


def test_processes_that_start_at_once_on_nothing_all_start(settings: Settings) -> None:
    code = (
        "import sys\nfrom pathlib import Path\nfrom recommender.database import open_database\n"
        "from recommender.settings import Settings\nopen_database(Settings(home=Path(sys.argv[1])))"
    )
    command = [sys.executable, "-c", code, str(settings.home)]
    started = [subprocess.Popen(command, cwd=Path(__file__).parent.parent) for _ in range(4)]
    assert [process.wait(60) for process in started] == [0, 0, 0, 0]


def test_a_deleted_request_s_id_is_never_another_s(sessions: sessionmaker[Session]) -> None:
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
def test_a_new_home_is_its_owner_s_alone(settings: Settings) -> None:
    open_database(settings).kw["bind"].dispose()
    assert settings.home.stat().st_mode & 0o077 == 0
