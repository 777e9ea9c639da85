"""indexing/encoding_together.py and `kollega encode-worker`: several processes encode one index, and a killed one loses
nothing."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Engine, func, select, text, update
from sqlalchemy.orm import Session, sessionmaker

from indexer.commands.encode_worker import work_until
from indexer.indexing import encoding_together
from indexer.indexing.encoding_together import encode_for, encode_together
from indexer.indexing.reindex import reindex
from indexer.indexing.retention import erase_what_is_due
from recommender.database.copying import copy_store
from recommender.database.encode_batches import EncodeBatches
from recommender.database.encode_tables import EncodeBatch
from recommender.database.engine import open_database
from recommender.database.shared_texts import REWRITE, ask_all_for_rewrite, stored
from recommender.database.tables import Team, utc_now
from recommender.errors import DatabaseUnusable, IndexLocked
from recommender.language.analyzer import Analyzer
from recommender.settings import Settings
from tests.conftest import FakeEncoder
from tests.paths import ROOT
from tests.postgresql import Server
from tests.timing import LONG

WORKER = """
import sys, time
from recommender.database.encode_batches import EncodeBatches
from recommender.database.engine import open_engine
from recommender.settings import Settings
from tests.fake_encoder import FakeEncoder
def encode(texts):
    print("took", len(texts), flush=True)
    time.sleep(3600)
EncodeBatches(open_engine(Settings.from_environment()), FakeEncoder().card.key).work(encode)
"""


@pytest.fixture
def settings(tmp_path: Path, server: Server, request: pytest.FixtureRequest) -> Settings:
    return Settings(home=tmp_path / "home", database=server.new_database(request), model="fake", reranker="none")


@pytest.fixture
def many(add_request: Callable[..., int], monkeypatch: pytest.MonkeyPatch) -> int:
    """Twelve requests, in batches of four texts; the number of their texts."""
    monkeypatch.setattr(encoding_together, "_BATCH", 4)
    for number in range(12):
        add_request(f"question{number} about something", answer=f"answer{number}")
    return 24  # answer and opening of each


def test_a_worker_takes_a_part_and_reindex_encodes_nothing_again(
    settings: Settings, sessions: sessionmaker[Session], analyzer: Analyzer, many: int
) -> None:
    own, other, alone = FakeEncoder(), FakeEncoder(), FakeEncoder()
    stopping, batches = threading.Event(), EncodeBatches(sessions.kw["bind"], other.card.key)
    began = threading.Event()
    encode_passages = own.encode_passages
    own.encode_passages = lambda texts: began.wait(LONG) and encode_passages(texts)  # type: ignore[assignment, method-assign]
    other_encodes = other.encode_passages
    other.encode_passages = lambda texts: (began.set(), other_encodes(texts))[1]  # type: ignore[method-assign, func-returns-value]
    worker = threading.Thread(target=work_until, args=(batches, other, stopping))
    worker.start()
    shown: list[tuple[int, int]] = []
    try:
        count = encode_together(settings, sessions, own, True, lambda done, total: shown.append((done, total)))
    finally:
        stopping.set()
        worker.join(LONG)
    assert count == len({*own.encoded, *other.encoded}) == len(own.encoded) + len(other.encoded)
    assert other.encoded and shown[-1] == (count, count)
    report = reindex(settings, sessions, alone, analyzer)
    assert (report.items, report.passages, report.encoded) == (12, many, 0) and not alone.encoded
    assert encode_together(settings, sessions, own, False) == 0  # nothing has changed since
    assert _batches(sessions) == 0


def test_the_batch_of_a_killed_worker_is_taken_by_another_one(
    settings: Settings, sessions: sessionmaker[Session]
) -> None:
    encoder = FakeEncoder()
    batches = EncodeBatches(sessions.kw["bind"], encoder.card.key)
    batches.add("index", ["one text"])
    environment = {"KOLLEGA_HOME": str(settings.home), "KOLLEGA_DATABASE": settings.database}
    with subprocess.Popen(
        [sys.executable, "-c", WORKER], stdout=subprocess.PIPE, text=True, cwd=ROOT, env=os.environ | environment
    ) as worker:
        assert worker.stdout and worker.stdout.readline() == "took 1\n"
        assert batches.work(encode_for(encoder)) == 0 and batches.collect("index") == []  # it is the worker's
        worker.send_signal(signal.SIGKILL)
    stopping = threading.Event()
    assert work_until(batches, encoder, stopping, idle=2.0) == 1
    [(texts, vectors)] = batches.collect("index")
    assert texts == ["one text"]
    assert np.array_equal(np.frombuffer(vectors, np.float32), encoder.encode_queries(texts)[0])


def test_a_worker_with_another_model_takes_nothing(sessions: sessionmaker[Session]) -> None:
    EncodeBatches(sessions.kw["bind"], FakeEncoder().card.key).add("index", ["one text"])
    other = FakeEncoder("another")
    assert EncodeBatches(sessions.kw["bind"], other.card.key).work(encode_for(other)) == 0


def test_what_a_killed_run_has_left_is_encoded_by_the_next_one(
    settings: Settings, sessions: sessionmaker[Session], analyzer: Analyzer, many: int
) -> None:
    class Killed(BaseException):
        """Stands for a kill."""

    def stop(done: int, _total: int) -> None:
        if done >= 8:
            raise Killed

    first, second = FakeEncoder(), FakeEncoder()
    with pytest.raises(Killed):
        encode_together(settings, sessions, first, True, stop)
    encode_together(settings, sessions, second, True)
    assert len(first.encoded) >= 8 and not {*first.encoded[:8]} & {*second.encoded}
    assert reindex(settings, sessions, FakeEncoder(), analyzer).encoded == 0
    assert many == 24


def test_erasing_leaves_no_text_behind_and_ends_the_run(
    settings: Settings, sessions: sessionmaker[Session], analyzer: Analyzer, many: int
) -> None:
    def erase(done: int, total: int) -> None:
        if done == 0 and total == 4:  # after the first batch was given
            with sessions() as session:
                ask_all_for_rewrite(session)

    encoder = FakeEncoder()
    assert encode_together(settings, sessions, encoder, True, erase) == 0
    assert _batches(sessions) == 0 and not encoder.encoded  # no text is given again that was read before
    report = reindex(settings, sessions, FakeEncoder(), analyzer)
    assert report.passages == many and report.encoded > 0  # what was removed from the database is encoded here


def test_erasing_waits_for_a_worker_and_keeps_nobody_from_writing(sessions: sessionmaker[Session]) -> None:
    engine, encodes, asked = sessions.kw["bind"], threading.Event(), threading.Event()
    batches = EncodeBatches(engine, FakeEncoder().card.key)
    batches.add("index", ["one text"])

    def work(texts: list[str]) -> bytes:
        encodes.set()
        assert asked.wait(LONG)
        return b"\0"

    def ask() -> None:
        with sessions() as session:
            ask_all_for_rewrite(session)

    worker, eraser = threading.Thread(target=batches.work, args=(work,)), threading.Thread(target=ask)
    worker.start()
    assert encodes.wait(LONG)
    eraser.start()
    try:
        _until_somebody_waits_for(engine, "DELETE FROM encode_batches%")
        with sessions.begin() as session:
            session.execute(text("SET LOCAL lock_timeout = '1s'"))
            session.add(Team(handle="hr", name="HR"))
    finally:
        asked.set()
        worker.join(LONG)
        eraser.join(LONG)
    assert batches.waiting("index") == 0
    with sessions() as session:
        assert stored(session, REWRITE) is not None


def test_erasing_says_so_when_a_worker_does_not_end_and_asks_the_others_all_the_same(
    sessions: sessionmaker[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recommender.database.encode_batches._LONGEST_BATCH", 1)
    batches = EncodeBatches(sessions.kw["bind"], FakeEncoder().card.key)
    batches.add("index", ["one text"])

    def work(texts: list[str]) -> bytes:
        with sessions() as session, pytest.raises(DatabaseUnusable, match="Stop the workers, then try again"):
            ask_all_for_rewrite(session)
        return b"\0"

    batches.work(work)
    with sessions() as session:
        assert stored(session, REWRITE) is not None


def test_nobody_else_writes_the_index_between_encoding_and_indexing(
    settings: Settings, sessions: sessionmaker[Session], analyzer: Analyzer, many: int
) -> None:
    def encode() -> None:
        encode_together(settings, sessions, FakeEncoder(), True)
        with pytest.raises(IndexLocked):
            reindex(settings, sessions, FakeEncoder(), analyzer)

    alone = FakeEncoder()
    report = reindex(settings, sessions, alone, analyzer, full=True, first=encode)
    assert (report.passages, report.encoded, alone.encoded) == (many, 0, [])


def test_an_interrupted_run_leaves_no_text_behind(
    settings: Settings, sessions: sessionmaker[Session], many: int
) -> None:
    def interrupt(_done: int, total: int) -> None:
        if total >= 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        encode_together(settings, sessions, FakeEncoder(), True, interrupt)
    assert _batches(sessions) == 0


def test_what_a_killed_process_has_left_is_removed_after_a_day(
    settings: Settings, sessions: sessionmaker[Session]
) -> None:
    batches = EncodeBatches(sessions.kw["bind"], "fake")
    batches.add("index", ["one text"])
    with sessions.begin() as session:
        session.execute(update(EncodeBatch).values(made_at=utc_now() - timedelta(hours=25)))
    batches.add("index", ["another text"])
    with sessions() as session:
        erase_what_is_due(settings, session)
        assert session.scalars(select(EncodeBatch.texts)).all() == [["another text"]]


def test_a_copy_of_the_store_has_no_text_that_waits(settings: Settings, sessions: sessionmaker[Session]) -> None:
    EncodeBatches(sessions.kw["bind"], "fake").add("index", ["one text"])
    copy = Settings(home=settings.home / "copy")
    assert copy_store(settings, copy).rows == {}
    factory = open_database(copy)
    assert _batches(factory) == 0
    factory.kw["bind"].dispose()


def _batches(sessions: sessionmaker[Session]) -> int:
    with sessions() as session:
        return session.scalar(select(func.count()).select_from(EncodeBatch)) or 0


def _until_somebody_waits_for(engine: Engine, statement: str) -> None:
    query = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE :statement")
    until = time.monotonic() + LONG
    with engine.connect() as connection:
        while not connection.scalar(query, {"statement": statement}):
            assert time.monotonic() < until
            connection.rollback()
            time.sleep(0.02)


def test_on_sqlite_it_says_what_is_needed(tmp_path: Path) -> None:
    factory = open_database(Settings(home=tmp_path))
    with pytest.raises(DatabaseUnusable, match="only when the records are on PostgreSQL"):
        EncodeBatches(factory.kw["bind"], "fake")
    factory.kw["bind"].dispose()
