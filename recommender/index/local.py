"""The SearchIndex on local files: a finished generation with dense search, keyword search and its catalogue.

It is opened once and then only read, by many threads. `builder.py` writes generations.
"""

import contextlib
import sqlite3
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache, partial
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recommender.datatypes import Passage
from recommender.encoder import ModelCard
from recommender.errors import IndexDamaged
from recommender.index import Hit, Near, generations, nearness
from recommender.index.dense import DenseIndex
from recommender.index.generation_files import OpenFiles, open_files, opening
from recommender.index.generations import LEXICAL
from recommender.index.lexical import LexicalIndex
from recommender.index.members import Members, members_of
from recommender.index.narrowing import Among, Narrowing
from recommender.index.nearness import OPENING, ItemPassages
from recommender.index.readable import Readable
from recommender.index.vocabulary import Vocabulary
from recommender.language.terms import Terms
from recommender.sentences.sentence import Sentence

LEAST_SHARE = 40  # items that keyword search looks for in each language, at least: a judgement
MOST_WORDS = 16  # readable words that a misspelt word may stand for: a judgement
_KEPT = 16  # dense searches whose results are kept: the one in the question's language is made twice; a judgement
_ITEMS_AT_ONCE = 1024  # whose vectors are read together, so that few are in memory: a judgement
_VECTORS_AT_ONCE = 10_000  # whose lengths are computed together: a judgement

_RARITY = 1.0  # of every term where keyword search cannot count them: a judgement


class LocalIndex:
    """The items of a generation, searched by meaning and by terms, filtered by reader tokens; by only one of them when
    the files of the other cannot be used, and then all terms are equally rare."""

    def __init__(self, files: OpenFiles, members: Members, lexical: LexicalIndex | None) -> None:
        self.manifest = manifest = files.manifest
        self.background = manifest.background
        self._catalogue = files.catalogue
        self._dense = files.dense
        self._lexical = lexical
        self.vector_space = files.vector_space
        self._members = members
        self._items, self._item_of, self._roles = members.items, members.item_of, members.roles
        self._numbers, self._language_of = members.numbers(), members.languages
        self._order = np.argsort(self._item_of, kind="stable")
        self._starts = np.searchsorted(self._item_of[self._order], np.arange(len(self._items) + 1))
        self._lengths = np.full(len(self._items), np.nan, np.float32)  # as `nearness.near` has them
        self._narrowing = Narrowing(self._items, self._language_of, self._item_of, self._numbers, members.documents)
        self._vocabulary = Vocabulary(files.catalogue.words())
        self._languages = members.languages_by_token()
        self._readable = readable = Readable(members.by_token, manifest.rows)
        self._kept_rows = lru_cache(_KEPT)(partial(_nearest_rows, files.dense, readable, self._narrowing))

    @classmethod
    def open(cls, index_dir: Path, model: ModelCard | None) -> "LocalIndex":
        """Open the live generation; only for keyword search when `model` is None.

        Raises IndexNotFound when there is none, IndexDamaged when it cannot be read, and IndexMismatch when it was made
        with another model than `model`.
        """
        return cls.open_generation(generations.live(index_dir), model)

    @classmethod
    def open_generation(
        cls, directory: Path, model: ModelCard | None, keywords: bool = True, compared: bool = False
    ) -> "LocalIndex":
        """Open the generation in a directory, for dense search alone without `keywords`. What is used of it is compared
        with its checksums first, unless another index has it in memory or the caller has `compared` it. Raises the
        errors of `open`."""
        files = open_files(directory, model, keywords, compared=compared)
        with opening(directory):
            lexical = LexicalIndex.load(directory / LEXICAL) if keywords else None
            return cls(files, members_of(files.catalogue, files.known, files.manifest), lexical)

    def search(
        self,
        vector: NDArray[np.float32] | None,
        terms: Terms,
        tokens: frozenset[str],
        top_k: int,
        among: Among | None = None,
    ) -> list[Hit]:
        """As in the protocol. Items that only keyword search has found get their cosines too."""
        languages = sorted(set().union(*(self._languages.get(token, ()) for token in tokens)))
        if among is not None and among.language is not None:
            languages = [language for language in languages if language == among.language]
        keys = self._narrowing.keys(among)
        share = max(LEAST_SHARE, top_k // max(1, len(languages)))
        by_words = [
            hit
            for language in languages
            if self._lexical is not None
            for hit in self._lexical.search(terms, tokens, min(share, top_k), language, keys)
        ]
        if vector is None or self._dense is None:
            language_of, numbers_of = self._language_of, self._numbers
            return [Hit(key, language_of[numbers_of[key]], None, score) for key, score in by_words]
        passages, lexical = self._nearest(vector, tokens, top_k, among), dict(by_words)
        dense = self._item_of[[row for row, _cosine in passages]].tolist() if passages else []
        numbers = list(dict.fromkeys([*dense, *map(self._numbers.__getitem__, lexical)]))
        return [
            Hit(key := self._items[number], self._language_of[number], near, lexical.get(key, 0.0))
            for number, near in zip(numbers, self._near(vector, numbers), strict=True)
        ]

    def nearest(
        self, vectors: Sequence[NDArray[np.float32]], tokens: frozenset[str], top_k: int, among: Among | None = None
    ) -> list[float]:
        """As in the protocol."""
        found = [self._nearest(vector, tokens, top_k, among) for vector in vectors]
        return [passages[0][1] if passages else 0.0 for passages in found]

    def _nearest(
        self, vector: NDArray[np.float32], tokens: frozenset[str], top_k: int, among: Among | None
    ) -> list[tuple[int, float]]:
        """The nearest rows with their cosines, best first; none where dense search cannot run."""
        return self._kept_rows(np.asarray(vector, np.float32).tobytes(), tokens, top_k, among)

    def _near(self, vector: NDArray[np.float32], numbers: Sequence[int]) -> list[Near]:
        """How near each of these items is to a question, computed from all of its passages."""
        if self._dense is None or not numbers:
            return []
        lengths = self._lengths[numbers]
        near = nearness.near(vector, self._item_passages(self._dense, numbers), lengths)
        self._lengths[numbers] = lengths  # two threads that compute one write the same
        return near

    def passages(self, ids: Collection[int]) -> dict[int, Passage]:
        """As in the protocol. Raises IndexDamaged when the catalogue cannot be read."""
        with _damage_reported():
            return self._catalogue.passages(ids)

    def passage_ids(self, item: str) -> list[int]:
        """As in the protocol."""
        number = self._numbers[item]
        ids = self._order[self._starts[number] : self._starts[number + 1]]
        return [int(identifier) for identifier in ids if self._roles[identifier] != OPENING]

    def digests(self, keys: Collection[str]) -> dict[str, str]:
        """As in the protocol. Raises IndexDamaged when the catalogue cannot be read."""
        with _damage_reported():
            return self._catalogue.digests_of(keys)

    def rarity(self, terms: Sequence[str], tokens: frozenset[str]) -> dict[str, float]:
        """As in the protocol."""
        return dict.fromkeys(terms, _RARITY) if self._lexical is None else self._lexical.rarity(terms, tokens)

    def similar_words(self, word: str, tokens: frozenset[str]) -> list[tuple[str, int]]:
        """As in the protocol: up to 16 words, found as in `Vocabulary.near`; none without keyword search."""
        near, lexical = self._vocabulary.near(word), self._lexical
        if lexical is None:
            return []
        return list(islice((match for match in near if lexical.has_word(match[0], tokens)), MOST_WORDS))

    def size(self, tokens: frozenset[str]) -> int:
        """As in the protocol."""
        if self._lexical is None:
            return len(np.unique(self._item_of[self._readable(tokens)]))
        return self._lexical.size(tokens)

    def problems(self) -> Iterator[str]:
        """A sentence about each part that does not agree with the others: keyword search counts as many items for each
        reader token as the catalogue, and each vector has length 1. For an index that was opened with both."""
        if self._lexical is None or self._dense is None:
            raise RuntimeError("it was opened without keyword search or without vectors")
        if len(self._lexical) != self.manifest.items:
            yield f"Keyword search has {len(self._lexical)} items, the index {self.manifest.items}."
        counted = Counter(token for _item, audience in self._catalogue.audiences() for token in audience)
        for token, count in sorted(counted.items()):
            if (found := self._lexical.size(frozenset({token}))) != count:
                yield f"Keyword search has {found} items for {token}, the index {count}."
        for start in range(0, len(self._dense), _VECTORS_AT_ONCE):
            rows = np.arange(start, min(start + _VECTORS_AT_ONCE, len(self._dense)), dtype=np.int64)
            if not np.allclose(np.linalg.norm(self._dense.vectors(rows), axis=1), 1.0, atol=0.01):
                yield f"Some vectors of {self.manifest.generation} do not have length 1."
                return

    def item_vectors(
        self, tokens: frozenset[str], only: Collection[str] | None = None, room: int = 0
    ) -> tuple[list[str], NDArray[np.float32]]:
        """As in the protocol."""
        readable = np.unique(self._item_of[self._readable(tokens)])
        if only is not None:
            readable = np.intersect1d(readable, [self._numbers[key] for key in only if key in self._numbers])
        numbers = sorted(readable.astype(np.int64).tolist(), key=self._items.__getitem__)
        dimension = self.manifest.model.dimension
        if self._dense is None or not numbers:
            return [], np.zeros((0, dimension + room), np.float32)
        vectors = np.zeros((len(numbers), dimension + room), np.float32)
        for start in range(0, len(numbers), _ITEMS_AT_ONCE):
            chunk = slice(start, start + _ITEMS_AT_ONCE)
            vectors[chunk, :dimension] = nearness.whole(self._item_passages(self._dense, numbers[chunk]))
        return [self._items[number] for number in numbers], vectors

    def _item_passages(self, dense: DenseIndex, numbers: Sequence[int]) -> ItemPassages:
        """The passages of these items with their vectors."""
        ids, firsts, counts = self._rows_of(numbers)
        return ItemPassages(ids, dense.vectors(ids), self._roles[ids], firsts, counts)

    def _rows_of(self, numbers: Sequence[int]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """(ids of the passages of these items, those of an item together; the position in them of each item's first
        passage; how many each item has)."""
        starts, ends = self._starts[numbers], self._starts[np.array(numbers) + 1]
        counts = ends - starts
        firsts = np.cumsum(counts) - counts
        owner = np.repeat(np.arange(len(counts)), counts)
        return self._order[starts[owner] + np.arange(len(owner)) - firsts[owner]], firsts, counts


def _nearest_rows(
    dense: DenseIndex | None, readable: Readable, narrowing: Narrowing,
    vector: bytes, tokens: frozenset[str], top_k: int, among: Among | None,
) -> list[tuple[int, float]]:  # fmt: skip
    if dense is None:
        return []
    rows = readable(tokens) if among is None else readable(tokens) & narrowing.rows(among)
    return dense.search(np.frombuffer(vector, np.float32), rows, top_k)


@contextlib.contextmanager
def _damage_reported() -> Iterator[None]:
    """Turns errors of reading the catalogue into IndexDamaged."""
    try:
        yield
    except (sqlite3.Error, ValueError) as error:
        raise IndexDamaged(
            Sentence("The catalogue of the index is damaged (%(reason)s). Run: kollega reindex --full", reason=error)
        ) from error
