"""A second look at the first candidates: their order, the probability that each answers, and that an answer exists.

The order is that of a linear score of the features (`features.py`), fitted pair by pair (Joachims 2002, "Optimizing
Search Engines using Clickthrough Data"), but a newer item stands before the older one that it replaces (`newer.py`).
The two probabilities are those of boosted trees that read the features of a candidate, of the list, and of the
question. All are in `rerank.json`, which says how they were made; `python -m indexer.research.fit_rerank` writes it.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.datatypes import Kind
from recommender.search.features import NAMES, CandidateText, Matrix, missing_codes
from recommender.search.newer import PAIR_NAMES, Pair, PairModel, put_newer_first
from recommender.search.question import Question
from recommender.search.trees import Trees

FILE = Path(__file__).parent / "rerank.json"
LIST_NAMES = (
    *(f"this_{name}" for name in NAMES), *(f"best_{name}" for name in NAMES), "ahead_of_best_other",
    "ahead_of_second_other", "rank_score", "question_length", "unknown_words", "unknown_codes", "has_codes",
    "rarest_word", "total_rarity", "above_background",
)  # fmt: skip
"""The names of the columns that the trees read; `list_features` says what they are."""
_LISTED = 10
"""Candidates whose best features are read, and in which the question's codes are looked for; a judgement."""
_FAR_AHEAD = 3.0
"""How far a candidate is ahead when there is no other one: a judgement."""

Numbers = NDArray[np.float64]
_NOTHING_STATED: Mapping[Pair, float] = {}


@dataclass(frozen=True)
class RerankModel:
    """`weights` multiply the features, shape (len(NAMES),); `newer` tells which older items a newer one replaces;
    `answers` and `exists` give the logits of the probabilities that a candidate answers and that an answer exists.
    `about` says how they were made."""

    weights: Numbers
    newer: PairModel
    answers: Trees
    exists: Trees
    about: str = ""

    @classmethod
    def unfitted(cls) -> "RerankModel":
        """A model that keeps the order of the search: examples are collected with it, to fit one on."""
        nothing = np.zeros((1, 1), np.int32)
        trees = Trees(0.0, 0, nothing, np.zeros((1, 1)), nothing, nothing, np.zeros((1, 1)))
        return cls(np.zeros(len(NAMES)), PairModel(np.zeros(len(PAIR_NAMES)), -np.inf), trees, trees)

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "RerankModel":
        """Read what `as_json` wrote. Raises KeyError, TypeError or ValueError when it is damaged, or was fitted for
        other features."""
        names = [tuple(stored[name]) for name in ("features", "list_features", "pair_features")]
        if names != [NAMES, LIST_NAMES, PAIR_NAMES]:
            raise ValueError("it was fitted for other features")
        weights, pair_weights = (np.array(stored[name], np.float64) for name in ("weights", "pair_weights"))
        if weights.shape != (len(NAMES),) or pair_weights.shape != (len(PAIR_NAMES),):
            raise ValueError("it does not have as many weights as features")
        newer = PairModel(pair_weights, float(stored["pair_constant"]))
        answers, exists = (Trees.from_json(stored[name]) for name in ("answers", "exists"))
        return cls(weights, newer, answers, exists, str(stored["about"]))

    def as_json(self) -> dict[str, Any]:
        """The model in a form that JSON can hold."""
        return {
            "about": self.about,
            "features": list(NAMES),
            "weights": [round(float(weight), 4) for weight in self.weights],
            "pair_features": list(PAIR_NAMES),
            "pair_weights": [round(float(weight), 4) for weight in self.newer.weights],
            "pair_constant": round(float(self.newer.constant), 4),
            "list_features": list(LIST_NAMES),
            "answers": self.answers.as_json(),
            "exists": self.exists.as_json(),
        }


@lru_cache(maxsize=1)
def shipped() -> RerankModel:
    """The model that ships with Kollega."""
    return RerankModel.from_json(json.loads(FILE.read_text(encoding="utf-8")))


@dataclass(frozen=True)
class Judgement:
    """What the second look says: `order` are positions of candidates, best first, and `scores` what they are ordered
    by; `answers` is the probability that each candidate, in the old order, answers, and `exists` that one of them does.
    `replaced` are pairs of positions in which the newer item probably replaces what the older one says, with the
    probability."""

    order: Sequence[int]
    scores: Numbers
    answers: Numbers
    exists: float
    replaced: Mapping[Pair, float]


def judge(
    model: RerankModel,
    question: Question,
    texts: Sequence[CandidateText],
    matrix: Matrix,
    background: float,
    stated: Mapping[Pair, float] = _NOTHING_STATED,
) -> Judgement:
    """Order and judge candidates by their features, shape (candidates, len(NAMES)). `background` is the mean cosine of
    unrelated texts, `stated` the pairs in which somebody has said that the newer item replaces the older one.

    The weights are those of organisations in which requests were answered. Where no candidate is an answered request,
    as among the pages of a handbook, the order of the search stays."""
    scores = matrix @ model.weights
    guessed = model.newer.replaced(question, texts, matrix, scores)
    replaced = {pair: guess for pair, guess in guessed.items() if pair[::-1] not in stated} | dict(stated)
    rows = list_features(question, texts, matrix, put_newer_first(scores, replaced), background)
    if not any(text.item.kind is Kind.REQUEST and text.item.answer for text in texts):
        scores = -np.arange(len(texts), dtype=np.float64)
    scores = put_newer_first(scores, replaced)
    order = np.argsort(-scores, kind="stable")
    answers, exists = _probabilities(model.answers.logits(rows)), _probabilities(model.exists.logits(rows[order[:1]]))
    return Judgement(order.tolist(), scores, answers, float(exists[0]), replaced)


def with_scores(judgement: Judgement, other: NDArray[np.float32]) -> list[int]:
    """Positions of candidates, best first, by the judgement's scores and others, shape (candidates,), which count
    equally: both are standardised."""
    standardised = [
        (scores - scores.mean()) / (scores.std() or 1.0) for scores in (judgement.scores, other.astype(np.float64))
    ]
    together = put_newer_first(standardised[0] + standardised[1], judgement.replaced.keys())
    return [int(position) for position in np.argsort(-together, kind="stable")]


def list_features(
    question: Question, texts: Sequence[CandidateText], matrix: Matrix, scores: Numbers, background: float
) -> Matrix:
    """What the trees read of each candidate, shape (candidates, len(LIST_NAMES)): its features, the best ones of the
    first candidates, how far its score is ahead of the best two others, and what is known of the question: its length,
    the shares of its words (by rarity) and of its codes that the index or the candidates do not have, and how rare its
    words are."""
    order = np.argsort(-scores, kind="stable")
    first, second, third = (float(scores[order[n]]) if n < len(order) else -np.inf for n in range(3))
    others = [
        (second, third) if position == order[0] else (first, third if position == order[1] else second)
        for position in range(len(scores))
    ]
    ahead = np.clip(scores[:, None] - np.array(others), -_FAR_AHEAD, _FAR_AHEAD)
    listed = order[:_LISTED]
    about_question = _question_features(question, [texts[position] for position in listed])
    best, asked = (np.tile(row, (len(scores), 1)) for row in (matrix[listed].max(axis=0), about_question))
    above_background = matrix[:, NAMES.index("nearest")] - background
    return np.hstack([matrix, best, ahead, scores[:, None], asked, above_background[:, None]])


def _question_features(question: Question, texts: Sequence[CandidateText]) -> Numbers:
    weights = question.weights
    total = sum(weights.values())
    unknown = sum(weights[term] for term, rarity in question.rarity.items() if not rarity)
    missing = missing_codes(question, texts)
    return np.array(
        [
            math.log1p(question.length),
            unknown / (total or 1.0),
            len(missing) / len(question.codes) if question.codes else 0.0,
            float(bool(question.codes)),
            max(question.rarity.values(), default=0.0) / question.unknown_rarity,
            total / question.unknown_rarity,
        ]
    )


def _probabilities(logits: Numbers) -> Numbers:
    return np.asarray(1.0 / (1.0 + np.exp(-logits)))
