"""What keyword search stores of an item: its terms, each with its group.

A group is all items of a language that everyone may read, or all others of that language. Most questions are searched
in a group as a whole, and Tantivy is several times as fast without a filter.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recommender.errors import KeywordsDamaged
from recommender.index.question_terms import GRAMS, WORD_WEIGHTS, WRITTEN
from recommender.language.terms import Terms

EVERYONE = frozenset(("everyone",))
"""The token of items that everyone may read, as in `access.py`, which gives such an item no other token."""
_FOR_EVERYONE, _FOR_SOME = "+:", "-:"  # end what the terms of a group begin with
_GROUPS = "groups.json"
_LAYOUT = 1  # of what is stored; an index of another layout is written anew, without encoding
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


def fields_of(entry: Entry, group: str) -> dict[str, str]:
    """What the fields with terms have of an item of this group, separated by spaces."""
    fields = {name: getattr(entry, name).words for name in WORD_WEIGHTS}
    fields[WRITTEN] = (*entry.context.written, *entry.text.written)
    fields[GRAMS] = (*entry.context.grams, *entry.text.grams)
    return {name: " ".join(group + term for term in terms) for name, terms in fields.items()}


def group_of(language: str, for_everyone: bool) -> str:
    """What the terms of the items of a group begin with."""
    return f"{language}{_FOR_EVERYONE if for_everyone else _FOR_SOME}"


def by_group(tokens: frozenset[str]) -> list[frozenset[str]]:
    """The tokens that may read the items for everyone, and those that may read others, where there are any."""
    return [part for part in (tokens & EVERYONE, tokens - EVERYONE) if part]


def groups_for(tokens: frozenset[str], groups: Iterable[str]) -> list[str]:
    """Those of the groups that have items which one of these tokens may read."""
    endings = tuple(_FOR_EVERYONE if part == EVERYONE else _FOR_SOME for part in by_group(tokens))
    return [group for group in groups if group.endswith(endings)]


def is_of_this_version(path: Path) -> bool:
    """True when the keyword index in a directory stores items so. Raises ValueError, LookupError and OSError when that
    cannot be read."""
    return _noted(path).get("layout") == _LAYOUT


def read_groups(path: Path) -> list[str]:
    """The groups of the keyword index in a directory, in order. Raises KeywordsDamaged when another version made it,
    and the errors of `is_of_this_version`."""
    if not is_of_this_version(path):
        raise KeywordsDamaged("The keyword index was made by another version of Kollega. Run: kollega reindex")
    return sorted(_noted(path)["groups"])


def write_groups(path: Path, groups: Iterable[str]) -> None:
    """Note the groups of the keyword index in a directory."""
    text = json.dumps({"layout": _LAYOUT, "groups": sorted(groups)})
    (path / _GROUPS).write_text(text, encoding="utf-8")


def _noted(path: Path) -> dict[str, Any]:
    """What is noted of the groups; nothing in the directory of an earlier version, which had none."""
    if not (path / _GROUPS).exists():
        return {}
    noted: dict[str, Any] = json.loads((path / _GROUPS).read_text(encoding="utf-8"))
    return noted
