"""A Finnish-English dictionary for questions: what a word is in the other language, the parts of a compound that it
does not hold, and two words together that are one in the other language.

The file `dictionary.json.gz` is made by `make alignment` (`indexer/dictionary.py`) from FreeDict and ships with the
code, under FreeDict's licence. What a text of an organisation's own kind would teach is `alignment.py`'s.
"""

import gzip
import json
import logging
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, product
from pathlib import Path

from recommender.language.analyzer import ANALYSIS_VERSION
from recommender.language.terms import Translation
from recommender.language.words import COMPOUNDING

log = logging.getLogger(__name__)
FILE = Path(__file__).parent / "dictionary.json.gz"
BOTH_WAYS, ONE_WAY = 0.4, 0.2
"""How much a translation counts that both directions of the dictionary give, and one that only one of them gives."""
_OF_A_PART, _OF_TWO = 0.7, 2.0
_SHORTEST_COMPOUND, _SHORTEST_HEAD, _SHORTEST_TAIL = 8, 3, 4


@dataclass(frozen=True)
class Dictionary:
    """`entries` is {language: {term: "term+ term"}}: the terms of the other language, best first, those that both
    directions give with a plus sign. A key of two terms ("annual leave") is two words that follow each other."""

    entries: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    source: str = ""

    @classmethod
    def load(cls, path: Path = FILE) -> "Dictionary":
        """What the file holds, if its terms are made as ours are. A missing or damaged file is an empty dictionary, and
        the log says so."""
        try:
            held = json.loads(gzip.decompress(path.read_bytes()))
            if held["analysis"] == ANALYSIS_VERSION:
                return cls(held["entries"], held["source"])
            log.error("%s holds terms of another version; languages meet less well. Run: make alignment", path)
        except (OSError, EOFError, ValueError, KeyError, TypeError, zlib.error) as error:
            log.error("%s cannot be read (%s); languages meet less well. Install Kollega again.", path, error)
        return cls()

    def translations(self, words: Sequence[Sequence[str]], language: str) -> tuple[Translation, ...]:
        """Terms of the other language for a question in `language`, each once, the surest first. `words` holds for each
        word the terms that it may be (`Analyzer.variants`)."""
        known = self.entries.get(language, {})
        found: dict[str, Translation] = {}
        for each in sorted(_all(words, known, language in COMPOUNDING), key=lambda each: -each.probability):
            found.setdefault(each.term, each)
        return tuple(found.values())


def _all(words: Sequence[Sequence[str]], known: Mapping[str, str], compounding: bool) -> Iterator[Translation]:
    for variants in words:
        for term in variants:
            if term in known:
                yield from _entry(known[term], term, 1.0)
            elif compounding:
                for part in _parts(term, known):
                    yield from _entry(known[part], term, _OF_A_PART)
    for left, right in pairwise(words):
        for first, second in product(left, right):
            if entry := known.get(f"{first} {second}"):
                yield from _entry(entry, second, _OF_TWO)


def _entry(entry: str, word: str, share: float) -> Iterator[Translation]:
    for term in entry.split():
        sure = term.endswith("+")
        yield Translation(term.rstrip("+"), word, min(BOTH_WAYS, share * (BOTH_WAYS if sure else ONE_WAY)))


def _parts(term: str, known: Mapping[str, str]) -> tuple[str, ...]:
    """The two words a Finnish compound is made of, both of them known, the last as long as can be; the first may be in
    the genitive ("talon-") or lack its end ("poistumis-" of "poistuminen")."""
    if len(term) < _SHORTEST_COMPOUND or not term.isalpha():
        return ()
    for cut in range(_SHORTEST_HEAD, len(term) - _SHORTEST_TAIL + 1):
        head, tail = term[:cut], term[cut:]
        if tail in known:
            forms = [head, *([head[:-1]] if head.endswith("n") else []), *([f"{head[:-1]}nen"] * head.endswith("s"))]
            if whole := next((form for form in forms if len(form) >= _SHORTEST_HEAD and form in known), None):
                return whole, tail
    return ()
