"""Keyword search: BM25 over terms, filtered by reader tokens, with Tantivy. No other module imports tantivy.

On a damaged file Tantivy raises ValueError, or panics: its exception is then no Exception, and would end the thread
that answers. Both become KeywordsDamaged here.
"""

import contextlib
import math
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import tantivy

from recommender.datatypes import Kind
from recommender.errors import KeywordsDamaged
from recommender.language.terms import Terms
from recommender.language.words import COMPOUNDING, FUNCTION_WORDS

_WEIGHTS = {"context": 0.8, "text": 1.0}  # of the fields with words: a judgement
_OPENING, _OPENING_WEIGHT = "opening", 0.5  # a field with words, and its weight: a judgement
_WRITTEN, _WRITTEN_WEIGHT = "written", 0.6  # a field with words as they are written, and its weight: a judgement
_GRAM_WEIGHT = 0.15  # of a character n-gram: a judgement
_MAX_WORDS, _MAX_GRAMS = 48, 32  # of a question, that are searched for: a judgement
_WRITER_MEMORY = 64_000_000  # bytes for Tantivy's writer: a judgement
_CACHED_COUNTS = 20_000  # counts of items that are cached: a judgement
_FEW_TOKENS = 4  # reader tokens up to which a union of terms is used instead of a term set: a judgement
_NO_TERMS = Terms((), ())


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_unsigned_field("number", stored=False, indexed=False, fast=True)
    for name in ("item", "audience", "language"):
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic")
    for name in (*_WEIGHTS, _OPENING, _WRITTEN, "grams"):
        builder.add_text_field(name, tokenizer_name="whitespace", index_option="freq")
    return builder.build()


@dataclass(frozen=True)
class Entry:
    """What is indexed of an item: the terms of its titles and headings (`context`), of its text, and of the first words
    of a document (`opening`)."""

    item: str
    language: str
    audience: frozenset[str]
    context: Terms
    text: Terms
    opening: Terms = _NO_TERMS


@contextlib.contextmanager
def _damage_reported() -> Iterator[None]:
    """Turns what Tantivy raises on damaged files into KeywordsDamaged."""
    try:
        yield
    except BaseException as error:
        if isinstance(error, ValueError) or type(error).__name__ == "PanicException":
            raise KeywordsDamaged(f"The keyword index is damaged ({error}). Run: kollega reindex --full") from error
        raise


class LexicalIndex:
    """Items by their terms, in a directory. Threads may search together; only one may write. `search`, `rarity` and
    `size` raise KeywordsDamaged when the files are damaged."""

    def __init__(self, index: tantivy.Index, schema: tantivy.Schema) -> None:
        self._index = index
        self._schema = schema
        self._searcher = index.searcher()
        self._writer: Any = None
        self._counts: dict[tuple[str | None, frozenset[str]], int] = {}

    @classmethod
    def create(cls, path: Path) -> "LexicalIndex":
        """Make an empty index in a new directory."""
        path.mkdir(parents=True)
        schema = _schema()
        return cls(tantivy.Index(schema, path=str(path)), schema)

    @classmethod
    @_damage_reported()
    def load(cls, path: Path) -> "LexicalIndex":
        """Open an index for reading. Raises KeywordsDamaged when it is missing or damaged.

        A copy is opened, which is removed at once: Tantivy maps the files into memory, and a file that is cut by
        somebody else while it is mapped ends the process. Without room for a copy the files themselves are opened.
        """
        try:
            with tempfile.TemporaryDirectory(prefix="kollega-", ignore_cleanup_errors=True) as copy:
                shutil.copytree(path, copy, dirs_exist_ok=True)
                return cls(tantivy.Index.open(copy), _schema())
        except OSError:
            return cls.open(path)

    @classmethod
    @_damage_reported()
    def open(cls, path: Path) -> "LexicalIndex":
        """Open an index for reading and writing. Raises KeywordsDamaged when it is missing or damaged."""
        return cls(tantivy.Index.open(str(path)), _schema())

    @staticmethod
    def copy(source: Path, target: Path) -> None:
        """Copy an index; the copy can be changed without changing the source. Tantivy never changes the files of
        segments, so hard links to them are enough."""
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
            document.add_text(_WRITTEN, " ".join((*entry.context.written, *entry.text.written)))
            document.add_text("grams", " ".join((*entry.context.grams, *entry.text.grams)))
            self._open_writer().add_document(document)

    def remove(self, items: Iterable[str]) -> None:
        """Remove items, by key."""
        for item in items:
            self._open_writer().delete_documents_by_term("item", item)

    def commit(self) -> None:
        """Store what was added and removed, and close the writer."""
        if self._writer is None:
            return
        self._writer.commit()
        self._writer.wait_merging_threads()
        self._writer = None
        self._index.reload()
        self._searcher = self._index.searcher()
        self._counts.clear()

    def __len__(self) -> int:
        return int(self._searcher.num_docs)

    @_damage_reported()
    def search(
        self, terms: Terms, tokens: frozenset[str], top_k: int, language: str, among: frozenset[str] | None = None
    ) -> list[tuple[str, float]]:
        """The `top_k` best readable items of a language as (key, BM25), best first; only items of `among` if given. Of
        a long question only the rarest terms are used."""
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
                *((occur.Must, tantivy.Query.const_score_query(query, 0.0)) for query in filters),
            ]
        )
        hits = self._searcher.search(query, limit=top_k, count=False).hits
        numbers = self._searcher.fast_field_values("number", [address for _score, address in hits])
        return [(_key(int(number)), float(score)) for number, (score, _address) in zip(numbers, hits, strict=True)]

    @_damage_reported()
    def rarity(self, terms: Sequence[str], tokens: frozenset[str]) -> dict[str, float]:
        """Inverse document frequency of terms, as in BM25; 0 for a term that no readable item has. Only readable items
        are counted, so that the figures reveal nothing about the others."""
        total = self.size(tokens)
        counts = {term: self._count(term, tokens) for term in terms}
        return {term: math.log(1 + (total - n + 0.5) / (n + 0.5)) if n else 0.0 for term, n in counts.items()}

    @_damage_reported()
    def size(self, tokens: frozenset[str]) -> int:
        """Number of readable items."""
        return self._count(None, tokens)

    def _count(self, term: str | None, tokens: frozenset[str]) -> int:
        """Number of readable items that have `term`, or of all readable items with None. Counts are cached, since a
        person who types asks for the same words again and again."""
        cached = self._counts.get((term, tokens))
        if cached is not None:
            return cached
        parts = [self._readable(tokens)]
        if term is not None:
            if not any(self._searcher.doc_freq(name, term) for name in _WEIGHTS):
                return 0
            words = [tantivy.Query.term_query(self._schema, name, term, "basic") for name in _WEIGHTS]
            parts.append(tantivy.Query.boolean_query([(tantivy.Occur.Should, word) for word in words]))
        query = tantivy.Query.boolean_query([(tantivy.Occur.Must, part) for part in parts])
        count = int(self._searcher.search(query, limit=1, count=True).count or 0)
        if len(self._counts) >= _CACHED_COUNTS:
            self._counts.clear()
        self._counts[term, tokens] = count
        return count

    def _readable(self, tokens: frozenset[str]) -> tantivy.Query:
        """The query for items that one of the tokens may read. A term set is read completely before the search, which
        takes longer than a union of a few terms."""
        used = [token for token in sorted(tokens) if self._searcher.doc_freq("audience", token)]
        if len(used) > _FEW_TOKENS:
            return tantivy.Query.term_set_query(self._schema, "audience", used)
        terms = [tantivy.Query.term_query(self._schema, "audience", token, "basic") for token in used]
        return tantivy.Query.boolean_query([(tantivy.Occur.Should, term) for term in terms])

    def _parts(self, terms: Terms) -> list[tantivy.Query]:
        """A query for each term that is searched for: words, words as they are written, n-grams and translations."""
        content = [word for word in terms.words if word not in FUNCTION_WORDS] or terms.words
        frequency = {word: max(self._searcher.doc_freq(name, word) for name in _WEIGHTS) for word in content}
        words = sorted((word for word in content if frequency[word]), key=lambda word: frequency[word])
        parts = [
            tantivy.Query.boost_query(tantivy.Query.term_query(self._schema, name, word, "freq"), weight)
            for word in words[:_MAX_WORDS]
            for name, weight in (*_WEIGHTS.items(), (_OPENING, _OPENING_WEIGHT))
        ]
        for word in terms.written[:_MAX_WORDS]:
            term = tantivy.Query.term_query(self._schema, _WRITTEN, word, "freq")
            parts.append(tantivy.Query.boost_query(term, _WRITTEN_WEIGHT))
        grams = terms.grams
        if len(grams) > _MAX_GRAMS:
            grams = tuple(sorted(grams, key=lambda gram: self._searcher.doc_freq("grams", gram)))[:_MAX_GRAMS]
        for gram in grams:
            term = tantivy.Query.term_query(self._schema, "grams", gram, "freq")
            parts.append(tantivy.Query.boost_query(term, _GRAM_WEIGHT))
        translations = [translation for translation in terms.translations if translation.term not in FUNCTION_WORDS]
        for translation in translations[:_MAX_WORDS]:
            for name, weight in _WEIGHTS.items():
                term = tantivy.Query.term_query(self._schema, name, translation.term, "freq")
                parts.append(tantivy.Query.boost_query(term, weight * translation.probability))
        return parts

    def _open_writer(self) -> Any:
        if self._writer is None:
            self._writer = self._index.writer(heap_size=_WRITER_MEMORY, num_threads=1)
        return self._writer


def _number(key: str) -> int:
    """The number that is stored for an item key: 2 * id for a request, 2 * id + 1 for a document."""
    kind, _, identifier = key.partition(":")
    return 2 * int(identifier) + (kind == Kind.DOCUMENT)


def _key(number: int) -> str:
    """The item key of a stored number."""
    return f"{Kind.DOCUMENT if number % 2 else Kind.REQUEST}:{number // 2}"
