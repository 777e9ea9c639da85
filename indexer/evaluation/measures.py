"""From ranked results to measures of quality, each with its interval.

Ranking measures come from the library ir-measures, the area under the ROC curve from scikit-learn.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.errors import EvaluationError

MEASURES = ("nDCG@10", "RR@10", "R@1", "R@5", "R@10")
ROUNDS = 2_000  # bootstrap samples; a judgement
_BINS = 10  # a judgement: the usual number for a reliability diagram

Scores = dict[str, dict[str, float]]


def measure(
    relevant: Mapping[str, Mapping[str, int]], run: Mapping[str, Sequence[str]], names: Sequence[str] = MEASURES
) -> Scores:
    """{measure: {query id: value}} of a run, {query id: corpus ids, best first}; a query without a result counts as 0.

    Raises EvaluationError when ir-measures is not installed.
    """
    try:
        import ir_measures
    except ImportError as error:
        raise EvaluationError("Measuring needs an extra. Run: pip install 'kollega[evaluate]'") from error
    scored = {
        query: {item: float(len(ids) - rank) for rank, item in enumerate(ids)} for query, ids in run.items() if ids
    }
    qrels = {query: dict(grades) for query, grades in relevant.items()}
    scores: Scores = {name: dict.fromkeys(relevant, 0.0) for name in names}
    for value in ir_measures.iter_calc([ir_measures.parse_measure(name) for name in names], qrels, scored):
        scores[str(value.measure)][value.query_id] = float(value.value)
    return scores


@dataclass(frozen=True)
class Interval:
    """A mean and its 95 % interval, the 2.5th and 97.5th percentile of the bootstrap's means."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:+.3f} [{self.low:+.3f}, {self.high:+.3f}]"


def difference(pairs: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]]) -> Interval:
    """The mean of a - b over the queries of a set, averaged over sets, with a paired bootstrap within each set.

    `pairs` has (a, b) for each set, both of shape (queries,) in the same order. Sets count the same, however many
    queries they have.
    """
    rng = np.random.default_rng(0)
    means, samples = [], []
    for a, b in pairs:
        gain = np.asarray(a) - np.asarray(b)
        means.append(gain.mean())
        samples.append(gain[rng.integers(0, len(gain), (ROUNDS, len(gain)))].mean(axis=1))
    low, high = np.percentile(np.mean(samples, axis=0), (2.5, 97.5))
    return Interval(float(np.mean(means)), float(low), float(high))


def auroc(probabilities: Sequence[float], exists: Sequence[bool]) -> float:
    """Area under the ROC curve: how often a question with an answer has a higher probability than one without."""
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(list(exists), list(probabilities)))


@dataclass(frozen=True)
class Bin:
    """Questions with about the same probability: how many, their mean probability, the share that has an answer."""

    count: int
    probability: float
    share: float


def reliability(probabilities: Sequence[float], exists: Sequence[bool]) -> list[Bin]:
    """The points of a reliability diagram: ten bins of equal width, without the empty ones."""
    given, truth = np.asarray(probabilities, float), np.asarray(exists, float)
    places = np.minimum((given * _BINS).astype(int), _BINS - 1)
    return [
        Bin(int(inside.sum()), float(given[inside].mean()), float(truth[inside].mean()))
        for inside in (places == place for place in range(_BINS))
        if inside.any()
    ]


def calibration_error(bins: Iterable[Bin]) -> float:
    """Expected calibration error: the mean distance between probability and share, weighted by count (Naeini et al.
    2015, "Obtaining Well Calibrated Probabilities Using Bayesian Binning")."""
    points = list(bins)
    total = sum(point.count for point in points)
    return sum(point.count * abs(point.probability - point.share) for point in points) / max(1, total)
