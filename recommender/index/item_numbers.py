"""Item keys as numbers, which are stored for each item: they take less room, and are read and compared faster."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from recommender.datatypes import Kind

Numbers = NDArray[np.int64]
"""The numbers of items, shape (items,)."""


def number_for(kind: str, identifier: int) -> int:
    """The number that is stored for an item of this kind and id: 2 * id for a request, 2 * id + 1 for a document."""
    return 2 * identifier + (kind == Kind.DOCUMENT)


def number_of(key: str) -> int:
    """The number that is stored for an item key."""
    kind, _, identifier = key.partition(":")
    return number_for(kind, int(identifier))


def key_of(number: int) -> str:
    """The item key of a stored number."""
    return f"{Kind.DOCUMENT if number % 2 else Kind.REQUEST}:{number // 2}"


def numbers_of(keys: Iterable[str]) -> Numbers:
    """The numbers of these items, in the order of the numbers."""
    return np.sort(np.array([*map(number_of, keys)], np.int64))


class Keys(Sequence[str]):
    """The keys of the items with these numbers, each made when it is asked for."""

    def __init__(self, numbers: Numbers) -> None:
        self._numbers = numbers

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> "Keys": ...
    def __getitem__(self, place: Any) -> "str | Keys":
        return Keys(self._numbers[place]) if isinstance(place, slice) else key_of(int(self._numbers[place]))

    def __len__(self) -> int:
        return len(self._numbers)

    def __iter__(self) -> Iterator[str]:
        return map(key_of, self._numbers.tolist())


def by_kind(numbers: Numbers) -> Keys:
    """The keys of these items as items are read: requests first, each kind in the order of the ids."""
    return Keys(numbers[np.lexsort((numbers, numbers % 2))])
