"""The SearchIndex in Milvus: one generation of it, which is opened once and then only read, by many threads."""

import threading
from collections.abc import Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recommender.datatypes import Passage
from recommender.encoder import ModelCard, Vectors
from recommender.errors import IndexDamaged
from recommender.index import Hit, local, nearness
from recommender.index.generation_files import check_engine, check_model
from recommender.index.generations import CONTENTS, SPACE, Manifest
from recommender.index.milvus import counts, layout
from recommender.index.milvus.client import Milvus, Row
from recommender.index.milvus.contents import ENGINE, Contents
from recommender.index.milvus.dense import DenseSearch
from recommender.index.milvus.kept import Kept
from recommender.index.milvus.keywords import Keywords
from recommender.index.milvus.layout import FoundItem, both
from recommender.index.narrowing import Among
from recommender.index.nearness import OPENING, ItemPassages
from recommender.index.vector_space import VectorSpace
from recommender.index.vocabulary import Vocabulary
from recommender.language.analyzer import ANALYSIS_VERSION
from recommender.language.terms import Terms

_DEPTH = 96  # `ef` of HNSW at least, as with local files
_VECTORS_AT_ONCE = 4096  # that one call reads: a judgement
_TOGETHER = 16  # searches that run at once, of some questions: a judgement
_NEAREST, _SAME = 10, 0.999  # hits among which a passage finds itself, and the cosine of equal ones: judgements
_VECTORS, _PASSAGES, _DIGESTS = 40_000, 5_000, 20_000  # that are kept, some 50 MB of memory: judgements
_WORDS_AT_ONCE = 64  # words that are looked up together: a judgement


class MilvusIndex:
    """The items of a generation, searched by meaning and by terms, filtered by reader tokens inside of the search."""

    def __init__(
        self, milvus: Milvus, manifest: Manifest, contents: Contents, vector_space: VectorSpace, dense: bool = True
    ) -> None:
        self.manifest, self.contents, self.milvus = manifest, contents, milvus
        self.background = manifest.background
        self.vector_space = vector_space
        self._dense = dense
        self._threads = ThreadPoolExecutor(_TOGETHER, "milvus")  # they end when nobody has the index any more
        self._keywords = Keywords(milvus, contents, self._threads)
        self._seen = layout.visible(contents.generation, contents.unseen)
        self._passages, self._items = (
            layout.name_of(contents.collection, part) for part in (layout.PASSAGES, layout.ITEMS)
        )
        self._dense_search = DenseSearch(milvus, self._passages)
        self._kept_vectors = Kept[int, bytes](_VECTORS)
        self._kept_passages, self._kept_digests = Kept[int, Passage](_PASSAGES), Kept[str, str](_DIGESTS)
        self._kept_numbers = Kept[str, int](_DIGESTS)  # of items by their keys
        self._vocabulary: Vocabulary | None = None
        self._reading_words = threading.Lock()

    @classmethod
    def open_generation(cls, milvus: Milvus, directory: Path, model: ModelCard | None) -> "MilvusIndex":
        """Open the generation in a directory, for keyword search alone without `model`.

        Raises IndexDamaged when its rows in Milvus are not those of its manifest, IndexMismatch when it was made with
        another model or by another engine, and IndexUnavailable when Milvus does not answer.
        """
        manifest = Manifest.read(directory)
        check_engine(manifest, ENGINE)
        check_model(manifest, model)
        if manifest.analysis != ANALYSIS_VERSION:
            raise IndexDamaged(f"{directory.name} was analysed by another version. Run: kollega reindex --full")
        manifest.check_files(directory, (CONTENTS, SPACE))
        try:
            vector_space = VectorSpace.load(directory / SPACE) if model else VectorSpace()
        except (OSError, ValueError) as error:
            raise IndexDamaged(f"{directory.name} cannot be opened ({error}). Run: kollega reindex --full") from error
        index = cls(milvus, manifest, Contents.read(directory), vector_space, dense=model is not None)
        index.check()
        return index

    def check(self) -> None:
        """Raise IndexDamaged when Milvus has another number of rows than the manifest says, or vectors of another
        dimension."""
        for name in (self._passages, self._items, layout.name_of(self.contents.collection, layout.TERMS)):
            self.milvus.load(name)
        rows = self.milvus.count(self._items, self._seen), self.milvus.count(self._passages, self._seen)
        if rows != (self.manifest.items, self.manifest.passages):
            raise IndexDamaged(
                f"Milvus has {rows[0]} items and {rows[1]} passages of {self.manifest.generation}, its manifest says "
                f"{self.manifest.items} and {self.manifest.passages}. Run: kollega reindex --full"
            )
        dimension = self.milvus.dimension(self._passages, "vector")
        if dimension != self.manifest.model.dimension:
            raise IndexDamaged(
                f"Milvus has vectors of {dimension} dimensions for {self.manifest.generation}, the model "
                f"{self.manifest.model.name} makes {self.manifest.model.dimension}. Run: kollega reindex --full"
            )

    def search(
        self,
        vector: NDArray[np.float32] | None,
        terms: Terms,
        tokens: frozenset[str],
        top_k: int,
        among: Among | None = None,
    ) -> list[Hit]:
        """As in the protocol. Items that only keyword search has found get their cosines too."""
        if not tokens or (among is not None and among.keys is not None and not among.keys):
            return []
        if vector is None or not self._dense:
            lexical = self._keywords.search(terms, tokens, top_k, among)
            return [Hit(item.key, item.language, None, score) for item, score in lexical.values()]
        nearest = self._threads.submit(self._nearest, [vector], tokens, top_k, among)
        lexical = self._keywords.search(terms, tokens, top_k, among)
        (hits,) = nearest.result()
        items = {item.number: item for _score, item in hits}
        items |= {item.number: item for item, _score in lexical.values()}
        if not items:
            return []
        found = list(items.values())
        self._kept_numbers.keep({item.key: item.number for item in found})
        scores = {item.number: score for item, score in lexical.values()}
        nears = nearness.near(vector, self._passages_of(found))
        return [
            Hit(item.key, item.language, near, scores.get(item.number, 0.0))
            for item, near in zip(found, nears, strict=True)
        ]

    def nearest(
        self, vectors: Sequence[Vectors], tokens: frozenset[str], top_k: int, among: Among | None = None
    ) -> list[float]:
        """As in the protocol."""
        nothing = among is not None and among.keys is not None and not among.keys
        if not tokens or nothing or not self._dense:
            return [0.0] * len(vectors)
        return [hits[0][0] if hits else 0.0 for hits in self._nearest(vectors, tokens, top_k, among)]

    def _nearest(
        self, vectors: Sequence[Vectors], tokens: frozenset[str], top_k: int, among: Among | None
    ) -> list[list[tuple[float, FoundItem]]]:
        questions = np.asarray(vectors, np.float32).reshape(len(vectors), -1)
        return self._dense_search.nearest(questions, self._condition(tokens, among), top_k, self._depth(top_k))

    def _depth(self, top_k: int) -> int:
        """`ef` of a search in HNSW; 0 when all vectors are compared."""
        return max(_DEPTH, top_k) if self.manifest.approximate else 0

    def _condition(self, tokens: frozenset[str], among: Among | None) -> str:
        return both(self._seen, layout.readable(tokens), layout.within(among))

    def _passages_of(self, items: Sequence[FoundItem]) -> ItemPassages:
        """The passages of these items, at least one, with their vectors."""
        ids = [identifier for item in items for identifier in item.ids]
        return _together(items, ids, self.vectors(ids))

    def vectors(self, ids: Sequence[int]) -> Vectors:
        """The vectors of passages, shape (ids, dimension)."""
        stored = self._kept_vectors.of(ids, self._stored)
        if len(stored) != len(ids):
            raise IndexDamaged("Milvus has lost vectors of the index. Run: kollega reindex --full")
        return layout.as_vectors([stored[identifier] for identifier in ids], self.manifest.model.dimension)

    def _stored(self, ids: Sequence[int]) -> dict[int, bytes]:
        """The vectors of passages as they are stored, by id."""
        stored: dict[int, bytes] = {}
        for start in range(0, len(ids), _VECTORS_AT_ONCE):
            part = ids[start : start + _VECTORS_AT_ONCE]
            rows = self._few_passages(f"id in {list(part)}", len(part), ("id", "stored"))
            stored |= {row["id"]: layout.stored(row) for row in rows}
        return stored

    def _few_passages(self, condition: str, most: int, fields: Sequence[str]) -> list[Row]:
        beside = "vector", self.manifest.model.dimension
        return self.milvus.few_rows(self._passages, condition, most, fields, beside)

    def finds(self, identifier: int, vector: Vectors) -> bool:
        """True when a search for a passage's own vector finds it, or others that are as near."""
        (hits,) = self.milvus.search(
            self._passages, "vector", [vector], self._seen, _NEAREST, ("id",), self._depth(_NEAREST)
        )
        return any(row["id"] == identifier or score > _SAME for score, row in hits)

    def vectors_by_digest(self, digests: Collection[str]) -> dict[str, Vectors]:
        """The vectors of passages with these digests, shape (dimension,), by digest; unknown ones are left out."""
        condition = both(self._seen, f"digest in {layout.quoted(digests)}")
        rows = self.milvus.rows(self._passages, condition, ("digest", "stored"))
        vectors = layout.as_vectors([layout.stored(row) for row in rows], self.manifest.model.dimension)
        return {row["digest"]: vector for row, vector in zip(rows, vectors, strict=True)}

    def rows_of_items(self, numbers: Collection[int], fields: Sequence[str]) -> list[Row]:
        """The rows of the items with these numbers."""
        return self.milvus.rows(self._items, f"number in {sorted(numbers)}", fields)

    def all_items(self, fields: Sequence[str]) -> Iterator[Row]:
        """The rows of all items, in any order."""
        return self.milvus.all_rows(self._items, self._seen, fields)

    def passages(self, ids: Collection[int]) -> dict[int, Passage]:
        """As in the protocol."""
        return self._kept_passages.of(ids, self._read_passages)

    def _read_passages(self, ids: Sequence[int]) -> dict[int, Passage]:
        rows = self._few_passages(both(self._seen, f"id in {list(ids)}"), len(ids), layout.PASSAGE_FIELDS)
        return {row["id"]: layout.passage_of(row) for row in rows}

    def passage_ids(self, item: str) -> list[int]:
        """As in the protocol."""
        for found in self.items_of((item,)):
            return [number for number, role in zip(found.ids, found.roles, strict=True) if role != OPENING]
        raise KeyError(item)

    def items_of(self, keys: Collection[str]) -> list[FoundItem]:
        """The items with these keys; unknown ones are left out."""
        condition = both(self._seen, layout.within(Among(keys=frozenset(keys))))
        return [FoundItem.of(row) for row in self.milvus.rows(self._items, condition, layout.ITEM_FIELDS)]

    def digests(self, keys: Collection[str]) -> dict[str, str]:
        """As in the protocol."""
        return self._kept_digests.of(keys, self._read_digests)

    def _read_digests(self, keys: Sequence[str]) -> dict[str, str]:
        found = self._kept_numbers.of(keys, lambda keys: {item.key: item.number for item in self.items_of(keys)})
        numbers, beside = list(found.values()), layout.BESIDE if self.contents.beside else None
        rows = self.milvus.few_rows(self._items, f"number in {numbers}", len(numbers), ("key", "digest"), beside)
        return {row["key"]: row["digest"] for row in rows}

    def rarity(self, terms: Sequence[str], tokens: frozenset[str]) -> dict[str, float]:
        """As in the protocol."""
        return self._keywords.rarity(terms, tokens)

    def similar_words(self, word: str, tokens: frozenset[str]) -> list[tuple[str, int]]:
        """As in the protocol: up to 16 words, found as in `Vocabulary.near`."""
        near = self._words().near(word)
        return list(islice(self._readable_words(near, tokens), local.MOST_WORDS))

    def _readable_words(self, near: Sequence[tuple[str, int]], tokens: frozenset[str]) -> Iterable[tuple[str, int]]:
        for start in range(0, len(near), _WORDS_AT_ONCE):
            part = near[start : start + _WORDS_AT_ONCE]
            counted = self._keywords.frequencies([word for word, _edits in part], tokens)
            yield from (match for match in part if counted[match[0]])

    def _words(self) -> Vocabulary:
        """The words of all items, which are read when they are first needed."""
        with self._reading_words:
            if self._vocabulary is None:
                self._vocabulary = Vocabulary(
                    counts.words(self.milvus, self.contents.collection, self.contents.generation)
                )
            return self._vocabulary

    def size(self, tokens: frozenset[str]) -> int:
        """As in the protocol."""
        return self._keywords.size(tokens)

    def item_vectors(
        self, tokens: frozenset[str], only: Collection[str] | None = None, room: int = 0
    ) -> tuple[list[str], NDArray[np.float32]]:
        """As in the protocol."""
        dimension = self.manifest.model.dimension
        if not tokens or not self._dense:
            return [], np.zeros((0, dimension + room), np.float32)
        condition, fields = self._condition(tokens, None), (*layout.ITEM_FIELDS, "id", "stored")
        stored: dict[int, bytes] = {}
        items: dict[int, FoundItem] = {}
        for row in self.milvus.all_rows(self._passages, condition, fields):
            stored[row["id"]] = layout.stored(row)
            items.setdefault(row["number"], FoundItem.of(row))
        wanted = None if only is None else frozenset(only)
        found = [item for item in items.values() if wanted is None or item.key in wanted]
        if not found:
            return [], np.zeros((0, dimension + room), np.float32)
        found.sort(key=lambda item: item.key)
        ids = [identifier for item in found for identifier in item.ids]
        vectors = layout.as_vectors([stored[identifier] for identifier in ids], dimension)
        whole = nearness.whole(_together(found, ids, vectors))
        return [item.key for item in found], np.pad(whole, ((0, 0), (0, room)))


def _together(items: Sequence[FoundItem], ids: Sequence[int], vectors: Vectors) -> ItemPassages:
    counted = np.array([len(item.roles) for item in items], np.int64)
    roles = np.array([role for item in items for role in item.roles], np.uint8)
    return ItemPassages(np.array(ids, np.int64), vectors, roles, np.cumsum(counted) - counted, counted)
