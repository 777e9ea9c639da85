"""The weights that turn the features (`features.py`) of the candidates into probabilities, and how they are fitted.

The model is a conditional logit (McFadden 1974, "Conditional Logit Analysis of Qualitative Choice Behavior"), which
gives the probability that this candidate, of all candidates, is the one who answers. It is linear in the features, so
that a ranking can be explained.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.people.features import FEATURES, Candidates, Numbers

VERSION = 1
"""The version of the file format of a Ranker."""


@dataclass(frozen=True)
class Ranker:
    """A weight for each feature, 0 for those that are not named. `trained` says on which questions the weights were
    fitted; it is empty for the shipped ones."""

    weights: Mapping[str, float]
    trained: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def vector(self) -> Numbers:
        """The weights in the order of FEATURES, shape (features,)."""
        return np.array([self.weights.get(name, 0.0) for name in FEATURES])

    @cached_property
    def used(self) -> frozenset[str]:
        """The features that have a weight."""
        return frozenset(name for name, weight in self.weights.items() if weight)

    def shares(self, candidates: Candidates) -> Numbers:
        """The probability that each candidate is the one who answers, shape (people,); the sum is 1."""
        if not candidates.people:
            return np.zeros(0)
        logits = candidates.values @ self.vector
        odds = np.exp(logits - logits.max())
        return np.asarray(odds / odds.sum())


VOTES = Ranker({"votes": 1.0})
"""Each item votes for the people who did something in it (Macdonald and Ounis 2006, "Voting for Candidates"); older
parts count less. With weight 1 the odds are nearly proportional to the votes, since the feature is their logarithm."""
SHIPPED = Ranker({"votes": 0.99, "similar_now": 0.26, "active_quarter": 0.21})
"""Fitted on the earlier questions of four evaluation sets by `python -m indexer.research.fit_ranker`; used unless the
organisation's own history gives better ones. Only these three features, near to VOTES: more of them, or freer weights,
do worse on sets on which they were not fitted (docs/decisions/people-ranker.md)."""


def fit(
    questions: Sequence[tuple[Numbers, NDArray[np.bool_]]],
    start: Ranker,
    pull: float,
    features: Collection[str] = FEATURES,
) -> dict[str, float]:
    """The weights that make the people who answered most probable among the candidates of their question.

    `questions` contains, for each question, the features of its candidates, shape (people, features), and which of them
    answered, shape (people,). `pull` is the strength of a Gaussian prior around the weights of `start`, which the
    result is close to when there are few questions. Weights of features that are not among `features` stay those of
    `start`.
    """
    from scipy.optimize import minimize

    first, free = start.vector, np.array([name in features for name in FEATURES], float)
    usable = [(values, answered / answered.sum()) for values, answered in questions if answered.any()]

    def loss(weights: Numbers) -> tuple[float, Numbers]:
        offset = weights - first
        value, slope = pull / 2 * float(offset @ offset), pull * offset
        for values, share in usable:
            logits = values @ weights
            logits -= logits.max()
            odds = np.exp(logits)
            value += math.log(odds.sum()) - float(share @ logits)
            slope = slope + values.T @ (odds / odds.sum() - share)
        return value, slope * free

    fitted = minimize(loss, first, jac=True, method="L-BFGS-B")
    return dict(zip(FEATURES, fitted.x.tolist(), strict=True))
