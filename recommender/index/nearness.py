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


def near(vector: Vectors, passages: ItemPassages, lengths: Vectors | None = None) -> list[Near]:
    """How near each item, at least one, is to a question's vector of shape (dimension,). `lengths`, shape (items,), are
    those of the sums of each item's vectors without openings, not a number where unknown: these are filled in."""
    ids, vectors, roles, firsts, counts = passages
    question = vector.reshape(-1)
    cosines = np.einsum("ij,j->i", vectors, question)  # with BLAS, its idle threads would slow down the model's
    np.nan_to_num(cosines, copy=False, nan=-1.0)  # of a damaged vector: otherwise an item would have no nearest passage
    is_opening, is_answer = roles == OPENING, (roles == _ANSWER) | (roles == _SECTION)
    lengths = np.full(len(counts), np.nan, np.float32) if lengths is None else lengths
    if (unknown := np.isnan(lengths)).any():
        sums = _sums(vectors, ~is_opening & np.repeat(unknown, counts), firsts, counts)
        lengths[unknown] = np.sqrt(np.einsum("ij,ij->i", sums, sums))[unknown]
    dots = np.add.reduceat(np.where(is_opening, np.float32(0.0), cosines), firsts)
    whole = dots / np.where(lengths == 0, 1, lengths)  # the cosine of their sum, whose direction is needed of few items
    best = np.flatnonzero(cosines == np.repeat(np.maximum.reduceat(cosines, firsts), counts))
    nearest = best[np.searchsorted(best, firsts)]  # the first of each item's best
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
            [partial(_direction, passages, number) for number in range(len(counts))],
            [partial(_answer_direction, passages, number) for number in range(len(counts))],
            strict=True,
        )
    ]


def _direction(passages: ItemPassages, number: int) -> Vectors:
    """The direction of an item's passages without its opening, shape (dimension,)."""
    own = _own(passages, number)
    return _unit(passages.vectors[own], passages.roles[own] != OPENING)


def _answer_direction(passages: ItemPassages, number: int) -> Vectors:
    """The direction of an item's answer, shape (dimension,)."""
    own = _own(passages, number)
    roles = passages.roles[own]
    return _unit(passages.vectors[own], (roles == _ANSWER) | (roles == _SECTION))


def _own(passages: ItemPassages, number: int) -> slice:
    """Where an item's passages are."""
    first = passages.firsts[number]
    return slice(first, first + passages.counts[number])


def _unit(vectors: Vectors, included: NDArray[np.bool_]) -> Vectors:
    """The direction of the sum of the `included` vectors, shape (dimension,); zeros for none."""
    total = included @ vectors
    return np.asarray(total / (np.linalg.norm(total) or 1), np.float32)


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
