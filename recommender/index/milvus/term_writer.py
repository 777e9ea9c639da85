"""Writes the terms of a generation: a sparse vector for each item, and how many items have each term.

In new collections the mean length of texts is known only when all items have been read: until then they wait in a file
in the generation's directory. Later runs use the lengths that were learned then.
"""

import pickle
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from recommender.index.item_terms import is_spelling_word
from recommender.index.milvus import counts, layout
from recommender.index.milvus.client import Milvus, Row
from recommender.index.milvus.contents import Contents, Group
from recommender.index.milvus.keywords import sparse_vector
from recommender.index.question_terms import WEIGHTS

_TOGETHER = 200  # rows that are written in one call, as in `builder.py`
_WAITING = "terms.waiting"
Fields = Mapping[str, Sequence[str]]


class TermWriter:
    """The terms of the items that one run adds and removes. `base` is the number of the generation it goes on from, 0
    for new collections."""

    def __init__(self, milvus: Milvus, contents: Contents, base: int, directory: Path) -> None:
        self._milvus, self._base = milvus, base
        self._collection, self._generation = contents.collection, contents.generation
        self._lengths, self._beside = contents.lengths, layout.UNUSED if contents.beside else {}
        self._groups = list(contents.groups)
        self._group_of = {(group.audience, group.language): place for place, group in enumerate(self._groups)}
        self._path = directory / _WAITING
        self._file = self._path.open("wb")
        self._words: dict[int, str] = {}  # added terms by their id, if a misspelt word may stand for them
        self._changes = Counter[tuple[int, int, int]]()  # items more by (id of the term, group, place)
        self._gone: dict[int, Counter[tuple[int, int]]] = {}  # the same by the number of the term
        self._added, self._total = 0, Counter[str]()

    def add(self, row: Row, fields: Fields) -> None:
        """Add an item: its row without the terms, and these."""
        group = self._group(tuple(row["audience"]), row["language"], 1)
        pickle.dump(({**row, "group": group}, dict(fields)), self._file)
        self._added += 1
        changes: list[tuple[int, int, int]] = []
        for place, name in enumerate(counts.FIELDS):
            self._total[name] += len(fields[name])
            changes += [(counts.id_of(name, term), group, place) for term in set(fields[name])]
        for term in {term for name in WEIGHTS for term in fields[name]}:
            identifier = counts.id_of("text", term)
            changes.append((identifier, group, counts.ANY))
            if is_spelling_word(term):
                self._words[identifier] = term
        self._changes.update(changes)

    def remove(self, rows: Iterable[Row]) -> None:
        """Take out items, by the rows that the live generation has of them."""
        for row in rows:
            group = self._groups[row["group"]]
            self._groups[row["group"]] = replace(group, items=group.items - 1)
            for number, places in counts.places(row["terms"]).items():
                for place in places:
                    self._gone.setdefault(number, Counter())[row["group"], place] -= 1

    def _group(self, audience: tuple[str, ...], language: str, more: int) -> int:
        place = self._group_of.setdefault((audience, language), len(self._groups))
        if place == len(self._groups):
            self._groups.append(Group(audience, language, 0))
        self._groups[place] = replace(self._groups[place], items=self._groups[place].items + more)
        return place

    def finish(self, contents: Contents) -> Contents:
        """Write all of it. Returns `contents` with the groups, the lengths and the next number of a term."""
        self._file.close()
        name = layout.name_of(self._collection, layout.TERMS)
        changes: dict[int, dict[tuple[int, int], int]] = {}
        for (identifier, group, place), more in self._changes.items():
            changes.setdefault(identifier, {})[group, place] = more
        self._changes.clear()
        known = counts.read(self._milvus, self._collection, changes, self._base) if self._base else {}
        self._take_gone(name, known, changes)
        next_number = contents.terms
        numbers: dict[int, int] = {}
        rows: list[Row] = []
        for identifier in sorted(changes):
            term = known.get(identifier) or counts.Term()
            number = term.number or next_number
            next_number = max(next_number, number + 1)
            numbers[identifier] = number
            changed = counts.added(term.counts, changes[identifier])
            now = counts.Term(number, changed, term.slot, term.word or self._words.get(identifier, ""))
            rows += counts.rows_of(identifier, now, self._generation)
            if len(rows) >= _TOGETHER:
                self._write(name, rows)
                rows = []
        self._write(name, rows)
        lengths = self._lengths if self._base else self._means()
        self._write_items(lengths, numbers)
        self._path.unlink()
        return replace(contents, groups=tuple(self._groups), lengths=lengths, terms=next_number)

    def _write(self, name: str, rows: Sequence[Row]) -> None:
        (self._milvus.put if self._base else self._milvus.add)(name, rows)

    def _take_gone(
        self, name: str, known: dict[int, counts.Term], changes: dict[int, dict[tuple[int, int], int]]
    ) -> None:
        """Add what is gone to the changes, and its terms to `known`."""
        for numbers in _parts(sorted(self._gone)):
            rows = self._milvus.rows(name, f"term in {numbers} and id >= 0", ("id", "term"))
            ids = {row["term"]: row["id"] - row["id"] % counts.SLOTS for row in rows}
            known |= counts.read(self._milvus, self._collection, set(ids.values()) - known.keys(), self._base)
            for number, identifier in ids.items():
                changed = changes.setdefault(identifier, {})
                for key, fewer in self._gone[number].items():
                    changed[key] = changed.get(key, 0) + fewer

    def _means(self) -> dict[str, float]:
        return {name: self._total[name] / max(1, self._added) for name in counts.FIELDS}

    def _write_items(self, lengths: Mapping[str, float], numbers: Mapping[int, int]) -> None:
        name, rows = layout.name_of(self._collection, layout.ITEMS), list[Row]()
        for row, fields in self._waiting():
            rows.append({**row, **self._beside, "terms": sparse_vector(fields, lengths, numbers)})
            if len(rows) >= _TOGETHER:
                self._milvus.add(name, rows)
                rows = []
        self._milvus.add(name, rows)

    def _waiting(self) -> Iterator[tuple[Row, Fields]]:
        with self._path.open("rb") as file:
            for _item in range(self._added):
                yield pickle.load(file)  # noqa: S301  (written by this run)


def _parts(numbers: Sequence[int]) -> Iterator[list[int]]:
    for start in range(0, len(numbers), _TOGETHER):
        yield list(numbers[start : start + _TOGETHER])
