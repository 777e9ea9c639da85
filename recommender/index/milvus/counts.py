"""How rare a term is for a reader, without counting at the time of a question.

Items with the same audience and language are a group. For each term, `..._terms` has how many items of each group have
it in each field: what a reader's rarity needs is the sum over the groups that they may read. Nothing of other groups
enters.

A term has SLOTS rows, each with the number of the generation that wrote it: a generation reads the newest one that is
not newer than itself, and a run writes into the oldest one, so that what answers meanwhile keeps its own counts.
"""

import base64
import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from recommender.index.milvus import layout
from recommender.index.milvus.client import Milvus, Row
from recommender.index.question_terms import GRAMS, WEIGHTS, WORD_WEIGHTS, WRITTEN

FIELDS = (*WORD_WEIGHTS, WRITTEN, GRAMS)
"""The fields of keyword search; a term has the dimensions of sparse vectors from `8 * its number` on, in this order."""
PER_TERM = 8
ANY = PER_TERM - 1
"""Stands for the fields that rarity is counted in: an item that has the term in several of them counts once."""
_RARITY = tuple(FIELDS.index(name) for name in WEIGHTS)
SLOTS = 3
_PART = 4000  # entries in one row: as many as a text of Milvus can hold
_REMEMBERED = 200_000  # ids of terms: a judgement
_TOGETHER = 4096  # rows that are asked for at once: a judgement
Counts = NDArray[np.int32]
"""How many items have a term: rows of (group, place in FIELDS or ANY, items), shape (n, 3)."""
NONE: Counts = np.zeros((0, 3), np.int32)


class Term:
    """A term as a generation sees it: its number, which is 0 for one that no item has, its counts, the slot that they
    were in, and itself if a misspelt word may stand for it."""

    __slots__ = ("counts", "number", "slot", "word")

    def __init__(self, number: int = 0, counts: Counts = NONE, slot: int = -1, word: str = "") -> None:
        self.number, self.counts, self.slot, self.word = number, counts, slot, word


@lru_cache(maxsize=_REMEMBERED)
def id_of(field: str, term: str) -> int:
    """The id of a term's first row. Words and n-grams are terms of their own. Two terms have the same id with a chance
    of one in 10^17 for each pair."""
    kind = b"g" if field == GRAMS else b"w"
    digest = hashlib.blake2b(term.encode("utf-8", "surrogatepass"), digest_size=8, person=kind).digest()
    return (int.from_bytes(digest, "little") >> 4) * SLOTS  # 60 bits, so that the ids of all slots are positive


def read(milvus: Milvus, collection: str, wanted: Collection[int], generation: int) -> dict[int, Term]:
    """The terms with these ids as a generation sees them, by id; those that were never counted have the number 0."""
    found: dict[int, list[Row]] = {}
    ordered = sorted(wanted)
    for start in range(0, len(ordered), _TOGETHER // SLOTS):
        slots = [first + slot for first in ordered[start : start + _TOGETHER // SLOTS] for slot in range(SLOTS)]
        name = layout.name_of(collection, layout.TERMS)
        for row in milvus.few_rows(name, f"id in {slots}", len(slots), _READ, layout.BESIDE):
            found.setdefault(row["id"] - row["id"] % SLOTS, []).append(row)
    return {first: _newest(milvus, collection, found.get(first, ()), generation) for first in ordered}


_READ = ("id", "term", "word", "generation", "parts", "counts")


def _newest(milvus: Milvus, collection: str, rows: Iterable[Row], generation: int) -> Term:
    seen = [row for row in rows if row["generation"] <= generation]
    if not seen:
        return Term()
    row = max(seen, key=lambda row: row["generation"])
    texts = [row["counts"]]
    if row["parts"] > 1:
        others = [_part_id(row["id"], part) for part in range(1, row["parts"])]
        name = layout.name_of(collection, layout.TERMS)
        parts = milvus.few_rows(name, f"id in {others}", len(others), ("counts",), layout.BESIDE)
        texts += [part["counts"] for part in parts]
    counts = np.frombuffer(b"".join(map(base64.b64decode, texts)), "<i4").reshape(-1, 3)
    return Term(row["term"], counts, row["id"] % SLOTS, row["word"])


def rows_of(first: int, term: Term, generation: int) -> list[Row]:
    """The rows that say how many items have a term from `generation` on, in the oldest of its slots."""
    parts = [term.counts[start : start + _PART] for start in range(0, len(term.counts), _PART)] or [NONE]
    identifier = first + (term.slot + 1) % SLOTS
    items = int(term.counts[term.counts[:, 1] == ANY, 2].sum())
    rows = []
    for part, counts in enumerate(parts):
        text = base64.b64encode(np.asarray(counts, "<i4").tobytes()).decode("ascii")
        rows.append(
            {
                "id": identifier if part == 0 else _part_id(identifier, part), "term": term.number,
                "word": term.word if part == 0 else "", "generation": generation, "items": items, "parts": len(parts),
                "counts": text, **layout.UNUSED,
            }
        )  # fmt: skip
    return rows


def _part_id(identifier: int, part: int) -> int:
    """The id of a further row of the same counts: negative, as no first row is."""
    digest = hashlib.blake2b(f"{identifier} {part}".encode(), digest_size=8).digest()
    return -1 - (int.from_bytes(digest, "little") >> 1)


def added(counts: Counts, changes: Mapping[tuple[int, int], int]) -> Counts:
    """Counts with changes, {(group, place): items more or fewer}, without those that became 0."""
    summed = {(int(group), int(place)): int(items) for group, place, items in counts}
    for key, more in changes.items():
        summed[key] = summed.get(key, 0) + more
    left = [(group, place, items) for (group, place), items in sorted(summed.items()) if items > 0]
    return np.array(left, np.int32).reshape(-1, 3)


def places(dimensions: Iterable[int]) -> dict[int, set[int]]:
    """{number of a term: its places in an item} of the dimensions of an item's sparse vector, with ANY."""
    found: dict[int, set[int]] = {}
    for dimension in dimensions:
        number, place = divmod(dimension, PER_TERM)
        found.setdefault(number, set()).add(place)
        if place in _RARITY:
            found[number].add(ANY)
    return found


def total(term: Term, groups: NDArray[np.bool_], place: int) -> int:
    """The number of items of some groups, a flag for each, that have a term in a field."""
    counts = term.counts
    return int(counts[(counts[:, 1] == place) & groups[counts[:, 0]], 2].sum())


def ids(milvus: Milvus, collection: str) -> Iterator[int]:
    """The ids of all terms; some come several times."""
    for row in milvus.all_rows(layout.name_of(collection, layout.TERMS), "id >= 0", ("id",)):
        yield row["id"] - row["id"] % SLOTS


def words(milvus: Milvus, collection: str, generation: int) -> list[str]:
    """The words that a misspelt word may stand for, of all items."""
    newest: dict[int, tuple[int, str, int]] = {}
    condition, fields = f'generation <= {generation} and word != ""', ("id", "generation", "word", "items")
    for row in milvus.all_rows(layout.name_of(collection, layout.TERMS), condition, fields):
        first = row["id"] - row["id"] % SLOTS
        if first not in newest or newest[first][0] < row["generation"]:
            newest[first] = row["generation"], row["word"], row["items"]
    return sorted(word for _generation, word, items in newest.values() if items > 0)


def group_flags(audiences: Sequence[Collection[str]], tokens: frozenset[str]) -> NDArray[np.bool_]:
    """True for each group that `tokens` may read, shape (groups,)."""
    return np.array([not tokens.isdisjoint(audience) for audience in audiences], np.bool_)
