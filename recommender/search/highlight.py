"""The part of a passage to show for a question, and the words in it that match."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import fsum

from recommender.language.analyzer import Analyzer

_LETTERS = r"[^\W_]+(?:[\u0300-\u036f]+[^\W_]+)*[\u0300-\u036f]*"  # accents may be characters of their own
_WORD = re.compile(rf"{_LETTERS}(?:[.\-_:/\\@+#'’]{_LETTERS})*")
_START = re.compile(r"(?:^|(?<=[.!?:]\s)|(?<=\n))(?=\S)")
_STEM = 5


@dataclass(frozen=True)
class Match:
    """A word of a shown text, `start` to `end`, and the question's terms it stands for."""

    start: int
    end: int
    terms: frozenset[str]


_NONE: Mapping[str, str] = {}


class Matcher:
    """Finds the words of texts that stand for a question's terms; a word that comes again is not compared again."""

    def __init__(self, weights: Mapping[str, float], analyzer: Analyzer, translated: Mapping[str, str] = _NONE) -> None:
        self._analyzer = analyzer
        self._translated = translated
        self._asked, self._foreign = frozenset(weights), frozenset(translated)
        self._long = [term for term in weights if len(term) >= _STEM and term.isalpha()]
        self._met: dict[str, frozenset[str]] = {}

    def words(self, text: str) -> list[Match]:
        """Every word of `text` that stands for at least one of the question's terms in `weights`, or for its
        translation: `translated` holds the question's term for each term of another language.

        A term also matches a longer compound that contains it, and the other way round ("tulostin", "tulostinjono").
        """
        found = []
        for word in _WORD.finditer(text):
            written = word.group()
            terms = self._met.get(written)
            if terms is None:
                terms = self._met[written] = self._terms(written)
            if terms:
                found.append(Match(word.start(), word.end(), terms))
        return found

    def _terms(self, word: str) -> frozenset[str]:
        keys = self._analyzer.word_keys(word)
        terms = (keys & self._asked).union(self._translated[key] for key in keys & self._foreign)
        if terms:
            return terms
        long = [key for key in keys if len(key) >= _STEM]
        return frozenset(term for key in long for term in self._long if term in key or key in term)


def excerpt(
    text: str, words: Sequence[Match], weights: Mapping[str, float], length: int = 300
) -> tuple[str, tuple[tuple[int, int], ...]]:
    """About `length` characters of `text` around the words that matter most, and the spans (start, end) to mark.

    `words` are the matching words of `text`; those that stand for a term in `weights` (its rarity) are marked. The
    window begins at a sentence or line.
    """
    found = [replace(word, terms=word.terms & weights.keys()) for word in words if word.terms & weights.keys()]
    if len(text) <= length:
        return text, tuple((match.start, match.end) for match in found)

    def value(start: int) -> float:
        inside = [match.terms for match in found if match.start >= start and match.end <= start + length]
        return fsum(weights[term] for term in frozenset().union(*inside))  # whatever the order of a set is

    starts = [match.start() for match in _START.finditer(text)]
    begin = max(starts, key=lambda start: (value(start), -start), default=0)
    cut = text.rfind(" ", begin, begin + length + 1) if begin + length < len(text) else len(text)
    end = cut if cut > begin else begin + length
    before, after = ("… " if begin else ""), (" …" if end < len(text) else "")
    shift = len(before) - begin
    marks = tuple(
        (match.start + shift, match.end + shift) for match in found if match.start >= begin and match.end <= end
    )
    return before + text[begin:end] + after, marks
