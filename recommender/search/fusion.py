"""Dense and lexical scores -> one score per item, and the order that the items come in.

A convex combination of scores normalised between their theoretical minimum and the best of the list (TM2C2 in Bruch,
Gai and Ingber 2023, "An Analysis of Fusion Functions for Hybrid Retrieval"). The minimum of BM25 is 0; that of the
cosine is taken as the mean cosine of unrelated texts in the index, its best as no less than a fair match has. BM25
cannot be compared across languages (other words, other frequencies), so each language's items are measured by the best
of them.

The order also hears what was found: what is like the items that are probably right comes before what stands alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from recommender.index import Hit, Near

_FIRST, _WHOLE = 0.5, 0.5
_LEAST_TOP = 0.3
_LEAST_SPAN = 0.4
_HEARD, _REORDERED = 10, 20


@dataclass(frozen=True)
class Feedback:
    """How much an item gains that is like the best ones (`weight` for the same direction), and how much more a better
    one is believed: e times as much for each `step` of the score."""

    weight: float
    step: float


SHIPPED = Feedback(0.4, 0.05)
"""Chosen on train queries of the evaluation sets, each left out once, by `python -m indexer.research.fit_feedback`."""


@dataclass(frozen=True)
class Candidate:
    """An item with its fused score in 0..1 and the scores of its legs. `passage_id` is its nearest passage, `direction`
    as in Near; both are None when the dense leg did not run."""

    item: str
    passage_id: int | None
    score: float
    dense: float | None
    lexical: float
    direction: NDArray[np.float32] | None = field(default=None, repr=False, compare=False)


def fuse(hits: Sequence[Hit], background: float, dense_weight: float) -> list[Candidate]:
    """One candidate per item, best first; ties in the order of keys.

    Without dense scores the lexical ones stand alone. `background` is the mean cosine of unrelated texts.
    """
    tops = _lexical_tops(hits)
    nearness = [None if hit.near is None else _dense_score(hit.near) - background for hit in hits]
    known = [near for near in nearness if near is not None]
    span = max([_LEAST_SPAN, *known])  # where nothing is near, the nearest is not made near
    weight = dense_weight if known else 0.0
    found = []
    for hit, nearby in zip(hits, nearness, strict=True):
        dense = 0.0 if nearby is None else max(0.0, nearby / span)
        lexical = hit.lexical / tops[hit.language] if hit.lexical > 0 else 0.0
        score = weight * dense + (1 - weight) * lexical
        if hit.near:
            near, passage_id, direction = hit.near.nearest, hit.near.passage_id, hit.near.direction
            found.append(Candidate(hit.item, passage_id, score, near, hit.lexical, direction))
        else:
            found.append(Candidate(hit.item, None, score, None, hit.lexical))
    return sorted(found, key=lambda candidate: (-candidate.score, candidate.item))


def reorder(candidates: Sequence[Candidate], feedback: Feedback = SHIPPED) -> list[Candidate]:
    """Candidates, best first, in the order that feedback from the best of them gives; the scores stay.

    The question is answered once more by the mean direction of the best, each weighed by the odds that it is right:
    Rocchio 1971, "Relevance Feedback in Information Retrieval", without a person who judges, with the weights of a
    relevance model (Lavrenko and Croft 2001, "Relevance-Based Language Models") on vectors (Li et al. 2023, "Pseudo
    Relevance Feedback with Deep Language Models and Dense Retrievers"). One that is clearly best is believed alone, and
    then so is what says the same, in another language too. Without directions the order stays.
    """
    head, rest = list(candidates[:_REORDERED]), candidates[_REORDERED:]
    directions = [candidate.direction for candidate in head if candidate.direction is not None]
    if not head or len(directions) < len(head):
        return list(candidates)
    vectors = np.stack(directions)
    scores = np.array([candidate.score for candidate in head])
    odds = np.exp((scores[:_HEARD] - scores[0]) / feedback.step)
    heard = (odds / odds.sum()) @ vectors[:_HEARD]
    order = np.argsort(-(scores + feedback.weight * (vectors @ heard)), kind="stable")
    return [*(head[place] for place in order), *rest]


def _dense_score(near: Near) -> float:
    """The nearest passage counts most; an item whose beginning and whole are near too is about the question."""
    return (near.nearest + _FIRST * near.first + _WHOLE * near.whole) / (1 + _FIRST + _WHOLE)


def _lexical_tops(hits: Sequence[Hit]) -> dict[str, float]:
    """The best lexical score in each language; a language with far worse ones is measured by the best of all."""
    tops: dict[str, float] = {}
    for hit in hits:
        tops[hit.language] = max(hit.lexical, tops.get(hit.language, 0.0))
    least = _LEAST_TOP * max(tops.values(), default=0.0)
    return {language: max(top, least) for language, top in tops.items()}
