"""Combines the dense and lexical scores of each item into one score, and orders the items.

The score is a convex combination of scores normalised between their theoretical minimum and the best of the list (TM2C2
in Bruch, Gai and Ingber 2023, "An Analysis of Fusion Functions for Hybrid Retrieval"). The minimum of BM25 is 0. That
of the cosine is taken to be the mean cosine of unrelated texts in the index, and its maximum is at least that of a fair
match. BM25 scores cannot be compared across languages (other words, other frequencies), so items are compared with the
best item of their own language.

The order also takes feedback from the results: an item that is similar to the best items comes before an equally good
item that is similar to none of them.

Items that differ by rounding alone are equally good. How a number is rounded depends on the statistics of the whole
index, also of items that the reader may not read, so it must not decide which item comes first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recommender.index import Hit, Near

_FIRST_WEIGHT, _MEAN_WEIGHT = 0.5, 0.5
"""Weights of an item's first passage and of the mean of its passages, when the nearest passage has weight 1; a
judgement."""
_LEAST_TOP = 0.3
"""The BM25 score that counts as 1 in a language is at least this share of the best score of all languages; a
judgement."""
_LEAST_SPAN = 0.4
"""The cosine above unrelated texts that counts as 1 if nothing is nearer; a judgement."""
_FEEDBACK_FROM, _REORDERED = 10, 20
"""How many of the best items give feedback, and how many are reordered by it; a judgement."""
_ROUNDING = 1e-5
"""Scores that differ by less are equal but for rounding: those of keyword search are sums of float32; a judgement."""


@dataclass(frozen=True)
class Feedback:
    """How feedback from the best items changes the order. `weight` times an item's cosine with their mean direction is
    added to its score. In that mean, an item counts e times as much as one whose score is lower by `step`."""

    weight: float
    step: float


SHIPPED = Feedback(0.4, 0.05)
"""Fitted by `python -m indexer.research.fit_feedback` on train queries of the evaluation sets."""


class Candidate(NamedTuple):
    """An item with its fused score in 0..1, its BM25 score, and how near it is; `near` is None when dense search did
    not run."""

    item: str
    score: float
    lexical: float
    near: Near | None = None

    @property
    def dense(self) -> float | None:
        """The cosine of the nearest passage."""
        return self.near.nearest if self.near else None

    @property
    def direction(self) -> NDArray[np.float32] | None:
        """The mean of the item's passages as a unit vector, shape (dimension,), computed anew at each call."""
        return self.near.direction() if self.near and self.near.direction else None


def fuse(hits: Sequence[Hit], background: float, dense_weight: float) -> list[Candidate]:
    """One candidate per item, best first; ties in the order of keys.

    Without dense scores only the lexical ones count. `background` is the mean cosine of unrelated texts.
    """
    tops = _lexical_tops(hits)
    lexical = np.array([hit.lexical / tops[hit.language] if hit.lexical > 0 else 0.0 for hit in hits])
    nears = [hit.near for hit in hits if hit.near is not None]
    scores = lexical
    if nears:
        dense = np.zeros(len(hits))
        dense[[hit.near is not None for hit in hits]] = _dense_scores(nears) - background
        span = max(_LEAST_SPAN, float(dense.max()))  # when nothing is near, the nearest item must not count as near
        scores = dense_weight * np.maximum(0.0, dense / span) + (1 - dense_weight) * lexical
    best_first = sorted(zip((-_without_rounding(scores)).tolist(), [hit.item for hit in hits], hits, strict=True))
    return [Candidate(item, -score, hit.lexical, hit.near) for score, item, hit in best_first]


def reorder(candidates: Sequence[Candidate], feedback: Feedback = SHIPPED) -> list[Candidate]:
    """Candidates, best first, in the order that feedback from the best of them gives; those that it makes equally good
    stay in their order. Scores are not changed.

    Pseudo relevance feedback: items are also compared with the mean direction of the best items, in which each counts
    by the odds that it is right (Rocchio 1971, "Relevance Feedback in Information Retrieval", with the weights of a
    relevance model, Lavrenko and Croft 2001, "Relevance-Based Language Models", on vectors as in Li et al. 2023,
    "Pseudo Relevance Feedback with Deep Language Models and Dense Retrievers"). When one item is clearly the best, it
    alone decides, so that items with the same content follow it, in another language too. Without directions the order
    is not changed.
    """
    head, rest = list(candidates[:_REORDERED]), candidates[_REORDERED:]
    directions = [direction for candidate in head if (direction := candidate.direction) is not None]
    if not head or len(directions) < len(head):
        return list(candidates)
    vectors = np.stack(directions)
    scores = np.array([candidate.score for candidate in head])
    odds = np.exp((scores[:_FEEDBACK_FROM] - scores[0]) / feedback.step)
    mean = (odds / odds.sum()) @ vectors[:_FEEDBACK_FROM]
    order = np.argsort(-_without_rounding(scores + feedback.weight * (vectors @ mean)), kind="stable")
    return [*(head[position] for position in order), *rest]


def _without_rounding(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """The scores, in which one that differs from the next better one by rounding alone is the same; shape (n,)."""
    order = np.argsort(-scores, kind="stable")
    best_first = scores[order]
    differs = -np.diff(best_first, prepend=np.inf) > _ROUNDING
    equal = np.empty_like(scores)
    equal[order] = best_first[np.maximum.accumulate(np.where(differs, np.arange(len(scores)), 0))]
    return equal


def _dense_scores(nears: Sequence[Near]) -> NDArray[np.float64]:
    """Weighted mean of the cosines of the nearest passage, the first one, and the mean of all, shape (items,): an item
    whose beginning and whole text are near too is about the question."""
    nearest, first, whole = np.array([(near.nearest, near.first, near.whole) for near in nears]).T
    return np.asarray((nearest + _FIRST_WEIGHT * first + _MEAN_WEIGHT * whole) / (1 + _FIRST_WEIGHT + _MEAN_WEIGHT))


def _lexical_tops(hits: Sequence[Hit]) -> dict[str, float]:
    """The score that counts as 1 in each language: its best, but not far below the best of all languages."""
    tops: dict[str, float] = {}
    for hit in hits:
        if hit.lexical > tops.get(hit.language, -1.0):
            tops[hit.language] = hit.lexical
    least = _LEAST_TOP * max(tops.values(), default=0.0)
    return {language: max(top, least) for language, top in tops.items()}
