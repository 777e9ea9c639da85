"""Which requests are near enough in meaning to be worked into one document."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from recommender.access import Reader
from recommender.index import SearchIndex

_NEAR = 0.22
"""How near two requests are that fit into one document, from 0 (as unrelated texts) to 1 (the same): a judgement, after
reading pairs of the demo."""


@dataclass(frozen=True)
class Nearness:
    """The vectors of items, shape (items, dimension), with the row of each, and the cosine of unrelated texts."""

    rows: Mapping[str, int] = field(default_factory=dict)
    vectors: NDArray[np.float32] | None = None
    background: float = 0.0

    @classmethod
    def of(cls, index: SearchIndex | None, reader: Reader, items: Collection[str]) -> "Nearness":
        """What an index says of those of the items that a reader may read."""
        if index is None:
            return cls()
        keys, vectors = index.item_vectors(reader.tokens, items)
        return cls({key: row for row, key in enumerate(keys)}, vectors, index.background)

    def near(self, item: str, others: Collection[str]) -> Sequence[str]:
        """Those of the others that fit into one document with an item, nearest first; all of them, in their order, when
        nothing is known of the items."""
        known = sorted(other for other in others if other in self.rows)
        if self.vectors is None or item not in self.rows or not known:
            return sorted(others)
        cosines = self.vectors[[self.rows[other] for other in known]] @ self.vectors[self.rows[item]]
        least = self.background + _NEAR * (1.0 - self.background)
        return [known[place] for place in np.argsort(-cosines, kind="stable").tolist() if cosines[place] >= least]
