"""Dense and lexical scores -> one score per item.

A convex combination of scores normalised between their theoretical minimum and the best of the list (TM2C2 in Bruch,
Gai and Ingber 2023, "An Analysis of Fusion Functions for Hybrid Retrieval"). The minimum of BM25 is 0; that of the
cosine is taken as the mean cosine of unrelated texts in the index, its best as no less than a fair match has. BM25
cannot be compared across languages (other words, other frequencies), so each language's items are measured by the best
of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from recommender.index import Hit, Near

_FIRST, _WHOLE = 0.5, 0.5
_LEAST_TOP = 0.3
_LEAST_SPAN = 0.4


@dataclass(frozen=True)
class Candidate:
    """An item with its fused score in 0..1 and the scores of its legs. `passage_id` is its nearest passage; None when
    the dense leg did not run."""

    item: str
    passage_id: int | None
    score: float
    dense: float | None
    lexical: float


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
        near, passage_id = (hit.near.nearest, hit.near.passage_id) if hit.near else (None, None)
        found.append(Candidate(hit.item, passage_id, score, near, hit.lexical))
    return sorted(found, key=lambda candidate: (-candidate.score, candidate.item))


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
