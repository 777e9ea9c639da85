"""Dense and lexical scores -> one score per item.

A convex combination of scores normalised between their theoretical minimum and the best of the list (TM2C2 in Bruch,
Gai and Ingber 2023, "An Analysis of Fusion Functions for Hybrid Retrieval"). The minimum of BM25 is 0; that of the
cosine is taken as the mean cosine of unrelated texts in the index, since these models never come near -1.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from recommender.index import Hit


@dataclass(frozen=True)
class Candidate:
    """An item with its best passage, its fused score in 0..1 and the scores of that passage's legs."""

    item: str
    passage_id: int
    score: float
    dense: float | None
    lexical: float


def fuse(hits: Sequence[Hit], background: float, dense_weight: float) -> list[Candidate]:
    """One candidate per item (its best passage), best first; ties in the order of keys.

    Without dense scores the lexical ones stand alone. `background` is the mean cosine of unrelated texts.
    """
    top_lexical = max((hit.lexical for hit in hits), default=0.0)
    cosines = [hit.dense for hit in hits if hit.dense is not None]
    span = max(cosines, default=background) - background
    weight = dense_weight if cosines else 0.0
    best: dict[str, Candidate] = {}
    for hit in hits:
        dense = max(0.0, (hit.dense - background) / span) if hit.dense is not None and span > 0 else 0.0
        lexical = hit.lexical / top_lexical if top_lexical > 0 else 0.0
        score = weight * dense + (1 - weight) * lexical
        known = best.get(hit.item)
        if known is None or score > known.score:
            best[hit.item] = Candidate(hit.item, hit.passage_id, score, hit.dense, hit.lexical)
    return sorted(best.values(), key=lambda candidate: (-candidate.score, candidate.item))
