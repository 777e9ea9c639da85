"""What a search is limited to, and that as the vector index and the keyword index take it: as rows and as keys."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recommender.datatypes import Item, Kind


@dataclass(frozen=True)
class Among:
    """The only items to search: those of a kind, in a language, and with these keys; None for all."""

    kind: Kind | None = None
    language: str | None = None
    keys: frozenset[str] | None = None

    @classmethod
    def of(cls, keys: frozenset[str] | None) -> "Among | None":
        """Only the items with these keys; None, which means all items, for None."""
        return None if keys is None else cls(keys=keys)

    def has(self, item: Item) -> bool:
        """True for an item to search."""
        return (
            (self.kind is None or item.kind is self.kind)
            and (self.language is None or item.language == self.language)
            and (self.keys is None or item.key in self.keys)
        )


class Keys(NamedTuple):
    """The only items that keyword search looks at, None for all, and those that it leaves out, by key."""

    only: frozenset[str] | None = None
    without: frozenset[str] = frozenset()


ALL = Keys()


class Narrowing:
    """Limits searches of the `items` with these keys, whose languages are in the same order. `item_of` has the position
    of its item for each row, -1 for a removed passage; `numbers` has that of each item that has rows, by key.
    `documents` has the keys of the documents."""

    def __init__(
        self, items: Sequence[str], languages: Sequence[str], item_of: NDArray[np.int32], numbers: Mapping[str, int],
        documents: frozenset[str],
    ) -> None:  # fmt: skip
        self._items, self._item_of, self._numbers, self._documents = items, item_of, numbers, documents
        with_these = partial(_rows_with, items, languages, item_of, self._documents)  # no method, which would hold this
        self._rows_of = lru_cache(maxsize=32)(with_these)

    def rows(self, among: Among) -> NDArray[np.bool_]:
        """True for each row of an item to search, shape (rows,)."""
        rows = self._rows_of(among.kind, among.language)
        if among.keys is None:
            return rows
        numbers = [self._numbers[key] for key in among.keys if key in self._numbers]
        return rows & _rows(self._item_of, len(self._items), numbers)

    def keys(self, among: Among | None) -> Keys:
        """The keys for a search by words: those to look at or those to leave out, whichever are fewer, since the time
        grows with their number. The language is left to the caller, who searches by language."""
        if among is None or (among.kind is None and among.keys is None):
            return ALL
        documents = self._documents
        if among.keys is None:
            return Keys(only=documents) if among.kind is Kind.DOCUMENT else Keys(without=documents)
        only = among.keys
        if among.kind is not None:
            only = only & documents if among.kind is Kind.DOCUMENT else only - documents
        return Keys(only=only) if 2 * len(only) <= len(self._items) else Keys(without=frozenset(self._items) - only)


def _rows_with(
    items: Sequence[str],
    languages: Sequence[str],
    item_of: NDArray[np.int32],
    documents: frozenset[str],
    kind: Kind | None,
    language: str | None,
) -> NDArray[np.bool_]:
    wanted = [
        number
        for number, (key, of_item) in enumerate(zip(items, languages, strict=True))
        if (kind is None or (key in documents) is (kind is Kind.DOCUMENT)) and (language is None or of_item == language)
    ]
    return _rows(item_of, len(items), wanted)


def _rows(item_of: NDArray[np.int32], items: int, numbers: Sequence[int]) -> NDArray[np.bool_]:
    wanted = np.zeros(items + 1, np.bool_)  # the last one is for removed passages
    wanted[numbers] = True
    return np.asarray(wanted[item_of])
