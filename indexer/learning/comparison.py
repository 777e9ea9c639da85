"""Whether one method is better than another: the mean difference with its interval, by a paired bootstrap.

SciPy's `bootstrap` gives the same figures, but refuses a set with a single question.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ROUNDS = 2_000  # bootstrap samples; a judgement


@dataclass(frozen=True)
class Interval:
    """A mean, or a ratio of two, and its 95 % interval: the 2.5th and 97.5th percentile of those of a bootstrap."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:+.3f} [{self.low:+.3f}, {self.high:+.3f}]"


def difference(pairs: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]]) -> Interval:
    """The mean of a - b over the queries of a set, averaged over sets, with a paired bootstrap within each set.

    `pairs` has (a, b) for each set, both of shape (queries,) in the same order. All sets have the same weight, however
    many queries they have.
    """
    rng = np.random.default_rng(0)
    means, samples = [], []
    for a, b in pairs:
        gain = np.asarray(a) - np.asarray(b)
        means.append(gain.mean())
        samples.append(gain[rng.integers(0, len(gain), (ROUNDS, len(gain)))].mean(axis=1))
    low, high = np.percentile(np.mean(samples, axis=0), (2.5, 97.5))
    return Interval(float(np.mean(means)), float(low), float(high))
