"""The weight of a term in BM25 as Tantivy computes it, and which scores are equal but for rounding."""

import math
from collections.abc import Sequence

import numpy as np

_EQUAL = 1e-5  # share by which scores differ at most that are equal but for rounding: they are sums of float32


def weight(items: int, count: int) -> float:
    """The inverse document frequency of a term that `count` of `items` items have, computed as Tantivy does: with
    float32, which matters for terms that nearly all items have."""
    half = np.float32(0.5)
    return float(np.log(np.float32(1.0) + (np.float32(items - count) + half) / (np.float32(count) + half)))


def inverse_frequency(items: int, count: int) -> float:
    """The same with the precision of Python's numbers."""
    return math.log(1 + (items - count + 0.5) / (count + 0.5))


def without_rounding(scores: Sequence[float]) -> list[float]:
    """Scores, best first, in which those that differ from the one before by rounding alone are the same."""
    equal: list[float] = []
    for place, score in enumerate(scores):
        equal.append(equal[-1] if place and score > (1.0 - _EQUAL) * scores[place - 1] else score)
    return equal
