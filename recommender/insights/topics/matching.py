"""Finds which new group of items is which old topic, so that a topic keeps its id, name and history."""

from collections.abc import Mapping, Set

import numpy as np


def match(old: Mapping[int, Set[str]], new: Mapping[int, Set[str]], kept: Set[int] = frozenset()) -> dict[int, int]:
    """{number of a new group: id of the old topic that it continues}. Each topic goes on in one group at most, so that
    together they share most items (Kuhn 1955, linear sum assignment). A topic of `kept` goes on before all others in
    the group with most of its items. A group that shares none with any topic left is not in the result."""
    ids, numbers = sorted(old), sorted(new)
    if not ids or not numbers:
        return {}
    of_item = {item: place for place, number in enumerate(numbers) for item in new[number]}
    shared = np.zeros((len(ids), len(numbers)))
    for place, topic in enumerate(ids):
        for item in old[topic]:
            if item in of_item:
                shared[place, of_item[item]] += 1
    if ((shared > 0).sum(axis=0) <= 1).all() and ((shared > 0).sum(axis=1) <= 1).all():  # nothing to choose
        rows, columns = np.nonzero(shared)
        return {numbers[column]: ids[row] for row, column in zip(rows.tolist(), columns.tolist(), strict=True)}
    from scipy.optimize import linear_sum_assignment  # takes a while to load

    most = shared.sum() + 1.0
    weight = np.array([most if topic in kept else 1.0 for topic in ids])
    rows, columns = linear_sum_assignment(shared * weight[:, None], maximize=True)
    return {
        numbers[column]: ids[row]
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True)
        if shared[row, column]
    }


def heir(items: Set[str], new: Mapping[int, Set[str]]) -> int | None:
    """The number of the group that most of an ended topic's items went to; None when they went nowhere."""
    shares = {number: len(items & members) for number, members in new.items()}
    best = max(shares, key=lambda number: (shares[number], -number), default=None)
    return best if best is not None and shares[best] else None
