"""What `reindex` needs of an engine to write a generation; `IndexBuilder` and `milvus/builder.py` implement it."""

from collections.abc import Collection, Sequence
from typing import Protocol

from recommender.datatypes import Item, Passage
from recommender.encoder import Vectors
from recommender.index.generations import Manifest
from recommender.index.known import Known
from recommender.index.vector_space import VectorSpace


class IndexWriter(Protocol):
    """A generation that is being written, under `generations.write_lock`: begin, remove and add, finish."""

    known: Known
    """The items that the generation takes over, as it has them until they are removed."""

    vector_space: VectorSpace
    """The space of its vectors."""

    must_be_written: bool
    """True when a new generation is wanted though no item has changed."""

    @property
    def passages(self) -> int:
        """Number of passages that the generation contains now."""
        ...

    def passages_of(self, keys: Collection[str]) -> int:
        """Number of passages of these items that the generation contains now."""
        ...

    @property
    def fresh(self) -> bool:
        """True when nothing is taken from another generation."""
        ...

    def start_over(self) -> None:
        """Build from nothing after all. Call this before `begin`."""
        ...

    def rewrite(self) -> None:
        """Write everything anew, and take only vectors from the live generation: nothing of a removed item is left in
        it then. Call this before `begin`."""
        ...

    def must_rewrite(self, changes: int) -> bool:
        """True when so many items change or go that everything should be written anew."""
        ...

    def begin(self, expected: int, hnsw_from: int, vector_space: VectorSpace | None = None) -> None:
        """Make the new generation. A fresh one gets `vector_space`, and approximate search when at least `hnsw_from`
        passages are `expected`."""
        ...

    def vectors_of(self, digests: Collection[str]) -> dict[str, Vectors]:
        """The vectors that are there already, by passage digest; shape (dimension,), in the generation's space."""
        ...

    def remove(self, keys: Collection[str]) -> int:
        """Remove items. Returns how many passages were removed."""
        ...

    def add(self, item: Item, digest: str, passages: Sequence[Passage], vectors: Sequence[Vectors]) -> None:
        """Add an item with its passages and their vectors, each of shape (dimension,) and in `vector_space`."""
        ...

    def finish(
        self, hnsw_from: int, unrelated: float | None = None, typical: Collection[str] | None = None
    ) -> Manifest:
        """Write everything, verify it, and make the generation live (`IndexBuilder.finish`)."""
        ...
