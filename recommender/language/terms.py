"""The terms that texts and questions are reduced to: tokens, lemmas and character n-grams."""

import re
import unicodedata
from dataclasses import dataclass

_GRAM = 5
_TOKEN = re.compile(r"[^\W_]+(?:[.\-_:/\\@+#'’][^\W_]+)*")


_CASE = re.compile(
    r"i?(?:ss|st|ll|lt)[aä]|i?lle|i?ksi|i?n[aä]|h[aäeiouyö]n|aan|ään|een|iin|oon|uun|ihin|i?den|e?it[aä]|eille"
)


_SHORT_CASE = re.compile(r"n|t|[aä]{1,2}|tt?[aä]|[aäeiouyö]n|ien")
"""What Finnish joins to an abbreviation by a colon (`VPN:ssä`); the short ones only to one in capitals, since `lang:en`
is no case."""


@dataclass(frozen=True)
class Terms:
    """Index terms of a text: whole words (lemmas and exact tokens) and character n-grams; of a question also terms of
    another language, most probable first."""

    words: tuple[str, ...]
    grams: tuple[str, ...]
    across: tuple["Translation", ...] = ()


@dataclass(frozen=True)
class Translation:
    """A term that stands for `word`, a term of the question, in another language, with its probability."""

    term: str
    word: str
    probability: float


def tokens(text: str) -> list[str]:
    """Lower-case tokens; a token joined by `. - _ : / \\ @ + # '` is kept whole, but for the ending of its case."""
    return [_without_case(token).lower() for token in _TOKEN.findall(unicodedata.normalize("NFKC", text))]


def _without_case(token: str) -> str:
    if token.endswith(("'s", "’s", "'S", "’S")):
        return token[:-2]
    base, _colon, ending = token.rpartition(":")
    if not base or ":" in base:
        return token
    case = ending.lower()
    return base if _CASE.fullmatch(case) or (base.isupper() and _SHORT_CASE.fullmatch(case)) else token


def grams_of(term: str) -> list[str]:
    """The character n-grams of a term; none of a short or an exact one."""
    if len(term) <= _GRAM or not term.isalpha():
        return []
    return [term[start : start + _GRAM] for start in range(len(term) - _GRAM + 1)]
