"""The organisation's synonyms: a text file that an admin edits, used for questions.

Each line is a rule in the format of Solr and Elasticsearch: `läppäri, kannettava, laptop` are synonyms of each other,
and in `Leija => CRM, asiakasrekisteri` the right side stands for the left side, not the reverse. A `#` starts a
comment.
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
_PROBABILITY = 0.8  # of a synonym: a judgement
_NO_FILE = ()  # the version of a file that is missing
Phrase = frozenset[str]


@dataclass(frozen=True)
class Synonyms:
    """Rules (terms that must all be in the question, terms that are then searched for too)."""

    rules: tuple[tuple[Phrase, tuple[str, ...]], ...] = ()

    @classmethod
    def parse(cls, text: str, analyzer: Analyzer) -> "Synonyms":
        """Read the format above. Raises SynonymsError, which names the line, for a line that cannot be used."""
        rules: list[tuple[Phrase, tuple[str, ...]]] = []
        for number, line in enumerate(text.splitlines(), 1):
            rule = line.partition("#")[0].strip()
            if not rule:
                continue
            sides = [[phrase.strip() for phrase in side.split(",")] for side in rule.split("=>")]
            if len(sides) > 2:
                raise SynonymsError(f"line {number} has more than one '=>'.")
            if not all(phrase for side in sides for phrase in side):
                raise SynonymsError(f"line {number} has nothing between two commas, or before or after one.")
            if len(sides) == 1 and len(sides[0]) == 1:
                raise SynonymsError(
                    f"line {number} contains one word only: write its synonyms too, separated by commas."
                )
            count = len(rules)
            for phrase in sides[0]:
                synonyms = [other for other in sides[-1] if other != phrase]
                terms = tuple(dict.fromkeys(term for other in synonyms for term in analyzer.query_terms(other).words))
                rules += [(needed, terms) for needed in _readings(phrase, analyzer) if terms]
            if len(rules) == count:
                raise SynonymsError(f"line {number} contains no two phrases that can be searched for.")
        return cls(tuple(rules))

    def translations(self, words: Sequence[str]) -> tuple[Translation, ...]:
        """The synonyms of the terms `words` of a question, each term once."""
        question = set(words)
        translations: dict[str, Translation] = {}
        for needed, synonyms in self.rules:
            if needed <= question:
                word = next(word for word in words if word in needed)
                for term in synonyms:
                    if term not in question:
                        translations.setdefault(term, Translation(term, word, _PROBABILITY))
        return tuple(translations.values())


class SynonymsFile:
    """The file of synonyms. It is read again when it changes. While it cannot be used, the last usable version stays in
    use. A copy of that version is stored beside the file, for processes that start meanwhile."""

    def __init__(self, path: Path, analyzer: Analyzer) -> None:
        self.path = path
        self._copy = path.with_name(f".{path.name}.in-force")
        self._analyzer = analyzer
        self._version: tuple[int, ...] | None = None
        self._synonyms = Synonyms()
        self.problem = ""

    @property
    def synonyms(self) -> Synonyms:
        """The synonyms in use now. `problem` says why they are not those of the file, if so."""
        try:
            status = self.path.stat()
            version = (status.st_mtime_ns, status.st_size, status.st_ctime_ns)
            if version != self._version:
                self._version = version
                self._read()
        except FileNotFoundError:
            if self._version != _NO_FILE:  # once, not for each question
                with contextlib.suppress(OSError):
                    self._copy.unlink(missing_ok=True)
            self._version, self._synonyms, self.problem = _NO_FILE, Synonyms(), ""
        except OSError as error:
            self._report(error)
        return self._synonyms

    def _read(self) -> None:
        try:
            text = self.path.read_text(encoding="utf-8-sig")
            self._synonyms, self.problem = Synonyms.parse(text, self._analyzer), ""
        except (SynonymsError, OSError, UnicodeDecodeError) as error:
            self._report(error)
            return
        try:
            unfinished = self._copy.with_name(f"{self._copy.name}.{os.getpid()}")
            unfinished.write_text(text, encoding="utf-8")
            os.replace(unfinished, self._copy)
        except OSError as error:
            log.warning("%s could not be written: %s", self._copy, error)

    def _report(self, error: Exception) -> None:
        """Keep the last usable version and say in the log why the file cannot be used."""
        if self._synonyms == Synonyms():
            try:
                self._synonyms = Synonyms.parse(self._copy.read_text(encoding="utf-8"), self._analyzer)
            except (SynonymsError, OSError, UnicodeDecodeError):
                log.info("There is no earlier usable version of the synonyms")
        consequence = "The previous version stays" if self._synonyms.rules else "Until it is corrected no synonyms are"
        problem = f"{self.path}: {error} {consequence} in use."
        if problem != self.problem:
            log.error("%s", problem)
        self.problem = problem


def _readings(phrase: str, analyzer: Analyzer) -> list[Phrase]:
    """The sets of terms of a phrase, one for each language: a question with the phrase contains one of these sets."""
    readings = [frozenset(analyzer.query_terms(phrase, (language,)).words) for language in ("fi", "en")]
    return [terms for terms in dict.fromkeys(readings) if terms]
