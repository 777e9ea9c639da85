"""Several machines with one index in Milvus: one of them writes at a time, and what is needed is judged by the
database, not by the directories of one machine. Names stand in for the collections of Milvus here."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy.orm import Session, sessionmaker

from indexer.cli import main
from indexer.commands import erase
from indexer.indexing.kept import clean, follow, roll_back
from indexer.indexing.reindex import reindex
from indexer.indexing.verify import verify
from recommender.database.index_register import IndexRegister
from recommender.database.leading import files_lead, index_lead
from recommender.errors import IndexLocked, IndexNotFound, IndexUnavailable, SettingsError
from recommender.index import generations
from recommender.index.engines import LEFT_IN_MILVUS, LocalEngine, is_left_in_milvus, leave_milvus
from recommender.index.generations import Manifest
from recommender.index.milvus.client import Milvus
from recommender.index.milvus.contents import Contents
from recommender.index.milvus.engine import MilvusEngine
from recommender.language.analyzer import ANALYSIS_VERSION, Analyzer
from recommender.settings import Settings
from tests.conftest import FakeEncoder


class Collections:
    """Stands in for Milvus: the names of its collections."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def collections(self, prefix: str) -> list[str]:
        return sorted(name for name in self.names if name.startswith(prefix))

    def drop(self, name: str) -> None:
        self.names.discard(name)

    def close(self) -> None:
        pass


@pytest.fixture
def milvus(monkeypatch: pytest.MonkeyPatch) -> Collections:
    there = Collections()
    monkeypatch.setattr(Milvus, "connect", lambda _address, _home: there)
    return there


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, index="milvus", milvus="http://localhost:19530")


@pytest.fixture
def other(settings: Settings, tmp_path: Path) -> Settings:
    """Another machine: a home of its own, and the same database."""
    address = settings.database or f"sqlite:///{settings.home / 'kollega.db'}"
    return replace(settings, home=tmp_path / "other", database=address)


@pytest.fixture
def register(settings: Settings, sessions: sessionmaker[Session]) -> IndexRegister:
    return IndexRegister(settings, sessions)


def _published(settings: Settings, register: IndexRegister, milvus: Collections, encoder: FakeEncoder) -> str:
    """Make a generation without items live, as a run on this machine does."""
    engine = MilvusEngine(settings, register)
    with generations.write_lock(settings.index_dir), engine.lock():
        engine.agree()
        directory = generations.begin(settings.index_dir, encoder.card)
        collection = f"{register.store()}_{int(directory.name[4:])}"
        milvus.names.add(f"{collection}_items")
        Contents(collection, int(directory.name[4:])).write(directory)
        Manifest(
            generations.FORMAT, ANALYSIS_VERSION, directory.name, "2026-01-01", encoder.card, 0, 0, 0, False, 0.0, "",
            generations.checksums_of(directory), "milvus",
        ).write(directory)  # fmt: skip
        register.publish(directory.name, {path.name: path.read_bytes() for path in directory.iterdir()}, [])
        generations.publish(settings.index_dir, directory)
    return directory.name


def test_machines_with_one_index_share_its_lead_and_have_own_files(settings: Settings, other: Settings) -> None:
    assert index_lead(settings) == index_lead(other)
    assert files_lead(settings) == files_lead(settings) != files_lead(other)
    assert index_lead(replace(settings, index="local")) != index_lead(replace(other, index="local"))


def test_while_one_machine_writes_the_other_does_not(
    settings: Settings,
    other: Settings,
    sessions: sessionmaker[Session],
    register: IndexRegister,
    milvus: Collections,
    encoder: FakeEncoder,
    analyzer: Analyzer,
) -> None:
    _published(settings, register, milvus, encoder)
    MilvusEngine(other, register).follow()
    with MilvusEngine(settings, register).lock():
        with pytest.raises(IndexLocked, match=r"is being written \(.*, process \d+\)"):
            reindex(other, sessions, encoder, analyzer)
        with pytest.raises(IndexLocked):
            clean(other, previous=False)
        with pytest.raises(IndexLocked):
            roll_back(other)
    assert clean(other, previous=False) >= 0


def test_a_run_that_lost_the_lock_makes_nothing_live(register: IndexRegister, sessions: sessionmaker[Session]) -> None:
    with register.locked():
        assert register._lock is not None
        register._lock.is_held = lambda: False  # type: ignore[method-assign]
        with pytest.raises(IndexLocked, match="connection to the database was lost"):
            register.publish("gen-000001", {}, [])
    assert register.names() == []
    register.publish("gen-000001", {}, [])


def test_gc_on_a_machine_that_knows_less_removes_nothing_that_the_others_need(
    settings: Settings, other: Settings, register: IndexRegister, milvus: Collections, encoder: FakeEncoder
) -> None:
    first = _published(settings, register, milvus, encoder)
    MilvusEngine(other, register).follow()
    second = _published(settings, register, milvus, encoder)
    there = set(milvus.names)
    milvus.names.add(f"{register.store()}_9_items")  # of a run that was killed
    assert generations.live_name(other.index_dir) == first
    clean(other, previous=False)
    assert (register.live(), register.names(), milvus.names) == (second, [first, second], there)
    assert generations.live_name(other.index_dir) == second
    clean(other, previous=True)
    assert (register.live(), register.names()) == (second, [second])
    assert milvus.names == {f"{register.store()}_2_items"}
    assert generations.finished(other.index_dir) == [second]


def test_a_machine_that_was_away_takes_the_next_number_of_all(
    settings: Settings, other: Settings, register: IndexRegister, milvus: Collections, encoder: FakeEncoder
) -> None:
    for _run in range(3):
        _published(settings, register, milvus, encoder)
    register.make_live("gen-000002")
    assert _published(other, register, milvus, encoder) == "gen-000004"
    assert register.names() == ["gen-000002", "gen-000004"]
    assert generations.finished(other.index_dir) == ["gen-000002", "gen-000004"]


def test_what_is_live_here_is_not_removed_when_two_follow_at_once(
    settings: Settings, other: Settings, register: IndexRegister, milvus: Collections, encoder: FakeEncoder
) -> None:
    first = _published(settings, register, milvus, encoder)
    engine = MilvusEngine(other, register)
    engine.follow()
    second = _published(settings, register, milvus, encoder)
    with generations.write_lock(other.index_dir):  # another process of that machine
        engine._looked_at = 0.0
        engine.follow()
        assert generations.live_name(other.index_dir) == first
    marked = other.index_dir / second
    for _time in range(2):
        engine._looked_at = 0.0
        engine.follow()
        assert generations.live_name(other.index_dir) == second
        assert generations.finished(other.index_dir) == [first, second]
        with suppress(FileExistsError):
            (marked / "mark").touch(exist_ok=False)
        engine._fetch(second)
        assert (marked / "mark").is_file()


def test_making_live_what_is_live_removes_nothing(
    settings: Settings, register: IndexRegister, milvus: Collections, encoder: FakeEncoder
) -> None:
    first, second = (_published(settings, register, milvus, encoder) for _run in range(2))
    generations.publish(settings.index_dir, settings.index_dir / second)
    assert generations.finished(settings.index_dir) == [first, second]


def test_only_what_the_database_knows_is_made_live(register: IndexRegister) -> None:
    register.publish("gen-000001", {}, [])
    with pytest.raises(IndexNotFound, match="gen-000007 is no index of this database"):
        register.make_live("gen-000007")
    assert register.live() == "gen-000001"


@pytest.mark.parametrize(
    "command", ["model list", "generations", "status", "verify", "gc", "rollback", "reindex --dry-run"]
)
def test_each_command_acts_on_what_is_live_on_all_machines(
    settings: Settings,
    other: Settings,
    register: IndexRegister,
    milvus: Collections,
    encoder: FakeEncoder,
    monkeypatch: pytest.MonkeyPatch,
    command: str,
) -> None:
    """This machine knows no index, or an older one, when the command begins."""
    live = _published(settings, register, milvus, encoder)
    for name, value in (("INDEX", "milvus"), ("MILVUS", settings.milvus), ("DATABASE", other.database)):
        monkeypatch.setenv(f"KOLLEGA_{name}", value)
    monkeypatch.setenv("KOLLEGA_HOME", str(other.home))
    ran = CliRunner().invoke(main, command.split())
    assert not isinstance(ran.exception, IndexNotFound) or command == "rollback"
    assert generations.live_name(other.index_dir) == live


def test_local_files_are_not_looked_up_in_the_database(settings: Settings, tmp_path: Path) -> None:
    follow(replace(settings, home=tmp_path / "none", index="local"))
    assert not (tmp_path / "none").exists()


def test_an_index_that_was_left_in_milvus_is_told_and_removed(
    settings: Settings,
    sessions: sessionmaker[Session],
    register: IndexRegister,
    milvus: Collections,
    encoder: FakeEncoder,
    analyzer: Analyzer,
) -> None:
    local = replace(settings, index="local", milvus="")
    _published(settings, register, milvus, encoder)
    assert not is_left_in_milvus(settings, register)
    reindex(local, sessions, encoder, analyzer)
    assert LEFT_IN_MILVUS in verify(local)
    milvus.names.add("others_1_items")  # of another program
    with pytest.raises(SettingsError, match="Set KOLLEGA_MILVUS"):
        leave_milvus(local, register)
    clean(local, previous=False)
    assert register.names() and LEFT_IN_MILVUS in verify(local)
    clean(replace(local, milvus=settings.milvus), previous=False)
    assert (register.names(), milvus.names) == ([], {"others_1_items"})
    assert LEFT_IN_MILVUS not in verify(local)


def test_who_erases_is_told_of_an_index_that_was_left_in_milvus(
    settings: Settings,
    register: IndexRegister,
    milvus: Collections,
    encoder: FakeEncoder,
    add_request: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _published(settings, register, milvus, encoder)
    add_request("printer jam")
    monkeypatch.setattr(erase, "update_index", lambda _settings, full: None)
    monkeypatch.setenv("KOLLEGA_HOME", str(settings.home))
    monkeypatch.setenv("KOLLEGA_DATABASE", settings.database)
    ran = CliRunner().invoke(main, ["erase", "request:1", "--yes"])
    assert ran.exit_code == 0 and LEFT_IN_MILVUS in ran.stderr


def test_a_wish_for_a_rewrite_stays_until_milvus_is_clean(
    settings: Settings,
    sessions: sessionmaker[Session],
    encoder: FakeEncoder,
    analyzer: Analyzer,
    add_request: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    local = replace(settings, index="local", milvus="")
    add_request("printer jam")
    reindex(local, sessions, encoder, analyzer)
    generations.ask_for_rewrite(local.index_dir)
    with monkeypatch.context() as patch:
        patch.setattr(LocalEngine, "clean", _away)
        with pytest.raises(IndexUnavailable):
            reindex(local, sessions, encoder, analyzer)
    assert generations.rewrites_asked_for(local.index_dir)
    reindex(local, sessions, encoder, analyzer)
    assert not generations.rewrites_asked_for(local.index_dir)


def _away(*_given: object, **_options: object) -> None:
    raise IndexUnavailable("away")
