"""Boosted regression trees that were fitted elsewhere: a sum of small trees, each of which reads a few features.

Gradient boosting is that of Friedman 2001, "Greedy Function Approximation: A Gradient Boosting Machine". Only reading
and running are here, in NumPy, so that no library for fitting is needed; `indexer/research/fit_rerank.py` fits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Trees:
    """Trees as arrays of shape (trees, nodes): a node sends a row to the `left` node when its `feature` (a column) is
    at most the `threshold`, else to the `right` one. A leaf sends to itself. `value` is that of a leaf, `start` what
    the values of the leaves are added to, and `depth` the number of steps to a leaf."""

    start: float
    depth: int
    feature: NDArray[np.int32]
    threshold: NDArray[np.float64]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    value: NDArray[np.float64]

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Trees":
        """Read what `as_json` wrote. Raises KeyError, TypeError or ValueError when it is damaged."""
        feature, left, right = (np.array(stored[name], np.int32) for name in ("feature", "left", "right"))
        threshold, value = (np.array(stored[name], np.float64) for name in ("threshold", "value"))
        shapes = {feature.shape, threshold.shape, left.shape, right.shape, value.shape}
        if len(shapes) != 1 or feature.ndim != 2:
            raise ValueError("the arrays of the trees differ in shape")
        return cls(float(stored["start"]), int(stored["depth"]), feature, threshold, left, right, value)

    def as_json(self) -> dict[str, Any]:
        """The trees in a form that JSON can hold, with numbers of five digits."""
        lists: dict[str, Any] = {name: getattr(self, name).tolist() for name in ("feature", "left", "right")}
        for name in ("threshold", "value"):
            lists[name] = [[float(f"{number:.5g}") for number in row] for row in getattr(self, name).tolist()]
        return {"start": round(self.start, 5), "depth": self.depth, **lists}

    def logits(self, rows: NDArray[np.float64] | Sequence[Sequence[float]]) -> NDArray[np.float64]:
        """The sum of the trees for each row, shape (rows,); `rows` has shape (rows, features)."""
        values = np.asarray(rows, np.float64)
        levels, leaves = self._levels
        trees = np.arange(len(self.feature))
        node = np.zeros((len(values), len(trees)), np.intp)  # the place of a node in its level
        row = np.arange(len(values))[:, None] * (values.shape[1] if len(values) else 0)
        for feature, threshold in levels:
            place = trees * feature.shape[1] + node
            node = 2 * node + 1 - (values.take(row + feature.take(place)) <= threshold.take(place))
        return np.asarray(self.start + leaves.take(trees * leaves.shape[1] + node).sum(axis=1))

    @cached_property
    def _levels(self) -> tuple[list[tuple[NDArray[np.intp], NDArray[np.float64]]], NDArray[np.float64]]:
        """(features and thresholds of the nodes at each level, values of the leaves), each of shape (trees, nodes), as
        if all trees had all nodes: the children of node n are the nodes 2n and 2n + 1 of the next level. A node is then
        found without looking up its parent's children, which takes a third of the time."""
        levels, node = [], np.zeros((len(self.feature), 1), np.int32)
        for _step in range(self.depth):
            feature = np.take_along_axis(self.feature, node, axis=1).astype(np.intp)
            levels.append((feature, np.take_along_axis(self.threshold, node, axis=1)))
            children = [np.take_along_axis(side, node, axis=1) for side in (self.left, self.right)]
            node = np.stack(children, axis=2).reshape(len(node), -1)
        return levels, np.take_along_axis(self.value, node, axis=1)
