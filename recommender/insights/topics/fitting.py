"""Which items stand under the name of a topic: those that are near to it and say what its name says. An item that is a
little farther away stands there too when it says so, and one that does not must be nearer, so that whoever reads only
the name expects what is in the topic."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.insights.topics.bags import Bags
from recommender.insights.topics.clustering import (
    AT_ONCE,
    LEAST_ITEMS,
    NOWHERE,
    Labels,
    Mask,
    Vectors,
    centres_of,
    cosines_with_others,
    own_cosines,
)

_SAYS = 1.5
"""What it counts that an item says all that the name of a topic says, in standard deviations of the cosines that items
have with topics that are not their own; judgements, as the numbers below, which are in the same unit."""
_STAYS, _COMES = 2.75, 3.25
"""How near an item is above the mean, with what it says, to stay in its topic and to come into one."""
_MARGIN = 0.25
"""By how much another topic must be nearer before an item goes there, and an item of none to one than to any other."""
_PASSES = 5


@dataclass(frozen=True)
class Named:
    """What items say: `bags` has the words of each, and `names` the terms of each group's name, by the group's
    number."""

    bags: Bags
    names: Mapping[int, Collection[str]]


class _Said:
    """What items say of the names of so many groups."""

    def __init__(self, named: Named, groups: int) -> None:
        terms = sorted({term for name in named.names.values() for term in name})
        self._counts = named.bags.matrix(terms)  # shape (items, terms)
        self._rows = np.repeat(np.arange(len(named.bags)), np.diff(self._counts.indptr))
        self._names = np.zeros((len(terms), groups), np.bool_)
        for group, name in named.names.items():
            self._names[[place for place, term in enumerate(terms) if term in name], group] = True

    def weights(self, labels: Labels) -> NDArray[np.float64]:
        """For each term and each group that it names, the share of the items with the term that are in the group, shape
        (terms, groups)."""
        terms, groups = self._names.shape
        term_of, label_of = self._counts.indices.astype(np.int64), labels[self._rows]
        inside = label_of != NOWHERE
        there = np.bincount(term_of[inside] * groups + label_of[inside], minlength=terms * groups)
        all_ = np.maximum(1, np.bincount(term_of, minlength=terms))
        return np.where(self._names, there.reshape(terms, groups) / all_[:, None], 0.0)

    def of(self, rows: Labels, weights: NDArray[np.float64]) -> Vectors:
        """How much the items of these rows say of the name of each group, from 0 to 1, shape (rows, groups)."""
        return np.asarray(np.minimum(self._counts[rows] @ weights, 1.0), np.float32)


def fitted(vectors: Vectors, labels: Labels, movable: Mask, named: Named) -> Labels:
    """The labels, shape (items,), in which each item that is `movable` is in the named group that it fits, or in none.
    Groups have numbers from 0, and all of them have a name."""
    found, rows = labels.copy(), np.flatnonzero(movable)
    if not named.names or not len(rows):
        return found
    count = 1 + max(int(labels.max()), *named.names)
    said = _Said(named, count)
    for _pass in range(_PASSES):
        before = found.copy()
        centres, weights = _centres(vectors, found, count), said.weights(found)
        mean, deviation = cosines_with_others(vectors, found, centres)
        if not deviation:  # a single group, or equal vectors
            break
        own = own_cosines(vectors, found, rows)
        for start in range(0, len(rows), AT_ONCE):
            some = rows[start : start + AT_ONCE]
            cosines = vectors[some] @ centres.T
            cosines[:, ~centres.any(axis=1)] = -2.0
            inside = np.flatnonzero(before[some] != NOWHERE)
            cosines[inside, before[some][inside]] = own[some][inside]
            near = (cosines - mean) / deviation + _SAYS * said.of(some, weights)
            found[some] = _chosen(near, before[some])
        if (found == before).all():
            break
    sizes = np.bincount(found[found != NOWHERE], minlength=int(labels.max()) + 1)
    found[movable & np.isin(found, np.flatnonzero(sizes < LEAST_ITEMS))] = NOWHERE
    return found


def _centres(vectors: Vectors, labels: Labels, count: int) -> Vectors:
    """The centres of so many groups, also where the last of them have lost all their items."""
    centres = centres_of(vectors, labels)
    return np.pad(centres, ((0, count - len(centres)), (0, 0)))


def _chosen(near: Vectors, labels: Labels) -> Labels:
    """The groups of items, given how near each is to each group, shape (items, groups), and where it is now."""
    places = np.arange(len(near))
    best = near.argmax(axis=1)
    others = near.copy()
    others[places, best] = -np.inf
    highest, second = near[places, best], others.max(axis=1, initial=-np.inf)
    own = np.where(labels == NOWHERE, -np.inf, near[places, np.maximum(labels, 0)])
    stays = (own >= _STAYS) & (own >= highest - _MARGIN)
    comes = ~stays & (highest >= _COMES) & (highest >= second + _MARGIN)
    return np.where(stays, labels, np.where(comes, best, NOWHERE))
