"""index/builder.py, digest.py and journal.py: what a new generation copies, reuses and writes."""

import json
import os
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from recommender.checksums import damaged
from recommender.datatypes import Item, Kind, Passage, Role
from recommender.errors import IndexDamaged, IndexMismatch
from recommender.index import generations
from recommender.index.builder import IndexBuilder
from recommender.index.catalogue_files import write_as_one
from recommender.index.dense import DenseIndex
from recommender.index.digest import item_digest, passage_digest, read_text
from recommender.index.generations import Manifest
from recommender.index.journal import Journal
from recommender.index.lexical import LexicalIndex
from recommender.index.local import LocalIndex
from recommender.index.vector_space import VectorSpace
from recommender.language.analyzer import Analyzer
from recommender.language.terms import Terms
from tests.conftest import FakeEncoder

EVERYONE = frozenset({"everyone"})


def _item(number: int, title: str = "printer", audience: frozenset[str] = EVERYONE) -> Item:
    return Item(f"request:{number}", Kind.REQUEST, title, "body", "answer", "en", None, audience, datetime(2026, 1, 1))


def _passage(number: int, text: str) -> Passage:
    return Passage(f"request:{number}", Role.ANSWER, 0, "title", text, "en")


def _write(
    index_dir: Path,
    analyzer: Analyzer,
    encoder: FakeEncoder,
    texts: dict[int, str],
    removed: tuple[int, ...] = (),
    full: bool = False,
    hnsw_from: int = 20_000,
) -> Manifest:
    """Write a generation: remove `removed`, then add an item with a single passage for each of `texts`."""
    with generations.write_lock(index_dir):
        builder = IndexBuilder.open(index_dir, encoder.card, analyzer, full)
        builder.begin(len(texts), hnsw_from)
        builder.remove([f"request:{number}" for number in removed])
        for number, text in texts.items():
            passage = _passage(number, text)
            vector = encoder.encode_passages([read_text(passage)])[0]
            builder.add(_item(number), text, [passage], [vector])
        return builder.finish(hnsw_from)


def _best_items(index: LocalIndex, encoder: FakeEncoder, text: str) -> tuple[str, str]:
    """(best item of the dense leg, best item of the lexical leg) for the text of a passage."""
    vector = encoder.encode_queries([read_text(_passage(0, text))])[0]
    hits = index.search(vector, Terms(tuple(text.split()), ()), EVERYONE, 5)
    nearest = max(hits, key=lambda hit: hit.near.nearest if hit.near else -1.0)
    return nearest.item, max(hits, key=lambda hit: hit.lexical).item


def test_the_digest_of_an_item_changes_with_everything_that_is_indexed() -> None:
    item = _item(1)
    digests = {
        item_digest(item, 256),
        item_digest(item, 128),
        item_digest(_item(1, title="vpn"), 256),
        item_digest(_item(1, audience=frozenset({"team:hr"})), 256),
        item_digest(_item(1, audience=frozenset({"team:hr", "team:it"})), 256),
        item_digest(Item(**{**item.__dict__, "body": "answer", "answer": "body"}), 256),
        item_digest(Item(**{**item.__dict__, "language": "fi"}), 256),
    }
    assert len(digests) == 7
    assert item_digest(Item(**{**item.__dict__, "url": "x", "at": datetime(2020, 1, 1)}), 256) == item_digest(item, 256)


def test_passages_that_the_model_reads_as_the_same_text_have_the_same_digest() -> None:
    assert read_text(_passage(1, "text")) == "title\ntext"
    assert read_text(Passage("request:1", Role.QUESTION, 0, "", "text", "en")) == "text"
    assert passage_digest(_passage(1, "text")) == passage_digest(_passage(2, "text"))
    assert passage_digest(_passage(1, "text")) != passage_digest(_passage(1, "texts"))


def test_passages_of_two_languages_have_different_digests() -> None:
    assert passage_digest(replace(_passage(1, "text"), language="fi")) != passage_digest(_passage(1, "text"))


def test_the_journal_keeps_vectors_after_a_crash_and_only_for_one_model(tmp_path: Path, encoder: FakeEncoder) -> None:
    vectors = {"a": np.arange(64, dtype=np.float32), "b": np.ones(64, np.float32)}
    Journal(tmp_path, encoder.card).keep(vectors)  # never closed
    journal = Journal(tmp_path, encoder.card)
    result = journal.find(["b", "a", "c"])
    assert set(result) == {"a", "b"}
    np.testing.assert_array_equal(result["a"], vectors["a"])
    other = FakeEncoder().card.__class__("fake", "2", 64, 512)
    assert Journal(tmp_path, other).find(["a"]) == {}
    journal.drop()
    assert Journal(tmp_path, encoder.card).find(["a"]) == {}


def test_a_generation_is_a_changed_copy_of_the_one_before(
    tmp_path: Path, analyzer: Analyzer, encoder: FakeEncoder
) -> None:
    texts = {number: f"word{number}" for number in range(1, 11)}
    first = _write(tmp_path, analyzer, encoder, texts)
    assert (first.items, first.passages, first.rows, first.approximate) == (10, 10, 10, False)
    second = _write(tmp_path, analyzer, encoder, {4: "changed4", 11: "word11"}, removed=(4, 7))
    # the rows of two removed passages are still in the file
    assert (second.items, second.passages, second.rows) == (10, 10, 12)
    index = LocalIndex.open(tmp_path, encoder.card)
    for number in (1, 2, 3, 5, 6, 8, 9, 10, 11):
        assert _best_items(index, encoder, f"word{number}") == (f"request:{number}",) * 2
    assert _best_items(index, encoder, "changed4") == ("request:4", "request:4")
    assert all(hit.item != "request:7" for hit in index.search(np.ones(64, np.float32), Terms((), ()), EVERYONE, 50))
    old = LocalIndex.open_generation(tmp_path / "gen-000001", encoder.card)
    assert _best_items(old, encoder, "word7") == ("request:7", "request:7")


def test_vectors_are_rewritten_when_many_passages_were_removed(
    tmp_path: Path, analyzer: Analyzer, encoder: FakeEncoder
) -> None:
    _write(tmp_path, analyzer, encoder, {number: f"word{number}" for number in range(1, 11)})
    manifest = _write(tmp_path, analyzer, encoder, {}, removed=(1, 5, 10))
    assert (manifest.items, manifest.passages, manifest.rows) == (7, 7, 7)
    index = LocalIndex.open(tmp_path, encoder.card)
    for number in (2, 3, 4, 6, 7, 8, 9):
        assert _best_items(index, encoder, f"word{number}") == (f"request:{number}",) * 2
    assert len(LexicalIndex.load(generations.live(tmp_path) / "lexical")) == 7
    again = _write(tmp_path, analyzer, encoder, {12: "word12"})
    assert (again.passages, again.rows) == (8, 8)
    assert _best_items(LocalIndex.open(tmp_path, encoder.card), encoder, "word12") == ("request:12", "request:12")


def test_an_index_with_many_passages_changes_to_hnsw(tmp_path: Path, analyzer: Analyzer, encoder: FakeEncoder) -> None:
    assert not _write(tmp_path, analyzer, encoder, {1: "word1", 2: "word2"}, hnsw_from=4).approximate
    manifest = _write(tmp_path, analyzer, encoder, {3: "word3", 4: "word4"}, hnsw_from=4)
    assert (manifest.approximate, manifest.rows) == (True, 4)
    assert _best_items(LocalIndex.open(tmp_path, encoder.card), encoder, "word1") == ("request:1", "request:1")


def test_vectors_of_the_live_generation_are_reused(tmp_path: Path, analyzer: Analyzer, encoder: FakeEncoder) -> None:
    _write(tmp_path, analyzer, encoder, {1: "word1", 2: "word2"})
    builder = IndexBuilder.open(tmp_path, encoder.card, analyzer, full=False)
    assert builder.known == {"request:1": "word1", "request:2": "word2"}
    builder.begin(2, 20_000)
    known = passage_digest(_passage(9, "word2"))
    result = builder.vectors_of([known, "none"])
    assert list(result) == [known]
    np.testing.assert_allclose(result[known], encoder.encode_passages(["title\nword2"])[0], atol=1e-6)
    assert IndexBuilder.open(tmp_path, encoder.card, analyzer, full=True).vectors_of([known]) == {}


def test_a_generation_stores_its_vector_space_and_passes_it_to_the_next(
    tmp_path: Path, analyzer: Analyzer, encoder: FakeEncoder
) -> None:
    first, other = (VectorSpace({"en": np.full(64, value, np.float32)}, alignment=f"{value}") for value in (0.25, 0.5))
    builder = IndexBuilder.open(tmp_path, encoder.card, analyzer, full=False)
    assert builder.fresh
    builder.begin(0, 20_000, first)
    assert builder.finish(20_000).alignment == "0.25"
    builder = IndexBuilder.open(tmp_path, encoder.card, analyzer, full=False)
    assert not builder.fresh
    builder.begin(0, 20_000, other)  # ignored: the vectors of the live generation are in its own space
    np.testing.assert_array_equal(builder.vector_space.passages["en"], first.passages["en"])
    builder.finish(20_000)
    opened = LocalIndex.open(tmp_path, encoder.card)
    assert (opened.manifest.generation, opened.manifest.alignment) == ("gen-000002", "0.25")
    np.testing.assert_array_equal(opened.vector_space.passages["en"], first.passages["en"])
    builder = IndexBuilder.open(tmp_path, encoder.card, analyzer, full=True)
    assert builder.fresh
    builder.begin(0, 20_000, other)
    np.testing.assert_array_equal(builder.vector_space.passages["en"], other.passages["en"])


def test_the_words_of_an_item_are_one_document_with_each_context_once(
    tmp_path: Path, analyzer: Analyzer, encoder: FakeEncoder
) -> None:
    builder = IndexBuilder.open(tmp_path, encoder.card, analyzer, full=True)
    builder.begin(3, 20_000)
    for number, texts in {1: ("alpha", "beta"), 2: ("gamma delta",)}.items():
        passages = [_passage(number, text) for text in texts]
        builder.add(_item(number), "d", passages, list(encoder.encode_passages([read_text(each) for each in passages])))
    manifest = builder.finish(20_000)
    assert (manifest.items, manifest.passages) == (2, 3)
    index = LocalIndex.open(tmp_path, encoder.card)
    assert index.size(EVERYONE) == 2
    (hit,) = index.search(None, Terms(("alpha", "beta"), ()), EVERYONE, 5)
    (alone,) = index.search(None, Terms(("alpha",), ()), EVERYONE, 5)
    assert hit.item == alone.item == "request:1"
    assert hit.lexical == pytest.approx(2 * alone.lexical, rel=1e-5)
    titles = {hit.item: hit.lexical for hit in index.search(None, Terms(("title",), ()), EVERYONE, 5)}
    assert titles["request:1"] == titles["request:2"] > 0.0


def test_vectors_that_are_added_together_stay_with_their_passages(
    tmp_path: Path, analyzer: Analyzer, encoder: FakeEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recommender.index.builder._ADD_TOGETHER", 3)
    manifest = _write(tmp_path, analyzer, encoder, {number: f"word{number}" for number in range(1, 9)})
    assert (manifest.passages, manifest.rows) == (8, 8)  # two batches of three and a rest
    index = LocalIndex.open(tmp_path, encoder.card)
    for number in range(1, 9):
        assert _best_items(index, encoder, f"word{number}") == (f"request:{number}",) * 2


def test_an_index_of_another_model_is_not_copied(tmp_path: Path, analyzer: Analyzer, encoder: FakeEncoder) -> None:
    _write(tmp_path, analyzer, encoder, {1: "word1"})
    with pytest.raises(IndexMismatch, match="kollega reindex --full"):
        _write(tmp_path, analyzer, FakeEncoder("other"), {2: "word2"})
    manifest = _write(tmp_path, analyzer, FakeEncoder("other"), {2: "word2"}, full=True)
    assert (manifest.model.name, manifest.items) == ("other", 1)


def test_an_index_of_an_earlier_version_is_built_anew_beside_it(
    tmp_path: Path, analyzer: Analyzer, encoder: FakeEncoder
) -> None:
    for change in ({"format": 1}, {"analysis": 1}, {"model": {**vars(encoder.card), "revision": "0"}}):
        _write(tmp_path, analyzer, encoder, {1: "word1"}, full=True)
        live = generations.live(tmp_path)
        path = live / "manifest.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
        manifest = _write(tmp_path, analyzer, encoder, {2: "word2"})
        assert (manifest.items, manifest.model) == (1, encoder.card) and manifest.generation != live.name


def test_a_damaged_generation_is_not_copied(tmp_path: Path, analyzer: Analyzer, encoder: FakeEncoder) -> None:
    _write(tmp_path, analyzer, encoder, {1: "word1"})
    (generations.live(tmp_path) / "vectors.faiss").unlink()
    with pytest.raises(IndexDamaged, match="kollega reindex --full"):
        _write(tmp_path, analyzer, encoder, {2: "word2"})
    assert _write(tmp_path, analyzer, encoder, {2: "word2"}, full=True).items == 1


def test_a_generation_with_a_damaged_lexical_index_never_goes_live(
    tmp_path: Path, analyzer: Analyzer, encoder: FakeEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    _write(tmp_path, analyzer, encoder, {1: "word1"})
    monkeypatch.setattr(LexicalIndex, "add", lambda _self, rows: list(rows))
    with pytest.raises(IndexDamaged, match="contains the terms of 1 items, not of 2"):
        _write(tmp_path, analyzer, encoder, {2: "word2"})
    assert generations.live_name(tmp_path) == "gen-000001"
    assert generations.finished(tmp_path) == ["gen-000001"]


def test_finish_needs_begin_first(tmp_path: Path, analyzer: Analyzer, encoder: FakeEncoder) -> None:
    with pytest.raises(RuntimeError, match="begin"):
        IndexBuilder.open(tmp_path, encoder.card, analyzer, full=True).finish(10)


@pytest.fixture
def shared_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Generations share the file of vectors also when it is small."""
    monkeypatch.setattr("recommender.index.builder._SHARED_FROM", 0)


def test_small_generations_share_no_file_of_vectors(tmp_path: Path, analyzer: Analyzer, encoder: FakeEncoder) -> None:
    for number in (1, 2, 3):
        manifest = _write(tmp_path, analyzer, encoder, {number: f"word{number}"})
        assert (generations.live(tmp_path) / "vectors.faiss").stat().st_nlink == 1
    assert manifest.rows == 3 and "vectors-added.faiss" not in manifest.files


@pytest.mark.usefixtures("shared_files")
def test_a_generation_shares_the_file_of_vectors_with_the_one_before(
    tmp_path: Path, analyzer: Analyzer, encoder: FakeEncoder
) -> None:
    _write(tmp_path, analyzer, encoder, {number: f"word{number}" for number in range(1, 21)})
    first = (generations.live(tmp_path) / "vectors.faiss").stat().st_ino
    checksum = Manifest.read(generations.live(tmp_path)).files["vectors.faiss"]
    for number in (4, 7):
        manifest = _write(tmp_path, analyzer, encoder, {number: f"changed{number}"}, removed=(number,))
    live = generations.live(tmp_path)
    assert (live / "vectors.faiss").stat().st_ino == first
    assert manifest.files["vectors.faiss"] == checksum
    assert manifest.files == generations.checksums_of(live) and "vectors-added.faiss" in manifest.files
    assert (manifest.passages, manifest.rows) == (20, 22)
    index = LocalIndex.open(tmp_path, encoder.card)
    for text, item in {"changed4": 4, "changed7": 7, "word9": 9}.items():
        assert _best_items(index, encoder, text) == (f"request:{item}",) * 2


@pytest.mark.usefixtures("shared_files")
def test_vectors_are_written_together_when_many_were_added(
    tmp_path: Path, analyzer: Analyzer, encoder: FakeEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recommender.index.builder.MOST_ADDED", 2)
    _write(tmp_path, analyzer, encoder, {number: f"word{number}" for number in range(1, 9)})
    for numbers, is_linked in (((9, 10), True), ((11,), False), ((12,), True)):
        before = generations.live(tmp_path)
        _write(tmp_path, analyzer, encoder, {number: f"word{number}" for number in numbers})
        live = generations.live(tmp_path)
        assert (live / "vectors.faiss").samefile(before / "vectors.faiss") is is_linked
        assert (live / "vectors-added.faiss").exists() is is_linked
    index = LocalIndex.open(tmp_path, encoder.card)
    for number in (1, 9, 11, 12):
        assert _best_items(index, encoder, f"word{number}") == (f"request:{number}",) * 2


@pytest.mark.usefixtures("shared_files")
@pytest.mark.parametrize("damage", ["changed", "missing"])
def test_damage_of_the_added_vectors_is_found(
    damage: str, tmp_path: Path, analyzer: Analyzer, encoder: FakeEncoder
) -> None:
    for number in (1, 2):
        _write(tmp_path, analyzer, encoder, {number: f"word{number}"})
    added = generations.live(tmp_path) / "vectors-added.faiss"
    if damage == "missing":
        added.unlink()
    else:
        added.write_bytes(added.read_bytes()[:-1] + b"\x01")
    with pytest.raises(IndexDamaged, match=r"vectors-added\.faiss"):
        LocalIndex.open(tmp_path, encoder.card)


@pytest.mark.usefixtures("shared_files")
def test_what_was_removed_is_in_no_vector_after_a_rewrite(
    tmp_path: Path, analyzer: Analyzer, encoder: FakeEncoder
) -> None:
    for number in range(1, 4):
        _write(tmp_path, analyzer, encoder, {number: f"word{number}"})
    with generations.write_lock(tmp_path):
        builder = IndexBuilder.open(tmp_path, encoder.card, analyzer, full=False)
        builder.rewrite()
        builder.begin(2, 20_000)
        for number in (1, 3):
            passage = _passage(number, f"word{number}")
            vectors = builder.vectors_of([passage_digest(passage)])
            builder.add(_item(number), "d", [passage], list(vectors.values()))
        manifest = builder.finish(20_000)
    assert manifest.rows == 2
    assert not list(generations.live(tmp_path).glob("*-added.*"))
    assert b"word2" not in (generations.live(tmp_path) / "catalogue.db").read_bytes()
    index = LocalIndex.open(tmp_path, encoder.card)
    assert _best_items(index, encoder, "word3") == ("request:3", "request:3")


LARGE_FILES = ("vectors.faiss", "catalogue.db")


@pytest.mark.usefixtures("shared_files")
def test_a_generation_shares_the_large_files_until_much_has_changed(
    tmp_path: Path, analyzer: Analyzer, encoder: FakeEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recommender.index.builder.MOST_ADDED", 2)
    _write(tmp_path, analyzer, encoder, {number: f"word{number}" for number in range(1, 21)})
    changes: list[tuple[dict[int, str], tuple[int, ...], bool]] = [
        ({21: "word21"}, (), True),
        ({21: "other21"}, (21, 3), True),
        ({22: "word22"}, (), False),  # the third one that was added
        ({}, (4,), True),
        ({}, (5, 6, 7, 8, 9, 10), False),  # more than a fifth is removed
    ]
    for added, removed, is_shared in changes:
        before = generations.live(tmp_path)
        manifest = _write(tmp_path, analyzer, encoder, added, removed)
        live = generations.live(tmp_path)
        assert [(live / name).samefile(before / name) for name in LARGE_FILES] == [is_shared] * 2
        assert (live / "catalogue-added.db").exists() is is_shared
        assert manifest.files == generations.checksums_of(live)
    index = LocalIndex.open(tmp_path, encoder.card)
    for number, text in {12: "word12", 21: "other21", 22: "word22"}.items():
        assert _best_items(index, encoder, text) == (f"request:{number}",) * 2
    assert manifest.items == 22 - 8


@pytest.mark.usefixtures("shared_files")
def test_a_generation_that_an_earlier_version_wrote_is_opened_and_continued(
    tmp_path: Path, analyzer: Analyzer, encoder: FakeEncoder
) -> None:
    """It shared the vectors alone, and its manifest had a digest that nothing reads."""
    _write(tmp_path, analyzer, encoder, {number: f"word{number}" for number in range(1, 9)})
    manifest = _write(tmp_path, analyzer, encoder, {9: "word9"}, removed=(2,))
    live = generations.live(tmp_path)
    write_as_one(live / "catalogue.db")
    values = asdict(replace(manifest, files=generations.checksums_of(live))) | {"digest": "d"}
    text = json.dumps(values | {"checksum": generations._checksum(values)})
    (live / "manifest.json").write_text(text, encoding="utf-8")
    opened = [LocalIndex.open(tmp_path, encoder.card)]
    _write(tmp_path, analyzer, encoder, {10: "word10"}, removed=(9,))
    assert (generations.live(tmp_path) / "catalogue-added.db").exists()
    opened.append(LocalIndex.open(tmp_path, encoder.card))
    for number, index in ((9, opened[0]), (10, opened[1]), (3, opened[0]), (3, opened[1])):
        assert _best_items(index, encoder, f"word{number}") == (f"request:{number}",) * 2
    assert opened[0].digests(["request:9"]) and not opened[1].digests(["request:9", "request:2"])


@pytest.mark.usefixtures("shared_files")
@pytest.mark.parametrize("damage", ["changed", "missing"])
@pytest.mark.parametrize("name", ["catalogue-added.db", "catalogue.db"])
def test_damage_of_a_part_of_the_catalogue_is_found(
    name: str, damage: str, tmp_path: Path, analyzer: Analyzer, encoder: FakeEncoder
) -> None:
    for number in (1, 2):
        _write(tmp_path, analyzer, encoder, {number: f"word{number}"})
    path = generations.live(tmp_path) / name
    if damage == "missing":
        path.unlink()
    else:
        content = path.read_bytes()
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(IndexDamaged, match=name):
        LocalIndex.open(tmp_path, encoder.card)


def _is_in_memory(generation: Path) -> bool:
    checksum = Manifest.read(generation).files["vectors.faiss"]
    return DenseIndex.in_memory(generation / "vectors.faiss", checksum) is not None


@pytest.mark.usefixtures("shared_files")
def test_the_live_vectors_are_never_read_into_memory_by_who_continues_them(
    tmp_path: Path, analyzer: Analyzer, encoder: FakeEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recommender.index.builder.MOST_ADDED", 2)
    monkeypatch.setattr("recommender.index.builder._ADD_TOGETHER", 1)
    _write(tmp_path, analyzer, encoder, {number: f"word{number}" for number in range(1, 4)})
    before, held = generations.live(tmp_path), []
    with generations.write_lock(tmp_path):
        builder = IndexBuilder.open(tmp_path, encoder.card, analyzer, full=False)
        builder.begin(3, 20_000)
        for number in range(4, 9):
            passage = _passage(number, f"word{number}")
            builder.add(_item(number), "d", [passage], list(encoder.encode_passages([read_text(passage)])))
            held.append(_is_in_memory(before))
        manifest = builder.finish(20_000)
    assert held == [False] * 5
    assert manifest.rows == 8 and "vectors-added.faiss" not in manifest.files
    index = LocalIndex.open(tmp_path, encoder.card)
    for number in (1, 4, 6, 8):
        assert _best_items(index, encoder, f"word{number}") == (f"request:{number}",) * 2


def test_no_vectors_are_in_memory_while_a_new_generation_is_looked_at(
    tmp_path: Path, analyzer: Analyzer, encoder: FakeEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[bool] = []
    verify = IndexBuilder._verify
    _write(tmp_path, analyzer, encoder, {1: "word1"})

    def verified(self: IndexBuilder, directory: Path, items: int) -> None:
        held.append(_is_in_memory(generations.live(tmp_path)))
        verify(self, directory, items)

    monkeypatch.setattr(IndexBuilder, "_verify", verified)
    _write(tmp_path, analyzer, encoder, {2: "word2"})
    monkeypatch.setattr("recommender.index.builder._SHARED_FROM", 0)
    _write(tmp_path, analyzer, encoder, {3: "word3"})
    assert held == [False, False]
    index = LocalIndex.open(tmp_path, encoder.card)
    assert _is_in_memory(generations.live(tmp_path)) and index.manifest.rows == 3


@pytest.mark.usefixtures("shared_files")
def test_only_files_that_were_touched_are_compared_by_who_continues_them(
    tmp_path: Path, analyzer: Analyzer, encoder: FakeEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[str] = []
    monkeypatch.setattr(
        generations, "damaged", lambda folder, expected: compared.extend(expected) or damaged(folder, expected)
    )
    _write(tmp_path, analyzer, encoder, {number: f"word{number}" for number in range(1, 9)})
    _write(tmp_path, analyzer, encoder, {9: "word9"})
    _write(tmp_path, analyzer, encoder, {10: "word10"}, removed=(3,))
    assert compared == []
    live = generations.live(tmp_path)
    os.utime(live / "catalogue.db")
    _write(tmp_path, analyzer, encoder, {11: "word11"})
    assert compared == ["catalogue.db"]
    compared.clear()
    (tmp_path / "checked.json").write_text("broken")
    _write(tmp_path, analyzer, encoder, {12: "word12"})
    assert set(compared) >= {"catalogue.db", "catalogue-added.db", "vectors.faiss", "vectors-added.faiss", "space.npz"}
    live, states = generations.live(tmp_path), (tmp_path / "checked.json").read_text()
    content = (live / "vectors.faiss").read_bytes()
    (live / "vectors.faiss").write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert (tmp_path / "checked.json").read_text() == states
    with pytest.raises(IndexDamaged, match=r"vectors\.faiss"):
        _write(tmp_path, analyzer, encoder, {13: "word13"})
    assert generations.live(tmp_path) == live
