"""leading.py and outages.py: of several processes one leads, another takes over when it is killed or cut off, and a
database that is away is told once."""

import itertools
import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.orm import Session, sessionmaker

from indexer.background import repeating
from recommender.database import leading
from recommender.database.dialects.locks import AdvisoryContender, AdvisoryLock
from recommender.database.engine import open_database
from recommender.database.fingerprint import fingerprint
from recommender.database.leading import Lead, files_lead, index_lead, index_leader, leader, take_lock
from recommender.database.listening import Listener
from recommender.database.outages import report_outages
from recommender.settings import Settings
from tests.paths import ROOT
from tests.postgresql import Server
from tests.timing import LONG

LEADS = """
import sys, threading
from recommender.database.engine import open_engine
from recommender.database.leading import Lead
from recommender.settings import Settings
for _term in Lead(open_engine(Settings.from_environment()), "trial", threading.Event()).terms():
    print("leads", flush=True)
    sys.stdin.readline()
"""
CUT_OFF = """
SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND pid <> pg_backend_pid()
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


@pytest.fixture
def engine(sessions: sessionmaker[Session]) -> Engine:
    bind: Engine = sessions.kw["bind"]
    return bind


@contextmanager
def _another_process(settings: Settings) -> Iterator[subprocess.Popen[str]]:
    """A process that leads."""
    environment = {"KOLLEGA_HOME": str(settings.home), "KOLLEGA_DATABASE": settings.database}
    with subprocess.Popen(
        [sys.executable, "-c", LEADS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
        env=os.environ | environment,
    ) as process:  # fmt: skip
        assert process.stdout and process.stdout.readline() == "leads\n"
        yield process
        process.kill()


@contextmanager
def _leading(engine: Engine, stopping: threading.Event) -> Iterator[threading.Event]:
    """An event that is set while this process leads, in a thread."""
    leads = threading.Event()

    def work() -> None:
        with closing(Lead(engine, "trial", stopping).terms()) as terms:
            for ended in terms:
                leads.set()
                ended.wait()
                leads.clear()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield leads
    finally:
        stopping.set()
        thread.join(LONG)


def test_another_process_takes_over_when_the_leader_is_killed(settings: Settings, engine: Engine) -> None:
    with _another_process(settings) as first, _leading(engine, threading.Event()) as leads:
        assert str(leader(engine, "trial")).endswith(f", process {first.pid}")
        assert not leads.wait(2.0)
        first.send_signal(signal.SIGKILL)
        assert leads.wait(LONG)
        assert str(leader(engine, "trial")).endswith(f", process {os.getpid()}")
    assert leader(engine, "trial") is None


def test_a_process_that_stops_lets_another_lead(engine: Engine) -> None:
    first_stops, second_stops = threading.Event(), threading.Event()
    with _leading(engine, first_stops) as first:
        assert first.wait(LONG)
        with _leading(engine, second_stops) as second:
            assert not second.wait(1.5)
            first_stops.set()
            assert second.wait(LONG) and not first.is_set()


def test_each_index_has_a_lead_of_its_own(settings: Settings) -> None:
    other = replace(settings, home=settings.home / "other")
    assert index_lead(settings) == index_lead(settings) != index_lead(other)


def test_a_folder_whose_files_have_other_numbers_each_time_keeps_its_name(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, numbers = os.fstat, itertools.count(10**15)

    def fstat(file: int) -> os.stat_result:
        return os.stat_result((real(file)[0], next(numbers), *real(file)[2:]))

    monkeypatch.setattr("recommender.database.leading.os.fstat", fstat)
    assert index_lead(settings) == index_lead(settings) == files_lead(settings).replace("files", "index")


def test_a_copied_home_has_leads_of_its_own(
    settings: Settings, engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    name = index_lead(settings)
    copy = replace(settings, home=settings.home.with_name("copy"))
    shutil.copytree(settings.home, copy.home)
    with caplog.at_level(logging.INFO):
        assert index_lead(copy) == index_lead(copy) != name and files_lead(copy) != files_lead(settings)
    assert caplog.text.count("is a copy of another folder") == 1
    settings.home.rename(settings.home.with_name("moved"))
    assert index_lead(replace(settings, home=settings.home.with_name("moved"))) == name


def test_who_asks_who_leads_writes_nothing(settings: Settings, engine: Engine) -> None:
    assert index_leader(engine, settings) is None
    assert not (settings.index_dir / "identity").exists()
    lock = take_lock(engine, index_lead(settings))
    assert lock is not None and index_leader(engine, settings) == leader(engine, index_lead(settings)) is not None
    lock.close()


def test_two_databases_in_one_folder_have_locks_of_their_own(tmp_path: Path) -> None:
    found = [create_engine(f"sqlite:///{tmp_path}/{name}.db") for name in ("first", "second")]
    locks = [take_lock(engine, "work") for engine in found]
    assert all(locks) and all(leader(engine, "work") for engine in found)
    for lock, engine in zip(locks, found, strict=True):
        assert lock is not None and take_lock(engine, "work") is None
        lock.close()


@pytest.fixture
def on_server(tmp_path: Path, server: Server, request: pytest.FixtureRequest) -> Iterator[sessionmaker[Session]]:
    factory = open_database(Settings(home=tmp_path / "home", database=server.new_database(request)))
    yield factory
    factory.kw["bind"].dispose()


def test_a_process_that_waits_to_lead_opens_no_session_each_time(
    on_server: sessionmaker[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leading, "LOOKS_EVERY", 0.02)
    engine, stopping, opened, tries = on_server.kw["bind"], threading.Event(), list[object](), list[str]()
    lock = take_lock(engine, "trial")
    assert lock is not None
    event.listen(engine, "connect", lambda connection, _record: opened.append(connection))
    take = AdvisoryContender.take

    def count(contender: AdvisoryContender) -> AdvisoryLock | None:
        tries.append("")
        return take(contender)

    monkeypatch.setattr(AdvisoryContender, "take", count)
    with _leading(engine, stopping) as leads:
        until = time.monotonic() + LONG
        while len(tries) < 20 and time.monotonic() < until:
            time.sleep(0.02)
        assert len(tries) >= 20 and len(opened) <= 2 and not leads.is_set()
        lock.close()
        assert leads.wait(LONG)


def test_a_leader_that_is_cut_off_from_the_server_leads_no_more(
    on_server: sessionmaker[Session], caplog: pytest.LogCaptureFixture
) -> None:
    engine = on_server.kw["bind"]
    with closing(Lead(engine, "trial", threading.Event()).terms()) as terms:
        first = next(terms)
        assert not first.wait(1.5)
        with engine.connect() as connection:
            connection.exec_driver_sql(CUT_OFF)
        assert first.wait(LONG)
        assert "leads no more (trial)" in caplog.text
        assert not next(terms).is_set()  # it is the next leader too, since nobody else wishes to be


def test_a_server_that_is_away_is_told_once_and_so_is_that_it_is_back(
    server: Server, on_server: sessionmaker[Session], caplog: pytest.LogCaptureFixture
) -> None:
    """What works beside `watch` says nothing of its own about it."""
    engine, done, stopping = on_server.kw["bind"], threading.Event(), threading.Event()
    tries = 0

    def work(_stop: threading.Event) -> None:
        nonlocal tries
        tries += 1
        with on_server() as session:
            fingerprint(session)
        done.set()

    report_outages(engine)
    with (
        caplog.at_level(logging.WARNING),
        repeating("trial", 0.05, work, "The trial failed", logging.getLogger("trial")),
        closing(Listener(engine, stopping)) as changes,
    ):
        assert done.wait(LONG)
        server.stop()
        try:
            before, until = tries, time.monotonic() + LONG
            while tries < before + 5 and time.monotonic() < until:
                changes.wait(0.05)
        finally:
            server.start()
        done.clear()
        assert done.wait(LONG)
        stopping.set()
    lines = [record.getMessage() for record in caplog.records if record.name != "recommender.database.leading"]
    assert len(lines) == 2, lines
    assert lines[0].startswith("The database cannot be reached.") and lines[1] == "The database can be reached again."
    assert all(record.exc_info is None for record in caplog.records)
