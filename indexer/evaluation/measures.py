"""Questions with known answers -> measures of quality, each with its interval.

A set is a folder with `corpus.jsonl.gz` and `queries.jsonl.gz` (the README documents the fields). Ranking measures come
from ir-measures; a run is what the recommender ranked for each query.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.errors import EvaluationError

MEASURES = ("nDCG@10", "RR@10", "R@1", "R@5", "R@10")
ROUNDS = 2_000
_BINS = 10


Scores = dict[str, dict[str, float]]


def measure(
    relevant: Mapping[str, Mapping[str, int]], run: Mapping[str, Sequence[str]], names: Sequence[str] = MEASURES
) -> Scores:
    """{measure: {query id: value}} of a run, {query id: corpus ids, best first}; a query without a result counts 0."""
    try:
        import ir_measures
    except ImportError as error:
        raise EvaluationError("Measuring needs an extra. Run: pip install 'kollega[evaluate]'") from error
    scored = {
        query: {found: float(len(ids) - rank) for rank, found in enumerate(ids)} for query, ids in run.items() if ids
    }
    qrels = {query: dict(grades) for query, grades in relevant.items()}
    scores: Scores = {name: dict.fromkeys(relevant, 0.0) for name in names}
    for value in ir_measures.iter_calc([ir_measures.parse_measure(name) for name in names], qrels, scored):
        scores[str(value.measure)][value.query_id] = float(value.value)
    return scores


@dataclass(frozen=True)
class Interval:
    """A mean and the bounds that hold 95 % of the bootstrap's means."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:+.3f} [{self.low:+.3f}, {self.high:+.3f}]"


def difference(pairs: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]]) -> Interval:
    """Mean over sets of the mean of a - b over a set's queries, by paired bootstrap within each set.

    `pairs` holds (a, b) per set, each of shape (queries,) in the same order.
    """
    rng = np.random.default_rng(0)
    means, drawn = [], []
    for a, b in pairs:
        each = np.asarray(a) - np.asarray(b)
        means.append(each.mean())
        drawn.append(each[rng.integers(0, len(each), (ROUNDS, len(each)))].mean(axis=1))
    low, high = np.percentile(np.mean(drawn, axis=0), (2.5, 97.5))
    return Interval(float(np.mean(means)), float(low), float(high))


def auroc(probabilities: Sequence[float], exists: Sequence[bool]) -> float:
    """How often a question with an answer is given more than one without (area under the ROC curve)."""
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(list(exists), list(probabilities)))


@dataclass(frozen=True)
class Bin:
    """Questions given about the same probability: how many, their mean probability, the share with an answer."""

    count: int
    probability: float
    share: float


def reliability(probabilities: Sequence[float], exists: Sequence[bool]) -> list[Bin]:
    """Ten bins of equal width, without the empty ones: the points of a reliability diagram."""
    given, truth = np.asarray(probabilities, float), np.asarray(exists, float)
    places = np.minimum((given * _BINS).astype(int), _BINS - 1)
    return [
        Bin(int(inside.sum()), float(given[inside].mean()), float(truth[inside].mean()))
        for inside in (places == place for place in range(_BINS))
        if inside.any()
    ]


def calibration_error(bins: Iterable[Bin]) -> float:
    """Expected calibration error: the mean distance of probability and share, weighted by count (Naeini et al. 2015,
    "Obtaining Well Calibrated Probabilities Using Bayesian Binning")."""
    found = list(bins)
    total = sum(each.count for each in found)
    return sum(each.count * abs(each.probability - each.share) for each in found) / max(1, total)
