"""Dense search in Milvus. Its last results are kept, since a question whose language is not known is searched for in
several languages first, and then in the one that is nearest."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from recommender.encoder import Vectors
from recommender.index.milvus.client import Milvus
from recommender.index.milvus.kept import Kept
from recommender.index.milvus.layout import ITEM_FIELDS, FoundItem

_KEPT = 64  # searches whose results are kept, for as many people who ask at once: a judgement
Nearest = list[tuple[float, FoundItem]]
"""Passages as (cosine, their item), best first."""


class _Asked(NamedTuple):
    """What the result of a search depends on. `depth` as in `Milvus.search`."""

    vector: bytes
    condition: str
    top_k: int
    depth: int


class DenseSearch:
    """The nearest passages of a generation. Threads may share it."""

    def __init__(self, milvus: Milvus, collection: str) -> None:
        self._milvus, self._collection = milvus, collection
        self._kept = Kept[_Asked, Nearest](_KEPT)

    def nearest(self, vectors: Vectors, condition: str, top_k: int, depth: int) -> list[Nearest]:
        """For each vector, shape (vectors, dimension), the `top_k` nearest passages that fulfil a condition. All that
        are not known yet are asked for in one call."""
        asked = [_Asked(vector.tobytes(), condition, top_k, depth) for vector in vectors]
        found = self._kept.of(asked, self._search)
        return [found[each] for each in asked]

    def _search(self, asked: Sequence[_Asked]) -> Mapping[_Asked, Nearest]:
        """The results of searches that differ by their vectors alone."""
        _vector, condition, top_k, depth = asked[0]
        vectors = [np.frombuffer(each.vector, np.float32) for each in asked]
        found = self._milvus.search(self._collection, "vector", vectors, condition, top_k, ITEM_FIELDS, depth)
        return {
            each: [(score, FoundItem.of(row)) for score, row in hits] for each, hits in zip(asked, found, strict=True)
        }
