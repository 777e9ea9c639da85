"""Which passages each reader token may read."""

from collections.abc import Mapping, Sequence
from functools import lru_cache, partial

import numpy as np
from numpy.typing import NDArray

Audiences = Sequence[tuple[str, frozenset[str]]]
"""(key, audience) of items."""
_KEPT = 256  # readers whose rows are kept: a judgement


def passages_by_token(
    audiences: Audiences, numbers: Mapping[str, int], item_of: NDArray[np.int32]
) -> dict[str, NDArray[np.int64]]:
    """The ids of the passages that each reader token may read, without removed passages."""
    items: dict[str, list[int]] = {}
    for key, audience in audiences:
        for token in audience:
            items.setdefault(token, []).append(numbers[key])
    readable: dict[str, NDArray[np.int64]] = {}
    not_removed = item_of >= 0
    for token, members in items.items():
        wanted = np.zeros(len(numbers) + 1, np.bool_)
        wanted[members] = True
        readable[token] = np.flatnonzero(not_removed & wanted[item_of])
    return readable


class Readable:
    """The rows, of so many, that readers may read. Those of the readers who asked last are kept, one bit a row: most
    readers have a token of their own, and a large index has millions of rows."""

    def __init__(self, by_token: Mapping[str, NDArray[np.int64]], rows: int) -> None:
        self._tokens, self._rows = by_token.keys(), rows
        self._bits = lru_cache(maxsize=_KEPT)(partial(_bits, by_token, rows))

    def __call__(self, tokens: frozenset[str]) -> NDArray[np.bool_]:
        """True for each row that `tokens` may read, shape (rows,)."""
        bits = self._bits(frozenset(tokens & self._tokens))  # readers without items of their own share what is kept
        return np.unpackbits(bits, count=self._rows).view(np.bool_)


def _bits(by_token: Mapping[str, NDArray[np.int64]], rows: int, tokens: frozenset[str]) -> NDArray[np.uint8]:
    readable = np.zeros(rows, np.bool_)
    for token in tokens:
        readable[by_token[token]] = True
    return np.packbits(readable)
