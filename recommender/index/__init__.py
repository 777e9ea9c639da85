"""Where passages are searched. `SearchIndex` is the protocol; `local.py` runs it on FAISS and Tantivy."""

from collections.abc import Collection, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from recommender.datatypes import Passage
from recommender.index.vector_space import VectorSpace
from recommender.language.terms import Terms


class Near(NamedTuple):
    """How near an item's passages are to a question, as cosines: the nearest passage, the first one (it says what the
    item is about), and the mean of all. An opening may be the nearest; the first passage is shown for it.

    `direction` is that mean as a unit vector, shape (dimension,): how near two items are to each other. None where the
    vectors are not at hand."""

    passage_id: int
    nearest: float
    first: float
    whole: float
    direction: NDArray[np.float32] | None = None


class Hit(NamedTuple):
    """One item found. `near` is None when the dense leg did not run, `lexical` is a BM25 score (0 = no word)."""

    item: str
    language: str
    near: Near | None
    lexical: float


class SearchIndex(Protocol):
    """Finds items for a question among those whose audience meets the reader's tokens."""

    background: float
    """Mean cosine of unrelated texts in this index: the practical zero of the dense score."""

    vector_space: VectorSpace
    """Where this index's vectors are compared: a question's vector is placed there before it is searched for."""

    def search(
        self,
        vector: NDArray[np.float32] | None,
        terms: Terms,
        tokens: frozenset[str],
        top_k: int,
        among: frozenset[str] | None = None,
    ) -> list[Hit]:
        """The items of up to `top_k` passages of the dense leg, and about `top_k` items of the lexical leg, some in
        each language, merged; `vector` None runs the lexical leg alone. `among` are the only items to search, by key.
        """
        ...

    def nearest(
        self, vector: NDArray[np.float32], tokens: frozenset[str], top_k: int, among: frozenset[str] | None = None
    ) -> float:
        """Cosine of the nearest passage that `search` would find by meaning (it finds more surely the more it is asked
        for, hence `top_k`); 0 when there is none, or no dense leg."""
        ...

    def passages(self, ids: Collection[int]) -> dict[int, Passage]:
        """The passages of `ids`."""
        ...

    def passage_ids(self, item: str) -> list[int]:
        """The ids of an item's passages, in their order, without its opening."""
        ...

    def digests(self, keys: Collection[str]) -> dict[str, str]:
        """Content digest (`build.item_digest`) of the items as they were indexed; unknown keys are left out."""
        ...

    def rarity(self, terms: Sequence[str], tokens: frozenset[str]) -> dict[str, float]:
        """Inverse document frequency of each term among what `tokens` may read; 0 for a term in none of it."""
        ...

    def similar_words(self, word: str) -> list[tuple[str, int]]:
        """(word, edits) of words that a misspelt one may be, nearest first. They may come from items that nobody here
        may read: ask for their rarity before they are used."""
        ...

    def size(self, tokens: frozenset[str]) -> int:
        """How many items `tokens` may read."""
        ...
