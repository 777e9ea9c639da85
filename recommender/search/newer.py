"""Finds, among the first candidates of a question, older items that a newer one answers differently.

Two items that are alike are about the same matter when both are near the same question. Whether the newer one replaces
what the older one says is estimated pair by pair, by a logistic regression on what the two have in common. It is fitted
with the second look (`rerank.py`).
"""

import re
from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recommender.datatypes import Kind
from recommender.search.codes import codes
from recommender.search.features import NAMES, CandidateText, Matrix, age_weight, likenesses
from recommender.search.question import Question

PAIR_NAMES = (
    "answers_alike", "whole_alike", "titles_share", "bodies_share", "answers_share", "numbers_share", "same_language",
    "same_team", "newer_is_document", "older_is_document", "years_apart", "newer_behind_best", "older_behind_best",
    "newer_place", "older_place", "codes_differ", "newer_length", "older_length", "newer_answer_nearness",
    "older_answer_nearness",
)  # fmt: skip
"""The names of the columns that are read of a pair; `pair_features` says what they are."""
_COMPARED = 8
"""How many of the first candidates are compared with each other; a judgement."""
_LEAST_DAYS = 7
"""An item is newer than another by at least so many days; a judgement."""
_FROM = 0.2
"""The probability from which a newer item is put before the older one. Chosen on the organisations that the model was
fitted on, each left out in turn."""
_STEM, _MOST_YEARS, _STEP = 6, 3.0, 1e-3
_NUMBER, _WORD = re.compile(r"\d+"), re.compile(r"[^\W\d_]{4,}")

Numbers = NDArray[np.float64]


class Pair(NamedTuple):
    """Positions of a newer and an older candidate."""

    newer: int
    older: int


def pair_features(
    question: Question, texts: Sequence[CandidateText], features: Matrix, scores: Numbers
) -> tuple[list[Pair], Matrix]:
    """(pairs of the best candidates, what is read of each, shape (pairs, len(PAIR_NAMES))).

    `..._alike` are cosines of vectors, `..._share` the shares of the beginnings of words, or numbers, that both have of
    those that one of them has, and `years_apart` count less for a long question (`age_weight`). `features` has shape
    (candidates, len(NAMES)), `scores` shape (candidates,).
    """
    order = np.argsort(-scores, kind="stable")[:_COMPARED].tolist()
    answers = likenesses([texts[position] for position in order])
    directions = np.stack([_direction(texts[position]) for position in order]) if order else np.zeros((0, 1))
    whole = np.einsum("ij,kj->ik", directions, directions)
    parts = [_Parts(texts[position]) for position in order]
    nearness, matters = features[:, NAMES.index("answer")], age_weight(question)
    pairs: list[Pair] = []
    rows: list[tuple[float, ...]] = []
    for i, newer in enumerate(order):
        for j, older in enumerate(order):
            one, other = texts[newer].item, texts[older].item
            if (days := (texts[newer].at - texts[older].at).days) < _LEAST_DAYS:
                continue
            pairs.append(Pair(newer, older))
            rows.append(
                (
                    float(answers[i, j]),
                    float(whole[i, j]),
                    *parts[i].shares(parts[j]),
                    float(one.language == other.language),
                    float(one.team == other.team),
                    float(one.kind is Kind.DOCUMENT),
                    float(other.kind is Kind.DOCUMENT),
                    min(days / 365.0, _MOST_YEARS) * matters,
                    scores[newer] - scores[order[0]],
                    scores[older] - scores[order[0]],
                    float(i),
                    float(j),
                    float(len(parts[i].codes ^ parts[j].codes)),
                    np.log1p(len(texts[newer].answer_text)),
                    np.log1p(len(texts[older].answer_text)),
                    nearness[newer],
                    nearness[older],
                )
            )
    return pairs, np.array(rows, np.float64).reshape(len(rows), len(PAIR_NAMES))


class PairModel(NamedTuple):
    """A logistic regression on the features of pairs: `weights`, shape (len(PAIR_NAMES),), and `constant`."""

    weights: Numbers
    constant: float

    def replaced(
        self, question: Question, texts: Sequence[CandidateText], features: Matrix, scores: Numbers
    ) -> dict[Pair, float]:
        """The pairs in which the newer item probably replaces what the older one says, with the probability."""
        pairs, rows = pair_features(question, texts, features, scores)
        if not pairs:
            return {}
        probabilities = 1.0 / (1.0 + np.exp(-(rows @ self.weights + self.constant)))
        return {
            pair: float(probability)
            for pair, probability in zip(pairs, probabilities, strict=True)
            if probability >= _FROM
        }


def put_newer_first(scores: Numbers, replaced: Collection[Pair]) -> Numbers:
    """The scores, in which a newer item stands just before the older one that it replaces."""
    raised = scores.copy()
    for _step in replaced:  # raising an item may put it before one that replaces it in turn: at most one step a pair
        behind = [pair for pair in replaced if raised[pair.newer] <= raised[pair.older]]
        for pair in behind:
            raised[pair.newer] = max(raised[pair.newer], raised[pair.older] + _STEP)
        if not behind:
            break
    return raised


class _Parts:
    """The sets of what two candidates may have in common."""

    def __init__(self, text: CandidateText) -> None:
        self.sets = (
            stems_of(text.item.title),
            stems_of(text.body),
            stems_of(text.answer_text[:2000]),
            set(_NUMBER.findall(text.answer_text[:2000])),
        )
        self.codes = codes_of(text.item.title)

    def shares(self, other: "_Parts") -> list[float]:
        return [len(one & two) / max(1, len(one | two)) for one, two in zip(self.sets, other.sets, strict=True)]


def codes_of(title: str) -> frozenset[str]:
    """The codes of a title in lower case."""
    return frozenset(code.lower() for code in codes(title))


@lru_cache(maxsize=1024)
def stems_of(text: str) -> frozenset[str]:
    """The beginnings of the words of a text that have at least four letters. Cached, since while somebody types the
    same items are found again and again."""
    return frozenset(word[:_STEM] for word in _WORD.findall(text.lower()))


def _direction(text: CandidateText) -> NDArray[np.float32]:
    direction = text.candidate.direction
    return np.zeros(1, np.float32) if direction is None else direction
