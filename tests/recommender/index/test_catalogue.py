"""index/catalogue.py on a real SQLite file."""

import sqlite3
from datetime import datetime
from pathlib import Path

import pytest

from recommender.datatypes import Item, Kind, Passage, Role
from recommender.index.catalogue import Catalogue, Row


def _item(number: int, *audience: str) -> Item:
    key = f"request:{number}"
    return Item(
        key, Kind.REQUEST, "t", "b", "a", "fi", None, frozenset(audience or ("everyone",)), datetime(2026, 1, 1)
    )


def _row(identifier: int, number: int, digest: str = "d") -> Row:
    passage = Passage(f"request:{number}", Role.ANSWER, identifier, "ötsikkö", f"text {identifier}", "fi")
    return Row(identifier, digest, passage)


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    """Items 1 (passages 0, 1), 2 (passage 2) and 3 (passage 3)."""
    made = Catalogue.create(tmp_path / "catalogue.db")
    made.add(_item(1), "one", [_row(0, 1, "x"), _row(1, 1, "y")])
    made.add(_item(2, "team:hr", "person:3"), "two", [_row(2, 2, "x")])
    made.add(_item(3), "three", [_row(3, 3, "z")])
    made.commit()
    return made


def test_committed_items_are_loaded(catalogue: Catalogue, tmp_path: Path) -> None:
    loaded = Catalogue.load(tmp_path / "catalogue.db")
    assert loaded.counts() == (3, 4)
    assert loaded.digests() == {"request:1": "one", "request:2": "two", "request:3": "three"}
    assert list(loaded.members()) == [(0, "request:1"), (1, "request:1"), (2, "request:2"), (3, "request:3")]
    assert dict(loaded.audiences())["request:2"] == {"team:hr", "person:3"}
    assert list(loaded.rows())[2] == _row(2, 2, "x")


def test_the_file_keeps_nothing_of_what_was_removed(catalogue: Catalogue, tmp_path: Path) -> None:
    """SQLite would leave the text of removed rows in the free parts of its pages."""
    catalogue.add(_item(9), "nine", [_row(987, 9)])
    catalogue.commit()
    assert b"text 987" in (tmp_path / "catalogue.db").read_bytes()
    catalogue.remove(["request:9"])
    catalogue.commit()
    assert b"text 987" not in (tmp_path / "catalogue.db").read_bytes()


def test_items_that_were_not_committed_are_not_loaded(catalogue: Catalogue, tmp_path: Path) -> None:
    catalogue.add(_item(9), "nine", [_row(9, 9)])
    catalogue.close()
    assert Catalogue.load(tmp_path / "catalogue.db").counts() == (3, 4)


def test_passages_are_found_by_id_and_unknown_ids_are_left_out(catalogue: Catalogue) -> None:
    assert catalogue.passages([3, 1, 77]) == {1: _row(1, 1).passage, 3: _row(3, 3).passage}
    assert catalogue.passages([]) == {}


def test_removing_items_removes_their_passages(catalogue: Catalogue) -> None:
    assert catalogue.remove(["request:1", "request:99"]) == 2
    assert catalogue.counts() == (2, 2)
    assert list(catalogue.members()) == [(2, "request:2"), (3, "request:3")]


def test_a_passage_is_found_by_its_digest(catalogue: Catalogue) -> None:
    result = catalogue.ids_by_digest(["x", "z", "none"])
    assert result["z"] == 3
    assert result["x"] in (0, 2)
    assert set(result) == {"x", "z"}
    catalogue.remove(["request:1"])
    assert catalogue.ids_by_digest(["x", "y"]) == {"x": 2}


def test_renumbering_closes_the_gaps_in_order(catalogue: Catalogue, tmp_path: Path) -> None:
    catalogue.remove(["request:1"])
    catalogue.renumber()
    catalogue.close()
    loaded = Catalogue.load(tmp_path / "catalogue.db")
    assert list(loaded.members()) == [(0, "request:2"), (1, "request:3")]
    assert loaded.passages([1])[1].text == "text 3"


def test_an_item_cannot_be_added_twice(catalogue: Catalogue) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        catalogue.add(_item(1), "again", [])


def test_a_loaded_catalogue_cannot_be_written(catalogue: Catalogue, tmp_path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        Catalogue.load(tmp_path / "catalogue.db").remove(["request:1"])


def test_a_missing_or_damaged_file_is_a_database_error(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.Error):
        Catalogue.load(tmp_path / "missing.db")
    assert not (tmp_path / "missing.db").exists()
    (tmp_path / "damaged.db").write_bytes(b"not a database" * 100)
    with pytest.raises(sqlite3.Error):
        Catalogue.load(tmp_path / "damaged.db")
