"""Finds requests by words, in any of their forms, as the queue does: all words must be in the request. Unlike a
question, a search in a list has no verdict and no meaning beyond its words."""

from dataclasses import replace

from sqlalchemy.orm import Session

from recommender.access import Reader, may_read, without_open_prefix
from recommender.corpus import load_items
from recommender.datatypes import Kind
from recommender.index import SearchIndex
from recommender.language.analyzer import Analyzer
from recommender.language.finnish import stems
from recommender.search.highlight import Matcher

_PLACE = ("ssa", "ssä", "sta", "stä")
_MOST = 500
"""Requests that keyword search looks at, of open and of answered ones each; a judgement."""


def requests_with_words(
    words: str, index: SearchIndex | None, analyzer: Analyzer, reader: Reader, session: Session
) -> list[int]:
    """Ids of the open and the answered requests that `reader` may read and that contain all of `words` in some form
    (`lukko` finds "tili lukossa"). What was written since the last update of the index is not found."""
    variants = [(*each, *_local_forms(word, analyzer)) for word in words.split() for each in analyzer.variants(word)]
    if index is None or not variants:
        return []
    all_terms = dict.fromkeys(term for each in variants for term in each)
    terms = replace(analyzer.query_terms(words), words=tuple(all_terms))
    hits = [
        hit.item
        for tokens in (reader.for_open_requests, reader.tokens)
        for hit in index.search(None, terms, tokens, _MOST)
        if hit.lexical > 0 and hit.item.startswith(f"{Kind.REQUEST}:")
    ]
    matcher = Matcher(dict.fromkeys(all_terms, 1.0), analyzer)
    found = []
    for item in load_items(session, hits).values():
        if not may_read(without_open_prefix(item.audience), reader):
            continue
        terms_found = matcher.found(f"{item.title}\n{item.body}\n{item.answer}").terms
        if all(not terms_found.isdisjoint(each) for each in variants):
            found.append(item.id)
    return found


def _local_forms(word: str, analyzer: Analyzer) -> set[str]:
    """Terms of a Finnish noun in the cases of place, where the dictionary has these as words of their own: `lukossa` is
    an adverb there, and no form of `lukko`."""
    base = analyzer.base_form(word, "fi")
    if base.endswith(_PLACE):
        base = analyzer.base_form(f"{base[:-3]}n", "fi")
    forms = [stem + ending for stem in stems(base) for ending in _PLACE]
    return {term for form in (base, *forms) for term in analyzer.index_terms(form, "fi").words}
