"""PostgreSQL: its tables, its locks, what it tells, and what Kollega says when it cannot be used."""

import threading
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, create_engine, event, inspect, text
from sqlalchemy.exc import DBAPIError, IntegrityError, InternalError, OperationalError
from sqlalchemy.orm import Session, sessionmaker

from recommender.database import dialects
from recommender.database.engine import migrate, newest_revision, open_database, open_engine, open_to_read, revision
from recommender.database.failures import explain, is_away, is_locked, reason
from recommender.database.fingerprint import fingerprint
from recommender.database.listening import Listener
from recommender.database.tables import Base, HelpRequest, Person, Reply, Team
from recommender.errors import DatabaseUnusable, DatabaseVersion, SettingsError
from recommender.knowledge.counting import Counting
from recommender.settings import Settings
from tests.migrations import stopped_at
from tests.postgresql import Server, modes_kept
from tests.timing import LONG


@pytest.fixture
def settings(tmp_path: Path, server: Server, request: pytest.FixtureRequest) -> Settings:
    return Settings(home=tmp_path / "home", database=server.new_database(request))


@pytest.fixture
def empty(settings: Settings, server: Server, request: pytest.FixtureRequest) -> Settings:
    """Settings with a database without tables."""
    return replace(settings, database=server.new_database(request, empty=True))


@pytest.fixture
def sessions(settings: Settings) -> Iterator[sessionmaker[Session]]:
    factory = open_database(settings)
    yield factory
    factory.kw["bind"].dispose()


def _request(title: str = "T") -> HelpRequest:
    return HelpRequest(title=title, body="", language="en", created_at=datetime(2026, 1, 1))


def _differences(engine: Engine) -> Any:
    """The changes that Alembic would make; that texts have no length here is no difference."""
    options = {"compare_type": True}
    with engine.connect() as connection:
        found = compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata)
    kinds = [str(each[0]) if isinstance(each, tuple) else str(each[0][0]) for each in found]
    types = [(str(each[0][5]), str(each[0][6]).partition("(")[0]) for each in found if isinstance(each, list)]
    assert set(types) <= {('TEXT COLLATE "C"', "VARCHAR"), ('TEXT COLLATE "C"', "TEXT")}
    return [kind for kind in kinds if kind != "modify_type"]


def test_an_empty_database_gets_exactly_the_declared_tables(empty: Settings) -> None:
    engine = open_engine(empty)
    assert revision(engine) is None
    migrate(engine)
    assert set(inspect(engine).get_table_names()) == {*Base.metadata.tables, "alembic_version"}
    assert revision(engine) == newest_revision() and _differences(engine) == []
    engine.dispose()


def test_an_older_store_is_upgraded_with_its_rows(empty: Settings) -> None:
    engine = open_engine(empty)
    migrate(engine, "0007")
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO people (id, handle, name, role, languages, kind, updated_at)"
            " VALUES (7, 'a/b', 'A', 'staff', '[\"fi\"]', 'person', '2020-01-01')"
        )
        connection.exec_driver_sql(
            "INSERT INTO accounts (person_id, session_key, disabled) VALUES (7, 'key', false);"
            "INSERT INTO api_tokens (person_id, name, digest, scopes, created_at)"
            " VALUES (7, 'n', 'd', '[]', '2020-01-01')"
        )
    with pytest.raises(DatabaseVersion, match="kollega upgrade"):
        open_database(empty)
    migrate(engine)
    with Session(engine) as session:
        (person,) = session.query(Person)
        assert person.handle != "a/b" and person.languages == ["fi"]
        session.add(Person(handle="new", name="New"))
        session.flush()
        token = "INSERT INTO api_tokens (person_id, name, digest, scopes, created_at) VALUES (7, 'm', 'e', '[]', now())"
        assert session.execute(text(f"{token} RETURNING id")).scalar() == 2
    assert _differences(engine) == []
    engine.dispose()


def test_a_migration_that_fails_leaves_no_table(empty: Settings) -> None:
    engine = open_engine(empty)
    with stopped_at("replies"):
        migrate(engine)
    assert inspect(engine).get_table_names() == []
    engine.dispose()


def test_two_that_start_on_an_empty_database_make_the_tables_once(empty: Settings) -> None:
    failures: list[BaseException] = []

    def start() -> None:
        try:
            open_database(empty).kw["bind"].dispose()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=start) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == [] and not any(thread.is_alive() for thread in threads)


def test_texts_sort_and_compare_by_their_characters_and_may_be_long(sessions: sessionmaker[Session]) -> None:
    handles = ["Ä", "a", "B", "ä", "_", "Z", "é"]
    with sessions.begin() as session:
        session.add_all(Person(handle=handle, name="n" * 300) for handle in handles)
    with sessions() as session:
        assert list(session.scalars(text("SELECT handle FROM people ORDER BY handle"))) == sorted(handles)
        assert session.query(Person).filter(Person.handle > "_").count() == 4
    query = "SELECT c.relname, a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_collation l"
    query += " ON l.oid = a.attcollation WHERE c.relkind = 'r' AND NOT a.attisdropped"
    query += " AND c.relnamespace = 'public'::regnamespace"
    with sessions() as session:  # the version of the tables is Alembic's
        assert session.execute(text(f"{query} AND l.collname <> 'C' AND c.relname <> 'alembic_version'")).all() == []


def test_a_time_comes_back_as_it_was_to_the_microsecond(sessions: sessionmaker[Session]) -> None:
    moment = datetime(2026, 3, 29, 3, 30, 0, 123456)  # an hour that some time zones lack
    with sessions.begin() as session:
        session.execute(text("SET LOCAL TIME ZONE 'Europe/Helsinki'"))
        request = _request()
        request.created_at = moment
        session.add(request)
    with sessions() as session:
        assert session.query(HelpRequest).one().created_at == moment


def test_references_are_enforced_and_parts_go_with_their_request(sessions: sessionmaker[Session]) -> None:
    with sessions() as session, pytest.raises(IntegrityError):
        session.add(Reply(request_id=404, body="lost", created_at=datetime(2026, 1, 1)))
        session.flush()
    with sessions.begin() as session:
        request = _request()
        request.replies.append(Reply(body="r", created_at=datetime(2026, 1, 1)))
        session.add(request)
    with sessions.begin() as session:
        session.execute(text("DELETE FROM requests"))
        assert session.query(Reply).count() == 0


def test_one_transaction_writes_at_a_time_and_nobody_waits_to_read(settings: Settings) -> None:
    engine = open_engine(settings, wait=0.05)
    factory = sessionmaker(engine)
    with factory() as first, factory() as second:
        first.add(Team(handle="it", name="IT"))
        first.flush()
        assert second.query(Team).count() == 0
        second.add(Team(handle="hr", name="HR"))  # another row, which no lock of a row would stop
        with pytest.raises(OperationalError) as refused:
            second.flush()
        assert is_locked(refused.value) and "Wait for that to end" in str(explain(refused.value, None))
        second.rollback()
        first.commit()
        second.add(Team(handle="hr", name="HR"))
        second.commit()
    engine.dispose()


def test_the_lock_is_taken_again_after_a_savepoint_that_had_taken_it(settings: Settings) -> None:
    engine = open_engine(settings, wait=0.05)
    factory = sessionmaker(engine)
    with factory() as first, factory() as second:
        savepoint = first.begin_nested()
        first.add(Team(handle="x", name="X"))
        first.flush()
        savepoint.rollback()
        first.add(Team(handle="it", name="IT"))
        first.flush()
        second.add(Team(handle="hr", name="HR"))
        with pytest.raises(OperationalError):
            second.flush()
    engine.dispose()


def _end_connection(server: Server, session: Session) -> None:
    """End the connection of a session as the server does when it is stopped."""
    number = session.execute(text("SELECT pg_backend_pid()")).scalar()
    server.execute(f"SELECT pg_terminate_backend({number}, 60000)")


def test_a_connection_that_ends_within_a_transaction_is_told_as_that(
    server: Server, sessions: sessionmaker[Session]
) -> None:
    with pytest.raises(OperationalError) as lost, sessions.begin() as session:
        session.add(Team(handle="it", name="IT"))
        session.flush()
        _end_connection(server, session)
        session.query(Team).count()
    assert is_away(lost.value)
    with sessions.begin() as session:
        assert session.query(Team).count() == 0
        session.add(Team(handle="it", name="IT"))


def test_a_count_whose_connection_ends_is_stored_later(
    server: Server, settings: Settings, sessions: sessionmaker[Session]
) -> None:
    counting = Counting(settings)
    ended: list[bool] = []

    def write(session: Session) -> None:
        session.add(Team(handle="it", name="IT"))
        session.flush()
        if not ended:
            ended.append(True)
            _end_connection(server, session)
        session.query(Team).count()

    counting.count(write)
    assert ended
    until = time.monotonic() + LONG
    while not counting.flush() and time.monotonic() < until:
        time.sleep(0.05)
    counting.close()
    with sessions() as session:
        assert session.query(Team).count() == 1


def test_the_lock_to_write_is_taken_before_those_of_the_tables(settings: Settings) -> None:
    engine = open_engine(settings, wait=0.05)
    with Session(engine) as writing, engine.connect() as copying:
        writing.add(Team(handle="it", name="IT"))
        writing.flush()
        with pytest.raises(OperationalError):
            dialects.of(copying).defer_references(copying)
        copying.rollback()
        assert writing.query(Reply).count() == 0
    engine.dispose()


def test_parameters_of_the_address_are_used(settings: Settings) -> None:
    names = []
    for more in ("", "&application_name=ours&connect_timeout=7"):
        engine = open_engine(replace(settings, database=settings.database + more))
        with engine.connect() as connection:
            names.append(connection.exec_driver_sql("SHOW application_name").scalar())
            options = connection.connection.driver_connection.info.get_parameters()  # type: ignore[union-attr]
            names.append(options["connect_timeout"])
        engine.dispose()
    assert names == ["kollega", "10", "ours", "7"]


@pytest.mark.parametrize("parameter", ["nonsense=1", "sslmode=perhaps", "connect_timeout=soon"])
def test_a_wrong_parameter_of_the_address_is_named_as_the_cause(settings: Settings, parameter: str) -> None:
    with pytest.raises(DatabaseUnusable, match="parameter in the address"):
        open_database(replace(settings, database=f"{settings.database}&{parameter}"))


def test_a_connection_that_cannot_listen_is_closed(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    engine, made = open_engine(settings), []
    event.listen(engine, "connect", lambda connection, _record: made.append(connection))
    monkeypatch.setattr("recommender.database.dialects.postgresql.CHANNEL", "not a name")
    with pytest.raises(psycopg.Error):
        dialects.of(engine).listen(engine, 1.0)
    assert [connection.closed for connection in made] == [True]
    engine.dispose()


def test_folders_that_the_server_of_the_tests_needs_open_are_closed_after_the_last_one(tmp_path: Path) -> None:
    folder, lock = tmp_path / "private", tmp_path / "lock"
    folder.mkdir(mode=0o700)
    with modes_kept([folder], lock) as starting:
        with starting():
            folder.chmod(0o755)
        with modes_kept([folder], lock):
            pass
        assert folder.stat().st_mode & 0o777 == 0o755
    assert folder.stat().st_mode & 0o777 == 0o700


def test_the_fingerprint_changes_with_each_change(sessions: sessionmaker[Session]) -> None:
    seen = []
    with sessions() as session:
        seen.append(fingerprint(session))
        session.add(_request())
        session.commit()
        seen.append(fingerprint(session))
        session.query(HelpRequest).update({"updated_at": datetime(2026, 1, 1, microsecond=1)})
        seen.append(fingerprint(session))
        session.query(HelpRequest).update({"updated_at": datetime(2026, 1, 1, microsecond=2)})
        seen.append(fingerprint(session))
        assert fingerprint(session) == seen[-1]
    assert len(set(seen)) == 4


def test_a_commit_wakes_who_waits_for_changes_and_nothing_else_does(
    settings: Settings, sessions: sessionmaker[Session]
) -> None:
    listener = Listener(sessions.kw["bind"], threading.Event())
    woken = threading.Event()
    waiting = threading.Thread(target=lambda: (listener.wait(60), woken.set()))
    waiting.start()
    with sessions() as session:
        session.add(Team(handle="it", name="IT"))  # no table of what is indexed
        session.commit()
        session.add(_request())
        session.flush()
        assert not woken.wait(0.3)
        session.commit()
    waiting.join(50)
    assert woken.is_set()  # long before the minute is over
    listener.close()


def test_who_waits_for_changes_listens_again_after_the_connection_was_lost(
    settings: Settings, sessions: sessionmaker[Session]
) -> None:
    stopping = threading.Event()
    listener = Listener(sessions.kw["bind"], stopping)
    listener._connection.close()
    listener.wait(0.01)  # a pause
    with sessions.begin() as session:
        session.add(_request())
    woken = threading.Event()
    waiting = threading.Thread(target=lambda: (listener.wait(60), woken.set()))
    waiting.start()
    waiting.join(50)
    assert woken.is_set()
    stopping.set()
    listener.wait(60)  # returns at once
    listener.close()


def test_nothing_is_written_through_what_was_opened_to_read(settings: Settings) -> None:
    factory = open_to_read(settings)
    with factory() as session, pytest.raises(InternalError):
        session.add(Team(handle="it", name="IT"))
        session.flush()
    factory.kw["bind"].dispose()


def test_a_server_that_goes_away_is_used_again_when_it_is_back(
    server: Server, settings: Settings, sessions: sessionmaker[Session]
) -> None:
    with sessions.begin() as session:
        session.add(Team(handle="it", name="IT"))
    server.stop()
    try:
        with sessions() as session, pytest.raises(DBAPIError) as away:
            session.query(Team).count()
        assert is_away(away.value)
        assert "goes on by itself when it is back" in str(explain(away.value, None))
        with pytest.raises(DatabaseUnusable, match="cannot be reached"):
            open_database(settings)
    finally:
        server.start()
    with sessions() as session:
        assert session.query(Team).count() == 1


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda url: url.set(database="nowhere"), "no database of this name"),
        (lambda url: url.set(username="nobody"), "refuses the name or the password"),
    ],
)
def test_a_database_that_refuses_says_what_to_do_and_no_password(
    settings: Settings, change: Callable[[Any], Any], sentence: str
) -> None:
    url = change(create_engine(settings.database).url).set(password="kissa2")
    url = url.update_query_dict({"password": "kissa2", "sslpassword": "kissa2"})
    with pytest.raises(DatabaseUnusable, match=sentence) as refused:
        open_database(replace(settings, database=url.render_as_string(hide_password=False)))
    chain = [refused.value, refused.value.__cause__]
    assert not any("kissa2" in str(error) or "kissa2" in repr(error) for error in chain)


@pytest.mark.parametrize(
    "url", ["mysql://root:kissa2@x/y", "postgresql://x:kissa2@h:port/y", "postgresql+nothing://kissa2@x"]
)
def test_an_address_that_cannot_be_used_is_not_repeated(url: str, tmp_path: Path) -> None:
    if url.startswith("postgresql+nothing"):
        assert open_engine(Settings(home=tmp_path, database=url)).url.drivername == "postgresql+psycopg"
        return
    with pytest.raises(SettingsError, match="KOLLEGA_DATABASE") as refused:
        open_engine(Settings(home=tmp_path, database=url))
    assert "kissa2" not in str(refused.value)


@pytest.mark.parametrize(
    ("message", "sentence"),
    [
        ('connection to server at "role.password.example", port 5432 failed: Connection refused', "cannot be reached"),
        ('connection failed: root certificate file "/root.crt" does not exist', "certificate of the database's server"),
        ("FATAL:  sorry, too many clients already", "takes no more connections"),
        ('FATAL:  no pg_hba.conf entry for host "10.0.0.1"', "refuses the name or the password"),
        ("fe_sendauth: no password supplied", "refuses the name or the password"),
    ],
)
def test_a_refused_connection_is_explained_by_what_the_server_says(message: str, sentence: str) -> None:
    assert sentence in str(explain(DBAPIError("", None, psycopg.OperationalError(message)), None))


_WRONG = "SELECT 'xylophone'::integer"


def test_the_reason_of_an_error_has_no_value_in_it(sessions: sessionmaker[Session]) -> None:
    with sessions() as session:
        session.add_all([Person(handle="xylophone", name="X"), Person(handle="xylophone", name="Y")])
        with pytest.raises(IntegrityError) as taken:
            session.flush()
        session.rollback()
        with pytest.raises(DBAPIError) as wrong:
            session.execute(text(_WRONG))
    assert "23505" in reason(taken.value) and "people_handle_key" in reason(taken.value)
    assert reason(wrong.value) == "error 22P02 of PostgreSQL"
    assert not any("xylophone" in reason(error.value) for error in (taken, wrong))
    for error in (taken.value, wrong.value):  # what a log shows of them
        assert "xylophone" not in "".join(traceback.format_exception(error)).replace(_WRONG, "")


def test_an_empty_database_is_named_without_the_passwords_of_its_address(empty: Settings) -> None:
    database = f"{empty.database}&password=kissa2&sslpassword=kissa3"
    with pytest.raises(DatabaseUnusable, match="is empty") as refused:
        open_to_read(replace(empty, database=database))
    assert "kissa" not in str(refused.value) and "postgres@" in str(refused.value)
