"""From the scores of suggestions to the probability that each answers, that there is an answer, and to a verdict.

Of a suggestion, two features are absolute, they do not depend on what else was found: how near question and suggestion
are in meaning, against unrelated texts of the same index, and how much of the question's rare words is there. How much
they tell depends on how long the question and the passage are: of a long question only a part is ever covered, and a
long passage holds many a word by chance and is never as near as a short one. Of a question, the best suggestion tells
whether there is an answer, and so do those beside it: one alone that matches is more often there by chance. The weights
are a logistic regression's.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recommender.datatypes import Verdict

BESIDE = 5
"""So many suggestions, the first ones, are looked at together."""
WITH_ANSWER = 0.55
"""The share of questions with an answer for which probabilities are true: what they are fitted on is weighed so."""
VERSION = 1
_LEAST = 0.0025
_ROUNDS = 5
_ANY, _FOR = (None, None), (0.0, None)
_SHORT, _LONG_QUESTION, _LONG_PASSAGE = 8, 128, 256


class Features(NamedTuple):
    """What tells whether a suggestion answers: how near it is (None without a dense leg), how much of the question it
    covers, how many words the question and the passage have, and whether they are in different languages."""

    near: float | None
    covered: float
    question_words: int
    passage_words: int
    across: bool = False


class Weights(NamedTuple):
    """Of a logistic regression; all features are in 0..1. `near_in_long` is for nearness times the passage's length,
    `covered_in_long` for coverage times it, `across` for a passage in another language than the question's."""

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
"""Fitted on train queries of the evaluation sets, with and without an answer: out-of-scope ones, and questions of one
set asked of the corpora of others. `across` was fitted alone, on the one set in two languages: the same meaning lies
less near there, and is covered by fewer words. `python -m indexer.research.fit_calibration` fits the others anew."""
WORDS_ALONE = Weights(-2.6, 0.0, 8.9)
"""The same without a dense leg."""


@dataclass(frozen=True)
class AnswerModel:
    """How much each thing tells about whether a question has an answer: `best`, the logit of its best suggestion's
    match, and `together`, the mean match of its first BESIDE. `fitted` says on what, empty for the one that ships."""

    constant: float
    best: float
    together: float
    fitted: Mapping[str, Any] = field(default_factory=dict)

    def probability(self, matches: Sequence[float]) -> float:
        """How probable it is that the question has an answer, from its suggestions' matches in their order."""
        best, together = evidence(matches)
        return _logistic(self.constant + self.best * best + self.together * together) if matches else 0.0


SHIPPED = AnswerModel(-0.96, 0.37, 3.51)
"""Fitted on the train questions that SHIPPED_WEIGHTS was fitted on, by `python -m indexer.research.fit_calibration`."""
BEST_ALONE = AnswerModel(0.0, 1.0, 0.0)
"""Without a dense leg the best suggestion speaks for all."""


def evidence(matches: Sequence[float]) -> tuple[float, float]:
    """(logit of the best match, mean of the first BESIDE matches), of which an AnswerModel makes its probability.
    A missing match counts as a match of 0."""
    first = matches[:BESIDE]
    return _logit(max(matches, default=0.0)), sum(first) / BESIDE


def fit(
    matches: Sequence[Sequence[float]],
    exists: Sequence[bool],
    weights: NDArray[np.float64],
    start: AnswerModel = SHIPPED,
    pull: float = 0.0,
) -> AnswerModel:
    """The answer model under which these questions' matches best foretell whether an answer exists. `weights`, shape
    (questions,), say how much each question counts; `pull` draws to `start` (a Gaussian prior), which is what comes out
    where there is little to learn from. A better match never tells against an answer."""
    values = np.array([(1.0, *evidence(each)) for each in matches])
    first = np.array([start.constant, start.best, start.together])
    truth = np.asarray(exists, float)
    constant, best, together = _regress(values, truth, weights, first, pull, (_ANY, _FOR, _FOR))
    return AnswerModel(constant, best, together)


def fit_weights(
    suggestions: Sequence[Sequence[Features]],
    exists: Sequence[bool],
    weights: NDArray[np.float64],
    start: Weights = SHIPPED_WEIGHTS,
    pull: float = 0.0,
) -> Weights:
    """The weights under which these questions' best suggestions best foretell whether an answer exists; which one is
    best is told by the weights of the round before. `suggestions` holds each question's, all with a dense leg;
    `weights` and `pull` as in `fit`. Nearness and coverage never tell against an answer; `across` stays as in
    `start`."""
    asked = [np.array([_values(each) for each in own]) for own in suggestions]
    truth, found = np.asarray(exists, float), start
    nothing = np.array(_values(Features(0.0, 0.0, 0, 0)))
    bounds = (_ANY, _FOR, _FOR, _ANY, _ANY, _FOR, _FOR, (start.across, start.across))
    for _round in range(_ROUNDS):
        best = np.array([own[np.argmax(own @ np.array(found))] if len(own) else nothing for own in asked])
        found = Weights(*_regress(best, truth, weights, np.array(start), pull, bounds, np.array(found)))
    return found


def _regress(
    values: NDArray[np.float64],
    truth: NDArray[np.float64],
    weights: NDArray[np.float64],
    first: NDArray[np.float64],
    pull: float,
    bounds: Sequence[tuple[float | None, float | None]],
    begin: NDArray[np.float64] | None = None,
) -> list[float]:
    """A logistic regression's weights, drawn to `first` by `pull` and kept within `bounds`, looked for from `begin` or
    `first` on; `values` has shape (questions, weights), and `weights` say how much each question counts."""
    from scipy.optimize import minimize

    def loss(found: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        logits, away = values @ found, found - first
        value = weights @ (np.logaddexp(0.0, logits) - truth * logits) + pull / 2 * away @ away
        return float(value), values.T @ (weights * (1 / (1 + np.exp(-logits)) - truth)) + pull * away

    result: list[float] = minimize(
        loss, first if begin is None else begin, jac=True, method="L-BFGS-B", bounds=bounds
    ).x.tolist()
    return result


def balanced(exists: Sequence[bool]) -> NDArray[np.float64]:
    """Weights, one for each question and 1 in the mean, under which WITH_ANSWER of them have an answer."""
    truth = np.asarray(exists, bool)
    share = {True: WITH_ANSWER / max(1, truth.sum()), False: (1 - WITH_ANSWER) / max(1, (~truth).sum())}
    return np.array([share[bool(each)] for each in truth]) * len(truth)


def nearness(cosine: float, background: float) -> float:
    """Cosine on a scale where unrelated texts of the index are 0 and the same text is 1."""
    return min(1.0, max(0.0, (cosine - background) / (1.0 - background))) if background < 1.0 else 0.0


def coverage(rarity: Mapping[str, float], matched: Collection[str], unknown_rarity: float, rarest: float) -> float:
    """Share of the question's words, by their rarity, that are in the passage, times how rare the rarest known one is
    beside a word of one item alone (`rarest`): to cover a question of common words tells little. A word that the index
    has never seen counts with `unknown_rarity`: it is exactly what the passage cannot answer."""
    weights = {term: value or unknown_rarity for term, value in rarity.items()}
    total = sum(weights.values())
    telling = min(1.0, max(rarity.values(), default=0.0) / rarest)
    return telling * sum(weights[term] for term in matched) / total if total else 0.0


def length(words: int, longest: int) -> float:
    """0 for a text of up to 8 words, 1 from `longest` words on, by the logarithm between."""
    return min(1.0, max(0.0, math.log(max(1, words) / _SHORT) / math.log(longest / _SHORT)))


def probability(features: Features, weights: Weights = SHIPPED_WEIGHTS) -> float:
    """How probable it is that a passage with these features answers the question; without a dense leg, by coverage
    alone."""
    weights = WORDS_ALONE if features.near is None else weights
    return _logistic(sum(weight * value for weight, value in zip(weights, _values(features), strict=True)))


def _values(features: Features) -> tuple[float, ...]:
    """What each of Weights is for, in its order."""
    near, covered = features.near or 0.0, features.covered
    long = length(features.passage_words, _LONG_PASSAGE)
    asked = length(features.question_words, _LONG_QUESTION)
    return 1.0, near, covered, asked, long, near * long, covered * long, float(features.across)


def _logistic(logit: float) -> float:
    return 1.0 / (1.0 + math.exp(-logit)) if logit > -500 else 0.0


def _logit(probability: float) -> float:
    kept = min(max(probability, _LEAST), 1.0 - _LEAST)
    return math.log(kept / (1.0 - kept))


def verdict(exists: float, answer_from: float, maybe_from: float) -> Verdict:
    """The verdict on the probability that there is an answer."""
    if exists >= answer_from:
        return Verdict.ANSWER
    return Verdict.MAYBE if exists >= maybe_from else Verdict.UNKNOWN
