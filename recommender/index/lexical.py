"""Keyword search: BM25 over terms, filtered by reader tokens, with Tantivy. No other module imports tantivy.

Terms are stored by group (`keyword_entries.py`): those of a language that everyone may read, which need no filter, and
the others.

Tantivy weighs a term by its rarity among all items of a group, also hidden and removed ones. Here each term is boosted,
so that it has the weight of its rarity among the readable items of all groups: what a reader may not read changes
neither scores nor order. Only the mean length of texts, which BM25 also uses, is that of all items.
"""

import json
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import tantivy

from recommender.index import keyword_entries as entries
from recommender.index.bm25 import inverse_frequency, weight, without_rounding
from recommender.index.copies import copied
from recommender.index.damage import damage_reported
from recommender.index.item_numbers import key_of, number_of
from recommender.index.keyword_entries import EVERYONE, Entry, by_group, group_of
from recommender.index.narrowing import ALL, Keys
from recommender.index.question_terms import GRAMS, WEIGHTS, WORD_WEIGHTS, WRITTEN, weighted_terms
from recommender.language.terms import Terms

_WRITER_MEMORY = 64_000_000  # bytes for Tantivy's writer: a judgement
_CACHED = 50_000  # counts of items, and boosts, that are cached: a judgement
_SPARE, _MOST_EQUAL = 16, 4096  # items after the last one, in which equal scores are looked for: a judgement
_FEW_TOKENS = 4  # reader tokens up to which a union of terms is used instead of a term set: a judgement
_ANYBODY = EVERYONE | {""}  # what any item may be read with, in whose group words are looked for
_Parts = dict[str, list[tantivy.Query]]
"""The queries for the terms of a question, by group."""


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_unsigned_field("number", stored=False, indexed=False, fast=True)
    for name in ("item", "audience"):
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic")
    for name in (*WORD_WEIGHTS, WRITTEN, GRAMS):
        builder.add_text_field(name, tokenizer_name="whitespace", index_option="freq")
    return builder.build()


class LexicalIndex:
    """Items by their terms, in a directory. Threads may search together; only one may write. `search`, `rarity` and
    `size` raise KeywordsDamaged when the files are damaged."""

    def __init__(self, index: tantivy.Index, schema: tantivy.Schema, path: Path) -> None:
        self._index = index
        self._schema = schema
        self._path = path
        self._writer: Any = None
        self._groups_added: set[str] = set()
        self._counts: dict[tuple[Sequence[str], str, frozenset[str]], int] = {}
        self._boosts: dict[tuple[str, str, frozenset[str]], list[tuple[str, float]]] = {}
        self._items = lru_cache(4)(lambda keys: tantivy.Query.term_set_query(schema, "item", sorted(keys)))
        self._take_over()

    def _take_over(self) -> None:
        """Search what is committed now. `_documents` is the number of items as BM25 counts them: also those removed."""
        self._groups = entries.read_groups(self._path)
        segments = json.loads((self._path / "meta.json").read_text(encoding="utf-8"))["segments"]
        self._documents = sum(int(segment["max_doc"]) for segment in segments)
        self._searcher = self._index.searcher()
        self._counts.clear()
        self._boosts.clear()
        self._last: tuple[tuple[Terms, frozenset[str]], _Parts] | None = None  # as `_parts` made them

    @classmethod
    def create(cls, path: Path) -> "LexicalIndex":
        """Make an empty index in a new directory."""
        path.mkdir(parents=True)
        entries.write_groups(path, ())
        schema = _schema()
        return cls(tantivy.Index(schema, path=str(path)), schema, path)

    @classmethod
    @damage_reported()
    def load(cls, path: Path) -> "LexicalIndex":
        """Open the index of a generation for reading. Raises KeywordsDamaged when it is missing or damaged.

        A copy is opened, which is removed at once: Tantivy maps the files into memory, and a file that is cut by
        somebody else while it is mapped ends the process. The copy is made beside the generations. Without room for one
        the files themselves are opened.
        """
        try:
            with copied(path, beside=path.parent.parent) as copy:
                return cls(tantivy.Index.open(str(copy)), _schema(), copy)
        except OSError:
            return cls.open(path)

    @classmethod
    @damage_reported()
    def open(cls, path: Path) -> "LexicalIndex":
        """Open an index for reading and writing. Raises KeywordsDamaged when it is missing or damaged."""
        return cls(tantivy.Index.open(str(path)), _schema(), path)

    def add(self, added: Iterable[Entry]) -> None:
        """Add items."""
        for entry in added:
            document = tantivy.Document()
            document.add_unsigned("number", number_of(entry.item))
            document.add_text("item", entry.item)
            for token in entry.audience:
                document.add_text("audience", token)
            group = group_of(entry.language, entry.audience >= EVERYONE)
            self._groups_added.add(group)
            for name, terms in entries.fields_of(entry, group).items():
                document.add_text(name, terms)
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
        entries.write_groups(self._path, self._groups_added.union(self._groups))
        self._writer = None
        self._index.reload()
        self._take_over()

    def __len__(self) -> int:
        return int(self._searcher.num_docs)

    @damage_reported()
    def search(
        self, terms: Terms, tokens: frozenset[str], top_k: int, language: str, keys: Keys = ALL
    ) -> list[tuple[str, float]]:
        """The `top_k` best readable items of a language as (key, BM25), best first; of those that `keys` names. Of a
        long question only the rarest terms are used.

        A score is that of an index of the readable items alone, but for the mean length of texts and for rounding.
        Items that differ by rounding alone have the same score, and come in the order of their keys."""
        used = self._used(tokens)
        if top_k <= 0:
            return []
        hits = [hit for part in by_group(used) for hit in self._in_group(terms, used, part, language, top_k, keys)]
        hits.sort(key=lambda hit: -hit[0])
        scores = without_rounding([score for score, _address in hits])
        numbers = self._searcher.fast_field_values("number", [address for _score, address in hits])
        found = [(key_of(int(number)), score) for number, score in zip(numbers, scores, strict=True)]
        return sorted(found, key=lambda hit: (-hit[1], hit[0]))[:top_k]

    def _in_group(
        self, terms: Terms, tokens: frozenset[str], part: frozenset[str], language: str, top_k: int, keys: Keys
    ) -> list[tuple[float, Any]]:
        """The best hits in the items of a language that `part` of a reader's tokens may read: those for everyone, or
        the others. With those equal to the last of them, up to some thousands."""
        occur, for_everyone = tantivy.Occur, part == EVERYONE
        parts = self._parts(terms, tokens).get(group_of(language, for_everyone))
        if not parts:
            return []
        words = tantivy.Query.boolean_query([(occur.Should, query) for query in parts])
        filters = [] if for_everyone or self.size(tokens) == len(self) else [self._readable(part)]
        if keys.only is not None:
            filters.append(self._items(keys.only))
        clauses = [(occur.Must, tantivy.Query.const_score_query(query, 0.0)) for query in filters]
        if keys.without:
            clauses.append((occur.MustNot, self._items(keys.without)))
        return self._hits(tantivy.Query.boolean_query([(occur.Must, words), *clauses]) if clauses else words, top_k)

    def _hits(self, query: tantivy.Query, top_k: int) -> list[tuple[float, Any]]:
        """(score, place) of the `top_k` best hits, and of those equal to the last of them, up to some thousands."""
        limit = top_k + _SPARE
        while True:
            hits = self._searcher.search(query, limit=limit, count=False).hits
            scores = without_rounding([score for score, _address in hits])
            if len(hits) < limit or scores[-1] < scores[top_k - 1] or limit >= _MOST_EQUAL:
                return list(hits)
            limit *= 4

    @damage_reported()
    def rarity(self, terms: Sequence[str], tokens: frozenset[str]) -> dict[str, float]:
        """Inverse document frequency of terms among readable items, as in BM25; 0 for a term that none of them has."""
        used, total = self._used(tokens), self.size(tokens)
        counts = {term: self._count(tuple(WEIGHTS), term, used) for term in terms}
        return {term: inverse_frequency(total, n) if n else 0.0 for term, n in counts.items()}

    @damage_reported()
    def has_word(self, word: str, tokens: frozenset[str] | None = None) -> bool:
        """True when a readable item has the word; any item without `tokens`."""
        if tokens is not None:
            return self._count(tuple(WEIGHTS), word, self._used(tokens)) > 0
        words = self._with(tuple(WEIGHTS), word, _ANYBODY)
        return any(self._searcher.search(query, limit=1, count=False).hits for query in words)

    @damage_reported()
    def size(self, tokens: frozenset[str]) -> int:
        """Number of readable items."""
        return self._count((), "", self._used(tokens))

    def _used(self, tokens: frozenset[str]) -> frozenset[str]:
        """Those of a reader's tokens that items have: readers who may read the same items share the counts."""
        return frozenset(token for token in tokens if self._searcher.doc_freq("audience", token))

    def _count(self, names: tuple[str, ...], term: str, tokens: frozenset[str]) -> int:
        """Number of readable items that have `term` in one of the fields `names`; of all readable items without names.
        Counts are cached, since a person who types asks for the same words again and again. The items for everyone are
        counted once for all readers."""
        return sum(self._count_in_group(names, term, part) for part in by_group(tokens))

    def _count_in_group(self, names: tuple[str, ...], term: str, tokens: frozenset[str]) -> int:
        """The same of the items for everyone, or of the others, with the tokens of these."""
        cached = self._counts.get((names, term, tokens))
        if cached is not None:
            return cached
        for_everyone, occur = tokens == EVERYONE, tantivy.Occur
        words = self._with(names, term, tokens)
        if names and not words:
            return 0
        if len(names) == 1 and for_everyone and len(self) == self._documents:
            count = sum(int(self._searcher.doc_freq(names[0], group + term)) for group in self._groups_for(tokens))
        else:
            clauses = []
            if names:
                clauses.append((occur.Must, tantivy.Query.boolean_query([(occur.Should, word) for word in words])))
            if not (names and for_everyone):
                clauses.append((occur.Must, self._readable(tokens)))
            if not (names or for_everyone):
                clauses.append((occur.MustNot, self._readable(EVERYONE)))
            count = int(self._searcher.search(tantivy.Query.boolean_query(clauses), limit=1, count=True).count or 0)
        if len(self._counts) >= _CACHED:
            self._counts.clear()
        self._counts[names, term, tokens] = count
        return count

    def _groups_for(self, tokens: frozenset[str]) -> list[str]:
        return entries.groups_for(tokens, self._groups)

    def _with(self, names: tuple[str, ...], term: str, tokens: frozenset[str]) -> list[tantivy.Query]:
        """A query for a term in each of these fields and in each group of these tokens, where any item has it."""
        return [
            tantivy.Query.term_query(self._schema, name, group + term, "basic")
            for name in names
            for group in self._groups_for(tokens)
            if self._searcher.doc_freq(name, group + term)
        ]

    def _boosted(self, name: str, term: str, tokens: frozenset[str]) -> list[tuple[str, float]]:
        """(each group with the term in a field, what the weight of the term is multiplied by there, so that it is that
        of its rarity among the readable items); nothing when none of these has it."""
        boosts = self._boosts.get((name, term, tokens))
        if boosts is None:
            boosts, count = [], self._count((name,), term, tokens)
            wanted = weight(self.size(tokens), count) if count else 0.0
            for group in self._groups_for(tokens) if count else ():
                if frequency := self._searcher.doc_freq(name, group + term):
                    boosts.append((group, wanted / (weight(self._documents, frequency) or 1.0)))
            if len(self._boosts) >= _CACHED:
                self._boosts.clear()
            self._boosts[name, term, tokens] = boosts
        return boosts

    def _readable(self, tokens: frozenset[str]) -> tantivy.Query:
        """The query for items that one of the tokens may read. A union of a few terms is faster than a term set, which
        is read completely before the search."""
        if len(tokens) > _FEW_TOKENS:
            return tantivy.Query.term_set_query(self._schema, "audience", sorted(tokens))
        terms = [tantivy.Query.term_query(self._schema, "audience", token, "basic") for token in sorted(tokens)]
        return tantivy.Query.boolean_query([(tantivy.Occur.Should, term) for term in terms])

    def _parts(self, terms: Terms, tokens: frozenset[str]) -> _Parts:
        """The queries for what is searched for: words, words as they are written, n-grams and translations. Terms that
        no readable item has are left out. Those of the last search are kept: a question is searched for in one language
        after the other."""
        asked, last = (terms, tokens), self._last
        if last is None or last[0] != asked:
            last = self._last = asked, self._made(terms, tokens)
        return last[1]

    def _made(self, terms: Terms, tokens: frozenset[str]) -> _Parts:
        parts: _Parts = {}
        for name, term, factor in weighted_terms(terms, lambda name, term: self._count((name,), term, tokens)):
            for group, boost in self._boosted(name, term, tokens):
                query = tantivy.Query.term_query(self._schema, name, group + term, "freq")
                parts.setdefault(group, []).append(tantivy.Query.boost_query(query, factor * boost))
        return parts

    def _open_writer(self) -> Any:
        if self._writer is None:
            self._writer = self._index.writer(heap_size=_WRITER_MEMORY, num_threads=1)
        return self._writer
