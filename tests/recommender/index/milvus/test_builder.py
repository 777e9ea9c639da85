"""index/milvus/builder.py: what a run changes in Milvus, what is left of a killed one, and how machines change over."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy.orm import Session, sessionmaker

from indexer.indexing.kept import clean, read_generations, roll_back
from indexer.indexing.reindex import reindex
from indexer.indexing.status import read_status
from indexer.indexing.verify_agreement import agreement
from recommender.database.index_register import IndexRegister
from recommender.database.tables import HelpRequest, RequestAudience
from recommender.errors import IndexDamaged, IndexUnavailable
from recommender.index import Hit, SearchIndex, generations
from recommender.index.milvus import builder, counts, layout
from recommender.index.milvus.engine import MilvusEngine
from recommender.index.milvus.index import MilvusIndex
from recommender.index.milvus.term_writer import TermWriter
from recommender.language.analyzer import Analyzer
from recommender.settings import Settings
from tests.conftest import FakeEncoder
from tests.milvus import in_milvus

EVERYONE, HR = frozenset({"everyone"}), frozenset({"everyone", "team:hr"})
QUESTIONS = ("printer jam", "vpn tunnel client", "payroll", "tray toner", "scanner")


@pytest.fixture
def settings(settings: Settings, request: pytest.FixtureRequest) -> Settings:
    return in_milvus(settings, request)


@pytest.fixture
def engine(settings: Settings, sessions: sessionmaker[Session]) -> MilvusEngine:
    return MilvusEngine(settings, IndexRegister(settings, sessions))


@pytest.fixture
def four(add_request: Callable[..., int]) -> None:
    """Four requests, of which one is for the team hr; all texts have the same number of words."""
    add_request("printer jam", answer="open the tray")
    add_request("vpn tunnel", answer="restart the client")
    add_request("printer salary", answer="ask the payroll", audience=["team:hr"])
    add_request("printer toner", answer="open the cupboard")


def _change(sessions: sessionmaker[Session], add_request: Callable[..., int]) -> None:
    """One item is new, one is written anew, one is given to others, and one goes."""
    add_request("scanner glass", answer="clean the scanner")
    with sessions.begin() as session:
        session.get_one(HelpRequest, 1).title = "scanner jam"
        session.get_one(HelpRequest, 2).audience = [RequestAudience(token="team:hr")]
        session.delete(session.get_one(HelpRequest, 4))


def _answers(
    index: SearchIndex,
    encoder: FakeEncoder,
    analyzer: Analyzer,
    readers: Sequence[frozenset[str]] = (EVERYONE, HR),
) -> list[object]:
    """All that an index answers about some questions to these readers, without the ids of passages."""
    told: list[object] = []
    for tokens in readers:
        told += [index.size(tokens), index.item_vectors(tokens)[0]]
        for question in QUESTIONS:
            terms = analyzer.query_terms(question)
            hits = index.search(encoder.encode_queries([question])[0], terms, tokens, 10)
            told += [sorted(_told(hit) for hit in hits), index.rarity(terms.words, tokens)]
        told += [index.similar_words(word, tokens) for word in ("prinetr", "scaner", "payrol")]
    return told


def _told(hit: Hit) -> tuple[object, ...]:
    assert hit.near is not None
    return hit.item, hit.language, round(hit.lexical, 5), round(hit.near.nearest, 3), round(hit.near.whole, 3)


def _problems(engine: MilvusEngine, settings: Settings, sessions: sessionmaker[Session]) -> list[str]:
    found = list(engine.problems(generations.live(settings.index_dir)))
    return [*found, *agreement(settings, sessions, lambda _note: None, lambda _seconds: None)]


@pytest.mark.usefixtures("four")
def test_what_changed_is_written_beside_and_answers_like_an_index_built_anew(
    reindexed: Callable[..., MilvusIndex],
    sessions: sessionmaker[Session],
    add_request: Callable[..., int],
    engine: MilvusEngine,
    settings: Settings,
    encoder: FakeEncoder,
    analyzer: Analyzer,
) -> None:
    before = reindexed()
    said = _answers(before, encoder, analyzer)
    _change(sessions, add_request)
    after = reindexed()
    assert after.contents.collection == before.contents.collection
    assert _answers(before, encoder, analyzer) == said  # whoever has not changed over yet
    changed = _answers(after, encoder, analyzer)
    assert changed != said
    assert _problems(engine, settings, sessions) == []
    assert read_status(settings).healthy
    anew = reindexed(full=True)
    assert anew.contents.collection != after.contents.collection
    assert _answers(anew, encoder, analyzer) == changed


@pytest.mark.usefixtures("four")
@pytest.mark.parametrize("full", [False, True])
def test_what_may_not_be_read_changes_neither_scores_nor_order(
    reindexed: Callable[..., MilvusIndex],
    sessions: sessionmaker[Session],
    add_request: Callable[..., int],
    encoder: FakeEncoder,
    analyzer: Analyzer,
    full: bool,
) -> None:
    alone = _answers(reindexed(), encoder, analyzer, (EVERYONE,))
    for title, answer in (
        ("printer jam", "open the tray"),  # as one that everybody may read
        ("printer printer", "printer printer printer"),
        ("vpn payroll", "tunnel client scanner"),
    ):
        add_request(title, answer=answer, audience=["team:hr"], language="en")
        add_request(title, answer=answer, audience=["person:7"], language="fi")
        index = reindexed(full=full)
        assert _answers(index, encoder, analyzer, (EVERYONE,)) == alone
    with sessions.begin() as session:
        for number in (3, 5, 8):
            session.delete(session.get_one(HelpRequest, number))
    index = reindexed(full=full)
    assert _answers(index, encoder, analyzer, (EVERYONE,)) == alone
    assert _answers(index, encoder, analyzer, (HR,)) != _answers(index, encoder, analyzer, (EVERYONE,))


@pytest.mark.usefixtures("four")
def test_what_nobody_sees_any_more_is_removed_two_runs_later(
    reindexed: Callable[..., MilvusIndex], sessions: sessionmaker[Session]
) -> None:
    index = reindexed()
    name = layout.name_of(index.contents.collection, layout.ITEMS)
    rows = []
    for title in ("scanner jam", "printer jam again", "copier jam"):
        with sessions.begin() as session:
            session.get_one(HelpRequest, 1).title = title
        index = reindexed()
        rows.append(index.milvus.count(name, "generation >= 0"))
    assert rows == [5, 6, 6]  # four, and the two versions before that a generation on disk sees
    assert index.size(HR) == 4


@pytest.mark.usefixtures("four")
@pytest.mark.parametrize("full", [False, True])
def test_a_run_that_is_killed_changes_nothing_and_the_next_one_removes_what_it_left(
    reindexed: Callable[..., MilvusIndex],
    sessions: sessionmaker[Session],
    add_request: Callable[..., int],
    engine: MilvusEngine,
    settings: Settings,
    encoder: FakeEncoder,
    analyzer: Analyzer,
    monkeypatch: pytest.MonkeyPatch,
    full: bool,
) -> None:
    before = reindexed()
    said = _answers(before, encoder, analyzer)
    _change(sessions, add_request)
    with monkeypatch.context() as patch:
        patch.setattr(TermWriter, "_write_items", _killed)  # after the passages and the counts were written
        with pytest.raises(KeyboardInterrupt):
            reindexed(full=full)
    live = engine.open_generation(generations.live(settings.index_dir), encoder.card)
    assert live.manifest == before.manifest and _answers(live, encoder, analyzer) == said
    left = live.milvus.count(layout.name_of(live.contents.collection, layout.PASSAGES), "generation > 1")
    assert (left > 0) is not full
    assert len(engine.state()) == (6 if full else 3)  # type: ignore[arg-type]
    index = reindexed()
    assert len(engine.state()) == 3  # type: ignore[arg-type]
    assert _problems(engine, settings, sessions) == []
    assert _answers(reindexed(full=True), encoder, analyzer) == _answers(index, encoder, analyzer)


def _killed(*_given: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.usefixtures("four")
def test_a_rollback_answers_as_before_on_every_machine_and_the_next_run_goes_on_from_it(
    reindexed: Callable[..., MilvusIndex],
    sessions: sessionmaker[Session],
    add_request: Callable[..., int],
    engine: MilvusEngine,
    settings: Settings,
    encoder: FakeEncoder,
    analyzer: Analyzer,
    tmp_path: Path,
) -> None:
    said = _answers(reindexed(), encoder, analyzer)
    _change(sessions, add_request)
    changed = _answers(reindexed(), encoder, analyzer)
    other = replace(settings, home=tmp_path / "other")
    elsewhere = MilvusEngine(other, IndexRegister(settings, sessions))
    elsewhere.follow()
    found = elsewhere.open_generation(generations.live(other.index_dir), encoder.card)
    assert _answers(found, encoder, analyzer) == changed
    assert roll_back(settings) == "gen-000001"
    assert list(engine.problems(generations.live(settings.index_dir))) == []
    elsewhere._looked_at = 0.0
    elsewhere.follow()
    found = elsewhere.open_generation(generations.live(other.index_dir), encoder.card)
    assert _answers(found, encoder, analyzer) == said
    assert _answers(reindexed(), encoder, analyzer) == changed
    assert _problems(engine, settings, sessions) == []


@pytest.mark.usefixtures("four")
def test_generations_are_listed_and_gc_removes_the_collections_that_none_of_them_needs(
    reindexed: Callable[..., MilvusIndex], engine: MilvusEngine, settings: Settings
) -> None:
    reindexed()
    reindexed(full=True)
    assert [(each.name, each.state, each.items) for each in read_generations(settings)] == [
        ("gen-000002", "in use", 4),
        ("gen-000001", "previous", 4),
    ]
    assert len(engine.state()) == 6  # type: ignore[arg-type]
    clean(settings, previous=True)
    assert len(engine.state()) == 3  # type: ignore[arg-type]
    assert list(engine.problems(generations.live(settings.index_dir))) == []


@pytest.mark.usefixtures("four")
def test_after_an_erasure_nothing_of_it_is_left_in_milvus(
    reindexed: Callable[..., MilvusIndex], engine: MilvusEngine, settings: Settings, sessions: sessionmaker[Session]
) -> None:
    reindexed()
    generations.ask_for_rewrite(settings.index_dir)
    with sessions.begin() as session:
        session.delete(session.get_one(HelpRequest, 3))
    index = reindexed()
    assert len(engine.state()) == 3  # type: ignore[arg-type]
    texts = [row["text"] for row in index.milvus.all_rows(f"{index.contents.collection}_passages", "id >= 0", ["text"])]
    assert "open the tray" in texts and not any("payroll" in text for text in texts)
    words = counts.words(index.milvus, index.contents.collection, index.contents.generation)
    assert "printer" in words and "payroll" not in words


@pytest.mark.usefixtures("four")
def test_when_many_items_change_everything_is_written_anew_without_encoding_it_again(
    reindexed: Callable[..., MilvusIndex],
    sessions: sessionmaker[Session],
    encoder: FakeEncoder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = reindexed()
    encoder.encoded.clear()
    monkeypatch.setattr(builder, "MOST_REMOVED", 1)
    with sessions.begin() as session:
        for number in (1, 2):
            session.get_one(HelpRequest, number).title += " again"
    index = reindexed()
    assert index.contents.collection != first.contents.collection
    assert set(encoder.encoded) == {
        "printer jam again",
        "vpn tunnel again",
        "printer jam again\nopen the tray",
        "vpn tunnel again\nrestart the client",
    }
    assert index.contents.unseen == () and index.size(HR) == 4


def test_a_word_of_more_groups_than_one_row_holds_is_counted_all_the_same(
    add_request: Callable[..., int], reindexed: Callable[..., MilvusIndex], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counts, "_PART", 2)
    for number in range(7):
        add_request("printer", answer="tray", audience=[f"person:{number}"])
    index = reindexed()
    everybody = frozenset(f"person:{number}" for number in range(7))
    assert index.rarity(["printer"], everybody)["printer"] == pytest.approx(0.0645, abs=1e-4)  # log(1 + 0.5 / 7.5)
    assert index.rarity(["printer"], frozenset({"person:3"}))["printer"] == pytest.approx(0.2877, abs=1e-4)


@pytest.mark.usefixtures("four")
def test_an_index_of_local_files_is_built_anew_in_milvus_and_back(
    settings: Settings, sessions: sessionmaker[Session], encoder: FakeEncoder, analyzer: Analyzer
) -> None:
    local = replace(settings, index="local", milvus="")
    for each, engine in ((local, "local"), (settings, "milvus"), (local, "local")):
        report = reindex(each, sessions, encoder, analyzer)
        assert report.items == 4
        assert generations.Manifest.read(generations.live(each.index_dir)).engine == engine


@pytest.mark.usefixtures("four")
def test_a_collection_with_vectors_of_another_dimension_is_named_and_replaced(
    reindexed: Callable[..., MilvusIndex], engine: MilvusEngine, settings: Settings, encoder: FakeEncoder
) -> None:
    index = reindexed()
    milvus, collection = index.milvus, index.contents.collection
    rows = list(milvus.all_rows(f"{collection}_items", "number >= 0", ("*",)))
    layout.drop(milvus, collection)
    layout.create(milvus, collection, 32, approximate=False)
    with pytest.raises(IndexDamaged, match="Run: kollega reindex --full"):
        engine.open_generation(generations.live(settings.index_dir), encoder.card)
    milvus.add(f"{collection}_items", rows)
    shared = {name: value for name, value in rows[0].items() if name not in ("terms", "unused", "group", "digest")}
    milvus.add(
        f"{collection}_passages",
        [
            {
                **shared,
                "id": n,
                "position": 0,
                "digest": "",
                "context": "",
                "text": "",
                "stored": "",
                "vector": [0.0] * 32,
            }
            for n in range(index.manifest.passages)
        ],
    )
    with pytest.raises(IndexDamaged, match=r"32 dimensions .* makes 64"):
        engine.open_generation(generations.live(settings.index_dir), encoder.card)


def test_a_database_that_cannot_store_the_new_generation_leaves_the_one_before(
    add_request: Callable[..., int],
    reindexed: Callable[..., MilvusIndex],
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    add_request("printer jam")
    before = reindexed()
    add_request("vpn tunnel")
    with monkeypatch.context() as patch:
        patch.setattr(IndexRegister, "publish", _away)
        with pytest.raises(IndexUnavailable):
            reindexed()
    assert generations.live_name(settings.index_dir) == before.manifest.generation
    assert generations.finished(settings.index_dir) == [before.manifest.generation]
    assert reindexed().size(EVERYONE) == 2


def _away(*_given: object) -> None:
    raise IndexUnavailable("away")


@pytest.mark.usefixtures("four")
def test_going_back_to_a_model_encodes_only_what_has_changed_since(
    settings: Settings,
    sessions: sessionmaker[Session],
    encoder: FakeEncoder,
    analyzer: Analyzer,
    engine: MilvusEngine,
    add_request: Callable[..., int],
) -> None:
    other = FakeEncoder("another")
    reindex(settings, sessions, encoder, analyzer)
    for _run in range(3):
        reindex(settings, sessions, other, analyzer, switch=True)
        add_request("scanner glass", answer="clean it")
    other.encoded.clear()
    encoder.encoded.clear()
    report = reindex(settings, sessions, encoder, analyzer, switch=True)
    assert report.items == 7 and set(encoder.encoded) == {"scanner glass", "scanner glass\nclean it"}
    index = engine.open_generation(generations.live(settings.index_dir), encoder.card)
    assert index.size(HR) == 7 and list(engine.problems(generations.live(settings.index_dir))) == []
