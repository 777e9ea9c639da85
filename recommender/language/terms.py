"""The terms that texts and questions are reduced to: tokens, lemmas and character n-grams."""

import re
import unicodedata
from dataclasses import dataclass

_GRAM = 5  # characters of an n-gram: a judgement
_TOKEN = re.compile(r"[^\W_]+(?:[.\-_:/\\@+#'’][^\W_]+)*")
_CASE = re.compile(
    r"i?(?:ss|st|ll|lt)[aä]|i?lle|i?ksi|i?n[aä]|h[aäeiouyö]n|aan|ään|een|iin|oon|uun|ihin|i?den|e?it[aä]|eille"
)
_SHORT_CASE = re.compile(r"n|t|[aä]{1,2}|tt?[aä]|[aäeiouyö]n|ien")
"""Finnish case endings after an abbreviation and a colon (`VPN:ssä`). The short ones count only after capitals, since
`lang:en` has no case ending."""


@dataclass(frozen=True)
class Terms:
    """The terms of a text: `words` (lemmas and identifiers) and character n-grams (`grams`). A question also has
    `translations`: other terms that stand for its words (translations, synonyms, corrections), most probable first."""

    words: tuple[str, ...]
    grams: tuple[str, ...]
    translations: tuple["Translation", ...] = ()


@dataclass(frozen=True)
class Translation:
    """A term that stands for `word`, a term of the question, with its probability. It is in another language, or a
    synonym or a correction."""

    term: str
    word: str
    probability: float


def tokens(text: str) -> list[str]:
    """The tokens of a text in lower case. Parts joined by `. - _ : / \\ @ + # '` are one token, without a case
    ending."""
    return [_without_case(token).lower() for token in _TOKEN.findall(unicodedata.normalize("NFKC", text))]


def _without_case(token: str) -> str:
    """The token without an English 's or a Finnish case ending after a colon."""
    if token.endswith(("'s", "’s", "'S", "’S")):
        return token[:-2]
    base, _colon, ending = token.rpartition(":")
    if not base or ":" in base:
        return token
    case = ending.lower()
    return base if _CASE.fullmatch(case) or (base.isupper() and _SHORT_CASE.fullmatch(case)) else token


def grams_of(term: str) -> list[str]:
    """The character 5-grams of a term; none of a short term or an identifier."""
    if len(term) <= _GRAM or not term.isalpha():
        return []
    return [term[start : start + _GRAM] for start in range(len(term) - _GRAM + 1)]
