"""The part of a passage to show for a question, and the words in it that match."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from math import fsum
from typing import NamedTuple, TypeVar

from recommender.language.analyzer import Analyzer
from recommender.language.terms import DOTS, WRITTEN_TOKEN

_SENTENCE_START = re.compile(r"(?:^|(?<=[.!?:]\s)|(?<=\n))(?=\S)")
_LEAST_COMPOUND_PART = 5
"""Letters from which a term also matches a longer word that contains it; a judgement."""


@dataclass(frozen=True)
class Match:
    """A word of a shown text, from character `start` to `end`, and the terms of the question that it matches;
    `translated` are those that it matches only as another word for them."""

    start: int
    end: int
    terms: frozenset[str]
    translated: frozenset[str] = frozenset()


class Found(NamedTuple):
    """The terms of a question that a word or a text matches in one way or another (`terms`), and those of them that it
    matches without a translation (`written`)."""

    terms: frozenset[str]
    written: frozenset[str]


Result = TypeVar("Result")
_NONE: frozenset[str] = frozenset()
_NOTHING = Found(_NONE, _NONE)
_NO_TRANSLATIONS: Mapping[str, str] = {}
_NO_SPELLINGS: Mapping[str, frozenset[str]] = {}


class _Cache(dict[str, Result]):
    """A result for each word; computed when it is first asked for."""

    def __init__(self, compute: Callable[[str], Result]) -> None:
        super().__init__()
        self._compute = compute

    def __missing__(self, word: str) -> Result:
        found = self[word] = self._compute(word)
        return found


class Matcher:
    """Finds the words of texts that match a question's terms. The result for each word is cached."""

    def __init__(
        self,
        weights: Mapping[str, float],
        analyzer: Analyzer,
        translated: Mapping[str, str] = _NO_TRANSLATIONS,
        spellings: Mapping[str, frozenset[str]] = _NO_SPELLINGS,
    ) -> None:
        self._analyzer = analyzer
        self._translated = translated
        self._spellings = spellings
        self._question_terms, self._foreign_terms = frozenset(weights), frozenset(translated)
        self._long_terms = [term for term in weights if len(term) >= _LEAST_COMPOUND_PART and term.isalpha()]
        self._parts_of_long_terms = {
            term[start:end]
            for term in self._long_terms
            for start in range(len(term))
            for end in range(start + _LEAST_COMPOUND_PART, len(term) + 1)
        }
        self._compounds: dict[str, frozenset[str]] = {}  # as `_parts`, of all keys that were read
        self._keys_read, self._telling = set[str](), self._question_terms | self._foreign_terms
        self._caches = {dotted: _Cache(partial(self._of_word, dotted=dotted)) for dotted in (False, True)}
        self._unbroken = {dotted: _Cache(partial(self._in_unbroken, dotted=dotted)) for dotted in (False, True)}

    def words(self, text: str) -> list[Match]:
        """Every word of `text` that matches at least one of the question's terms (the keys of `weights`) or a
        translation of one: `translated` has the question's term for each term of the other language.

        A term also matches a longer compound that contains it, and the other way round ("tulostin", "tulostinjono").
        `spellings` are those of a question that was written with dots (`Question.spellings`): in a text with dots,
        `sääri` does not match `saari`.
        """
        cache = self._unbroken[bool(self._spellings) and bool(DOTS.search(text))]
        word_keys = self._analyzer.word_keys
        self._read(self._analyzer.text_keys(text))
        parts = [part for part in set(text.split()) if not word_keys(part).isdisjoint(self._telling)]
        matching = sorted((place, part) for part in parts if cache[part] for place in _places(part, text))
        return [
            Match(place + start, place + end, found.terms, found.terms - found.written)
            for place, part in matching
            for start, end, found in cache[part]
        ]

    def _in_unbroken(self, part: str, dotted: bool) -> tuple[tuple[int, int, Found], ...]:
        """The matching words of a part of a text without spaces, which no word crosses: (start, end, what it
        matches)."""
        each = ((word, self._caches[dotted][word.group()]) for word in WRITTEN_TOKEN.finditer(part))
        return tuple((word.start(), word.end(), found) for word, found in each if found.terms)

    def written(self, term: str, text: str) -> str:
        """The first word of a text that has this term, as it is written there; the term itself when none has it."""
        words = (word.group() for word in WRITTEN_TOKEN.finditer(text))
        return next((word.lower() for word in words if term in self._analyzer.word_keys(word)), term)

    def found(self, text: str) -> Found:
        """All terms that words of `text` match. Quicker than `words`, since no word is looked at alone."""
        return self.found_in([text])[0]

    def found_in(self, texts: Sequence[str]) -> list[Found]:
        """The same for each text. All of them are compared with the question together, since most of their words match
        nothing."""
        keys_of = list(map(self._analyzer.text_keys, texts))
        self._read(frozenset(chain.from_iterable(keys_of)))
        return [self._found(text, self._telling.intersection(keys)) for text, keys in zip(texts, keys_of, strict=True)]

    def _found(self, text: str, keys: frozenset[str]) -> Found:
        """What a text matches by these keys, which are those of its keys that match anything."""
        if not keys:
            return _NOTHING
        same = keys & self._question_terms
        if not same.isdisjoint(self._spellings) and DOTS.search(text):
            alike = [word for word in set(text.split()) if not self._analyzer.word_keys(word).isdisjoint(same)]
            same &= _NONE.union(*(self._caches[True][word].written for word in alike))
        written = same.union(*(self._compounds[key] for key in keys.intersection(self._compounds)))
        return Found(written.union(self._translated[key] for key in keys & self._foreign_terms), written)

    def _read(self, keys: Collection[str]) -> None:
        """Find out which of these keys are compound words that matter, if they were not read before."""
        if self._long_terms and not self._keys_read.issuperset(keys):
            new = frozenset(keys) - self._keys_read
            self._keys_read |= new
            self._compounds |= self._parts(new)
            self._telling = self._telling.union(self._compounds)

    def _parts(self, keys: frozenset[str]) -> dict[str, frozenset[str]]:
        """For each key that is a compound word with one of the question's long terms as a part, or a part of one, these
        terms."""
        matched = {key: [term for term in self._long_terms if key in term] for key in self._parts_of_long_terms & keys}
        if self._long_terms:
            together = " ".join(keys)
            for term in self._long_terms:
                for key in _words_with(term, together):
                    matched.setdefault(key, []).append(term)
        found = {key: frozenset(term for term in terms if self._is_part(key, term)) for key, terms in matched.items()}
        return {key: terms for key, terms in found.items() if terms}

    def _of_word(self, word: str, dotted: bool) -> Found:
        keys = self._analyzer.word_keys(word)
        same = keys & self._question_terms
        if dotted and same:
            spelt = self._analyzer.spellings(word)
            same = frozenset(term for term in same if self._is_spelt_alike(term, spelt))
        foreign = _NONE
        if not keys.isdisjoint(self._foreign_terms):
            foreign = frozenset(self._translated[key] for key in keys & self._foreign_terms)
        if same:
            return Found(same | foreign, same)
        self._read(keys)
        written = _NONE.union(*(self._compounds[key] for key in keys.intersection(self._compounds)))
        return Found(foreign or written, written) if foreign or written else _NOTHING

    def _is_spelt_alike(self, term: str, written: Mapping[str, frozenset[str]]) -> bool:
        """False if the question and the text both write this term, with other marks."""
        asked, found = self._spellings.get(term), written.get(term)
        return not asked or not found or not asked.isdisjoint(found)

    def _is_part(self, key: str, term: str) -> bool:
        """True if one of two terms is a compound word that contains the other."""
        if term == key:
            return False
        longer, shorter = (key, term) if len(key) > len(term) else (term, key)
        return shorter in longer and self._analyzer.is_compound(longer, shorter)


def _places(part: str, text: str) -> Iterator[int]:
    """Where a part stands in a text between spaces."""
    place = text.find(part)
    while place >= 0:
        end = place + len(part)
        if not text[place - 1 : place].strip() and not text[end : end + 1].strip():
            yield place
        place = text.find(part, end)


def _words_with(part: str, words: str) -> Iterator[str]:
    """Those of some words, with a space between them, that have this part."""
    place = words.find(part)
    while place >= 0:
        start, end = words.rfind(" ", 0, place) + 1, words.find(" ", place)
        end = len(words) if end < 0 else end
        yield words[start:end]
        place = words.find(part, end)


def excerpt(
    text: str, words: Sequence[Match], weights: Mapping[str, float], length: int = 300
) -> tuple[str, tuple[tuple[int, int], ...]]:
    """About `length` characters of `text` around the words that matter most, and the spans (start, end) to mark.

    `words` are the matching words of `text`; those that match a term of `weights` ({term: rarity}) are marked. The
    window begins at a sentence or line.
    """
    matches = [replace(word, terms=word.terms & weights.keys()) for word in words if word.terms & weights.keys()]
    if len(text) <= length:
        return text, tuple((match.start, match.end) for match in matches)

    def value(start: int) -> float:
        inside = [match.terms for match in matches if match.start >= start and match.end <= start + length]
        return fsum(weights[term] for term in frozenset().union(*inside))  # fsum does not depend on the set's order

    starts = [match.start() for match in _SENTENCE_START.finditer(text)]
    begin = max(starts, key=lambda start: (value(start), -start), default=0)
    cut = text.rfind(" ", begin, begin + length + 1) if begin + length < len(text) else len(text)
    end = cut if cut > begin else begin + length
    before, after = ("… " if begin else ""), (" …" if end < len(text) else "")
    shift = len(before) - begin
    marks = tuple(
        (match.start + shift, match.end + shift) for match in matches if match.start >= begin and match.end <= end
    )
    return before + text[begin:end] + after, marks
