"""version_guard.py: a process whose database was upgraded while it ran neither reads nor writes, and says so."""

import threading
from collections.abc import Callable
from contextlib import closing

import pytest
from flask.testing import FlaskClient
from sqlalchemy import create_engine, func, select, text
from sqlalchemy.orm import Session, sessionmaker

from indexer.indexing.watch import watch
from recommender.database import dialects, version_guard
from recommender.database.leading import Lead, take_lock
from recommender.database.tables import Team
from recommender.errors import DatabaseVersion
from recommender.index.model_in_use import FollowingEncoder
from recommender.language.analyzer import Analyzer
from recommender.settings import Settings
from tests.conftest import FakeEncoder
from tests.timing import LONG


def _upgrade(sessions: sessionmaker[Session], to: str = "9999") -> None:
    """As an upgrade by a newer version does, which knows nothing of this process."""
    other = create_engine(sessions.kw["bind"].url)
    with other.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :to"), {"to": to})
    other.dispose()


def test_nothing_is_written_into_upgraded_tables(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        session.add(Team(handle="it", name="IT"))
    _upgrade(sessions)
    with sessions() as session, pytest.raises(DatabaseVersion, match="is of a newer version of Kollega") as raised:
        session.add(Team(handle="hr", name="HR"))
        session.commit()
    assert "Install that version and start Kollega again" in str(raised.value)
    _upgrade(sessions, "0001")
    with sessions() as session, pytest.raises(DatabaseVersion, match="is of an older version"):
        session.add(Team(handle="hr", name="HR"))
        session.commit()


def test_nothing_is_read_a_second_after_an_upgrade(
    sessions: sessionmaker[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(version_guard.time, "monotonic", lambda: now)
    with sessions() as session:
        assert session.scalar(select(func.count()).select_from(Team)) == 0
    _upgrade(sessions)
    now += 1.1
    with sessions() as session, pytest.raises(DatabaseVersion):
        session.scalar(select(func.count()).select_from(Team))


def test_pages_say_that_kollega_is_being_upgraded(
    sessions: sessionmaker[Session], open_client: Callable[[], FlaskClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = open_client()
    assert client.get("/").status_code == 200
    monkeypatch.setattr(version_guard, "_LOOKS_EVERY", 0.0)
    _upgrade(sessions)
    page, ready = client.get("/"), client.get("/health/ready")
    assert (page.status_code, page.headers["Retry-After"]) == (503, "60")
    assert page.text == "Kollega is being upgraded. Nothing was saved. Try again in a few minutes."
    assert (ready.status_code, ready.json) == (503, {"ready": False, "reason": "the database is of another version"})


def test_watch_ends_with_a_sentence(
    settings: Settings, sessions: sessionmaker[Session], encoder: FakeEncoder, analyzer: Analyzer
) -> None:
    _upgrade(sessions)
    with pytest.raises(DatabaseVersion, match="is of a newer version"):
        watch(
            settings,
            sessions,
            FollowingEncoder(settings, encoder),
            analyzer,
            lambda _report: None,
            wait=lambda _seconds: None,
        )


def test_who_waits_for_an_upgrade_writes_nothing_into_its_tables(sessions: sessionmaker[Session]) -> None:
    engine = sessions.kw["bind"]
    with sessions() as session:
        session.scalar(select(func.count()).select_from(Team))
    raised: list[DatabaseVersion] = []

    def write() -> None:
        with sessions() as session:
            session.add(Team(handle="hr", name="HR"))
            try:
                session.commit()
            except DatabaseVersion as error:
                raised.append(error)

    other = create_engine(engine.url)
    writer = threading.Thread(target=write)
    with other.connect() as connection:
        dialects.of(other).begin_migration(connection)
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        writer.start()
        writer.join(0.5)  # it waits now
        connection.commit()
        writer.join(LONG)
        assert len(raised) == 1
        assert connection.scalar(text("SELECT count(*) FROM teams")) == 0
    other.dispose()


@pytest.mark.parametrize("leads", [True, False])
def test_who_leads_or_waits_to_ends_when_the_database_is_upgraded(sessions: sessionmaker[Session], leads: bool) -> None:
    engine, stopping = sessions.kw["bind"], threading.Event()
    first = None if leads else take_lock(engine, "trial")
    raised, is_leading = threading.Event(), threading.Event()

    def lead() -> None:
        with pytest.raises(DatabaseVersion), closing(Lead(engine, "trial", stopping).terms()) as terms:
            for ended in terms:
                is_leading.set()
                ended.wait()
        raised.set()

    thread = threading.Thread(target=lead)
    thread.start()
    try:
        assert is_leading.wait(LONG if leads else 0.5) == leads
        _upgrade(sessions)
        assert raised.wait(LONG)
    finally:
        stopping.set()
        thread.join(LONG)
        if first is not None:
            first.close()
