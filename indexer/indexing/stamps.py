"""Stamps of items, which say without their texts which of them were changed.

The stamp of an item is a digest of the times of the last change of its row and of its replies, readers and files, and
of how many of these there are. To read them of all items takes a second for 100,000. So items are in blocks by their
ids, of which the database sums up what stamps are made of; only the stamps of those blocks are read that have another
sum than before. Stamps and sums lie beside the index, in `index/stamps.npz`, for one generation. The fingerprint of the
large tables comes of the same sums, so that these tables are looked at once. Where the database marks the blocks that
change (`dialects/marks.py`), marks take the place of sums, and no large table is looked at.
"""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from indexer.indexing import stamp_queries as queries
from recommender.database.dialects import marks as marking
from recommender.database.dialects.marks import Marks
from recommender.database.fingerprint import Totals, marks_of
from recommender.database.tables import Team
from recommender.datatypes import Kind
from recommender.index import generations
from recommender.index.item_numbers import Keys, Numbers, number_for, number_of, numbers_of
from recommender.language.analyzer import ANALYSIS_VERSION
from recommender.settings import Settings

_FILE, _VERSION = "stamps.npz", 3
_EVEN = 2**64 - 2
_OTHER = 0  # in place of the sum of a block, which is read again then
_FEW = 20  # blocks that are read one by one; of more, all are read: a judgement

Stamp = int
"""A digest that changes with the item; odd when everybody may read the item."""


@dataclass(frozen=True, eq=False)
class Stamps:
    """The `numbers` of all searchable items (`item_numbers.py`) in order, the stamp of each as `values`, and the sum of
    each block of them, by its name: equal sums mean equal stamps."""

    numbers: Numbers = field(default_factory=lambda: np.zeros(0, np.int64))
    values: NDArray[np.uint64] = field(default_factory=lambda: np.zeros(0, np.uint64))
    of_blocks: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, of_items: Mapping[str, Stamp], of_blocks: dict[str, int]) -> "Stamps":
        """Stamps by the keys of their items."""
        return cls._made([(number_of(key), stamp) for key, stamp in of_items.items()], of_blocks)

    @classmethod
    def _made(
        cls, pairs: Iterable[tuple[int, Stamp]], of_blocks: dict[str, int], others: "Stamps | None" = None
    ) -> "Stamps":
        """Pairs of (number, stamp), and the stamps of `others`, which are other items."""
        new = list(pairs)
        numbers = np.array([number for number, _stamp in new], np.int64)
        values = np.array([stamp for _number, stamp in new], np.uint64)
        if others is not None:
            numbers, values = np.concatenate([others.numbers, numbers]), np.concatenate([others.values, values])
        order = np.argsort(numbers, kind="stable")
        return cls(numbers[order], values[order], of_blocks)

    @property
    def of_items(self) -> dict[str, Stamp]:
        """The stamp of each item, by key."""
        return dict(zip(Keys(self.numbers), self.values.tolist(), strict=True))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Stamps) and (self.of_items, self.of_blocks) == (other.of_items, other.of_blocks)

    def same_in(self, others: "Stamps") -> Numbers:
        """The numbers of the items that have the same stamp in others."""
        there = np.isin(self.numbers, others.numbers, assume_unique=True)
        same = others.values[np.searchsorted(others.numbers, self.numbers[there])] == self.values[there]
        numbers: Numbers = self.numbers[there][same]
        return numbers

    def public_of(self, numbers: Numbers) -> Numbers:
        """Those of these items, which have stamps, that everybody may read."""
        public: Numbers = numbers[self.values[np.searchsorted(self.numbers, numbers)] % 2 == 1]
        return public

    def without(self, keys: Iterable[str]) -> "Stamps":
        """Those of the other items: the next run takes these for changed."""
        gone = set(keys)
        if not gone:
            return self
        left = ~np.isin(self.numbers, numbers_of(gone))
        blocks = self.of_blocks | {_block_of(key): _OTHER for key in gone}
        return Stamps(self.numbers[left], self.values[left], blocks)


@dataclass(frozen=True)
class Sums:
    """What the database sums up, or marks: of each block, by its name, and what the fingerprint is made of
    (`fingerprint.py`)."""

    of_blocks: dict[str, int]
    of_tables: Mapping[Any, Totals] | Marks


def _block_of(key: str) -> str:
    kind, _, identifier = key.partition(":")
    return f"{kind}:{int(identifier) // marking.BLOCK}"


def stamps_of(session: Session, held: Stamps | None = None, summed: Sums | None = None) -> Stamps:
    """The stamps of now; of blocks with the same sum as in `held`, those are taken. Take them, and the sums if they are
    there already, before the items are read: what changes meanwhile has another stamp the next time."""
    sums = (summed or sums_of(session)).of_blocks
    before = held.of_blocks if held else {}
    changed = sorted(name for name in sums.keys() | before.keys() if sums.get(name) != before.get(name))
    if held is None or not before or len(changed) > _FEW:
        return Stamps._made((pair for kind in Kind for pair in _stamps(session, kind)), sums)
    new: list[tuple[int, Stamp]] = []
    left = np.ones(len(held.numbers), np.bool_)
    for name in changed:
        kind, _, number = name.partition(":")
        first = int(number) * marking.BLOCK
        last = first + marking.BLOCK - 1
        ends = [number_for(Kind.REQUEST, identifier) for identifier in (first, last + 1)]
        here = slice(*np.searchsorted(held.numbers, ends))
        left[here] &= held.numbers[here] % 2 != number_for(kind, first) % 2
        new += _stamps(session, Kind(kind), (first, last))
    return Stamps._made(new, sums, Stamps(held.numbers[left], held.values[left]))


def _stamps(session: Session, kind: Kind, bounds: queries.Bounds | None = None) -> Iterator[tuple[int, Stamp]]:
    """(number, stamp) of the items of a kind, with `bounds` of those with such ids."""
    query = queries.requests(session, bounds) if kind is Kind.REQUEST else queries.documents(session, bounds)
    for identifier, public, *rest in session.execute(query):
        yield number_for(kind, identifier), _digest(rest) & _EVEN | bool(public)


def _digest(values: object) -> int:
    return int.from_bytes(blake2b(repr(values).encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


def sums_of(session: Session) -> Sums:
    """The sums of now. Take them before the items are read, as stamps."""
    teams = _digest([tuple(row) for row in session.execute(select(Team.id, Team.handle).order_by(Team.id))])
    parts: dict[str, list[Any]] = {}
    tables: dict[Any, Totals] = {}
    marks = marks_of(session)  # before the others, as before the items
    for (kind, block), mark in marks.of_blocks.items() if marks else ():
        if kind != marking.PERSON:
            parts[f"{kind}:{block}"] = [teams, mark]
    summed = queries.summed(session, marking.BLOCK) if marks is None else ()
    for number, (kind, table, query) in enumerate([*summed, queries.merged(marking.BLOCK)]):
        rows = session.execute(query).all()
        for block, *values in rows:
            parts.setdefault(f"{kind}:{block}", [teams]).append((number, *values))
        if table is not None and rows:
            _blocks, counts, times, newest, *_rest = zip(*rows, strict=True)
            tables[table] = sum(counts), sum(times), max(newest)
    return Sums({name: _digest(values) for name, values in parts.items()}, tables if marks is None else marks)


def write_stamps(settings: Settings, generation: str, stamps: Stamps) -> None:
    """Note the stamps of the items that a generation was made from, in one step."""
    new = settings.index_dir / f"{_FILE}.new"
    with new.open("wb") as file:
        np.savez(
            file,
            about=np.array(_about(settings, generation)),
            numbers=stamps.numbers,
            stamps=stamps.values,
            blocks=np.array(list(stamps.of_blocks), np.bytes_),
            sums=np.array(list(stamps.of_blocks.values()), np.uint64),
        )
    os.replace(new, settings.index_dir / _FILE)


def read_stamps(settings: Settings) -> Stamps:
    """The stamps that were noted for the live generation; none when there are none that can be used."""
    generation = generations.live_name(settings.index_dir)
    try:
        with (settings.index_dir / _FILE).open("rb") as file, np.load(file) as held:
            if generation is None or str(held["about"]) != _about(settings, generation):
                return Stamps()
            numbers, values = held["numbers"], held["stamps"]
            blocks = zip(held["blocks"].astype(np.str_).tolist(), held["sums"].tolist(), strict=True)
            return Stamps(numbers, values, dict(blocks)) if len(numbers) == len(values) else Stamps()
    except Exception:  # reading a damaged file may raise errors of many kinds
        return Stamps()


def _about(settings: Settings, generation: str) -> str:
    return json.dumps([_VERSION, generation, settings.passage_tokens, ANALYSIS_VERSION])
