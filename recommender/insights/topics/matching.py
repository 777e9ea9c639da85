"""Finds which new group of items is which old topic, so that a topic keeps its id, name and history."""

from collections.abc import Mapping, Sequence, Set

import numpy as np

from recommender.insights.topics.clustering import NOWHERE, Labels


def match(old: Labels, new: Labels, ids: Sequence[int], kept: Set[int] = frozenset()) -> dict[int, int]:
    """{number of a new group: id of the old topic that it continues}, from the labels of the same items, shape
    (items,): `old` ones are places in `ids`. Each topic goes on in one group at most, so that together they share most
    items (Kuhn 1955, linear sum assignment). A topic of `kept` goes on before all others in the group with most of its
    items. A group that shares none with any topic left is not in the result."""
    numbers = np.unique(new[new != NOWHERE])
    if not ids or not len(numbers):
        return {}
    both = (old != NOWHERE) & (new != NOWHERE)
    shared = np.zeros((len(ids), len(numbers)))
    np.add.at(shared, (old[both], np.searchsorted(numbers, new[both])), 1)
    if ((shared > 0).sum(axis=0) <= 1).all() and ((shared > 0).sum(axis=1) <= 1).all():  # nothing to choose
        rows, columns = np.nonzero(shared)
    else:
        from scipy.optimize import linear_sum_assignment  # takes a while to load

        most = shared.sum() + 1.0
        weight = np.array([most if topic in kept else 1.0 for topic in ids])
        rows, columns = linear_sum_assignment(shared * weight[:, None], maximize=True)
    return {
        int(numbers[column]): ids[row]
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True)
        if shared[row, column]
    }


def heir(items: Set[str], new: Mapping[int, Set[str]]) -> int | None:
    """The number of the group that most of an ended topic's items went to; None when they went nowhere."""
    shares = {number: len(items & members) for number, members in new.items()}
    best = max(shares, key=lambda number: (shares[number], -number), default=None)
    return best if best is not None and shares[best] else None
