"""How near items are to a question, from the vectors of all of their passages, wherever these were kept."""

from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recommender.datatypes import Role
from recommender.encoder import Vectors, normalise
from recommender.index import Near

ROLES = tuple(Role)
"""An item's passages have the numbers of their roles."""
_QUESTION, _ANSWER, _SECTION = (ROLES.index(role) for role in (Role.QUESTION, Role.ANSWER, Role.SECTION))
OPENING = ROLES.index(Role.OPENING)


class ItemPassages(NamedTuple):
    """The passages of some items, those of an item together: their ids, their vectors, shape (passages, dimension), and
    the numbers of their roles; the position of each item's first passage, and how many each item has."""

    ids: NDArray[np.int64]
    vectors: Vectors
    roles: NDArray[np.uint8]
    firsts: NDArray[np.int64]
    counts: NDArray[np.int64]


def near(vector: Vectors, passages: ItemPassages) -> list[Near]:
    """How near each item, at least one, is to a question's vector of shape (dimension,)."""
    ids, vectors, roles, firsts, counts = passages
    owner = np.repeat(np.arange(len(counts)), counts)  # position of each passage's item
    question = vector.reshape(-1)
    cosines = np.einsum("ij,j->i", vectors, question)  # with BLAS, its idle threads would slow down the model's
    is_opening, is_answer = roles == OPENING, (roles == _ANSWER) | (roles == _SECTION)
    directions = normalise(_sums(vectors, ~is_opening, firsts, counts))
    whole = np.einsum("ij,j->i", directions, question)
    nearest = np.lexsort((-cosines, owner))[firsts]
    opening = _best(cosines, is_opening, firsts, cosines[firsts])
    shown = np.where(is_opening[nearest], firsts, nearest)  # the first passage contains the words of the opening
    question_cosines = _best(cosines, roles == _QUESTION, firsts, opening)
    answer_cosines = _best(cosines, is_answer, firsts, np.float32(0.0))
    return [
        Near._make(values)
        for values in zip(
            ids[shown].tolist(),
            cosines[nearest].tolist(),
            cosines[firsts].tolist(),
            whole.tolist(),
            question_cosines.tolist(),
            answer_cosines.tolist(),
            opening.tolist(),
            directions,
            [
                partial(_answer, vectors[first : first + count], is_answer[first : first + count])
                for first, count in zip(firsts.tolist(), counts.tolist(), strict=True)
            ],
            strict=True,
        )
    ]


def _answer(vectors: Vectors, is_answer: NDArray[np.bool_]) -> Vectors:
    """The direction of an item's answer, shape (dimension,), from the vectors of all of its passages."""
    return np.asarray(normalise(vectors[is_answer].sum(axis=0, keepdims=True))[0], np.float32)


def whole(passages: ItemPassages) -> Vectors:
    """What each item is about, as in `SearchIndex.item_vectors`, shape (items, dimension)."""
    _ids, vectors, roles, firsts, counts = passages
    parts = [roles == OPENING, (roles == _QUESTION) | (roles == _SECTION), roles == _ANSWER]
    means = [normalise(_sums(vectors, part, firsts, counts)) for part in parts]
    return normalise(np.sum(means, axis=0, dtype=np.float32))


def _sums(
    vectors: NDArray[np.float32], included: NDArray[np.bool_], firsts: NDArray[np.int64], counts: NDArray[np.int64]
) -> NDArray[np.float32]:
    """The sum of the `included` vectors of each item, shape (items, dimension). An item has `counts` vectors, the first
    at `firsts`. Adds the first vector of every item, then the second, and so on: np.add.reduceat takes nine times as
    long."""
    rows = np.flatnonzero(included)
    owner = np.repeat(np.arange(len(counts)), counts)[rows]
    first = np.searchsorted(rows, firsts)  # the position in `rows` of each item's first
    place = np.arange(len(rows)) - first[owner]
    sums = np.zeros((len(counts), vectors.shape[1]), np.float32)
    for offset in range(int(place.max(initial=-1)) + 1):
        here = np.flatnonzero(place == offset)
        if offset:
            sums[owner[here]] += vectors[rows[here]]
        else:
            sums[owner[here]] = vectors[rows[here]]
    return sums


def _best(
    cosines: NDArray[np.float32],
    included: NDArray[np.bool_],
    firsts: NDArray[np.int64],
    otherwise: NDArray[np.float32] | np.float32,
) -> NDArray[np.float32]:
    """The best of the `included` cosines of each item, shape (items,); `otherwise` where an item has none of them. The
    passages of an item stand together, the first at `firsts`."""
    best = np.maximum.reduceat(np.where(included, cosines, np.float32(-2.0)), firsts)
    return np.asarray(np.where(best < -1.5, otherwise, best), np.float32)
