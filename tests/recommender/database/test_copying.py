"""copying.py: a store goes from SQLite to PostgreSQL and back, equal row by row, or not at all."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from recommender import audit
from recommender.database import backup, copying
from recommender.database.backup import back_up, restore
from recommender.database.copying import at, copy_store
from recommender.database.engine import migrate, newest_revision, open_database, open_engine
from recommender.database.fingerprint import mark_changes
from recommender.database.handover_tables import Handover
from recommender.database.tables import HelpRequest, Person, PersonSettings, Reply, RequestAudience, Team
from recommender.errors import BackupError, DatabaseUnusable, DatabaseVersion
from recommender.settings import Settings
from tests.postgresql import Server
from tests.rows import all_rows

pytestmark = pytest.mark.sqlite_only  # the fixtures `settings` and `sessions` are the store on SQLite


@pytest.fixture
def server_settings(tmp_path: Path, server: Server, request: pytest.FixtureRequest) -> Settings:
    """Settings with an empty database on PostgreSQL."""
    return Settings(home=tmp_path / "other", database=server.new_database(request))


@pytest.fixture
def store(sessions: sessionmaker[Session]) -> sessionmaker[Session]:
    """A store with texts, times, JSON with and without a value, a deputy who comes later, and a deleted row."""
    with sessions.begin() as session:
        people = [Person(handle=handle, name="Ääkkönen \U0001f600", languages=["fi", "sv"]) for handle in ("aino", "Ä")]
        session.add_all([*people, Team(handle="it", name="IT", members=people)])
        session.flush()
        session.add(PersonSettings(person_id=people[0].id, paused=True, deputy_id=people[1].id))
        for number in range(3):
            row = HelpRequest(
                title="T", body="b" * 3000, language="en", created_at=datetime(2026, 3, 29, 3, 30, 0, number),
                external_id=f"r{number}", source="x", tags=["ä", '"', "\\"],
            )  # fmt: skip
            row.audience.append(RequestAudience(token="everyone"))
            row.replies.append(Reply(body="r", created_at=datetime(2026, 1, 1), accepted=True))
            session.add(row)
            session.flush()
            there = None if number else ["team:it"]
            session.add(
                Handover(request_id=row.id, target="s", key=f"{number}", state="sent", readers_there=there, attempts=1)
            )
        audit.record(session, audit.SYSTEM, "request.audience", "request:1", {"before": [], "after": ["ä"]})
    with sessions.begin() as session:
        session.execute(text("DELETE FROM requests WHERE id = 3"))
    return sessions


@pytest.fixture
def back(tmp_path: Path) -> Iterator[Settings]:
    yield Settings(home=tmp_path / "back")


def test_a_store_goes_to_postgresql_and_comes_back_equal(
    settings: Settings, store: sessionmaker[Session], server_settings: Settings, back: Settings
) -> None:
    told: list[tuple[str, int, int]] = []
    there = copy_store(settings, server_settings, lambda *progress: told.append(progress))
    assert there.revision == newest_revision() and there.rows["requests"] == 2
    assert ("copying requests", 2, 2) in told and ("comparing requests", 2, 2) in told
    assert copy_store(server_settings, back) == there
    assert all_rows(back.home / "kollega.db", ()) == all_rows(settings.home / "kollega.db", ())
    for settings_of_copy in (server_settings, back):
        factory = open_database(settings_of_copy)
        with factory.begin() as session:
            assert audit.verify(session) == []
            added = HelpRequest(title="new", body="", language="en", created_at=datetime(2026, 1, 1))
            session.add(added)
            session.flush()
            assert added.id == 4  # 3 was deleted before
        factory.kw["bind"].dispose()


@pytest.mark.sqlite_only
def test_what_marks_changes_is_no_content_of_a_store(
    settings: Settings, store: sessionmaker[Session], back: Settings
) -> None:
    mark_changes(store)
    factory = open_database(back)
    mark_changes(factory)
    with factory.begin() as session:
        session.add(Team(handle="there", name="There"))
        session.add(Person(handle="there", name="There"))
    with factory.begin() as session:
        session.query(Team).delete()
        session.query(Person).delete()
    factory.kw["bind"].dispose()
    assert copy_store(settings, back).rows["requests"] == 2


def test_a_store_that_is_not_empty_gets_no_row(
    settings: Settings, store: sessionmaker[Session], server_settings: Settings
) -> None:
    factory = open_database(server_settings)
    with factory.begin() as session:
        session.add(Team(handle="there", name="There"))
    with pytest.raises(DatabaseUnusable, match="not empty: there are rows in teams") as refused:
        copy_store(settings, server_settings)
    assert "Nothing was copied" in str(refused.value)
    with factory() as session:
        assert [team.handle for team in session.query(Team)] == ["there"]
    factory.kw["bind"].dispose()


def test_an_abort_leaves_the_target_empty_and_a_second_try_copies_all(
    settings: Settings, store: sessionmaker[Session], server_settings: Settings
) -> None:
    def stop(label: str, _done: int, _total: int) -> None:
        if label == "comparing requests":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        copy_store(settings, server_settings, stop)
    assert copying.is_empty(server_settings)
    assert copy_store(settings, server_settings).rows["requests"] == 2


def test_a_copy_that_differs_is_not_kept(
    settings: Settings, store: sessionmaker[Session], server_settings: Settings
) -> None:
    engine = open_engine(server_settings)
    with engine.begin() as connection:
        connection.execute(
            text("CREATE RULE shorten AS ON INSERT TO replies DO ALSO UPDATE replies SET score = 7 WHERE id = 2")
        )
    engine.dispose()
    with pytest.raises(DatabaseUnusable, match="replies is not equal to the original"):
        copy_store(settings, server_settings)
    assert copying.is_empty(server_settings)


def test_what_postgresql_cannot_store_is_named_by_its_row(
    settings: Settings, store: sessionmaker[Session], server_settings: Settings
) -> None:
    with store.begin() as session:
        session.get_one(HelpRequest, 2).body = "a\0b"
    with pytest.raises(DatabaseUnusable, match="The row 2 of requests has a text with a character NUL"):
        copy_store(settings, server_settings)


def test_a_table_of_another_program_stays_where_it_is(
    settings: Settings, store: sessionmaker[Session], server_settings: Settings, back: Settings, tmp_path: Path
) -> None:
    copy_store(settings, server_settings)
    engine = open_engine(server_settings)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE theirs (id serial PRIMARY KEY)"))
        connection.execute(text("INSERT INTO theirs DEFAULT VALUES"))
    engine.dispose()
    assert "theirs" not in copy_store(server_settings, back).rows
    assert all_rows(back.home / "kollega.db", ()) == all_rows(settings.home / "kollega.db", ())
    assert back_up(server_settings, tmp_path / "backup.zip").revision == newest_revision()


def test_a_place_without_a_store_or_of_another_version_is_refused(
    settings: Settings, store: sessionmaker[Session], server: Server, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    server_settings = Settings(home=tmp_path / "other", database=server.new_database(request, empty=True))
    with pytest.raises(DatabaseUnusable, match="There is no database at"):
        copy_store(at(settings, str(tmp_path / "nowhere.db")), server_settings)
    with pytest.raises(DatabaseUnusable, match="nothing to copy"):
        copy_store(server_settings, Settings(home=tmp_path / "third"))
    engine = open_engine(server_settings)
    migrate(engine, "0007")
    engine.dispose()
    with pytest.raises(DatabaseVersion, match="kollega upgrade"):
        copy_store(settings, server_settings)


def test_a_place_is_an_address_a_file_or_a_home(settings: Settings, tmp_path: Path) -> None:
    assert at(settings, "postgresql+psycopg://x@y/z").database == "postgresql+psycopg://x@y/z"
    assert at(settings, str(tmp_path)) == replace(settings, home=tmp_path, database="")
    assert at(settings, str(tmp_path / "a.db")).database == f"sqlite:///{tmp_path / 'a.db'}"


def test_a_backup_of_one_database_is_restored_into_the_other(
    settings: Settings, store: sessionmaker[Session], server_settings: Settings, back: Settings, tmp_path: Path
) -> None:
    (settings.home / "synonyms.txt").write_text("a, b")
    back_up(settings, tmp_path / "one.zip")
    restore(server_settings, tmp_path / "one.zip")
    assert (server_settings.home / "synonyms.txt").read_text() == "a, b"
    made = back_up(server_settings, tmp_path / "two.zip")
    assert made.revision == newest_revision() and set(made.files) == {"kollega.db", "synonyms.txt"}
    restore(back, tmp_path / "two.zip")
    assert all_rows(back.home / "kollega.db", ()) == all_rows(settings.home / "kollega.db", ())
    with pytest.raises(BackupError, match="not empty"):
        restore(replace(server_settings, home=tmp_path / "new"), tmp_path / "one.zip")


def test_a_restore_that_fails_on_the_server_leaves_the_home_empty_and_can_be_run_again(
    settings: Settings,
    store: sessionmaker[Session],
    server: Server,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    for name in ("secret_key", "synonyms.txt"):
        (settings.home / name).write_text("a, b")
    back_up(settings, tmp_path / "one.zip")
    target = Settings(home=tmp_path / "other", database=server.new_database(request, empty=True))
    older = replace(target, database=server.new_database(request, empty=True))
    engine = open_engine(older)
    migrate(engine, "0007")
    engine.dispose()
    with pytest.raises(DatabaseVersion):
        restore(older, tmp_path / "one.zip")
    assert list(target.home.iterdir()) == []
    with monkeypatch.context() as patch:
        patch.setattr(copying, "_compare", _fail)
        with pytest.raises(DatabaseUnusable, match="on purpose"):
            restore(target, tmp_path / "one.zip")
    assert list(target.home.iterdir()) == []
    restore(target, tmp_path / "one.zip")
    assert (target.home / "synonyms.txt").read_text() == "a, b"


def _fail(*_given: object) -> Iterator[int]:
    raise DatabaseUnusable("This failed on purpose.")


def test_a_database_with_tables_of_another_version_is_refused_before_a_file_is_read(
    settings: Settings,
    store: sessionmaker[Session],
    tmp_path: Path,
    server: Server,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    back_up(settings, tmp_path / "backup.zip")
    other = Settings(home=tmp_path / "restored", database=server.new_database(request, empty=True))
    engine = open_engine(other)
    migrate(engine, "0007")
    engine.dispose()
    monkeypatch.setattr(backup, "_check", _fail)
    with pytest.raises(DatabaseVersion, match=r"has tables of another version \(0007\)"):
        restore(other, tmp_path / "backup.zip")
    assert list(other.home.iterdir()) == []
