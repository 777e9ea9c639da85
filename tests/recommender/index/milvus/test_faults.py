"""index/milvus/: Milvus goes away and comes back, an address is wrong, a file is in use, a collection is lost: no wrong
answer, a sentence that says what to do, and nobody has to do anything once it is back."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pymilvus import MilvusException
from sqlalchemy.orm import Session, sessionmaker

from indexer.indexing.reindex import reindex
from indexer.indexing.report import ReindexReport
from indexer.indexing.verify import verify
from indexer.indexing.watch import watch
from recommender import live
from recommender.access import ANYONE
from recommender.database.index_register import IndexRegister
from recommender.datatypes import INDEX_AWAY, INDEX_MISMATCH, INDEX_MISSING
from recommender.errors import IndexRefused, IndexUnavailable, SettingsError
from recommender.index import SearchIndex, generations
from recommender.index.milvus import client, layout
from recommender.index.milvus.client import Milvus
from recommender.index.milvus.engine import MilvusEngine
from recommender.index.model_in_use import FollowingEncoder
from recommender.language.analyzer import Analyzer
from recommender.recommender import Recommender
from recommender.settings import Settings
from tests.conftest import FakeEncoder
from tests.milvus import running_milvus, stop_milvus

QUESTION = "printer jam"


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    """A Milvus of this test's own, which it may stop."""
    with running_milvus(tmp_path / "own.db") as started:
        yield started


@pytest.fixture
def settings(settings: Settings, file: Path) -> Settings:
    return replace(settings, index="milvus", milvus=str(file))


@pytest.fixture
def recommender(open_recommender: Callable[[], Recommender], add_request: Callable[..., int]) -> Recommender:
    add_request("printer jam", answer="open the tray")
    return open_recommender()


def _found(recommender: Recommender, sessions: sessionmaker[Session]) -> tuple[list[str], tuple[str, ...]]:
    with sessions() as session:
        answer = recommender.recommend(QUESTION, ANYONE, session)
    return [suggestion.item.key for suggestion in answer.suggestions], answer.notices


def test_while_milvus_is_away_there_is_a_notice_and_afterwards_it_answers_by_itself(
    recommender: Recommender,
    sessions: sessionmaker[Session],
    file: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(live, "_AWAY", 0.0)
    assert _found(recommender, sessions) == (["request:1"], ())
    stop_milvus(file)
    with monkeypatch.context() as patch:
        patch.setattr(client, "_opened", _nobody_answers)
        assert _found(recommender, sessions) == ([], (INDEX_AWAY,))
    assert "everyone" not in capfd.readouterr().err  # pymilvus would log what it has sent
    recommender.refresh(wait=True)  # the library form starts again with the next connection
    assert _found(recommender, sessions) == (["request:1"], ())


def test_one_of_several_searches_that_fails_is_told_like_all_of_them(
    recommender: Recommender,
    add_request: Callable[..., int],
    reindexed: Callable[..., SearchIndex],
    sessions: sessionmaker[Session],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(live, "_AWAY", 0.0)
    add_request("printer jam", answer="avaa luukku", language="fi")
    reindexed()
    recommender.refresh(wait=True)
    found = _found(recommender, sessions)
    assert set(found[0]) == {"request:1", "request:2"} and found[1] == ()
    search, failed = Milvus.search, []

    def one_fails(milvus: Milvus, name: str, field: str, vectors: Any, condition: str, *others: Any) -> Any:
        if field == "terms" and not failed:
            failed.append(condition)
            raise IndexUnavailable("Milvus does not answer")
        return search(milvus, name, field, vectors, condition, *others)

    with monkeypatch.context() as patch:
        patch.setattr(Milvus, "search", one_fails)
        assert _found(recommender, sessions) == ([], (INDEX_AWAY,))
    assert len(failed) == 1
    recommender.refresh(wait=True)
    assert _found(recommender, sessions) == found


def test_a_call_that_fails_is_asked_once_more_on_a_new_connection(
    recommender: Recommender, sessions: sessionmaker[Session], file: Path
) -> None:
    held = recommender.index
    stop_milvus(file)
    assert _found(recommender, sessions) == (["request:1"], ())
    assert recommender.index is held  # nobody else notices


def test_a_question_that_milvus_does_not_understand_says_nothing_of_milvus(recommender: Recommender) -> None:
    index = recommender.index
    with pytest.raises(IndexRefused, match="does not understand this question"):
        index.milvus.rows(f"{index.contents.collection}_items", 'key == "', ("key",))  # type: ignore[union-attr]


def test_a_server_that_is_away_at_the_start_is_asked_again(
    recommender: Recommender,
    sessions: sessionmaker[Session],
    settings: Settings,
    encoder: FakeEncoder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(live, "_AWAY", 0.0)
    engine = MilvusEngine(settings, IndexRegister(settings, sessions))
    with monkeypatch.context() as patch:
        patch.setattr(Milvus, "connect", _nobody_answers)
        loaded = live.Live.load(settings.index_dir, encoder, engine)
        assert (loaded.snapshot.index, loaded.snapshot.notices) == (None, (INDEX_AWAY,))
        loaded.refresh(wait=True)
        assert loaded.snapshot.notices == (INDEX_AWAY,)
    loaded.refresh(wait=True)
    assert loaded.snapshot.index is not None and loaded.snapshot.notices == ()


def _nobody_answers(*_given: object) -> Milvus:
    raise IndexUnavailable("Milvus does not answer")


def test_watch_waits_for_milvus_and_goes_on_when_it_is_back(
    recommender: Recommender,
    sessions: sessionmaker[Session],
    settings: Settings,
    encoder: FakeEncoder,
    analyzer: Analyzer,
    add_request: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    add_request("vpn tunnel")
    connect, looks = Milvus.connect, iter(range(4))
    monkeypatch.setattr(Milvus, "connect", _nobody_answers)

    def rest(_seconds: float) -> None:
        if next(looks) == 1:
            monkeypatch.setattr(Milvus, "connect", connect)

    reports: list[ReindexReport] = []
    watch(
        settings,
        sessions,
        FollowingEncoder(settings, encoder),
        analyzer,
        reports.append,
        lambda: bool(reports),
        rest,
        rest,
    )
    assert [report.items for report in reports] == [2]
    assert caplog.messages.count("The index could not be updated; trying again. Milvus does not answer") == 2
    assert not any(record.exc_info for record in caplog.records)


def test_collections_that_somebody_has_removed_are_made_anew_by_watch(
    recommender: Recommender,
    sessions: sessionmaker[Session],
    settings: Settings,
    encoder: FakeEncoder,
    analyzer: Analyzer,
) -> None:
    index = recommender.index
    reports: list[ReindexReport] = []

    def look(_seconds: float) -> None:
        if len(reports) == 1:
            layout.drop(index.milvus, index.contents.collection)  # type: ignore[union-attr]

    watch(
        settings,
        sessions,
        FollowingEncoder(settings, encoder),
        analyzer,
        reports.append,
        lambda: len(reports) == 2,
        look,
        look,
    )
    assert _found(recommender, sessions) == (["request:1"], ())
    assert reports[1].encoded > 0


def test_rows_that_were_lost_are_noticed(
    recommender: Recommender, sessions: sessionmaker[Session], settings: Settings
) -> None:
    index = recommender.index
    index.milvus.delete(f"{index.contents.collection}_passages", "id == 1")  # type: ignore[union-attr]
    assert any("Run: kollega reindex --full" in problem and "1 passages" in problem for problem in verify(settings))
    engine = MilvusEngine(settings, IndexRegister(settings, sessions))
    notices = live.Live.load(settings.index_dir, None, engine).snapshot.notices
    assert notices == (INDEX_MISSING,)


def test_counts_of_terms_that_do_not_fit_the_items_are_noticed(
    recommender: Recommender, sessions: sessionmaker[Session], settings: Settings
) -> None:
    engine = MilvusEngine(settings, IndexRegister(settings, sessions))
    directory = generations.live(settings.index_dir)
    assert list(engine.problems(directory)) == []
    index = recommender.index
    index.milvus.delete(f"{index.contents.collection}_terms", 'word == "printer"')  # type: ignore[union-attr]
    (problem,) = engine.problems(directory)
    assert problem == "The counts of terms of gen-000001 in Milvus differ from its items by 2."


@pytest.mark.parametrize(
    "address", ["milvus:19530", "ftp://milvus:19530", "http://", "http://[", "http://milvus:99999", "index.sqlite"]
)
def test_what_is_no_address_is_a_setting_to_correct(tmp_path: Path, address: str) -> None:
    with pytest.raises(SettingsError, match="KOLLEGA_MILVUS must be an address such as"):
        Milvus.connect(address, tmp_path)


def test_an_address_where_nobody_answers_is_named_without_the_password(tmp_path: Path) -> None:
    with pytest.raises(IndexUnavailable) as caught:
        Milvus.connect("http://kollega:a-password@127.0.0.1:1/search", tmp_path)
    assert str(caught.value).startswith("Milvus at http://127.0.0.1:1 does not answer as it should")
    assert "a-password" not in str(caught.value) and caught.value.__cause__ is None


@pytest.mark.parametrize("code", [3, 7, 9])
def test_a_server_without_memory_or_disk_is_told_as_that(code: int) -> None:
    """The codes that Milvus 2.5 gives when its memory or its disk is used up, and when it forbids to write for it."""

    class Full:
        def insert(self, *_: object, **__: object) -> None:
            raise MilvusException(code=code, message="quota exceeded[reason=disk quota exhausted]: printer jam")

    with pytest.raises(IndexUnavailable) as caught:
        Milvus(Full(), "http://milvus:19530", False).add("passages", [{"id": 1}])
    assert str(caught.value) == (
        f"Milvus at http://milvus:19530 has no memory or disk left (code {code}). Give it more; Kollega then goes on "
        "by itself."
    )


def test_a_file_that_another_process_has_open_is_named(file: Path) -> None:
    code = (
        "import pathlib, sys; from recommender.index.milvus.client import Milvus; "
        "Milvus.connect(sys.argv[1], pathlib.Path())"
    )
    ran = subprocess.run([sys.executable, "-c", code, str(file)], capture_output=True, text=True)
    assert "another process has it open" in ran.stderr and "several need a server" in ran.stderr


def test_local_files_load_nothing_of_milvus() -> None:
    loaded = "'pymilvus' in sys.modules, 'grpc' in sys.modules"
    code = f"import sys, recommender.recommender, indexer.indexing.watch; print({loaded})"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["False", "False"]


def test_an_index_of_local_files_does_not_answer_when_the_settings_say_milvus(
    settings: Settings, sessions: sessionmaker[Session], add_request: Callable[..., int], encoder: FakeEncoder,
    analyzer: Analyzer,
) -> None:  # fmt: skip
    add_request("printer jam")
    reindex(replace(settings, index="local"), sessions, encoder, analyzer)
    engine = MilvusEngine(settings, IndexRegister(settings, sessions))
    snapshot = live.Live.load(settings.index_dir, encoder, engine).snapshot
    assert set(snapshot.notices) <= {INDEX_MISMATCH, INDEX_MISSING} and snapshot.index is None
    reindex(settings, sessions, encoder, analyzer)
    assert live.Live.load(settings.index_dir, encoder, engine).snapshot.notices == ()
