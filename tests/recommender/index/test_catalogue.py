"""index/catalogue.py on a real SQLite file."""

import sqlite3
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from recommender.datatypes import Item, Kind, Passage, Role
from recommender.index.catalogue import Catalogue, Row
from recommender.index.item_numbers import key_of


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


def test_the_numbers_of_all_items_are_in_order(catalogue: Catalogue) -> None:
    assert catalogue.numbers().tolist() == [2, 4, 6]
    for key, kind in (("document:2", Kind.DOCUMENT), ("document:1000000", Kind.DOCUMENT), ("request:10", Kind.REQUEST)):
        catalogue.add(replace(_item(0), key=key, kind=kind), "d", [])
    assert [key_of(number) for number in catalogue.numbers().tolist()] == [
        "request:1", "request:2", "document:2", "request:3", "request:10", "document:1000000"
    ]  # fmt: skip
    catalogue.remove(["request:1", "request:2", "request:3", "request:10"])
    assert catalogue.numbers().tolist() == [5, 2_000_001]


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


def _continued(tmp_path: Path) -> Catalogue:
    """The same items, and what follows: item 2 removed, item 1 changed, item 4 new, with words."""
    first = Catalogue.create(tmp_path / "catalogue.db")
    first.add_words(["printer", "phone"])
    first.commit()
    first.close()
    before = (tmp_path / "catalogue.db").read_bytes()
    (tmp_path / "next").mkdir(exist_ok=True)
    following = Catalogue.continue_from(tmp_path / "catalogue.db", tmp_path / "next" / "catalogue.db")
    assert following.remove(["request:2", "request:1", "request:77"]) == 3
    following.add(_item(1, "team:it"), "one again", [_row(4, 1, "x"), _row(5, 1, "w")])
    following.add(_item(4), "four", [_row(6, 4, "v")])
    following.remove_words(["phone", "never"])
    following.add_words(["printer", "scanner"])
    following.commit()
    assert (tmp_path / "catalogue.db").read_bytes() == before
    return following


def _all(catalogue: Catalogue) -> list[object]:
    """All that can be read of a catalogue."""
    return [
        catalogue.counts(), catalogue.digests(), catalogue.numbers().tolist(),
        catalogue.digests_of(["request:1", "request:2", "request:3"]), catalogue.members(),
        catalogue.ids().tolist(), catalogue.members_and_roles(), catalogue.members_and_roles(4),
        catalogue.languages(), catalogue.languages(4), sorted(catalogue.audiences()), sorted(catalogue.audiences(4)),
        list(catalogue.rows()), catalogue.passages(range(-1, 9)),
        [catalogue.passages_of(f"request:{number}") for number in range(5)],
        catalogue.ids_by_digest(["w", "y", "z", "v"]), sorted(catalogue.words()),
    ]  # fmt: skip


@pytest.mark.usefixtures("catalogue")
def test_what_follows_another_generation_is_read_as_if_it_were_in_one_file(tmp_path: Path) -> None:
    following = _continued(tmp_path)
    assert following.counts() == (3, 4)
    assert following.digests() == {"request:1": "one again", "request:3": "three", "request:4": "four"}
    assert following.numbers().tolist() == [2, 6, 8]
    assert following.members() == [(3, "request:3"), (4, "request:1"), (5, "request:1"), (6, "request:4")]
    assert following.members_and_roles(4)[0] == (4, 5, 6)
    assert dict(following.audiences())["request:1"] == {"team:it"}
    assert following.ids_by_digest(["y", "x"]) == {"x": 4}
    assert sorted(following.words()) == ["printer", "scanner"]
    assert following.removed_items() == {"request:1", "request:2"}
    assert (following.is_in_two_files, following.last_id()) == (True, 6)
    with pytest.raises(sqlite3.IntegrityError):
        following.add(_item(3), "again", [])
    path, seen = tmp_path / "next" / "catalogue.db", _all(following)
    assert _all(Catalogue.load(path)) == seen
    assert path.samefile(tmp_path / "catalogue.db")
    assert Catalogue.load(tmp_path / "catalogue.db").digests()["request:2"] == "two"
    whole = following.in_one_file()
    assert _all(whole) == seen and not whole.is_in_two_files and not whole.removed_items()
    assert not path.with_name("catalogue-added.db").exists() and not path.samefile(tmp_path / "catalogue.db")
    assert b"text 2" not in path.read_bytes() and _all(Catalogue.load(path)) == seen
    assert Catalogue.load(tmp_path / "catalogue.db").counts() == (3, 4)


@pytest.mark.usefixtures("catalogue")
def test_several_generations_follow_each_other_and_none_changes_those_before(tmp_path: Path) -> None:
    following = _continued(tmp_path)
    seen = _all(following)
    following.close()
    (tmp_path / "last").mkdir()
    last = Catalogue.continue_from(tmp_path / "next" / "catalogue.db", tmp_path / "last" / "catalogue.db")
    assert _all(last) == seen
    assert last.remove(["request:4", "request:1"]) == 3
    last.add(_item(2), "two again", [_row(7, 2, "x")])
    last.add_words(["phone"])
    last.commit()
    assert last.counts() == (2, 2) and last.digests() == {"request:2": "two again", "request:3": "three"}
    assert sorted(last.words()) == ["phone", "printer", "scanner"]
    after = _all(last)
    assert _all(last.in_one_file()) == after
    assert _all(Catalogue.load(tmp_path / "next" / "catalogue.db")) == seen


@pytest.mark.usefixtures("catalogue")
def test_a_damaged_or_missing_part_is_a_database_error(tmp_path: Path) -> None:
    _continued(tmp_path).close()
    path = tmp_path / "next" / "catalogue.db"
    added = path.with_name("catalogue-added.db").read_bytes()
    path.with_name("catalogue-added.db").write_bytes(b"not a database" * 100)
    with pytest.raises(sqlite3.Error):
        Catalogue.load(path)
    path.with_name("catalogue-added.db").write_bytes(added)
    assert Catalogue.load(path).counts() == (3, 4)
    path.unlink()
    with pytest.raises(sqlite3.Error):
        Catalogue.load(path)
