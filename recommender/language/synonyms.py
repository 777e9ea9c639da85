"""The organisation's synonyms: a text file that an admin edits, used for questions.

Each line is a rule in the format of Solr and Elasticsearch: `läppäri, kannettava, laptop` are synonyms of each other,
and in `Leija => CRM, asiakasrekisteri` the right side stands for the left side, not the reverse. A `#` starts a
comment, and `parkkis*` is every word that begins so. Lists of everyday words in the same format ship with Kollega.
"""

import contextlib
import logging
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from recommender.errors import SynonymsError
from recommender.language.analyzer import Analyzer
from recommender.language.terms import Translation, fold
from recommender.language.words import LANGUAGES

log = logging.getLogger(__name__)
MOST_PHRASES = 50
"""Phrases of one line. Each leads to all others, so that the work grows with the square of them: a judgement."""
_PROBABILITY = 0.8  # of a synonym: a judgement
_COMMENT = re.compile(r"(?:^|(?<=\s))#.*")  # not in `C#`
_NO_FILE = ()  # the version of a file that is missing
Phrase = frozenset[str]
Rule = tuple[Phrase, tuple[str, ...]]


@dataclass(frozen=True)
class Synonyms:
    """Rules (terms that must all be in the question, terms that are then searched for too). A term that ends with `*`
    stands for every term that begins so."""

    rules: tuple[Rule, ...] = ()

    @classmethod
    def parse(cls, text: str, analyzer: Analyzer, base_forms: bool = False) -> "Synonyms":
        """Read the format above. Raises SynonymsError, which names the line, for a line that cannot be used.

        With `base_forms`, words are in their base form, of which nothing is taken off: what `palkkis` seems to be a
        form of is another word. Between commas, several words together then lead to others only, not others to them.
        """
        rules: list[Rule] = []
        for number, line in enumerate(text.splitlines(), 1):
            rule = _COMMENT.sub("", line).strip()
            if not rule:
                continue
            sides = [[phrase.strip() for phrase in side.split(",")] for side in rule.split("=>")]
            if len(sides) > 2:
                raise SynonymsError(f"line {number} has more than one '=>'.", "arrows")
            if not all(phrase for side in sides for phrase in side):
                raise SynonymsError(f"line {number} has nothing between two commas, or before or after one.", "empty")
            if sum(map(len, sides)) > MOST_PHRASES:
                raise SynonymsError(f"line {number} has more than {MOST_PHRASES} phrases: divide it.", "many")
            if len(sides) == 1 and len(sides[0]) == 1:
                raise SynonymsError(
                    f"line {number} contains one word only: write its synonyms too, separated by commas.", "single"
                )
            found = _rules(sides, analyzer, base_forms)
            if not found and not base_forms:
                raise SynonymsError(f"line {number} contains no two phrases that can be searched for.", "unsearchable")
            rules += found
        return cls(tuple(rules))

    @cached_property
    def _by_term(self) -> Mapping[str, Sequence[int]]:
        """The numbers of the rules that need a term; each rule stands under one of its terms."""
        numbers: dict[str, list[int]] = {}
        for number, (needed, _synonyms) in enumerate(self.rules):
            numbers.setdefault(max(needed), []).append(number)
        return numbers

    @cached_property
    def _lengths(self) -> Sequence[int]:
        """How many letters the terms with a `*` have before it."""
        return sorted({len(term) - 1 for needed, _synonyms in self.rules for term in needed if term.endswith("*")})

    def translations(self, words: Sequence[str]) -> tuple[Translation, ...]:
        """The synonyms of the terms `words` of a question, each term once."""
        question: dict[str, str] = {}
        for word in words:
            question.setdefault(word, word)
            for length in self._lengths:
                question.setdefault(f"{word[:length]}*", word)
        translations: dict[str, Translation] = {}
        numbers = sorted({number for term in question for number in self._by_term.get(term, ())})
        for needed, synonyms in (self.rules[number] for number in numbers):
            if needed <= question.keys():
                word = next(word for term, word in question.items() if term in needed)
                for synonym in synonyms:
                    if synonym not in question:
                        translations.setdefault(synonym, Translation(synonym, word, _PROBABILITY))
        return tuple(translations.values())


def wrong_lines(text: str, analyzer: Analyzer) -> list[tuple[int, str]]:
    """(number of the line, reason of its SynonymsError) of every line that cannot be used."""
    wrong = []
    for number, line in enumerate(text.splitlines(), 1):
        try:
            Synonyms.parse(line, analyzer)
        except SynonymsError as error:
            wrong.append((number, error.reason))
    return wrong


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


def _rules(sides: Sequence[Sequence[str]], analyzer: Analyzer, base_forms: bool) -> list[Rule]:
    """The rules of one line, whose left side and right side are given, or a single side of synonyms."""
    rules: list[Rule] = []
    targets = [phrase for phrase in sides[-1] if not phrase.endswith("*")]
    if base_forms and len(sides) == 1:
        targets = [phrase for phrase in targets if " " not in phrase]
    readings = {phrase: _readings(phrase, analyzer, base_forms) for phrase in (*sides[0], *targets)}
    for phrase in sides[0]:
        found = [readings[other] for other in targets if other != phrase]
        terms = tuple(dict.fromkeys(term for reading in found for words in reading for term in words))
        rules += [(frozenset(needed), terms) for needed in readings[phrase] if terms]
    return rules


def _readings(phrase: str, analyzer: Analyzer, base_forms: bool) -> list[tuple[str, ...]]:
    """The terms of a phrase, for each language: a question with the phrase contains one of these sets."""
    if phrase.endswith("*"):
        return [(fold(phrase),)]
    languages: tuple[str, ...] = ("fi", "en") if base_forms else LANGUAGES
    if base_forms and " " not in phrase and not analyzer.is_base_form(phrase):
        languages = ("",)
    readings = [analyzer.query_terms(phrase, (language,)).words for language in languages]
    return [terms for terms in dict.fromkeys(readings) if terms]
