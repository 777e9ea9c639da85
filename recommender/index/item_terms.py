"""The terms of an item that keyword search indexes, the same for every engine."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from recommender.datatypes import Kind, Passage, Role
from recommender.index.vocabulary import SHORTEST
from recommender.language.analyzer import Analyzer
from recommender.language.terms import Terms

_OPENING_WORDS = 15  # first words of a document that count more in keyword search: a judgement


class ItemTerms(NamedTuple):
    """Terms of an item's titles and headings (`context`), of its text, and of a document's first words (`opening`)."""

    context: Terms
    text: Terms
    opening: Terms


def item_terms(analyzer: Analyzer, kind: Kind, passages: Sequence[Passage], language: str) -> ItemTerms:
    """The terms of an item with these passages."""
    without_openings = [passage for passage in passages if passage.role is not Role.OPENING]
    context = "\n".join(dict.fromkeys(passage.context for passage in without_openings))
    text = "\n".join(passage.text for passage in without_openings)
    first_words = _first_words(passages) if kind is Kind.DOCUMENT else ""
    return ItemTerms(*(analyzer.index_terms(part, language) for part in (context, text, first_words)))


def spelling_words(parts: Iterable[Terms]) -> set[str]:
    """The words that a misspelt word may stand for."""
    return {word for part in parts for word in part.words if is_spelling_word(word)}


def is_spelling_word(word: str) -> bool:
    """True for a word that a misspelt word may stand for."""
    return len(word) >= SHORTEST - 1 and word.isalpha()


def _first_words(passages: Sequence[Passage]) -> str:
    """The first words of a document's opening, which say what it is about."""
    openings = [passage.text for passage in passages if passage.role is Role.OPENING]
    return " ".join(" ".join(openings).split()[:_OPENING_WORDS])
