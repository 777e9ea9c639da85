"""The search index: its contents, how it is written and how it is searched. `SearchIndex` is the protocol that search/
uses; `local.py` implements it with FAISS and Tantivy, `milvus/` with Milvus. Ranking the hits belongs in search/."""

from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from recommender.datatypes import Passage
from recommender.index.narrowing import Among
from recommender.index.vector_space import VectorSpace
from recommender.language.terms import Terms


class Near(NamedTuple):
    """How near an item's passages are to a question, as cosines: `nearest` of the nearest passage, `first` of the first
    one, which says what the item is about, and `whole` of the mean of all passages. `question` is the cosine of the
    nearest passage of what was asked (of the opening, for a document), `answer` that of the nearest passage of the
    answer (of a section, for a document).

    `passage_id` is the nearest passage; the first one if the nearest is the item's opening. `direction` computes the
    mean as a unit vector, shape (dimension,), for comparing two items with each other, and `answer_direction` that of
    the passages of the answer. They are asked for of few items. None when there are no vectors.
    """

    passage_id: int
    nearest: float
    first: float
    whole: float
    question: float = 0.0
    answer: float = 0.0
    opening: float = 0.0
    direction: Callable[[], NDArray[np.float32]] | None = None
    answer_direction: Callable[[], NDArray[np.float32]] | None = None


class Hit(NamedTuple):
    """An item that a search found. `near` is None when dense search did not run. `lexical` is the BM25 score, 0 when no
    term of the question matches."""

    item: str
    language: str
    near: Near | None
    lexical: float


class SearchIndex(Protocol):
    """Finds items for a question, among those that the reader may read: their audience has a token in common with
    `tokens`, the reader's tokens."""

    background: float
    """Mean cosine of unrelated texts in this index: the zero of the dense score."""

    vector_space: VectorSpace
    """The space of this index's vectors, into which a question's vector is transformed before the search."""

    def search(
        self,
        vector: NDArray[np.float32] | None,
        terms: Terms,
        tokens: frozenset[str],
        top_k: int,
        among: Among | None = None,
    ) -> list[Hit]:
        """The items of the `top_k` nearest passages (dense search) and about `top_k` items that share terms with the
        question (keyword search, some in each language), each item once.

        `vector` has shape (dimension,); with None only keyword search runs. `among` limits the search to these
        items, by their languages as they were indexed.
        """
        ...

    def nearest(
        self, vectors: Sequence[NDArray[np.float32]], tokens: frozenset[str], top_k: int, among: Among | None = None
    ) -> list[float]:
        """Cosine of the readable passage nearest to each of these vectors; 0 when there is none, or dense search cannot
        run. A larger `top_k` makes an approximate search more accurate."""
        ...

    def passages(self, ids: Collection[int]) -> dict[int, Passage]:
        """The passages with these ids, by id; unknown ids are left out."""
        ...

    def passage_ids(self, item: str) -> list[int]:
        """The ids of an item's passages, in their order, without its opening. Raises KeyError for an unknown item."""
        ...

    def digests(self, keys: Collection[str]) -> dict[str, str]:
        """Content digest (`digest.item_digest`) of each item as it was indexed, by key; unknown keys are left out."""
        ...

    def rarity(self, terms: Sequence[str], tokens: frozenset[str]) -> dict[str, float]:
        """Inverse document frequency of each term among the readable items; 0 for a term that none of them has."""
        ...

    def similar_words(self, word: str, tokens: frozenset[str]) -> list[tuple[str, int]]:
        """(word, edits) of words of readable items that a misspelt word may stand for, fewest edits first. What may not
        be read changes nothing of it."""
        ...

    def size(self, tokens: frozenset[str]) -> int:
        """Number of readable items."""
        ...

    def item_vectors(
        self, tokens: frozenset[str], only: Collection[str] | None = None, room: int = 0
    ) -> tuple[list[str], NDArray[np.float32]]:
        """(the keys of the readable items in their order, what each item is about as a unit vector, shape (items,
        dimension)): the mean of its opening, of what was asked (or a document's sections) and of its answer, which
        count alike. Of those in `only`, when it is given. Each is followed by `room` zeros, for who adds something to
        very many vectors. Nothing when there are no vectors."""
        ...
