"""What keyword search stores of an item: its terms, each with its group.

A group is all items of a language that everyone may read, or all others of that language. Most questions are searched
in a group as a whole, and Tantivy is several times as fast without a filter.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recommender.errors import KeywordsDamaged
from recommender.index.question_terms import GRAMS, WORD_WEIGHTS, WRITTEN
from recommender.language.terms import Terms
from recommender.language.words import LANGUAGES

EVERYONE = frozenset(("everyone",))
"""The token of most items, as in `access.py`. With another one keyword search would be slower, and find the same."""
_FORMER_FIELD = "language"  # of indexes without groups
_NO_TERMS = Terms((), ())


@dataclass(frozen=True)
class Entry:
    """What is indexed of an item: terms of its titles and headings (`context`), its text, a document's first words."""

    item: str
    language: str
    audience: frozenset[str]
    context: Terms
    text: Terms
    opening: Terms = _NO_TERMS


def fields_of(entry: Entry) -> dict[str, str]:
    """What the fields with terms have of an item, separated by spaces."""
    fields = {name: getattr(entry, name).words for name in WORD_WEIGHTS}
    fields[WRITTEN] = (*entry.context.written, *entry.text.written)
    fields[GRAMS] = (*entry.context.grams, *entry.text.grams)
    begins = group_of(entry.language, entry.audience >= EVERYONE)
    return {name: " ".join(begins + term for term in terms) for name, terms in fields.items()}


def group_of(language: str, for_everyone: bool) -> str:
    """What the terms of the items of a group begin with."""
    return f"{language}:" if for_everyone else f"{language}-:"


def groups_of(tokens: frozenset[str]) -> list[str]:
    """The groups of all languages whose items one of these tokens may read."""
    return [group_of(language, part == EVERYONE) for part in by_group(tokens) for language in LANGUAGES]


def by_group(tokens: frozenset[str]) -> list[frozenset[str]]:
    """The tokens that may read the items for everyone, and those that may read others, where there are any."""
    return [part for part in (tokens & EVERYONE, tokens - EVERYONE) if part]


def is_of_this_version(path: Path) -> bool:
    """True when the keyword index in a directory stores items so; those of earlier versions had no groups. Raises
    ValueError, LookupError and OSError when that cannot be read."""
    return all(field["name"] != _FORMER_FIELD for field in _meta(path)["schema"])


def number_stored(path: Path) -> int:
    """The number of items in the keyword index in a directory, with those removed. Raises KeywordsDamaged when an
    earlier version made it, and the errors of `is_of_this_version`."""
    if not is_of_this_version(path):
        raise KeywordsDamaged("The keyword index was made by an earlier version of Kollega. Run: kollega reindex")
    return sum(segment["max_doc"] for segment in _meta(path)["segments"])


def _meta(path: Path) -> dict[str, Any]:
    """What Tantivy notes of an index."""
    noted: dict[str, Any] = json.loads((path / "meta.json").read_text(encoding="utf-8"))
    return noted
