"""Keyword search in Milvus: BM25 over terms, weighed by their rarity among what the reader may read.

A sparse vector has for each term of an item what BM25 (Robertson and Zaragoza 2009, "The probabilistic relevance
framework", section 3.4) gives it without its rarity; a question's vector has the rarity and the weights of the fields.
Their inner product is the score.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from functools import lru_cache

import numpy as np

from recommender.index import local
from recommender.index.bm25 import inverse_frequency, weight, without_rounding
from recommender.index.item_terms import ItemTerms
from recommender.index.milvus import counts, layout
from recommender.index.milvus.client import Milvus
from recommender.index.milvus.contents import Contents
from recommender.index.milvus.kept import Kept
from recommender.index.milvus.layout import FoundItem, both, within
from recommender.index.narrowing import Among
from recommender.index.question_terms import GRAMS, WORD_WEIGHTS, WRITTEN, weighted_terms
from recommender.language.terms import Terms
from recommender.language.words import COMPOUNDING

K1, B = 1.2, 0.75  # of BM25, as Tantivy has them
_SPARE, _MOST_EQUAL = 16, 4096  # items after the last one, in which equal scores are looked for: a judgement
_GROUPS = 64  # that a search names: a judgement
_CACHED = 50_000  # terms that are cached: a judgement


def fields_of(terms: ItemTerms) -> dict[str, list[str]]:
    """The terms of an item by field, as often as they occur."""
    written = [word for part in (terms.context, terms.text) for word in part.written]
    grams = [gram for part in (terms.context, terms.text) for gram in part.grams]
    return {**{name: list(getattr(terms, name).words) for name in WORD_WEIGHTS}, WRITTEN: written, GRAMS: grams}


def sparse_vector(
    fields: Mapping[str, Sequence[str]], lengths: Mapping[str, float], numbers: Mapping[int, int]
) -> dict[int, float]:
    """The sparse vector of an item. `numbers` has the number of each term by its id, `lengths` the mean number of terms
    by field."""
    vector: dict[int, float] = {}
    for place, name in enumerate(counts.FIELDS):
        given = fields[name]
        norm = K1 * (1.0 - B + B * len(given) / (lengths.get(name) or 1.0))
        for term, times in Counter(given).items():
            number = numbers[counts.id_of(name, term)]
            vector[number * counts.PER_TERM + place] = times * (K1 + 1.0) / (times + norm)
    return vector or {counts.ANY: 1e-6}  # Milvus takes no empty vector; no term has this dimension


class Keywords:
    """The terms of a generation. Threads may share it."""

    def __init__(self, milvus: Milvus, contents: Contents, threads: Executor) -> None:
        self._milvus, self._contents, self._threads = milvus, contents, threads
        self._terms = Kept[int, counts.Term](_CACHED)
        self._seen = layout.visible(contents.generation, contents.unseen)
        audiences = [frozenset(group.audience) for group in contents.groups]
        self._sizes = np.array([group.items for group in contents.groups], np.int64)
        self._flags = lru_cache(maxsize=256)(lambda tokens: counts.group_flags(audiences, tokens))

    def size(self, tokens: frozenset[str]) -> int:
        """Number of readable items."""
        return int(self._sizes[self._flags(tokens)].sum()) if len(self._sizes) else 0

    def languages(self, tokens: frozenset[str]) -> list[str]:
        """The languages of the readable items."""
        groups = zip(self._contents.groups, self._flags(tokens), strict=True)
        return sorted({group.language for group, readable in groups if readable and group.items})

    def rarity(self, terms: Sequence[str], tokens: frozenset[str]) -> dict[str, float]:
        """Inverse document frequency among the readable items; 0 for a term that none of them has."""
        found, total = self.frequencies(terms, tokens), self.size(tokens)
        return {term: inverse_frequency(total, count) if count else 0.0 for term, count in found.items()}

    def frequencies(self, words: Collection[str], tokens: frozenset[str]) -> dict[str, int]:
        """How many readable items have each word in their titles or texts."""
        flags = self._flags(tokens)
        ids = {word: counts.id_of("text", word) for word in words}
        known = self._read(ids.values())
        return {word: counts.total(known[identifier], flags, counts.ANY) for word, identifier in ids.items()}

    def search(
        self, terms: Terms, tokens: frozenset[str], top_k: int, among: Among | None
    ) -> dict[int, tuple[FoundItem, float]]:
        """The best readable items of each language as {number: (item, BM25)}: language by language, and within one best
        first. All languages are searched at once."""
        languages = self.languages(tokens)
        if among is not None and among.language is not None:
            languages = [language for language in languages if language == among.language]
        most = min(max(local.LEAST_SHARE, top_k // max(1, len(languages))), top_k)
        vectors = {
            grams: self._vector(terms if grams else replace(terms, grams=()), tokens)
            for grams in {language in COMPOUNDING for language in languages}
        }
        searches = [
            self._threads.submit(
                self._best,
                vectors[language in COMPOUNDING],
                most,
                both(self._seen, self._readable(tokens, language), within(among)),
            )
            for language in languages
        ]
        return {item.number: (item, score) for search in searches for item, score in search.result()}

    def _readable(self, tokens: frozenset[str], language: str) -> str:
        """The condition for what these tokens may read in a language. A few groups are compared quicker than the
        audience of each item."""
        groups = zip(self._contents.groups, self._flags(tokens), strict=True)
        numbers = [number for number, (group, flag) in enumerate(groups) if flag and group.language == language]
        if len(numbers) > _GROUPS:
            return both(layout.readable(tokens), within(Among(language=language)))
        return f"group in {numbers}"

    def _best(self, vector: Mapping[int, float], top_k: int, condition: str) -> list[tuple[FoundItem, float]]:
        """The `top_k` best items that fulfil a condition as (item, BM25), best first; those that differ by rounding
        alone have the same score and come in the order of their keys."""
        if not vector or top_k <= 0:
            return []
        name, limit = layout.name_of(self._contents.collection, layout.ITEMS), top_k + _SPARE
        while True:
            (hits,) = self._milvus.search(name, "terms", [vector], condition, limit, layout.ITEM_FIELDS)
            hits = [hit for hit in hits if hit[0] > 0.0]
            scores = without_rounding([score for score, _row in hits])
            if len(hits) < limit or scores[-1] < scores[top_k - 1] or limit >= _MOST_EQUAL:
                break
            limit *= 4
        found = [(FoundItem.of(row), score) for (_score, row), score in zip(hits, scores, strict=True)]
        return sorted(found, key=lambda hit: (-hit[1], hit[0].key))[:top_k]

    def _vector(self, terms: Terms, tokens: frozenset[str]) -> dict[int, float]:
        """The sparse vector of a question."""
        words = {*terms.words, *terms.written, *(translation.term for translation in terms.translations)}
        ids = {counts.id_of("text", word) for word in words} | {counts.id_of(GRAMS, gram) for gram in terms.grams}
        known, flags, total = self._read(ids), self._flags(tokens), self.size(tokens)

        def count(name: str, term: str) -> int:
            return counts.total(known[counts.id_of(name, term)], flags, counts.FIELDS.index(name))

        vector: dict[int, float] = {}
        for name, term, factor in weighted_terms(terms, count):
            if frequency := count(name, term):
                number = known[counts.id_of(name, term)].number
                dimension = number * counts.PER_TERM + counts.FIELDS.index(name)
                vector[dimension] = vector.get(dimension, 0.0) + factor * weight(total, frequency)
        return vector

    def _read(self, ids: Collection[int]) -> Mapping[int, counts.Term]:
        """The terms with these ids. They are cached, since a person who types asks for the same words again."""
        milvus, collection, generation = self._milvus, self._contents.collection, self._contents.generation
        return self._terms.of(ids, lambda missing: counts.read(milvus, collection, missing, generation))
