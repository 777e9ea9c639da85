"""live.py: each part that cannot run becomes a notice, and a new generation replaces the old one as a whole."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, sessionmaker

from indexer.indexing.reindex import reindex
from recommender import live
from recommender.access import ANYONE
from recommender.datatypes import DENSE_MISSING, INDEX_MISMATCH, INDEX_MISSING, Verdict
from recommender.encoder import Encoder, Vectors
from recommender.index import SearchIndex, generations
from recommender.index.engines import Engine, LocalEngine
from recommender.index.local import LocalIndex
from recommender.language.analyzer import Analyzer
from recommender.learned import ANSWER_MODEL, RANKER
from recommender.live import Live, Snapshot
from recommender.people import ranker
from recommender.people.ranker import Ranker
from recommender.recommender import Recommender
from recommender.search import calibration
from recommender.search.calibration import AnswerModel
from recommender.settings import Settings
from tests.conftest import MODELS, FakeEncoder
from tests.recommender.conftest import Add, Build, Reopen, add_unrelated_requests, related_ids

# missing parts


def _remove_vectors(directory: Path) -> None:
    (directory / "vectors.faiss").unlink()


def _cut_vectors(directory: Path) -> None:
    (directory / "vectors.faiss").write_bytes(b"IxFI")


@pytest.mark.parametrize("damage", [_remove_vectors, _cut_vectors])
def test_with_damaged_vectors_keyword_search_answers_with_a_notice(
    settings: Settings,
    build: Build,
    session: Session,
    add_request: Add,
    encoder: FakeEncoder,
    reopen: Reopen,
    damage: Callable[[Path], None],
) -> None:
    add_unrelated_requests(add_request)
    request_id = add_request("printer jam", answer="open the tray")
    build()
    damage(generations.live(settings.index_dir))
    result = reopen(encoder).recommend("printer jam", ANYONE, session)
    assert result.notices == (DENSE_MISSING,)
    assert [suggestion.item.id for suggestion in result.suggestions] == [request_id]
    assert result.suggestions[0].why.nearness is None
    assert result.verdict is Verdict.ANSWER


def test_a_damaged_manifest_is_a_notice_and_not_an_error(
    settings: Settings,
    build: Build,
    session: Session,
    add_request: Add,
    encoder: FakeEncoder,
    reopen: Reopen,
) -> None:
    add_request("printer jam")
    build()
    (generations.live(settings.index_dir) / "manifest.json").write_text("{", encoding="utf-8")
    result = reopen(encoder).recommend("printer jam", ANYONE, session)
    assert (result.notices, result.verdict, result.suggestions) == ((INDEX_MISSING,), Verdict.UNKNOWN, ())


def test_an_index_of_another_model_is_searched_by_words_with_a_notice(
    build: Build, session: Session, add_request: Add, reopen: Reopen
) -> None:
    add_unrelated_requests(add_request)
    request_id = add_request("printer jam")
    build()
    result = reopen(FakeEncoder("other")).recommend("printer jam", ANYONE, session)
    assert result.notices == (INDEX_MISMATCH,)
    assert [suggestion.item.id for suggestion in result.suggestions] == [request_id]


def test_without_a_model_keyword_search_answers_with_a_notice(
    build: Build, session: Session, add_request: Add, reopen: Reopen
) -> None:
    add_unrelated_requests(add_request)
    request_id = add_request("printer jam")
    build()
    result = reopen(None).recommend("printer jam", ANYONE, session)
    assert result.notices == (DENSE_MISSING,)
    assert [suggestion.item.id for suggestion in result.suggestions] == [request_id]


def test_without_an_index_there_is_a_notice(session: Session, encoder: FakeEncoder, reopen: Reopen) -> None:
    result = reopen(encoder).recommend("printer jam", ANYONE, session)
    assert (result.notices, result.verdict, result.suggestions) == ((INDEX_MISSING,), Verdict.UNKNOWN, ())


def test_a_model_that_cannot_be_found_is_a_notice_and_not_an_error(
    settings: Settings, build: Build, session: Session, add_request: Add, analyzer: Analyzer
) -> None:
    add_unrelated_requests(add_request)
    request_id = add_request("printer jam")
    build()
    settings.models_dir.mkdir()
    (settings.models_dir / "dictionaries").symlink_to(MODELS / "dictionaries", target_is_directory=True)
    recommender = Recommender.open(replace(settings, model=str(settings.home / "no-such-model")))
    result = recommender.recommend("printer jam", ANYONE, session)
    assert result.notices == (DENSE_MISSING,)
    assert [suggestion.item.id for suggestion in result.suggestions] == [request_id]


# changes


def test_refresh_loads_a_new_generation_and_the_old_one_answers_until_then(
    settings: Settings,
    sessions: sessionmaker[Session],
    build: Build,
    session: Session,
    add_request: Add,
    encoder: FakeEncoder,
    analyzer: Analyzer,
) -> None:
    add_unrelated_requests(add_request)
    add_request("printer jam", answer="open the tray")
    recommender = build()
    recommender.refresh(wait=True)
    old = recommender.index
    new = add_request("vpn tunnel", answer="restart the client")
    reindex(settings, sessions, encoder, analyzer)
    assert recommender.recommend("vpn tunnel", ANYONE, session).suggestions == ()
    assert recommender.index is old
    recommender.refresh(wait=True)
    assert recommender.index is not old
    assert recommender.recommend("vpn tunnel", ANYONE, session).suggestions[0].item.id == new
    current = recommender.index
    recommender.refresh(wait=True)
    assert recommender.index is current  # nothing is done when nothing is new


def test_the_old_generation_answers_after_its_files_were_deleted(
    settings: Settings,
    sessions: sessionmaker[Session],
    build: Build,
    session: Session,
    add_request: Add,
    encoder: FakeEncoder,
    analyzer: Analyzer,
) -> None:
    add_unrelated_requests(add_request)
    request_id = add_request("printer jam", answer="open the tray")
    recommender = build()
    opened = generations.live(settings.index_dir)
    for number in range(3):
        add_request(f"filler{number}")
        reindex(settings, sessions, encoder, analyzer)
    assert not opened.exists()
    found = recommender.recommend("printer jam", ANYONE, session).suggestions
    assert related_ids(found) == [request_id] and found[0].item.id == request_id


def test_refresh_in_the_background_loads_the_new_generation(
    settings: Settings,
    sessions: sessionmaker[Session],
    build: Build,
    add_request: Add,
    encoder: FakeEncoder,
    analyzer: Analyzer,
) -> None:
    add_request("printer jam")
    recommender = build()
    add_request("vpn tunnel")
    reindex(settings, sessions, encoder, analyzer)
    recommender.refresh()
    recommender.refresh(wait=True)  # waits for the loading thread of the first call, too
    assert isinstance(recommender.index, LocalIndex)
    assert recommender.index.manifest.generation == "gen-000002"
    assert recommender.index.manifest.items == 2


def test_index_and_learned_models_change_together(
    settings: Settings,
    sessions: sessionmaker[Session],
    open_recommender: Build,
    add_request: Add,
    encoder: FakeEncoder,
    analyzer: Analyzer,
) -> None:
    add_request("printer jam")
    recommender = open_recommender()
    first = recommender.snapshot
    add_request("vpn tunnel")
    reindex(settings, sessions, encoder, analyzer)
    RANKER.save(generations.live(settings.index_dir), Ranker({"nearest": 2.0}))
    ANSWER_MODEL.save(generations.live(settings.index_dir), AnswerModel(-1.0, 0.5))
    assert recommender.snapshot is first
    recommender.refresh(wait=True)
    second = recommender.snapshot
    assert isinstance(second.index, LocalIndex)
    assert second.generation == second.index.manifest.generation == "gen-000002"
    assert second.ranker.weights == {"nearest": 2.0} and second.answer_model.constant == -1.0
    assert (first.generation, first.ranker, first.answer_model) == ("gen-000001", ranker.SHIPPED, calibration.SHIPPED)


def test_refresh_loads_models_that_were_learned_or_removed_in_the_live_generation(
    settings: Settings, open_recommender: Build, add_request: Add
) -> None:
    add_request("printer jam")
    recommender = open_recommender()
    before, directory = recommender.snapshot, generations.live(settings.index_dir)
    RANKER.save(directory, Ranker({"nearest": 2.0}))
    assert recommender.snapshot is before
    recommender.refresh()
    assert recommender.snapshot.ranker.weights == {"nearest": 2.0}
    assert recommender.snapshot.answer_model is calibration.SHIPPED
    assert recommender.snapshot.index is before.index  # the index is not loaded again
    current = recommender.snapshot
    recommender.refresh()
    assert recommender.snapshot is current  # nothing is new
    RANKER.remove(directory)
    recommender.refresh(wait=True)
    assert recommender.snapshot.ranker is ranker.SHIPPED and recommender.snapshot.index is before.index


def test_a_question_is_answered_by_the_generation_that_was_live_when_it_began(
    settings: Settings,
    sessions: sessionmaker[Session],
    open_recommender: Build,
    session: Session,
    add_request: Add,
    encoder: FakeEncoder,
    analyzer: Analyzer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    add_unrelated_requests(add_request)
    old = add_request("printer jam", answer="open the tray")
    recommender = open_recommender()
    new = add_request("printer jam", answer="open the lid")
    reindex(settings, sessions, encoder, analyzer)
    # with this model every verdict is "unknown"
    ANSWER_MODEL.save(generations.live(settings.index_dir), AnswerModel(-99.0, 0.0))
    encode = encoder.encode_queries

    def encode_while_the_index_changes(texts: Sequence[str]) -> Vectors:
        recommender.refresh(wait=True)
        return encode(texts)

    monkeypatch.setattr(encoder, "encode_queries", encode_while_the_index_changes)
    during = recommender.recommend("printer jam", ANYONE, session)
    assert (during.verdict, related_ids(during.suggestions)) == (Verdict.ANSWER, [old])
    after = recommender.rank("printer jam", ANYONE, session, 2)
    assert set(after.keys) == {f"request:{old}", f"request:{new}"} and after.exists < 0.01


def test_a_damaged_name_of_the_live_generation_is_a_notice_and_not_an_error(
    settings: Settings, build: Build, session: Session, add_request: Add, encoder: FakeEncoder, reopen: Reopen
) -> None:
    add_request("printer jam")
    build()
    (settings.index_dir / "CURRENT").write_bytes(b"\xff")
    assert reopen(encoder).recommend("printer jam", ANYONE, session).notices == (INDEX_MISSING,)


def test_a_generation_that_is_removed_while_it_is_loaded_does_not_replace_the_old_one(
    settings: Settings,
    sessions: sessionmaker[Session],
    open_recommender: Build,
    add_request: Add,
    encoder: FakeEncoder,
    analyzer: Analyzer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    add_request("printer jam")
    recommender = open_recommender()
    before, open_index = recommender.snapshot, live._open
    add_request("vpn tunnel")
    reindex(settings, sessions, encoder, analyzer)

    def open_after_two_more_reindexes(
        directory: Path, encoder: Encoder, keywords: bool, engine: Engine
    ) -> tuple[SearchIndex | None, tuple[str, ...]]:
        monkeypatch.setattr(live, "_open", open_index)
        for title in ("screen black", "door stuck"):
            add_request(title)
            reindex(settings, sessions, encoder, analyzer)
        assert not directory.exists()
        return open_index(directory, encoder, keywords, engine)

    monkeypatch.setattr(live, "_open", open_after_two_more_reindexes)
    recommender.refresh(wait=True)
    assert recommender.snapshot is before
    recommender.refresh(wait=True)
    assert (recommender.snapshot.generation, recommender.notices) == ("gen-000004", ())


def test_a_load_that_fails_is_not_tried_again_at_each_question(
    settings: Settings,
    sessions: sessionmaker[Session],
    open_recommender: Build,
    add_request: Add,
    encoder: FakeEncoder,
    analyzer: Analyzer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    add_request("printer jam")
    recommender = open_recommender()
    before, load = recommender.snapshot, live.load_snapshot
    add_request("vpn tunnel")
    reindex(settings, sessions, encoder, analyzer)
    loads = []

    def fail(*_given: object, **_options: object) -> Snapshot:
        loads.append(threading.current_thread())
        raise RuntimeError("no memory")

    monkeypatch.setattr(live, "load_snapshot", fail)
    recommender.refresh()
    with pytest.raises(RuntimeError, match="no memory"):
        recommender.refresh(wait=True)  # after the load in the background
    recommender.refresh()
    with pytest.raises(RuntimeError, match="no memory"):
        recommender.refresh(wait=True)
    assert len(loads) == 3 and recommender.snapshot is before
    monkeypatch.setattr(live, "load_snapshot", load)
    recommender.refresh(wait=True)
    assert recommender.snapshot.generation == "gen-000002"


def test_a_thread_that_cannot_be_started_does_not_keep_the_lock(
    settings: Settings,
    sessions: sessionmaker[Session],
    open_recommender: Build,
    add_request: Add,
    encoder: FakeEncoder,
    analyzer: Analyzer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    add_request("printer jam")
    recommender = open_recommender()
    add_request("vpn tunnel")
    reindex(settings, sessions, encoder, analyzer)

    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        recommender.refresh()
    recommender.refresh(wait=True)
    assert recommender.snapshot.generation == "gen-000002"


def test_a_database_that_is_away_is_not_told_at_each_question(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    class Elsewhere(LocalEngine):
        def follow(self) -> None:
            raise OperationalError("SELECT 1", None, Exception("connection failed"))

    live = Live(settings.index_dir, Snapshot(None, None), Elsewhere(settings.index_dir))
    for _question in range(3):
        live.refresh()
    (record,) = caplog.records
    assert record.getMessage() == "Which index is live could not be read (OperationalError); the present one answers"


def test_a_database_that_is_away_again_is_told_again(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    answers = iter([False, False, True, True, False])

    class Elsewhere(LocalEngine):
        def follow(self) -> None:
            if not next(answers):
                raise OperationalError("SELECT 1", None, Exception("connection failed"))

    live = Live(settings.index_dir, Snapshot(None, None), Elsewhere(settings.index_dir))
    for _question in range(5):
        live.refresh()
    assert len(caplog.records) == 2
