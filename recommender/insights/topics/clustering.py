"""Groups items by their vectors: how many groups there are, which items are near enough to one another, and which fit
nowhere. First groups come from average linkage (Sokal and Michener 1958), of a sample when there are many items;
spherical k-means (Dhillon and Modha 2001) then gives each item to its nearest group. Vectors are unit vectors, shape
(items, dimension), and labels the numbers of the items' groups, shape (items,): from 0, or NOWHERE."""

import math
from collections.abc import Collection, Iterator

import numpy as np
from numpy.typing import NDArray

from recommender.encoder import normalise

Vectors = NDArray[np.float32]
Labels = NDArray[np.int64]
Mask = NDArray[np.bool_]

NOWHERE = -1
LEAST_ITEMS = 5  # that a group has at least
_SAMPLE = 3_000  # items that are linked with each other, whose cosines take 70 MB: a judgement, as all numbers here
_LARGEST, _HALF = 4.0, 0.25
"""Times the usual size of a group from which it is divided, and the least share of its smaller part."""
_TOO_FEW, TOO_MANY = 0.5, 1.5  # shares of the wanted number of groups
_MORE, _MORE_NEW = 1.8, 1.5  # times as many groups are linked as are wanted: some hold nothing together
_PASSES = 12  # of k-means, which then has settled or nearly so
_NEAR, _FAR = 2.5, 1.75
"""Standard deviations as in `_near_enough`, from which an item comes into a group, and below which it leaves one."""
_CLEAR, _UNCLEAR = 0.03, -0.05
"""By how much its group is nearer than any other when an item comes into it, and at least when it stays."""
_NEAR_ENOUGH, _MARGIN = 0.2, 0.05  # the same for a single group; by how much another is nearer when an item leaves its
_NEW_SHARE, _COHESION = 0.3, 0.9
"""Of the usual size, the least that a group has which grows beside others; and how near its items are on average, times
as near as items are to their own groups in the middle."""
AT_ONCE, _COPIED = 8_192, 1_024  # items whose cosines with all groups, or copies of whose vectors, are in memory


def wanted(items: int) -> int:
    """How many groups this many items should have: 8 for 60, 45 for 2,000, 316 for 100,000. With more items there are
    more groups, and larger ones."""
    return max(1, round(math.sqrt(items)))


def outgrown(items: int, groups: int) -> bool:
    """True when there are too few or too many groups for this many items."""
    return not _TOO_FEW * wanted(items) <= groups <= TOO_MANY * wanted(items)


def form(vectors: Vectors) -> Labels:
    """Groups from nothing; all NOWHERE with too few items."""
    if len(vectors) < LEAST_ITEMS:
        return np.full(len(vectors), NOWHERE, np.int64)
    free = np.zeros(len(vectors), np.bool_)
    labels = settle(vectors, _linked(vectors, math.ceil(_MORE * wanted(len(vectors)))), free, margin=0.0)
    return _joined(vectors, grow(vectors, _without_loose(vectors, labels, free, (), (_NEAR, _CLEAR))))


def form_again(vectors: Vectors, labels: Labels, fixed: Mask, kept: Collection[int]) -> Labels:
    """All groups again, beginning with those there are. `fixed` items stay in their group, and groups of `kept` are
    neither divided nor merged with others."""
    labels = settle(vectors, labels, fixed)
    labels = _merged(vectors, labels, kept)
    labels = _divided(vectors, labels, kept)
    labels = settle(vectors, labels, fixed)
    return _joined(vectors, grow(vectors, _without_loose(vectors, labels, fixed, kept, (_FAR, _UNCLEAR))))


def join(vectors: Vectors, labels: Labels) -> Labels:
    """The labels, in which items of no group have joined the nearest one, if it is near enough."""
    free = np.flatnonzero(labels == NOWHERE)
    if not len(free) or len(free) == len(labels):
        return labels
    centres, joined = centres_of(vectors, labels), labels.copy()
    nearest, cosines, seconds = _nearest(vectors, centres, free)
    near = (cosines >= _near_enough(vectors, labels, centres, _NEAR)) & (cosines >= seconds + _CLEAR)
    joined[free[near]] = nearest[near]
    return joined


def _joined(vectors: Vectors, labels: Labels) -> Labels:
    """The labels, in which items join groups until none does any more, so that doing it again changes nothing."""
    for _pass in range(_PASSES):
        joined = join(vectors, labels)
        if (joined == labels).all():
            break
        labels = joined
    return labels


def grow(vectors: Vectors, labels: Labels) -> Labels:
    """The labels, in which items of no group that are as near to each other as those of a usual group have become new
    groups."""
    free, usual = np.flatnonzero(labels == NOWHERE), len(labels) / wanted(len(labels))
    least = max(LEAST_ITEMS, _NEW_SHARE * usual)
    if len(free) < least or len(free) == len(labels):
        return labels
    cohesion = _COHESION * float(np.median(own_cosines(vectors, labels)[labels != NOWHERE]))
    floor = _near_enough(vectors, labels, centres_of(vectors, labels), _NEAR)
    found = _linked(vectors[free], max(2, math.ceil(_MORE_NEW * len(free) / usual)))
    own = own_cosines(vectors[free], found)
    grown, number = labels.copy(), int(labels.max()) + 1
    for group in range(int(found.max()) + 1):
        members = np.flatnonzero((found == group) & (own >= floor))
        if len(members) >= least and float(own[members].mean()) >= cohesion:
            grown[free[members]] = number
            number += 1
    return grown


def settle(vectors: Vectors, labels: Labels, fixed: Mask, margin: float = _MARGIN) -> Labels:
    """The labels, in which each item of a group that is not `fixed` is in the nearest group, unless its own is nearly
    as near."""
    settled, movable = labels.copy(), np.flatnonzero(~fixed & (labels != NOWHERE))
    if not len(movable):
        return settled
    for _pass in range(_PASSES):
        centres, moved = centres_of(vectors, settled), 0
        for rows in _chunks(movable):
            nearest, cosines, _seconds = _nearest(vectors, centres, rows)
            own = np.einsum("ij,ij->i", vectors[rows], centres[settled[rows]])
            leaving = (nearest != settled[rows]) & (cosines > own + margin)
            settled[rows[leaving]] = nearest[leaving]
            moved += int(leaving.sum())
        if not moved:
            break
    return settled


def halves(vectors: Vectors) -> Labels:
    """Two parts of a group, labelled 0 (the larger one) and 1; all 0 when it does not fall into two."""
    count = len(vectors)
    if count < 2 * LEAST_ITEMS:
        return np.zeros(count, np.int64)
    tree = _tree(vectors)
    for parts in range(2, 9):
        labels = _cut(tree, parts)
        sizes = np.bincount(labels)
        order = np.argsort(-sizes, kind="stable")
        if len(order) > 1 and sizes[order[1]] >= max(LEAST_ITEMS, _HALF * count):
            seeds = np.full(count, NOWHERE, np.int64)
            seeds[labels == order[0]], seeds[labels == order[1]] = 0, 1
            nearest = _nearest(vectors, centres_of(vectors, seeds))[0]
            both = settle(vectors, nearest, np.zeros(count, np.bool_), margin=0.0)
            sizes = np.bincount(both, minlength=2)
            if sizes.min() >= LEAST_ITEMS:
                return both if sizes[0] >= sizes[1] else 1 - both
    return np.zeros(count, np.int64)


def centres_of(vectors: Vectors, labels: Labels) -> Vectors:
    """The mean of each group as a unit vector, shape (groups, dimension); zeros for a number without items."""
    return normalise(_sums(vectors, labels))


def _sums(vectors: Vectors, labels: Labels) -> Vectors:
    order = np.argsort(labels, kind="stable")
    groups = int(labels.max(initial=NOWHERE)) + 1
    bounds = np.searchsorted(labels[order], np.arange(groups + 1))
    sums = np.zeros((groups, vectors.shape[1]), np.float32)
    for group in range(groups):
        sums[group] = vectors[order[bounds[group] : bounds[group + 1]]].sum(axis=0)
    return sums


def own_cosines(vectors: Vectors, labels: Labels, among: Labels | None = None) -> NDArray[np.float32]:
    """The cosine of each item (`among` these) with the mean of the others of its group, shape (items,); -1 if alone."""
    own, sums = np.full(len(labels), -1.0, np.float32), _sums(vectors, labels)
    some = np.arange(len(labels)) if among is None else among
    for rows in _chunks(some[labels[some] != NOWHERE], _COPIED):
        others = sums[labels[rows]] - vectors[rows]
        lengths = np.linalg.norm(others, axis=1)
        dots = np.einsum("ij,ij->i", others, vectors[rows])
        own[rows] = np.where(lengths > 1e-3, dots / np.maximum(lengths, 1e-3), -1.0)
    return own


def _nearest(
    vectors: Vectors, centres: Vectors, rows: NDArray[np.int64] | None = None
) -> tuple[Labels, NDArray[np.float32], NDArray[np.float32]]:
    """(number of the nearest centre, cosine with it, cosine with the second nearest) of each vector, or of those in
    `rows`; a centre of zeros is never near."""
    rows = np.arange(len(vectors)) if rows is None else rows
    nearest, empty = np.zeros(len(rows), np.int64), ~centres.any(axis=1)
    best, second = np.zeros(len(rows), np.float32), np.full(len(rows), -2.0, np.float32)
    for places in _chunks(np.arange(len(rows))):
        cosines = vectors[rows[places]] @ centres.T
        cosines[:, empty] = -2.0
        nearest[places] = cosines.argmax(axis=1)
        best[places] = cosines.max(axis=1)
        cosines[np.arange(len(places)), nearest[places]] = -2.0
        second[places] = cosines.max(axis=1)
    return nearest, best, second


def _near_enough(vectors: Vectors, labels: Labels, centres: Vectors, deviations: float) -> float:
    """The cosine from which an item belongs to a group: so many standard deviations more than items have with groups
    that are not their own."""
    mean, deviation = cosines_with_others(vectors, labels, centres)
    return mean + deviations * deviation if deviation else _NEAR_ENOUGH


def cosines_with_others(vectors: Vectors, labels: Labels, centres: Vectors) -> tuple[float, float]:
    """(mean, standard deviation) of the cosines that items have with groups that are not their own; zeros when there is
    only one group."""
    rows = np.flatnonzero(labels != NOWHERE)
    rows = rows[np.random.default_rng(0).permutation(len(rows))[:_SAMPLE]]
    cosines = vectors[rows] @ centres.T
    others = cosines[(labels[rows][:, None] != np.arange(len(centres))) & centres.any(axis=1)]
    return (float(others.mean()), float(others.std())) if len(others) else (0.0, 0.0)


def _without_loose(
    vectors: Vectors, labels: Labels, fixed: Mask, kept: Collection[int], least: tuple[float, float]
) -> Labels:
    """The labels without items that are too far from their group or too near to another (`least`: standard deviations
    as in _NEAR, and the difference), and without small groups, whose items then may join another group."""
    tight = labels.copy()
    for _pass in range(2):
        rows = np.flatnonzero(tight != NOWHERE)
        if not len(rows):
            break
        centres, own = centres_of(vectors, tight), own_cosines(vectors, tight)[rows]
        nearest, best, second = _nearest(vectors, centres, rows)
        other = np.where(nearest == tight[rows], second, best)
        loose = (own < _near_enough(vectors, tight, centres, least[0])) | (own < other + least[1])
        tight[rows[loose & ~fixed[rows]]] = NOWHERE
        sizes = np.bincount(tight[tight != NOWHERE], minlength=int(labels.max()) + 1)
        small = [group for group in np.flatnonzero(sizes < LEAST_ITEMS) if group not in kept]
        tight[np.isin(tight, small) & ~fixed] = NOWHERE
        tight = join(vectors, tight)
    return tight


def _linked(vectors: Vectors, count: int) -> Labels:
    """At most `count` groups by average linkage, as many large enough ones as there can be; more when a group would be
    much larger than the others. Of many vectors a sample is linked, and gives `count` groups."""
    if len(vectors) > _SAMPLE:
        sample = np.sort(np.random.default_rng(0).permutation(len(vectors))[:_SAMPLE])
        return _nearest(vectors, centres_of(vectors[sample], _cut(_tree(vectors[sample]), count)))[0]
    if len(vectors) < 2 or count < 2:
        return np.zeros(len(vectors), np.int64)
    tree = _tree(vectors)
    cuts = [_cut(tree, number) for number in range(1, count + 1)]
    large = [np.bincount(cut)[np.bincount(cut) >= LEAST_ITEMS] for cut in cuts]
    labels = cuts[max(range(count), key=lambda place: (len(large[place]), large[place].sum(), -place))]
    largest = _LARGEST * len(vectors) / count
    for group in np.flatnonzero(np.bincount(labels) > largest):
        members = np.flatnonzero(labels == group)
        if len(members) < len(vectors):
            parts = _linked(vectors[members], math.ceil(len(members) * count / len(vectors)))
            labels[members[parts > 0]] = labels.max() + parts[parts > 0]
    return labels


def _tree(vectors: Vectors) -> NDArray[np.float64]:
    from scipy.cluster.hierarchy import linkage

    upper = np.concatenate([row[place + 1 :] for place, row in enumerate(vectors @ vectors.T)])
    return np.asarray(linkage(np.maximum(0.0, 1.0 - upper), "average"), np.float64)


def _cut(tree: NDArray[np.float64], count: int) -> Labels:
    from scipy.cluster.hierarchy import fcluster

    return np.asarray(fcluster(tree, count, "maxclust"), np.int64) - 1


def _merged(vectors: Vectors, labels: Labels, kept: Collection[int]) -> Labels:
    """The labels, in which the nearest groups are merged when there are too many."""
    present = np.unique(labels[labels != NOWHERE])
    too_many = len(present) - wanted(len(labels))
    movable = np.array([group for group in present if group not in kept], np.int64)
    if len(present) <= TOO_MANY * wanted(len(labels)) or len(movable) < 2:
        return labels
    linked = _cut(_tree(centres_of(vectors, labels)[movable]), max(1, len(movable) - too_many))
    merged = labels.copy()
    for number in range(int(linked.max()) + 1):
        together = movable[linked == number]
        merged[np.isin(labels, together)] = together.min(initial=len(labels))
    return merged


def _divided(vectors: Vectors, labels: Labels, kept: Collection[int]) -> Labels:
    """The labels, in which the largest groups are divided when there are too few."""
    divided, whole = labels.copy(), set(kept)
    while True:
        sizes = np.bincount(divided[divided != NOWHERE]) if (divided != NOWHERE).any() else np.zeros(0, np.int64)
        largest = [group for group in np.argsort(-sizes, kind="stable").tolist() if group not in whole]
        groups = int(np.count_nonzero(sizes))
        if not largest or groups >= wanted(len(labels)) or not outgrown(len(labels), groups):
            return divided
        members = np.flatnonzero(divided == largest[0])
        if (parts := halves(vectors[members])).any():
            divided[members[parts == 1]] = len(sizes)
        else:
            whole.add(largest[0])


def _chunks(rows: NDArray[np.int64], size: int = AT_ONCE) -> Iterator[NDArray[np.int64]]:
    for start in range(0, len(rows), size):
        yield rows[start : start + size]
