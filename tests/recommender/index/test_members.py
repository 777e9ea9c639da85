"""index/members.py: what an open index knows of the generation that follows it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from recommender.datatypes import Item, Kind, Passage, Role
from recommender.index import generations
from recommender.index.builder import IndexBuilder
from recommender.index.catalogue import Catalogue
from recommender.index.digest import read_text
from recommender.index.local import LocalIndex
from recommender.index.members import Members
from recommender.language.analyzer import Analyzer
from tests.conftest import FakeEncoder

NUMBERS = count()
AUDIENCES = [frozenset({"everyone"}), frozenset({"team:it"}), frozenset({"team:hr", "team:it"})]


@pytest.fixture(autouse=True)
def _shared_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recommender.index.builder._SHARED_FROM", 0)


def _write(index_dir: Path, analyzer: Analyzer, encoder: FakeEncoder, add: list[int], remove: list[int]) -> None:
    """Write a generation in which these items were added and removed. An item has one or two passages."""
    with generations.write_lock(index_dir):
        builder = IndexBuilder.open(index_dir, encoder.card, analyzer, full=False)
        builder.begin(len(add), 20_000)
        builder.remove([f"request:{number}" for number in remove])
        for number in add:
            key, language, audience = (
                f"request:{number}",
                "fi" if number % 5 == 0 else "en",
                AUDIENCES[next(NUMBERS) % 3],
            )
            question = Passage(key, Role.QUESTION, 0, "title", f"word{number}", language)
            passages = [question, replace(question, role=Role.ANSWER, position=1)][: 1 + number % 2]
            item = Item(key, Kind.REQUEST, "title", "body", "", language, None, audience, datetime(2026, 1, 1))
            vectors = encoder.encode_passages([read_text(passage) for passage in passages])
            builder.add(item, f"{next(NUMBERS)}", passages, list(vectors))
        builder.finish(20_000)


def _seen(members: Members, tokens: list[str]) -> object:
    """All that a search takes from them, without the numbers of the items."""
    languages = dict(zip(members.items, members.languages, strict=True))
    items = [members.items[number] if number >= 0 else None for number in members.item_of.tolist()]
    rows = {token: members.by_token[token].tolist() for token in tokens if len(members.by_token.get(token, ()))}
    roles = [role for role, item in zip(members.roles.tolist(), items, strict=True) if item]
    return (
        items, roles, rows, members.languages_by_token(), set(members.numbers()),
        {key: languages[key] for key in members.numbers()},
        all(members.items[number] == key for key, number in members.numbers().items()),
    )  # fmt: skip


def test_the_following_generation_is_known_as_it_is_when_everything_is_read(
    tmp_path: Path, analyzer: Analyzer, encoder: FakeEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = sorted(set().union(*AUDIENCES))
    _write(tmp_path, analyzer, encoder, list(range(1, 41)), [])
    opened = [LocalIndex.open(tmp_path, encoder.card)]
    read: list[int] = []
    members_and_roles = Catalogue.members_and_roles

    def noted(self: Catalogue, first: int = 0) -> tuple[Sequence[int], Sequence[str], Sequence[str]]:
        read.append(first)
        return members_and_roles(self, first)

    monkeypatch.setattr(Catalogue, "members_and_roles", noted)
    for add, remove in (([3, 41], [3]), ([], [7]), ([41, 42], [41]), ([3], [3, 42]), ([8, 9], [8, 9])):
        _write(tmp_path, analyzer, encoder, add, remove)
        opened.append(LocalIndex.open(tmp_path, encoder.card))
        directory = generations.live(tmp_path)
        assert read.pop() == opened[0].manifest.rows and not read
        whole = Members.read(Catalogue.load(directory / "catalogue.db"), opened[-1].manifest.rows)
        read.clear()
        assert _seen(opened[-1]._members, tokens) == _seen(whole, tokens)
        for index in opened:  # those that were opened before are as they were
            assert len(index._members.item_of) == index.manifest.rows
    assert len({id(index._dense.shared) for index in opened if index._dense}) == 1


def test_a_generation_that_was_made_after_going_back_is_known_as_it_is(
    tmp_path: Path, analyzer: Analyzer, encoder: FakeEncoder
) -> None:
    _write(tmp_path, analyzer, encoder, list(range(1, 41)), [])
    _write(tmp_path, analyzer, encoder, [41], [7])
    opened = LocalIndex.open(tmp_path, encoder.card)
    generations.roll_back(tmp_path)
    _write(tmp_path, analyzer, encoder, [42], [8])  # its rows after the shared ones are of another item
    index = LocalIndex.open(tmp_path, encoder.card)
    assert opened.passage_ids("request:41") == [opened.manifest.rows - 2, opened.manifest.rows - 1]
    assert index.passage_ids("request:42") and index.passage_ids("request:7")
    for gone in ("request:41", "request:8"):
        with pytest.raises(KeyError):
            index.passage_ids(gone)


def test_documents_are_those_of_the_earlier_file_and_of_what_follows_it() -> None:
    nothing = np.zeros(0, np.int32)
    earlier = Members(["document:1", "request:2"], ["en", "en"], nothing, nothing.astype(np.uint8), {})
    following = replace(earlier, items=[*earlier.items, "request:3", "document:10"], earlier=earlier)
    assert following.documents == {"document:1", "document:10"}
    assert replace(earlier, items=[*earlier.items, "request:3"], earlier=earlier).documents == {"document:1"}


def _without_what_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have nothing in memory, as in a process that has just begun."""
    monkeypatch.setattr("recommender.index.members._known", {})


@pytest.fixture
def whole_reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Gets a number each time that all members of a catalogue are read from it."""
    reads: list[int] = []
    read = Members.read

    def noted(catalogue: Catalogue, rows: int) -> Members:
        reads.append(rows)
        return read(catalogue, rows)

    monkeypatch.setattr(Members, "read", noted)
    return reads


def test_the_members_that_are_stored_are_those_of_the_catalogue(
    tmp_path: Path, analyzer: Analyzer, encoder: FakeEncoder, whole_reads: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = sorted(set().union(*AUDIENCES))
    for add, remove in ((list(range(1, 41)), []), ([3, 41], [3]), ([], [7]), ([42], [1])):
        _write(tmp_path, analyzer, encoder, add, remove)
        whole_reads.clear()
        _without_what_is_known(monkeypatch)
        opened = LocalIndex.open(tmp_path, encoder.card)
        assert whole_reads == []
        catalogue = Catalogue.load(generations.live(tmp_path) / "catalogue.db")
        whole = Members.read(catalogue, opened.manifest.rows)
        assert _seen(opened._members, tokens) == _seen(whole, tokens)
    directories = [tmp_path / name for name in generations.finished(tmp_path)]
    assert len({(directory / "members.npz").stat().st_ino for directory in directories}) == 1


@pytest.mark.parametrize("damage", ["missing", "cut", "other bytes", "marked as encrypted", "of another file"])
def test_members_that_cannot_be_used_are_read_from_the_catalogue(
    damage: str, tmp_path: Path, analyzer: Analyzer, encoder: FakeEncoder, whole_reads: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    _write(tmp_path, analyzer, encoder, list(range(1, 41)), [])
    stored = generations.live(tmp_path) / "members.npz"
    content = stored.read_bytes()
    stored.unlink()
    if damage == "cut":
        stored.write_bytes(content[: len(content) // 2])
    elif damage == "other bytes":
        middle = len(content) // 2
        stored.write_bytes(
            content[:middle] + bytes(byte ^ 0xFF for byte in content[middle : middle + 9]) + content[middle + 9 :]
        )
    elif damage == "marked as encrypted":
        flags = content.index(b"PK\x01\x02") + 8  # in the list of files at the end
        stored.write_bytes(content[:flags] + b"\x01" + content[flags + 1 :])
    elif damage == "of another file":
        other = tmp_path / "other"
        _write(other, analyzer, encoder, list(range(1, 30)), [])
        stored.write_bytes((generations.live(other) / "members.npz").read_bytes())
    whole_reads.clear()
    _without_what_is_known(monkeypatch)
    opened = LocalIndex.open(tmp_path, encoder.card)
    assert len(whole_reads) == 1
    tokens = sorted(set().union(*AUDIENCES))
    whole = Members.read(Catalogue.load(stored.with_name("catalogue.db")), opened.manifest.rows)
    assert _seen(opened._members, tokens) == _seen(whole, tokens)
