"""Damaged files of the index: found when it is opened and while it is in use; never another answer without a notice."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import delete
from sqlalchemy.orm import Session

from recommender.access import ANYONE
from recommender.database.tables import HelpRequest, Reply
from recommender.datatypes import DATABASE_EMPTY, DENSE_MISSING, INDEX_MISSING, KEYWORDS_MISSING, LEARNED_MISSING
from recommender.index import generations
from recommender.learned import ANSWER_MODEL
from recommender.recommender import Recommender
from recommender.render import as_json
from recommender.search.calibration import AnswerModel
from recommender.settings import Settings
from tests.conftest import FakeEncoder
from tests.recommender.conftest import Add, Build, Reopen, add_unrelated_requests


def flip(path: Path, place: float = 0.7) -> None:
    """Turn a few bytes of a file over, in place, as a bad disk or a bad copy does."""
    content = bytearray(path.read_bytes())
    start = int(place * len(content))
    for position in range(start, min(start + 8, len(content))):
        content[position] ^= 0xFF
    path.write_bytes(content)


@pytest.fixture
def world(settings: Settings, open_recommender: Build, add_request: Add) -> tuple[Recommender, Path, int]:
    """(a recommender that has the index open, the directory of the index, the request that answers)"""
    add_unrelated_requests(add_request)
    request_id = add_request("printer jam", answer="open the tray")
    return open_recommender(), generations.live(settings.index_dir), request_id


def _postings(directory: Path) -> Path:
    return next((directory / "lexical").glob("*.idx"))


DAMAGES = {
    "vectors": (lambda directory: directory / "vectors.faiss", DENSE_MISSING, True),
    "space": (lambda directory: directory / "space.npz", DENSE_MISSING, True),
    "keywords": (_postings, KEYWORDS_MISSING, True),
    "catalogue": (lambda directory: directory / "catalogue.db", INDEX_MISSING, False),
    "manifest": (lambda directory: directory / "manifest.json", INDEX_MISSING, False),
    "name": (lambda directory: directory.parent / "CURRENT", INDEX_MISSING, False),
}


@pytest.mark.parametrize("what", DAMAGES)
def test_turned_over_bytes_are_a_notice_and_what_is_whole_answers(
    world: tuple[Recommender, Path, int], session: Session, encoder: FakeEncoder, reopen: Reopen, what: str
) -> None:
    _recommender, directory, request_id = world
    find, notice, answers = DAMAGES[what]
    flip(find(directory))
    result = reopen(encoder).recommend("printer jam", ANYONE, session)
    assert result.notices == (notice,)
    assert [suggestion.item.id for suggestion in result.suggestions[:1]] == ([request_id] if answers else [])


def test_a_catalogue_that_is_damaged_while_it_is_in_use_is_noticed_at_the_next_question(
    world: tuple[Recommender, Path, int], session: Session
) -> None:
    recommender, directory, _request_id = world
    flip(directory / "catalogue.db")
    recommender.refresh()  # as each request of the web does
    assert recommender.recommend("printer jam", ANYONE, session).notices == (INDEX_MISSING,)
    recommender.refresh(wait=True)
    assert recommender.recommend("printer jam", ANYONE, session).notices == (INDEX_MISSING,)


@pytest.mark.parametrize("damage", [flip, lambda path: os.truncate(path, 0), lambda path: path.unlink()])
def test_what_is_in_memory_answers_as_before_when_its_files_are_damaged_while_it_is_in_use(
    world: tuple[Recommender, Path, int], session: Session, damage: Callable[[Path], object]
) -> None:
    recommender, directory, _request_id = world
    before = as_json(recommender.recommend("printer jam", ANYONE, session))
    for path in (directory / "vectors.faiss", directory / "space.npz", *(directory / "lexical").iterdir()):
        damage(path)
    recommender.refresh()
    assert as_json(recommender.recommend("printer jam", ANYONE, session)) == before
    assert recommender.recommend("tray", ANYONE, session).suggestions != ()


def test_a_file_that_was_written_again_with_the_same_content_is_used_again(
    world: tuple[Recommender, Path, int], session: Session
) -> None:
    recommender, directory, _request_id = world
    before = as_json(recommender.recommend("printer jam", ANYONE, session))
    path = directory / "catalogue.db"
    path.write_bytes(path.read_bytes())
    recommender.refresh()
    recommender.refresh(wait=True)
    assert as_json(recommender.recommend("printer jam", ANYONE, session)) == before


def test_a_panic_of_the_keyword_engine_is_a_notice_and_dense_search_answers(
    world: tuple[Recommender, Path, int], session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Panicking:
        """As a searcher of Tantivy on a damaged file; its exception is a BaseException."""

        num_docs = 7

        def __getattr__(self, _name: str) -> None:
            raise type("PanicException", (BaseException,), {})("index out of bounds")

    recommender, _directory, request_id = world
    monkeypatch.setattr(recommender.index._lexical, "_searcher", Panicking())  # type: ignore[union-attr]
    monkeypatch.setattr(recommender.index._lexical, "_counts", {})  # type: ignore[union-attr]
    result = recommender.recommend("printer jam", ANYONE, session)
    assert result.notices == (KEYWORDS_MISSING,)
    assert result.suggestions[0].item.id == request_id
    assert recommender.similar_open("printer jam", ANYONE, session) == ()


@pytest.mark.parametrize("wait", [False, True])
def test_a_learned_model_that_is_lost_or_has_a_turned_over_digit_is_a_notice(
    world: tuple[Recommender, Path, int], session: Session, wait: bool
) -> None:
    recommender, directory, _request_id = world
    ANSWER_MODEL.save(directory, AnswerModel(-1.0, 2.5))
    recommender.refresh(wait=wait)
    assert recommender.recommend("printer jam", ANYONE, session).notices == ()
    path = directory / "calibration.json"
    content = path.read_text(encoding="utf-8")
    path.unlink()
    recommender.refresh(wait=wait)
    assert recommender.recommend("printer jam", ANYONE, session).notices == (LEARNED_MISSING,)
    path.write_text(content, encoding="utf-8")
    recommender.refresh(wait=wait)
    assert recommender.recommend("printer jam", ANYONE, session).notices == ()
    path.write_text(path.read_text(encoding="utf-8").replace("2.5", "0.5"), encoding="utf-8")
    recommender.refresh(wait=wait)
    assert recommender.recommend("printer jam", ANYONE, session).notices == (LEARNED_MISSING,)


def test_a_model_whose_file_changes_is_not_used_any_more(
    world: tuple[Recommender, Path, int], session: Session, encoder: FakeEncoder, tmp_path: Path
) -> None:
    from recommender.checksums import states

    recommender, _directory, request_id = world
    weights = tmp_path / "model.bin"
    weights.write_bytes(b"1" * 100)
    encoder.files = states([weights])  # type: ignore[attr-defined]
    recommender.refresh(wait=True)
    assert recommender.recommend("printer jam", ANYONE, session).notices == ()
    flip(weights)
    recommender.refresh()
    recommender.refresh(wait=True)
    result = recommender.recommend("printer jam", ANYONE, session)
    assert result.notices == (DENSE_MISSING,) and result.suggestions[0].item.id == request_id


def test_without_keyword_search_as_many_items_are_readable(
    world: tuple[Recommender, Path, int], encoder: FakeEncoder, reopen: Reopen
) -> None:
    recommender, directory, _request_id = world
    flip(_postings(directory))
    damaged = reopen(encoder)
    assert damaged.index is not None and recommender.index is not None
    assert damaged.index.size(ANYONE.tokens) == recommender.index.size(ANYONE.tokens) == 7


def test_an_empty_database_beside_an_index_is_a_notice(world: tuple[Recommender, Path, int], session: Session) -> None:
    recommender, _directory, _request_id = world
    for table in (Reply, HelpRequest):
        session.execute(delete(table))
    session.commit()
    result = recommender.recommend("printer jam", ANYONE, session)
    assert (result.notices, result.suggestions) == ((DATABASE_EMPTY,), ())
