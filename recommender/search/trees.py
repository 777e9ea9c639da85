"""Boosted regression trees that were fitted elsewhere: a sum of small trees, each of which reads a few features.

Gradient boosting is that of Friedman 2001, "Greedy Function Approximation: A Gradient Boosting Machine". Only reading
and running are here, in NumPy, so that no library for fitting is needed; `indexer/research/fit_rerank.py` fits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
        trees = np.arange(len(self.feature))
        node = np.zeros((len(values), len(trees)), np.int32)
        for _step in range(self.depth):
            read = np.take_along_axis(values, self.feature[trees, node], axis=1)
            node = np.where(read <= self.threshold[trees, node], self.left[trees, node], self.right[trees, node])
        return np.asarray(self.start + self.value[trees, node].sum(axis=1))
