"""A dictionary of Finnish, English and Swedish for questions. It translates words, the parts of compounds that
it does not contain, and pairs of words that are a single word in the other language.

The file `dictionary.json.gz` is made by `make alignment` (`indexer/research/dictionary.py`) from FreeDict and ships
with the code, under FreeDict's licence. Translations that are learned from parallel texts are in `alignment.py`.
"""

import gzip
import json
import logging
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import pairwise, product
from pathlib import Path

from recommender.language.analyzer import WORD_VERSION
from recommender.language.swedish import forms_before_another
from recommender.language.terms import Translation
from recommender.language.words import COMPOUNDING

log = logging.getLogger(__name__)
FILE = Path(__file__).parent / "dictionary.json.gz"
BOTH_WAYS, ONE_WAY = 0.4, 0.2
"""The probability of a translation that both directions of the dictionary have, and of one that only one of them has: a
judgement."""
_PART_FACTOR, _PAIR_FACTOR = 0.7, 2.0
"""Factors of the probability when a part of a compound is translated, and when a pair of words is: a judgement."""
_SWEDISH_FACTOR = 0.4
"""Factor of the probability of what a Finnish or English word is in Swedish, in which few items are: a judgement."""
_SHORTEST_COMPOUND, _SHORTEST_HEAD, _SHORTEST_TAIL, _SHORTEST_SWEDISH_TAIL = 8, 3, 4, 3  # letters: a judgement


@dataclass(frozen=True)
class Dictionary:
    """`entries` is {language: {term: "term+ term"}}: the terms of the other language, best first; a plus sign marks
    terms that both directions of the dictionary have. Finnish and English translate each other, Swedish both; what is
    Swedish for a Finnish term is under `fi sv`, for an English one under `en sv`. A key of two terms ("annual leave")
    stands for two words next to each other."""

    entries: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    source: str = ""

    @classmethod
    def load(cls, path: Path = FILE) -> "Dictionary":
        """Read the file. An empty dictionary when it is missing, damaged or of another WORD_VERSION, which is
        logged as an error.

        Takes about 60 ms of processor time, mostly to create 226,000 strings. `shipped` does it once.
        """
        try:
            content = json.loads(gzip.decompress(path.read_bytes()))
            if content["analysis"] == WORD_VERSION:
                return cls(content["entries"], content["source"])
            log.error(
                "%s has terms of another version. Search between languages is worse without it. Run: make alignment",
                path,
            )
        except (OSError, EOFError, ValueError, KeyError, TypeError, zlib.error) as error:
            log.error(
                "%s cannot be read (%s). Search between languages is worse without it. Install Kollega again.",
                path,
                error,
            )
        return cls()

    @staticmethod
    @lru_cache(maxsize=1)
    def shipped() -> "Dictionary":
        """The dictionary that ships with Kollega, which is read once."""
        return Dictionary.load()

    def translations(
        self, words: Sequence[Sequence[str]], language: str, swedish: bool = False
    ) -> tuple[Translation, ...]:
        """Terms of the other languages for a question in `language`, each term once, most probable first. `words`
        contains the possible terms of each word (`Analyzer.variants`). With `swedish`, also what Finnish and English
        words are in Swedish."""
        candidates: list[Translation] = []
        candidates += _candidates(words, self.entries.get(language, {}), language)
        if swedish:
            found = _candidates(words, self.entries.get(f"{language} sv", {}), language)
            candidates += [replace(each, probability=_SWEDISH_FACTOR * each.probability) for each in found]
        best: dict[str, Translation] = {}
        for translation in sorted(candidates, key=lambda other: -other.probability):
            best.setdefault(translation.term, translation)
        return tuple(best.values())


def _candidates(words: Sequence[Sequence[str]], entries: Mapping[str, str], language: str) -> Iterator[Translation]:
    """Every translation of the words, of their parts and of pairs of words."""
    for variants in words:
        for term in variants:
            if term in entries:
                yield from _translations(entries[term], term, 1.0)
            elif language in COMPOUNDING:
                for part in _parts(term, entries, language):
                    yield from _translations(entries[part], term, _PART_FACTOR)
    for left, right in pairwise(words):
        for first, second in product(left, right):
            if entry := entries.get(f"{first} {second}"):
                yield from _translations(entry, second, _PAIR_FACTOR)


def _translations(entry: str, word: str, factor: float) -> Iterator[Translation]:
    """The translations of an entry, which stand for `word` in the question."""
    for term in entry.split():
        probability = BOTH_WAYS if term.endswith("+") else ONE_WAY
        yield Translation(term.rstrip("+"), word, min(BOTH_WAYS, factor * probability))


def _parts(term: str, entries: Mapping[str, str], language: str) -> tuple[str, ...]:
    """The two words of a Finnish or Swedish compound, if the dictionary has both, with the longest possible second
    word. The first word may be in the genitive ("talon-") or without its ending ("poistumis-" of "poistuminen")."""
    if len(term) < _SHORTEST_COMPOUND or not term.isalpha():
        return ()
    shortest_tail = _SHORTEST_SWEDISH_TAIL if language == "sv" else _SHORTEST_TAIL
    for cut in range(_SHORTEST_HEAD, len(term) - shortest_tail + 1):
        head, tail = term[:cut], term[cut:]
        if tail in entries:
            forms = forms_before_another(head) if language == "sv" else _finnish_forms(head)
            if whole := next((form for form in forms if len(form) >= _SHORTEST_HEAD and form in entries), None):
                return whole, tail
    return ()


def _finnish_forms(head: str) -> list[str]:
    return [head, *([head[:-1]] if head.endswith("n") else []), *([f"{head[:-1]}nen"] * head.endswith("s"))]
