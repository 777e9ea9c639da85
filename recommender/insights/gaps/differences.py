"""Where two answers to the same question say different things: other amounts, other addresses.

The rules are plain, so that a page can show both sentences, and strict: what they find should be right, and much is
not found. Two sentences are compared when they are about the same, which means that most of their words are the same.
Only amounts with the same unit are compared (14 days and 30 days), since other numbers are mostly those of one case.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from recommender.language.terms import fold
from recommender.language.words import COMMON_WORDS
from recommender.search.newer import stems_of

_SHARED = 0.5
"""Share of the words of the shorter sentence that the other one has too, when both are about the same; a judgement."""
_SHARED_WITH_ADDRESS = 0.75
"""The same for sentences that name other addresses, which more often are about something else; a judgement."""
_LEAST_SHARED = 3
"""Words that both have at least; a judgement."""
_COMPARED = 60
"""Sentences of an answer that are compared; a judgement."""
_READ = 20_000  # characters of an answer that are read; a judgement
_LONGEST = 400  # characters of a sentence: what is longer is no sentence, but a log; a judgement
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-ZÅÄÖ\d*-])|\n+|\s*\|\s*|(?<=;)\s")
_NUMBER = r"(?<![\w.,/:-])(\d{1,3}(?:[ \u00a0]\d{3})+|\d+)(?:[.,](\d+))?(?![\d/:])"
_UNITS: Mapping[str, str] = {
    "minute": r"min(?:ute|utes|s)?\b|minuut\w*",
    "hour": r"h\b|hours?\b|tunti\w*|tunnin?\w*|tuntia",
    "day": r"(?:working |business |calendar )?days?\b|(?:arki|työ|kalenteri)?päiv\w*|(?:arki)?pv\b|vrk\b|vuorokau\w*",
    "week": r"weeks?\b|viik\w*|vk\b",
    "month": r"months?\b|kuukau\w*|kk\b",
    "year": r"years?\b|vuot\w*|vuode\w*",
    "euro_per_km": r"€/km|€ per km|e/km|euroa kilometriltä",
    "euro": r"€(?!/)|eur\b|euro\w*",
    "percent": r"%|percent|per cent|prosent\w*",
    "km": r"km\b|kilomet\w*",
    "degree": r"°\s?c?|degrees?\b|aste\w*",
    "gigabyte": r"gb\b|gt\b",
    "megabyte": r"mb\b|mt\b",
    "times": r"times?\b(?! \d)|kertaa\b",
}
_AMOUNT = re.compile(
    rf"{_NUMBER}[ \u00a0]?-?(?:{'|'.join(f'(?P<{name}>{unit})' for name, unit in _UNITS.items())})", re.IGNORECASE
)
_EURO_FIRST = re.compile(r"€[ \u00a0]?" + _NUMBER)
_SIGNS = re.compile(r"[*`]+|__")  # of Markdown
_VALUE = re.compile(r"[\d@]")
_MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_PHONE = re.compile(r"(?<![\w+])(?:\+?358|0)[\d \u00a0-]{6,14}\d(?!\w)")

ADDRESSES = ("mail", "phone")
"""The units of what is no amount."""


@dataclass(frozen=True)
class Difference:
    """What one answer says and what the other one says instead, each with the sentence it is in. `unit` is the unit of
    the amounts, `mail` or `phone`."""

    unit: str
    first: str
    second: str
    first_sentence: str
    second_sentence: str


@dataclass(frozen=True)
class _Sentence:
    text: str
    stems: frozenset[str]
    values: Mapping[str, frozenset[str]]
    """The values by unit, as they compare."""
    written: Mapping[str, str]
    """How the first value of each unit is written."""


def difference(first: str, second: str) -> Difference | None:
    """The first thing that two answers in the same language say differently; None when there is none."""
    ones, others = _by_unit(first), _by_unit(second)
    for unit in sorted(ones.keys() & others.keys()):
        for one in ones[unit]:
            for other in others[unit]:
                if _differ(one, other, unit):
                    return Difference(unit, one.written[unit], other.written[unit], one.text, other.text)
    return None


def translated_difference(first: str, second: str) -> Difference | None:
    """The first amount or address that a text and its translation have differently: a unit in which both name exactly
    one value."""
    ones, others = _by_unit(first), _by_unit(second)
    for unit in ones.keys() & others.keys():
        values = [frozenset[str]().union(*(each.values[unit] for each in side[unit])) for side in (ones, others)]
        if all(len(found) == 1 for found in values) and values[0] != values[1]:
            one, other = ones[unit][0], others[unit][0]
            return Difference(unit, one.written[unit], other.written[unit], one.text, other.text)
    return None


def _differ(one: _Sentence, other: _Sentence, unit: str) -> bool:
    """True when two sentences about the same have one value of this unit each, and not the same."""
    first, second = one.values[unit], other.values[unit]
    if len(first) != 1 or len(second) != 1 or first == second or len(one.values) != len(other.values):
        return False
    shared = len(one.stems & other.stems)
    enough = (_SHARED_WITH_ADDRESS if unit in ADDRESSES else _SHARED) * min(len(one.stems), len(other.stems))
    return shared >= max(_LEAST_SHARED, enough)


def _sentences(text: str) -> Sequence[_Sentence]:
    """The sentences of a text that have an amount or an address."""
    found = []
    for sentence in _SENTENCE.split(text[:_READ]):
        plain = _SIGNS.sub("", sentence).strip(" #>-|\t")
        if len(plain) > _LONGEST or not _VALUE.search(plain):
            continue
        values, written = _values(plain)
        if values:
            found.append(_Sentence(plain, _stems(plain), values, written))
        if len(found) == _COMPARED:
            break
    return found


def _stems(sentence: str) -> frozenset[str]:
    """The beginnings of the words of a sentence that say what it is about."""
    return stems_of(" ".join(word for word in fold(sentence).split() if word.strip(".,;:!?()") not in COMMON_WORDS))


def _values(sentence: str) -> tuple[dict[str, frozenset[str]], dict[str, str]]:
    """(the values by unit, how the first of each is written)."""
    values, written = defaultdict[str, set[str]](set), dict[str, str]()
    for match in _AMOUNT.finditer(sentence):
        unit = match.lastgroup or ""
        values[unit].add(_number(match.group(1), match.group(2)))
        written.setdefault(unit, match.group().strip())
    for match in _EURO_FIRST.finditer(sentence):
        values["euro"].add(_number(match.group(1), match.group(2)))
        written.setdefault("euro", match.group())
    for unit, pattern in ((ADDRESSES[0], _MAIL), (ADDRESSES[1], _PHONE)):
        for match in pattern.finditer(sentence) if unit != ADDRESSES[0] or "@" in sentence else ():
            values[unit].add(re.sub(r"[\s\u00a0-]", "", match.group().lower()))
            written.setdefault(unit, match.group())
    return {unit: frozenset(found) for unit, found in values.items()}, written


@lru_cache(maxsize=1024)
def _by_unit(text: str) -> Mapping[str, Sequence[_Sentence]]:
    """The sentences of a text that have an amount or an address, by unit. Cached, since an answer is compared with
    several."""
    found = defaultdict[str, list[_Sentence]](list)
    for sentence in _sentences(text):
        for unit in sentence.values:
            found[unit].append(sentence)
    return dict(found)


def _number(whole: str, decimals: str | None) -> str:
    """A number without spaces and with a dot: `1 500,50` and `1500.5` are equal."""
    digits = re.sub(r"\D", "", whole).lstrip("0") or "0"
    fraction = (decimals or "").rstrip("0")
    return f"{digits}.{fraction}" if fraction else digits
