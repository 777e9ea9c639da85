"""Measures of quality: of a ranking, and of the probability that there is an answer.

Ranking measures come from the library ir-measures, the area under the ROC curve from scikit-learn.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from recommender.errors import EvaluationError, how_to_install

MEASURES = ("nDCG@10", "RR@10", "R@1", "R@5", "R@10")
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
        raise EvaluationError(f"Measuring needs an extra. {how_to_install('evaluate')}") from error
    scored = {
        query: {item: float(len(ids) - rank) for rank, item in enumerate(ids)} for query, ids in run.items() if ids
    }
    qrels = {query: dict(grades) for query, grades in relevant.items()}
    scores: Scores = {name: dict.fromkeys(relevant, 0.0) for name in names}
    for value in ir_measures.iter_calc([ir_measures.parse_measure(name) for name in names], qrels, scored):
        scores[str(value.measure)][value.query_id] = float(value.value)
    return scores


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
