"""The lexical leg: BM25 over analysed terms in Tantivy, filtered by reader tokens. The only door to tantivy."""

import math
import os
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import tantivy

from recommender.datatypes import Kind
from recommender.language.terms import Terms
from recommender.language.words import COMPOUNDING, FUNCTION_WORDS

_WEIGHTS = {"context": 0.8, "text": 1.0}
_OPENING, _OPENING_WEIGHT = "opening", 0.5
_GRAM_WEIGHT = 0.15
_MAX_WORDS, _MAX_GRAMS = 48, 32
_HEAP = 64_000_000
_COUNTS_KEPT = 20_000
_FEW_TOKENS = 4
_NOTHING = Terms((), ())


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_unsigned_field("number", stored=False, indexed=False, fast=True)
    for name in ("item", "audience", "language"):
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic")
    for name in (*_WEIGHTS, _OPENING, "grams"):
        builder.add_text_field(name, tokenizer_name="whitespace", index_option="freq")
    return builder.build()


@dataclass(frozen=True)
class Entry:
    """What is indexed of an item: the terms of its titles and headings, of its text, and of how a document begins."""

    item: str
    language: str
    audience: frozenset[str]
    context: Terms
    text: Terms
    opening: Terms = _NOTHING


class LexicalIndex:
    """Items by their terms, in one directory."""

    def __init__(self, index: tantivy.Index, schema: tantivy.Schema) -> None:
        self._index = index
        self._schema = schema
        self._searcher = index.searcher()
        self._writer: Any = None
        self._counted: dict[tuple[str | None, frozenset[str]], int] = {}

    @classmethod
    def create(cls, path: Path) -> "LexicalIndex":
        """An empty index in a new directory."""
        path.mkdir(parents=True)
        schema = _schema()
        return cls(tantivy.Index(schema, path=str(path)), schema)

    @classmethod
    def load(cls, path: Path) -> "LexicalIndex":
        """An index on disk; ValueError when it is missing or damaged."""
        return cls(tantivy.Index.open(str(path)), _schema())

    @staticmethod
    def copy(source: Path, target: Path) -> None:
        """A copy that can be written without touching the source: segments never change, so they are hard links."""
        target.mkdir(parents=True)
        for path in source.iterdir():
            if path.suffix in (".json", ".lock") or path.name.startswith("."):
                if path.suffix == ".json":
                    shutil.copy2(path, target / path.name)
            else:
                os.link(path, target / path.name)

    def add(self, entries: Iterable[Entry]) -> None:
        """Add items."""
        for entry in entries:
            document = tantivy.Document()
            document.add_unsigned("number", _number(entry.item))
            document.add_text("item", entry.item)
            document.add_text("language", entry.language)
            for token in entry.audience:
                document.add_text("audience", token)
            for name in (*_WEIGHTS, _OPENING):
                document.add_text(name, " ".join(getattr(entry, name).words))
            document.add_text("grams", " ".join((*entry.context.grams, *entry.text.grams)))
            self._open_writer().add_document(document)

    def remove(self, items: Iterable[str]) -> None:
        """Take out the items."""
        for item in items:
            self._open_writer().delete_documents_by_term("item", item)

    def commit(self) -> None:
        """Make what was added and removed durable, and close the writer."""
        if self._writer is None:
            return
        self._writer.commit()
        self._writer.wait_merging_threads()
        self._writer = None
        self._index.reload()
        self._searcher = self._index.searcher()
        self._counted.clear()

    def __len__(self) -> int:
        return int(self._searcher.num_docs)

    def search(
        self, terms: Terms, tokens: frozenset[str], top_k: int, language: str, among: frozenset[str] | None = None
    ) -> list[tuple[str, float]]:
        """The `top_k` best readable items of a language, of those `among`, as (key, BM25), best first. Long questions
        keep their rarest terms."""
        parts = self._parts(terms if language in COMPOUNDING else replace(terms, grams=()))
        if not parts or top_k <= 0:
            return []
        occur = tantivy.Occur
        filters = [self._readable(tokens), tantivy.Query.term_query(self._schema, "language", language, "basic")]
        if among is not None:
            filters.append(tantivy.Query.term_set_query(self._schema, "item", sorted(among)))
        query = tantivy.Query.boolean_query(
            [
                (occur.Must, tantivy.Query.boolean_query([(occur.Should, part) for part in parts])),
                *((occur.Must, tantivy.Query.const_score_query(each, 0.0)) for each in filters),
            ]
        )
        hits = self._searcher.search(query, limit=top_k, count=False).hits
        numbers = self._searcher.fast_field_values("number", [address for _score, address in hits])
        return [(_key(int(number)), float(score)) for number, (score, _address) in zip(numbers, hits, strict=True)]

    def rarity(self, terms: Sequence[str], tokens: frozenset[str]) -> dict[str, float]:
        """Inverse document frequency of words, as in BM25, among the readable items alone, so that it tells nothing
        of the others; 0 for a word that none of them holds."""
        total = self.size(tokens)
        found = {term: self._count(term, tokens) for term in terms}
        return {term: math.log(1 + (total - n + 0.5) / (n + 0.5)) if n else 0.0 for term, n in found.items()}

    def size(self, tokens: frozenset[str]) -> int:
        """How many items `tokens` may read."""
        return self._count(None, tokens)

    def _count(self, term: str | None, tokens: frozenset[str]) -> int:
        """How many readable items hold `term`, or how many there are; kept, for someone types word after word."""
        known = self._counted.get((term, tokens))
        if known is not None:
            return known
        parts = [self._readable(tokens)]
        if term is not None:
            if not any(self._searcher.doc_freq(name, term) for name in _WEIGHTS):
                return 0
            words = [tantivy.Query.term_query(self._schema, name, term, "basic") for name in _WEIGHTS]
            parts.append(tantivy.Query.boolean_query([(tantivy.Occur.Should, word) for word in words]))
        query = tantivy.Query.boolean_query([(tantivy.Occur.Must, part) for part in parts])
        counted = int(self._searcher.search(query, limit=1, count=True).count or 0)
        if len(self._counted) >= _COUNTS_KEPT:
            self._counted.clear()
        self._counted[term, tokens] = counted
        return counted

    def _readable(self, tokens: frozenset[str]) -> tantivy.Query:
        """What one of the tokens may read. For a few, the union is made while searching; a set is read whole first."""
        held = [token for token in sorted(tokens) if self._searcher.doc_freq("audience", token)]
        if len(held) > _FEW_TOKENS:
            return tantivy.Query.term_set_query(self._schema, "audience", held)
        terms = [tantivy.Query.term_query(self._schema, "audience", token, "basic") for token in held]
        return tantivy.Query.boolean_query([(tantivy.Occur.Should, term) for term in terms])

    def _parts(self, terms: Terms) -> list[tantivy.Query]:
        asked = [word for word in terms.words if word not in FUNCTION_WORDS] or terms.words
        common = {word: max(self._searcher.doc_freq(name, word) for name in _WEIGHTS) for word in asked}
        words = sorted((word for word in asked if common[word]), key=lambda word: common[word])
        parts = [
            tantivy.Query.boost_query(tantivy.Query.term_query(self._schema, name, word, "freq"), weight)
            for word in words[:_MAX_WORDS]
            for name, weight in (*_WEIGHTS.items(), (_OPENING, _OPENING_WEIGHT))
        ]
        grams = terms.grams
        if len(grams) > _MAX_GRAMS:
            grams = tuple(sorted(grams, key=lambda gram: self._searcher.doc_freq("grams", gram)))[:_MAX_GRAMS]
        for gram in grams:
            term = tantivy.Query.term_query(self._schema, "grams", gram, "freq")
            parts.append(tantivy.Query.boost_query(term, _GRAM_WEIGHT))
        for other in [each for each in terms.across if each.term not in FUNCTION_WORDS][:_MAX_WORDS]:
            for name, weight in _WEIGHTS.items():
                term = tantivy.Query.term_query(self._schema, name, other.term, "freq")
                parts.append(tantivy.Query.boost_query(term, weight * other.probability))
        return parts

    def _open_writer(self) -> Any:
        if self._writer is None:
            self._writer = self._index.writer(heap_size=_HEAP, num_threads=1)
        return self._writer


def _number(key: str) -> int:
    """A number for an item key that tells it back: a request's is even, a document's odd."""
    kind, _, identifier = key.partition(":")
    return 2 * int(identifier) + (kind == Kind.DOCUMENT)


def _key(number: int) -> str:
    return f"{Kind.DOCUMENT if number % 2 else Kind.REQUEST}:{number // 2}"
