"""From the scores of a suggestion to the probability that it answers, and from the best one's to a verdict.

Two features are absolute, they do not depend on what else was found: how near question and suggestion are in meaning,
against unrelated texts of the same index, and how much of the question's rare words is there. How much they tell
depends on how long the question and the passage are: of a long question only a part is ever covered, and a long passage
holds many a word by chance and is never as near as a short one. The weights are a logistic regression's.
"""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from recommender.datatypes import Verdict

_SHORT, _LONG_QUESTION, _LONG_PASSAGE = 8, 128, 256


@dataclass(frozen=True)
class Weights:
    """Of a logistic regression; all features are in 0..1. `near_in_long` is for nearness times the passage's length,
    `covered_in_long` for coverage times it."""

    constant: float
    near: float
    covered: float
    question: float = 0.0
    passage: float = 0.0
    near_in_long: float = 0.0
    covered_in_long: float = 0.0


USUAL = Weights(-8.4, 15.3, 8.4, question=1.7, passage=-1.6, near_in_long=8.7, covered_in_long=1.6)
"""Fitted on train queries of the evaluation sets, with and without an answer: out-of-scope ones, and questions of one
set asked of the corpora of others."""
WORDS_ALONE = Weights(-2.6, 0.0, 8.9)
"""The same without a dense leg."""


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


def probability(near: float | None, covered: float, question_words: int, passage_words: int) -> float:
    """How probable it is that a passage of this nearness and coverage answers the question; without a dense leg, by
    coverage alone."""
    weights = WORDS_ALONE if near is None else USUAL
    long = length(passage_words, _LONG_PASSAGE)
    logit = (
        weights.constant
        + (weights.near + weights.near_in_long * long) * (near or 0.0)
        + (weights.covered + weights.covered_in_long * long) * covered
        + weights.question * length(question_words, _LONG_QUESTION)
        + weights.passage * long
    )
    return 1.0 / (1.0 + math.exp(-logit))


def verdict(best: float, answer_from: float, maybe_from: float) -> Verdict:
    """The verdict on the best suggestion's probability."""
    if best >= answer_from:
        return Verdict.ANSWER
    return Verdict.MAYBE if best >= maybe_from else Verdict.UNKNOWN
