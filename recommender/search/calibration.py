"""How similar an item is to a question, as a probability; how the probability of an answer is adapted to an
organisation; and the verdict.

Two features of a suggestion do not depend on the other results: how near it is to the question in meaning, compared
with unrelated texts of the same index, and how many of the question's rare words are in it. What they mean depends on
the length of question and passage: a passage rarely covers all of a long question, and a long passage contains many
words by chance and is never as near as a short one. The weights are those of a logistic regression.

Similarity orders no suggestions (`rerank.py` does), but it is all there is when only keyword search runs, and it tells
which open requests are about the same subject.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

WITH_ANSWER = 0.55
"""The share of questions with an answer for which the probabilities are right: training examples are weighted to give
this share. A judgement."""
VERSION = 2
"""The version of the file format of an AnswerModel."""
_LEAST_PROBABILITY = 0.0025
"""Probabilities are kept this far from 0 and 1 before a logit is taken; a judgement."""
_ROUNDS = 5
"""How many times weights are fitted, each time on the suggestions that the previous weights find best; a judgement."""
_ANY_SIGN, _NOT_NEGATIVE = (None, None), (0.0, None)
"""Bounds of a weight (lowest, highest); None is no bound."""
_SHORT, _LONG_QUESTION, _LONG_PASSAGE = 8, 128, 256
"""Numbers of words: a text's length feature is 0 up to the first, and 1 from the second (for a question) or the third
(for a passage). A judgement."""


class Features(NamedTuple):
    """The features of a suggestion, from which the probability that it answers is computed: how near it is in 0..1
    (None in keyword search alone), the share of the question that it covers, how many words the question and the
    passage have, and whether they are in different languages (`across`)."""

    near: float | None
    covered: float
    question_words: int
    passage_words: int
    across: bool = False


class Weights(NamedTuple):
    """The weights of a logistic regression whose features are all in 0..1. `question` and `passage` are for their
    lengths, `near_in_long` is for nearness times the passage's length, `covered_in_long` for coverage times the same,
    `across` for a passage in another language than the question."""

    constant: float
    near: float
    covered: float
    question: float = 0.0
    passage: float = 0.0
    near_in_long: float = 0.0
    covered_in_long: float = 0.0
    across: float = 0.0


SHIPPED_WEIGHTS = Weights(
    -8.4, 15.3, 8.4, question=1.7, passage=-1.6, near_in_long=8.7, covered_in_long=1.6, across=1.0
)
"""Fitted by `python -m indexer.research.fit_calibration` on train queries of the evaluation sets, with and without an
answer: out-of-scope ones, and questions of one set asked of the corpora of others. Only `across` was fitted separately,
on the only set in two languages: the same meaning has a lower cosine and fewer common words there."""
WORDS_ALONE = Weights(-2.6, 0.0, 8.9)
"""Weights for keyword search alone, fitted in the same way."""


@dataclass(frozen=True)
class AnswerModel:
    """Adapts the probability that an answer exists to an organisation (Platt 1999, "Probabilistic Outputs for Support
    Vector Machines"): its logit is multiplied by `slope`, and `constant` is added. `fitted` says on which questions it
    was fitted; it is empty for the shipped model, which changes nothing."""

    constant: float
    slope: float
    fitted: Mapping[str, Any] = field(default_factory=dict)

    def probability(self, probability: float) -> float:
        """The adapted probability."""
        return _logistic(self.constant + self.slope * _logit(probability))


SHIPPED = AnswerModel(0.0, 1.0)


def fit(
    probabilities: Sequence[float],
    exists: Sequence[bool],
    weights: NDArray[np.float64],
    pull: float = 0.0,
) -> AnswerModel:
    """The answer model that adapts these probabilities best to whether an answer exists. `weights`, shape
    (questions,), say how much each question counts. `pull` is the strength of a Gaussian prior around the shipped
    model, which is the result when there are few questions. A higher probability never becomes a lower one."""
    values = np.array([(1.0, _logit(probability)) for probability in probabilities])
    prior = np.array([SHIPPED.constant, SHIPPED.slope])
    constant, slope = _regress(values, np.asarray(exists, float), weights, prior, pull, (_ANY_SIGN, _NOT_NEGATIVE))
    return AnswerModel(constant, slope)


def fit_weights(
    suggestions: Sequence[Sequence[Features]],
    exists: Sequence[bool],
    weights: NDArray[np.float64],
    start: Weights = SHIPPED_WEIGHTS,
    pull: float = 0.0,
) -> Weights:
    """The weights that predict best from each question's best suggestion whether an answer exists; which suggestion is
    best is decided by the previous round's weights. `suggestions` contains those of each question, none of them from
    keyword search alone; `weights` and `pull` as in `fit`. More nearness or coverage never makes an answer less
    probable; `across` stays as in `start`."""
    values = [np.array([_values(features) for features in of_question]) for of_question in suggestions]
    truth, fitted = np.asarray(exists, float), start
    no_suggestion = np.array(_values(Features(0.0, 0.0, 0, 0)))
    across = (start.across, start.across)
    bounds = (
        _ANY_SIGN, _NOT_NEGATIVE, _NOT_NEGATIVE, _ANY_SIGN, _ANY_SIGN, _NOT_NEGATIVE, _NOT_NEGATIVE, across,
    )  # fmt: skip
    for _round in range(_ROUNDS):
        best = np.array([rows[np.argmax(rows @ np.array(fitted))] if len(rows) else no_suggestion for rows in values])
        fitted = Weights(*_regress(best, truth, weights, np.array(start), pull, bounds, np.array(fitted)))
    return fitted


def _regress(
    values: NDArray[np.float64],
    truth: NDArray[np.float64],
    weights: NDArray[np.float64],
    prior: NDArray[np.float64],
    pull: float,
    bounds: Sequence[tuple[float | None, float | None]],
    initial: NDArray[np.float64] | None = None,
) -> list[float]:
    """The weights of a logistic regression with a Gaussian prior of strength `pull` around `prior`, within `bounds`.
    The optimisation begins at `initial`, or at `prior`. `values` has shape (questions, weights), and `weights`, shape
    (questions,), say how much each question counts."""
    from scipy.optimize import minimize

    def loss(tried: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        logits, offset = values @ tried, tried - prior
        value = weights @ (np.logaddexp(0.0, logits) - truth * logits) + pull / 2 * offset @ offset
        return float(value), values.T @ (weights * (1 / (1 + np.exp(-logits)) - truth)) + pull * offset

    result: list[float] = minimize(
        loss, prior if initial is None else initial, jac=True, method="L-BFGS-B", bounds=bounds
    ).x.tolist()
    return result


def balanced(exists: Sequence[bool]) -> NDArray[np.float64]:
    """A weight for each question, 1 in the mean, so that the weighted share of those with an answer is WITH_ANSWER."""
    truth = np.asarray(exists, bool)
    share = {True: WITH_ANSWER / max(1, truth.sum()), False: (1 - WITH_ANSWER) / max(1, (~truth).sum())}
    return np.array([share[bool(answered)] for answered in truth]) * len(truth)


def nearness(cosine: float, background: float) -> float:
    """The cosine on a scale where unrelated texts of the index have 0 and equal texts 1."""
    return min(1.0, max(0.0, (cosine - background) / (1.0 - background))) if background < 1.0 else 0.0


def coverage(rarity: Mapping[str, float], matched: Collection[str], unknown_rarity: float, rarest: float) -> float:
    """The share of the question's words, weighted by rarity, that are in the passage (`matched`). It is multiplied by
    the rarity of the question's rarest known word, as a share of that of a word in one item only (`rarest`): to cover a
    question of common words means little. A word that is not in the index has `unknown_rarity`: it may be exactly what
    no passage is about."""
    weights = {term: value or unknown_rarity for term, value in rarity.items()}
    total = sum(weights.values())
    rarest_share = min(1.0, max(rarity.values(), default=0.0) / rarest)
    return rarest_share * sum(weights[term] for term in matched) / total if total else 0.0


def length(words: int, longest: int) -> float:
    """0 for a text of up to 8 words, 1 from `longest` words on, and logarithmic in between."""
    return min(1.0, max(0.0, math.log(max(1, words) / _SHORT) / math.log(longest / _SHORT)))


def probability(features: Features, weights: Weights = SHIPPED_WEIGHTS) -> float:
    """The probability that a passage with these features answers the question; in keyword search alone, from coverage
    only."""
    weights = WORDS_ALONE if features.near is None else weights
    return _logistic(sum(weight * value for weight, value in zip(weights, _values(features), strict=True)))


def _values(features: Features) -> tuple[float, ...]:
    """The values that the Weights multiply, in the same order."""
    near, covered = features.near or 0.0, features.covered
    passage = length(features.passage_words, _LONG_PASSAGE)
    question = length(features.question_words, _LONG_QUESTION)
    return 1.0, near, covered, question, passage, near * passage, covered * passage, float(features.across)


def _logistic(logit: float) -> float:
    return 1.0 / (1.0 + math.exp(-logit)) if logit > -500 else 0.0


def _logit(probability: float) -> float:
    clipped = min(max(probability, _LEAST_PROBABILITY), 1.0 - _LEAST_PROBABILITY)
    return math.log(clipped / (1.0 - clipped))
