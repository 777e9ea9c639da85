"""Headings and words that tables of other systems have, in several languages, from words.toml beside this module.

Headings are compared without case, accents and punctuation."""

import re
import tomllib
import unicodedata
from functools import cache
from pathlib import Path
from typing import Any


@cache
def _lists() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name("words.toml").read_text(encoding="utf-8"))


def plain_heading(heading: str) -> str:
    """A heading as it is compared: without case, accents and punctuation."""
    letters = unicodedata.normalize("NFKD", heading.casefold())
    bare = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return " ".join(re.sub(r"[^\w#°]+", " ", bare.replace("_", " ")).split())


@cache
def heading_words() -> dict[str, tuple[str, ...]]:
    """{role: headings that name it, the surest first}, as they are compared."""
    lists: dict[str, list[str]] = _lists()["headings"]
    return {role: tuple(dict.fromkeys(map(plain_heading, words))) for role, words in lists.items()}


@cache
def _status_words() -> dict[str, str]:
    return {word: state for state, words in _lists()["status"].items() for word in words}


def state_of(word: str) -> str | None:
    """open, resolved or cancelled for a word that is known."""
    return _status_words().get(" ".join(word.casefold().split()))


def is_total_word(cell: str) -> bool:
    """True for a word that begins a row of totals."""
    return cell.strip().rstrip(":").casefold() in _lists()["cells"]["total"]


def is_yes(cell: str) -> bool | None:
    """Whether a cell says yes or no; None when it says neither."""
    word, cells = cell.strip().casefold(), _lists()["cells"]
    return True if word in cells["yes"] else False if word in cells["no"] else None
