"""The words of an item that may name a topic: their terms, how they are written, and what they are in the other
language. Choosing among them is done in naming.py."""

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import product
from typing import NamedTuple

from recommender.knowledge.erased_names import NamesOfPeople
from recommender.language.analyzer import Analyzer
from recommender.language.dictionary import Dictionary
from recommender.language.terms import WRITTEN_TOKEN, fold, tokens, written_tokens
from recommender.language.words import is_telling

BODY_CHARACTERS = 300
"""Of the text of an item, which are read after its title; a judgement, as the other numbers here."""
_TITLE, _BODY = 1.0, 0.35
"""What a word counts in a title, and in the text after it."""
_TRANSLATED = 0.7
"""What the translation of a word counts when items are compared."""
_SHORTEST_WORD, _LONGEST_WORD = 3, 30
_SHORT_ING = 5
_PART = 0.5
"""What a part of a compound counts of the whole."""
_SHORTEST_COMPOUND, _SHORTEST_PART, _SHORTEST_REST = 8, 4, 3
"""Letters of a compound, of a part of it that counts, and of what is left of it."""
MOSTLY = 0.6
"""The share of a word's forms that begin with a capital letter, or have only such letters, when it is written so."""
CAPITAL = "a"
"""In `Words.capitals`: begins with a capital letter, and has others."""
_MOST_VOWELS = 7
"""Vowels of a word whose dots are looked for."""
_LIKE_A_VERB = re.compile(r"(?:[aä]{2}|[dlnr][aä]|[st]t?[aä]|[uyi][aä])$")
_VERBS = {
    "a": "minen", "ä": "minen", "da": "minen", "dä": "minen", "ta": "aminen", "tä": "äminen", "la": "eminen",
    "lä": "eminen", "na": "eminen", "nä": "eminen", "ra": "eminen", "rä": "eminen", "sta": "seminen", "stä": "seminen",
    "ita": "itseminen", "itä": "itseminen",
}  # fmt: skip
"""Endings of Finnish verbs, and those of the nouns that are made of them."""
_DOTTED = {"a": "aä", "o": "oö"}


class Text(NamedTuple):
    """What a name is made from: an item's language, title, and the beginning of its text."""

    language: str
    title: str
    body: str


Written = tuple[str, str, float]
"""A word as it is written, its language, and what it counts where it stands."""


@dataclass
class Words:
    """The words of an item: by term what they count, how they are written (the base form and whether it has capital
    letters), which are in the title, and which two of them stand side by side there."""

    language: str
    weights: dict[str, float] = field(default_factory=dict)
    forms: dict[str, str] = field(default_factory=dict)
    capitals: dict[str, str] = field(default_factory=dict)
    titled: set[str] = field(default_factory=set)
    pairs: dict[tuple[str, str], str] = field(default_factory=dict)


class _Word(NamedTuple):
    """A word as it is written: its term, base form and token, how it is written (`Words.capitals`), whether all but the
    first letter are capitals, and the (term, base form) of the parts of a compound."""

    term: str
    base: str
    token: str
    capitals: str
    in_capitals: bool
    parts: tuple[tuple[str, str], ...]


class WordReader:
    """Reads words. Those of people's names are left out."""

    def __init__(self, analyzer: Analyzer, dictionary: Dictionary, people: NamesOfPeople) -> None:
        self._analyzer = analyzer
        self._dictionary = dictionary
        self._people = people
        self._parts = lru_cache(maxsize=200_000)(self._parts_uncached)
        self._term = lru_cache(maxsize=200_000)(self._term_uncached)
        self._word = lru_cache(maxsize=200_000)(self._word_uncached)
        self._said = lru_cache(maxsize=200_000)(self._said_uncached)
        self.possible_translations = lru_cache(maxsize=50_000)(self._possible_translations_uncached)
        self.is_verb = lru_cache(maxsize=50_000)(self._is_verb_uncached)
        self.with_dots = lru_cache(maxsize=50_000)(self._with_dots_uncached)
        self.translations = lru_cache(maxsize=20_000)(self._translations_uncached)
        self.read = lru_cache(maxsize=2_000)(self.read_once)  # a group that is divided is read again

    def forget_texts(self) -> None:
        """Keep what was found out of words, and nothing of the texts that they were in."""
        self.read.cache_clear()

    def read_once(self, text: Text) -> Words:
        """The telling words of a text. `read` keeps those of the texts that were read last."""
        words, language, before = Words(text.language), text.language, ("", "")
        weights, forms = words.weights, words.forms
        for count, part in ((_TITLE, text.title), (_BODY, text.body[:BODY_CHARACTERS])):
            for match in WRITTEN_TOKEN.finditer(part):
                written = match.group()
                word = None if written.isdecimal() else self._word(written, language)  # many numbers are in one text
                if word is None:
                    before = "", ""
                    continue
                term, base = word.term, word.base
                if weights.get(term, 0.0) < count:
                    weights[term] = count
                forms.setdefault(term, base)
                if match.start() > 0 or word.in_capitals:
                    words.capitals.setdefault(term, word.capitals)
                if count == _TITLE:
                    words.titled.add(term)
                    if before[0] not in ("", term) and part[: match.start()].endswith(" "):
                        pair = self._pair(before[1], word.token, base, language)
                        words.pairs.setdefault((before[0], term), pair)
                for of_part, base_of_part in word.parts:
                    if weights.get(of_part, 0.0) < _PART * count:
                        weights[of_part] = _PART * count
                    forms.setdefault(of_part, base_of_part)
                before = term, written
        return words

    def _word_uncached(self, written: str, language: str) -> "_Word | None":
        """A word as it is written, if it can be part of a name."""
        token = _token(written)
        term, base = self._term(token, language)
        if not term:
            return None
        parts = self._parts(base) if language == "fi" else ()
        return _Word(term, base, token, _capitals(written), written[1:].isupper(), parts)

    def own_terms(self, text: Text) -> set[str]:
        """The terms of a title, without those of the parts of compounds."""
        return {term for term, count in self.read(text).weights.items() if count == _TITLE}

    def written_words(self, text: Text) -> list[Written]:
        """The words of a text as they are written, but for numbers: most are in one text only, and would fill what is
        cached."""
        language, body = text.language, text.body[:BODY_CHARACTERS]
        title = [(word, language, _TITLE) for word in written_tokens(text.title) if not word.isdecimal()]
        rest = written_tokens(body) if body else ()
        return [*title, *((word, language, _BODY) for word in rest if not word.isdecimal())]

    def says(self, word: Written) -> list[tuple[str, float]]:
        """The telling terms of a word, and what each counts; also the likeliest translation of each."""
        written, language, count = word
        return [(term, count * share) for term, share in self._said(written, language)]

    def _said_uncached(self, written: str, language: str) -> tuple[tuple[str, float], ...]:
        """What a word as it is written says, and what that counts: its term, those of the parts of a compound, and the
        likeliest translation of each."""
        term, base = self._term(_token(written), language)
        said = {term: 1.0} if term else {}
        for part, _base_of_part in self._parts(base) if term and language == "fi" else ():
            said.setdefault(part, _PART)
        for own, share in list(said.items()):
            for other in self.translations(own, language)[:1]:
                said[other] = max(_TRANSLATED * share, said.get(other, 0.0))
        return tuple(said.items())

    def written(self, items: Sequence[Words], terms: Collection[str], language: str) -> dict[str, str]:
        """How terms are written in a name in this language: as most of the items have them, those of this language
        before others, else as the dictionary."""
        forms: dict[str, Counter[str]] = {term: Counter() for term in terms}
        others: dict[str, Counter[str]] = {term: Counter() for term in terms}
        capitals: dict[str, Counter[str]] = {term: Counter() for term in terms}
        for item in items:
            for term in forms.keys() & item.forms.keys():
                (forms if item.language == language else others)[term][item.forms[term]] += 1
                capitals[term][item.capitals.get(term, "")] += 1
        usual = {term: _usual(forms[term]) or _usual(others[term]) or self.with_dots(term, language) for term in forms}
        return {term: _cased(usual[term], capitals[term]) for term in forms}

    def _with_dots_uncached(self, term: str, language: str) -> str:
        """A term as its word is written, when that is a Finnish word with dots: "tyopoyta" gives "työpöytä"."""
        vowels = sum(letter in _DOTTED for letter in term)
        if language != "fi" or not 0 < vowels <= _MOST_VOWELS:
            return term
        for letters in product(*(_DOTTED.get(letter, letter) for letter in term)):
            if self._analyzer.is_word("".join(letters), language):
                return "".join(letters)
        return term

    def translated(self, term: str, language: str) -> tuple[str, ...]:
        """The terms of the other language that a term translates."""
        return self.translations(term, language) if language in ("fi", "en") else ()

    def _pair(self, before: str, token: str, base: str, language: str) -> str:
        """Two words as they are written in a name: in Finnish an adjective stands in its base form, and a noun in the
        genitive stays so."""
        first = before if before[1:].lower() != before[1:] else before.lower()
        genitive = language == "fi" and first.endswith("n") and not (token.endswith("n") and token != base)
        return f"{first if genitive else self._analyzer.base_form(first, language)} {base}"

    def _term_uncached(self, token: str, language: str) -> tuple[str, str]:
        """(term, base form) of a word that can be part of a name; else empty."""
        if not _SHORTEST_WORD <= len(token) <= _LONGEST_WORD or not token.replace("-", "").isalpha():
            return "", ""
        if language == "en" and len(token) > _SHORT_ING and token.endswith("ing"):
            terms: tuple[str, ...] = (fold(token),)  # "parking" names something else than "park" does
            base = token
        else:
            terms = self._analyzer.query_terms(token, (language,)).words  # none of greetings
            base = self._analyzer.base_form(token, language)
        if not terms or not is_telling(terms[0]) or not is_telling(token) or len(terms[0]) < _SHORTEST_WORD:
            return "", ""
        if self._people.has((fold(token), *terms)):
            return "", ""
        return terms[0], base

    def _parts_uncached(self, base: str) -> tuple[tuple[str, str], ...]:
        """(term, base form) of the words at the beginning and the end of a Finnish compound that may be in a name."""
        if len(base) < _SHORTEST_COMPOUND or not base.isalpha():
            return ()
        found = {}
        for length in range(_SHORTEST_PART, len(base) - _SHORTEST_REST + 1):
            for piece in (base[:length], base[-length:]):
                term = fold(piece)
                known = self._analyzer.is_word(piece, "fi") and self._analyzer.is_compound(fold(base), term)
                if known and self._term(piece, "fi") == (term, piece):
                    found[term] = piece
        return tuple(found.items())

    def _is_verb_uncached(self, term: str, language: str) -> bool:
        """True for what is a verb and nothing else: of a Finnish one "-minen" makes a word (`varata`, `varaaminen`),
        and an English one has only such translations."""
        if language == "fi":
            base = self.with_dots(term, "fi")
            return any(
                base.endswith(ending) and self._analyzer.is_word(base[: -len(ending)] + noun, "fi")
                for ending, noun in _VERBS.items()
            )
        options = self.translations(term, language)
        return bool(options) and all(self.is_verb(option, "fi") for option in options)

    def _possible_translations_uncached(self, term: str, language: str) -> tuple[str, ...]:
        """All terms of the other language that the dictionary has for a term, without those of people's names; some are
        rare meanings of it."""
        entry = self._dictionary.entries.get(language, {}).get(term, "") if language in ("fi", "en") else ""
        others = [other.rstrip("+") for other in entry.split()]
        return tuple(other for other in others if is_telling(other) and not self._people.has((other,)))

    def _translations_uncached(self, term: str, language: str) -> tuple[str, ...]:
        """The terms of the other language that both directions of the dictionary have, most probable first; what may be
        a noun before what looks like a verb."""
        entry = self._dictionary.entries.get(language, {}).get(term, "").split()
        sure = {other.rstrip("+") for other in entry if other.endswith("+")}
        found = [other for other in self.possible_translations(term, language) if other in sure]
        return tuple(sorted(found, key=lambda other: language == "en" and bool(_LIKE_A_VERB.search(other))))


@lru_cache(maxsize=200_000)
def _token(written: str) -> str:
    return next(iter(tokens(written)), "")


def _capitals(written: str) -> str:
    """ "A" for a word in capital letters, "a" for one that begins with one, else empty."""
    return "A" if written.isupper() else CAPITAL if written[0].isupper() else ""


def _cased(word: str, capitals: Counter[str]) -> str:
    total = sum(capitals.values())
    if capitals["A"] > MOSTLY * total:
        return word.upper()
    return f"{word[0].upper()}{word[1:]}" if capitals["A"] + capitals[CAPITAL] > MOSTLY * total else word


def _usual(forms: Counter[str]) -> str:
    return min(forms, key=lambda form: (-forms[form], len(form), form), default="")
