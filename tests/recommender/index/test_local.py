"""index/local.py: a generation on real SQLite, FAISS and Tantivy is opened; damaged files are refused. What it answers
is tested in test_contract.py, for every engine."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy.orm import Session, sessionmaker

from recommender.database.tables import HelpRequest
from recommender.encoder import ModelCard
from recommender.errors import IndexDamaged, IndexMismatch, IndexNotFound
from recommender.index import generations
from recommender.index.dense import DenseIndex
from recommender.index.generations import Manifest
from recommender.index.local import LocalIndex
from recommender.index.vector_space import VectorSpace
from recommender.language.analyzer import Analyzer
from recommender.settings import Settings
from tests.conftest import FakeEncoder

EVERYONE = frozenset({"everyone"})


@pytest.fixture
def index(
    reindexed: Callable[..., LocalIndex],
    add_request: Callable[..., int],
) -> LocalIndex:
    """Three requests with a passage each: everyone may read two, the team hr the third."""
    add_request("printer jam", answer="open the tray")
    add_request("vpn tunnel", answer="restart the client")
    add_request("printer salary", answer="ask the payroll", audience=["team:hr"])
    return reindexed()


def test_another_model_is_a_mismatch_that_says_what_to_do(
    settings: Settings, index: LocalIndex, encoder: FakeEncoder
) -> None:
    for other in (
        replace(encoder.card, name="other"),
        replace(encoder.card, revision="2"),
        replace(encoder.card, dimension=32),
    ):
        with pytest.raises(IndexMismatch, match="kollega reindex --full"):
            LocalIndex.open(settings.index_dir, other)
    assert LocalIndex.open(settings.index_dir, None).background == index.background


def test_no_index_says_how_to_make_one(settings: Settings) -> None:
    with pytest.raises(IndexNotFound, match="Run: kollega reindex"):
        LocalIndex.open(settings.index_dir, None)


def _remove_vectors(directory: Path) -> None:
    (directory / "vectors.faiss").unlink()


def _cut_vectors(directory: Path) -> None:
    path = directory / "vectors.faiss"
    path.write_bytes(path.read_bytes()[:100])


def _swap_vectors(directory: Path) -> None:
    fewer = DenseIndex.empty(64, approximate=False)
    fewer.add(np.eye(64, dtype=np.float32)[:2])
    fewer.save(directory / "vectors.faiss")


def _break_manifest(directory: Path) -> None:
    (directory / "manifest.json").write_text('{"format": 1, "items"', encoding="utf-8")


def _strip_manifest(directory: Path) -> None:
    (directory / "manifest.json").write_text('{"format": 1}', encoding="utf-8")


def _remove_words(directory: Path) -> None:
    shutil.rmtree(directory / "lexical")


def _remove_catalogue(directory: Path) -> None:
    (directory / "catalogue.db").unlink()


def _overwrite_catalogue(directory: Path) -> None:
    (directory / "catalogue.db").write_bytes(b"not a database" * 100)


def _other_analysis(directory: Path) -> None:
    replace(Manifest.read(directory), analysis=-1).write(directory)


def _other_format(directory: Path) -> None:
    replace(Manifest.read(directory), format=generations.FORMAT - 1).write(directory)


def _remove_space(directory: Path) -> None:
    (directory / "space.npz").unlink()


def _cut_space(directory: Path) -> None:
    mean = np.ones(64, np.float32)
    VectorSpace({"en": mean}, {"en": np.stack([mean] * 4)}).save(directory / "space.npz")
    path = directory / "space.npz"
    path.write_bytes(path.read_bytes()[:500])


def _empty_space(directory: Path) -> None:
    (directory / "space.npz").write_bytes(b"")


def _overwrite_space(directory: Path) -> None:
    (directory / "space.npz").write_bytes(b"not an archive" * 100)


def _other_count(directory: Path) -> None:
    replace(Manifest.read(directory), passages=4).write(directory)


@pytest.mark.parametrize(
    "damage",
    [
        _remove_vectors,
        _cut_vectors,
        _swap_vectors,
        _break_manifest,
        _strip_manifest,
        _remove_words,
        _remove_catalogue,
        _overwrite_catalogue,
        _other_analysis,
        _other_format,
        _other_count,
        _remove_space,
        _cut_space,
        _empty_space,
        _overwrite_space,
    ],
)
def test_a_damaged_file_is_an_error_that_says_what_to_do(
    settings: Settings, index: LocalIndex, encoder: FakeEncoder, damage: Callable[[Path], None]
) -> None:
    damage(generations.live(settings.index_dir))
    with pytest.raises(IndexDamaged, match="Run: kollega reindex --full"):
        LocalIndex.open(settings.index_dir, encoder.card)


@pytest.mark.parametrize("damage", [_remove_vectors, _cut_vectors])
def test_a_generation_without_vectors_can_be_opened_for_the_lexical_leg(
    settings: Settings, index: LocalIndex, analyzer: Analyzer, damage: Callable[[Path], None]
) -> None:
    damage(generations.live(settings.index_dir))
    words = LocalIndex.open(settings.index_dir, None)
    vector = np.ones(64, np.float32)
    (hit,) = words.search(vector, analyzer.query_terms("tunnel"), EVERYONE, 10)
    assert (hit.item, hit.language, hit.near) == ("request:2", "en", None)
    assert hit.lexical > 0.0


def test_a_model_card_with_the_same_values_is_the_same_model(
    settings: Settings, index: LocalIndex, encoder: FakeEncoder
) -> None:
    assert LocalIndex.open(settings.index_dir, ModelCard("fake", "1", 64, 512)).manifest == index.manifest


def test_the_words_of_removed_and_changed_items_leave_the_index_at_once(
    add_request: Callable[..., int], reindexed: Callable[..., LocalIndex], sessions: sessionmaker[Session]
) -> None:
    add_request("printer jam", answer="confidential")
    add_request("printer layoff", answer="reorganisation")
    reindexed()
    with sessions.begin() as session:
        session.delete(session.get_one(HelpRequest, 2))
        session.get_one(HelpRequest, 1).title = "printer scanner"
        session.get_one(HelpRequest, 1).replies[0].body = "whatever"
    index = reindexed()
    words = set(index._catalogue.words())
    assert {"printer", "scanner", "whatever"} <= words
    assert words.isdisjoint({"layoff", "confidential"})
    assert not any(word.startswith("reorg") for word in words)
    assert index.similar_words("layofff", EVERYONE) == []


def test_the_vectors_are_searched_once_for_a_question_and_again_for_another_reader(
    index: LocalIndex, encoder: FakeEncoder, analyzer: Analyzer, monkeypatch: pytest.MonkeyPatch
) -> None:
    searched: list[int] = []
    search = DenseIndex.search

    def counted(dense: DenseIndex, *given: Any) -> list[tuple[int, float]]:
        searched.append(given[-1])
        return search(dense, *given)

    monkeypatch.setattr(DenseIndex, "search", counted)
    vector, terms = encoder.encode_queries(["printer"])[0], analyzer.query_terms("printer")
    (nearest,) = index.nearest([vector], EVERYONE, 7)
    assert max(hit.near.nearest for hit in index.search(vector, terms, EVERYONE, 7) if hit.near) == nearest
    assert searched == [7]
    found = index.search(vector, terms, EVERYONE | {"team:hr"}, 7)
    assert {hit.item for hit in found} == {"request:1", "request:2", "request:3"}
    assert searched == [7, 7]
