"""Company vocabulary: a text file that an admin edits, applied to questions.

One line says which words mean the same, in the format of Solr and Elasticsearch: `läppäri, kannettava, laptop` for each
other, `Leija => CRM, asiakasrekisteri` for the left side only. What follows a `#` is a comment.
"""

import contextlib
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from recommender.errors import SynonymsError
from recommender.language.analyzer import Analyzer
from recommender.language.terms import Translation

log = logging.getLogger(__name__)
_PROBABILITY = 0.8
_NO_FILE = ()
Phrase = frozenset[str]


@dataclass(frozen=True)
class Synonyms:
    """Rules (terms that all have to be in the question, terms that then stand for one of them)."""

    rules: tuple[tuple[Phrase, tuple[str, ...]], ...] = ()

    @classmethod
    def parse(cls, text: str, analyzer: Analyzer) -> "Synonyms":
        """Read the format above. Raises SynonymsError naming the line that cannot be used."""
        rules: list[tuple[Phrase, tuple[str, ...]]] = []
        for number, line in enumerate(text.splitlines(), 1):
            rule = line.partition("#")[0].strip()
            if not rule:
                continue
            sides = [[phrase.strip() for phrase in side.split(",")] for side in rule.split("=>")]
            if len(sides) > 2:
                raise SynonymsError(f"line {number} has more than one '=>'.")
            if not all(phrase for side in sides for phrase in side):
                raise SynonymsError(f"line {number} has nothing between two commas, or beside one.")
            if len(sides) == 1 and len(sides[0]) == 1:
                raise SynonymsError(f"line {number} holds one word only: write those that mean the same, with commas.")
            asked, meant = sides[0], sides[-1]
            before = len(rules)
            for phrase in asked:
                others = [other for other in meant if other != phrase]
                found = tuple(dict.fromkeys(term for other in others for term in analyzer.query_terms(other).words))
                rules += [(terms, found) for terms in _readings(phrase, analyzer) if found]
            if len(rules) == before:
                raise SynonymsError(f"line {number} holds no two phrases that search can go by.")
        return cls(tuple(rules))

    def translations(self, words: Sequence[str]) -> tuple[Translation, ...]:
        """Terms that stand for words of a question, each once."""
        asked = set(words)
        found: dict[str, Translation] = {}
        for terms, meant in self.rules:
            if terms <= asked:
                word = next(each for each in words if each in terms)
                for term in meant:
                    if term not in asked:
                        found.setdefault(term, Translation(term, word, _PROBABILITY))
        return tuple(found.values())


class SynonymsFile:
    """The file, read again when it changes; while it cannot be used, what was read last stays in force. That is kept
    beside it, for a process that starts meanwhile."""

    def __init__(self, path: Path, analyzer: Analyzer) -> None:
        self.path = path
        self._kept = path.with_name(f".{path.name}.in-force")
        self._analyzer = analyzer
        self._seen: tuple[int, ...] | None = None
        self._synonyms = Synonyms()
        self.problem = ""

    @property
    def synonyms(self) -> Synonyms:
        """What is in force now."""
        try:
            found = self.path.stat()
            seen = (found.st_mtime_ns, found.st_size, found.st_ctime_ns)
            if seen != self._seen:
                self._seen = seen
                self._read()
        except FileNotFoundError:
            if self._seen != _NO_FILE:  # once, not for each question of those who have none
                with contextlib.suppress(OSError):
                    self._kept.unlink(missing_ok=True)
            self._seen, self._synonyms, self.problem = _NO_FILE, Synonyms(), ""
        except OSError as error:
            self._cannot(error)
        return self._synonyms

    def _read(self) -> None:
        try:
            text = self.path.read_text(encoding="utf-8-sig")
            self._synonyms, self.problem = Synonyms.parse(text, self._analyzer), ""
        except (SynonymsError, OSError, UnicodeDecodeError) as error:
            self._cannot(error)
            return
        try:
            beside = self._kept.with_name(f"{self._kept.name}.{os.getpid()}")
            beside.write_text(text, encoding="utf-8")
            os.replace(beside, self._kept)
        except OSError as error:
            log.warning("%s could not be written: %s", self._kept, error)

    def _cannot(self, error: Exception) -> None:
        if self._synonyms == Synonyms():
            try:
                self._synonyms = Synonyms.parse(self._kept.read_text(encoding="utf-8"), self._analyzer)
            except (SynonymsError, OSError, UnicodeDecodeError):
                log.info("No synonyms were in force before")
        stays = "What was read before stays" if self._synonyms.rules else "Until it is mended none are"
        problem = f"{self.path}: {error} {stays} in force."
        if problem != self.problem:
            log.error("%s", problem)
        self.problem = problem


def _readings(phrase: str, analyzer: Analyzer) -> list[Phrase]:
    """The phrase's terms, as each language reads them: a question holds all of its words in one of these."""
    readings = [frozenset(analyzer.query_terms(phrase, (language,)).words) for language in ("fi", "en")]
    return [terms for terms in dict.fromkeys(readings) if terms]
