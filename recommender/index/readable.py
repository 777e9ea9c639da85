"""Which passages each reader token may read."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Audiences = Sequence[tuple[str, frozenset[str]]]
"""(key, audience) of items."""


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


def mask(by_token: dict[str, NDArray[np.int64]], rows: int, tokens: frozenset[str]) -> NDArray[np.bool_]:
    """True for each row that `tokens` may read, shape (rows,)."""
    mask = np.zeros(rows, np.bool_)
    for token in tokens & by_token.keys():
        mask[by_token[token]] = True
    return mask
