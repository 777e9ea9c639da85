"""Where passages are searched. `SearchIndex` is the protocol; `local.py` runs it on FAISS and Tantivy."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from recommender.datatypes import Passage
from recommender.language import Terms


@dataclass(frozen=True)
class Hit:
    """One passage found. `dense` is a cosine (None when that leg did not run), `lexical` a BM25 score (0 = no word)."""

    passage_id: int
    item: str
    dense: float | None
    lexical: float


class SearchIndex(Protocol):
    """Finds passages for a question among those whose audience meets the reader's tokens."""

    background: float
    """Mean cosine of unrelated texts in this index: the practical zero of the dense score."""

    def search(
        self,
        vector: NDArray[np.float32] | None,
        terms: Terms,
        tokens: frozenset[str],
        top_k: int,
        among: frozenset[str] | None = None,
    ) -> list[Hit]:
        """Up to `top_k` passages of each leg, merged; `vector` None runs the lexical leg alone. `among` are the keys of
        the only items to search."""
        ...

    def passages(self, ids: Collection[int]) -> dict[int, Passage]:
        """The passages of `ids`."""
        ...

    def digests(self, keys: Collection[str]) -> dict[str, str]:
        """Content digest (`build.item_digest`) of the items as they were indexed; unknown keys are left out."""
        ...

    def rarity(self, terms: Sequence[str], tokens: frozenset[str]) -> dict[str, float]:
        """Inverse document frequency of each term among what `tokens` may read; 0 for a term in none of it."""
        ...

    def size(self, tokens: frozenset[str]) -> int:
        """How many passages `tokens` may read."""
        ...
