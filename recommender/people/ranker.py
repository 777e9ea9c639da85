"""The features of each (question, person) pair, and the weights that make one score of them.

All features come from the traces alone, the items near a question that the asker may read: what is hidden from the
asker cannot change the order of people. Time is measured twice: in days, and in items answered since among the traces,
which means the same in a team that answers ten requests a day and one that answers two a month.

The score is linear, so that it can be explained; the weights are a conditional logit's (McFadden 1974, "Conditional
Logit Analysis of Qualitative Choice Behavior"): the probability that of all candidates this one answers.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.people.features import FEATURES, Candidates, Numbers

VERSION = 1


@dataclass(frozen=True)
class Ranker:
    """A weight for each feature; those not named weigh nothing. `trained` says on what, empty for the shipped one."""

    weights: Mapping[str, float]
    trained: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def vector(self) -> Numbers:
        """The weights in the order of FEATURES."""
        return np.array([self.weights.get(name, 0.0) for name in FEATURES])

    def shares(self, candidates: Candidates) -> Numbers:
        """Probability of each candidate to be the one who answers, shape (people,); they sum to 1."""
        if not candidates.people:
            return np.zeros(0)
        logits = candidates.values @ self.vector
        odds = np.exp(logits - logits.max())
        return np.asarray(odds / odds.sum())

    def reasons(self, values: Numbers, position: int, most: int = 5) -> tuple[str, ...]:
        """The features that the one at `position` has more of than the others of `values`, shape (people, FEATURES),
        have on average and that speak for them, the strongest first. (What weighs less than nothing only corrects what
        another feature says; to lack it is no reason.)"""
        others = np.delete(values, position, axis=0)
        if not len(others):
            return ()
        gains = np.maximum(values[position] - others.mean(axis=0), 0.0) * self.vector
        order = np.argsort(-gains, kind="stable")[:most]
        return tuple(FEATURES[number] for number in order if gains[number] > 0)


VOTES = Ranker({"votes": 1.0})
"""Each item votes for the people in it (Macdonald and Ounis 2006, "Voting for Candidates"), old parts less."""
SHIPPED = Ranker(
    {
        "votes": 0.60,
        "similar_now": 0.05,
        "similar": 0.18,
        "active_now": 0.82,
        "active": -0.19,
        "ranks": -0.13,
        "nearest": 0.43,
        "specialist": 0.23,
        "quality": 0.41,
        "lately": 0.61,
    }
)
"""Fitted on the earlier questions of four sets by `python -m indexer.research.fit_ranker`, to be used where an
organisation's own history gives no better ones. In them all people wrote one language and no team was named."""


def fit(questions: Sequence[tuple[Numbers, NDArray[np.bool_]]], start: Ranker, pull: float) -> dict[str, float]:
    """Weights under which those who answered are most probable among the candidates of their question.

    `questions` holds (values of shape (people, FEATURES), who answered) each; `pull` draws the weights to those of
    `start` (a Gaussian prior), which is what they are where there is little to learn from.
    """
    from scipy.optimize import minimize

    first = start.vector
    told = [(values, answered / answered.sum()) for values, answered in questions if answered.any()]

    def loss(weights: Numbers) -> tuple[float, Numbers]:
        away = weights - first
        value, slope = pull / 2 * float(away @ away), pull * away
        for values, share in told:
            logits = values @ weights
            logits -= logits.max()
            odds = np.exp(logits)
            value += math.log(odds.sum()) - float(share @ logits)
            slope = slope + values.T @ (odds / odds.sum() - share)
        return value, slope

    found = minimize(loss, first, jac=True, method="L-BFGS-B")
    return dict(zip(FEATURES, found.x.tolist(), strict=True))
