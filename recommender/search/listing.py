"""Finds the items of a list that a search names: those that contain all its words, in any form, and those that surely
answer it; also those that the search for answers would show. The pages of lists use it; questions are answered in
`decision.py`.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cached_property

from sqlalchemy.orm import Session

from recommender.access import Reader
from recommender.index.narrowing import Among
from recommender.language.words import FUNCTION_WORDS
from recommender.search.decision import decide
from recommender.search.highlight import Matcher
from recommender.search.question import Question
from recommender.search.results import Results
from recommender.search.search import POOL, Search

ALIKE_SHOWN = 3
"""Related documents that are shown; a judgement."""
_SURE = 0.5
"""The probability that an item answers the search, from which it is found whatever its words; a judgement."""
_ALIKE = 0.4
"""The same probability, from which a document is related to one whose title was searched for; a judgement."""
_READ = 20_000
"""Characters of a text in which words are looked for; a judgement."""


@dataclass(frozen=True)
class Words:
    """The words of a search, each of which a text may contain in any form, in a compound word, translated or corrected.
    Words such as "the" count only when there are no others."""

    question: Question
    matcher: Matcher

    @classmethod
    def of(cls, search: Search, question: Question) -> "Words":
        """The words of an analysed question."""
        terms = dict.fromkeys((term for variants in question.variants for term in variants), 1.0)
        return cls(question, Matcher(terms, search.questions.analyzer, question.translated, question.spellings))

    @cached_property
    def _needed(self) -> list[frozenset[str]]:
        """For each word that a text has to contain, its terms."""
        words = [frozenset(variants) for variants in self.question.variants]
        return [word for word in words if word.isdisjoint(FUNCTION_WORDS)] or words

    def are_in(self, text: str) -> bool:
        """True when a text contains all the words; False when there are none."""
        found = self.matcher.found(text[:_READ]).terms
        return bool(self._needed) and not any(word.isdisjoint(found) for word in self._needed)


@dataclass(frozen=True)
class Listed:
    """What a search finds in a list: the keys of items, best first, and its words, with which the caller looks through
    texts that the index does not have, such as drafts. `known` are the keys that the index has. `related` are keys of
    items that do not contain all words and may be related, best first."""

    keys: tuple[str, ...]
    related: tuple[str, ...]
    words: Words
    known: frozenset[str]


def find_alike(search: Search, reader: Reader, session: Session, leave_out: Collection[str], among: Among) -> list[str]:
    """The keys of the items among these that are about the same matter as the text that is searched for, best first,
    without those with the keys `leave_out`."""
    results = search.find(reader, session, ALIKE_SHOWN, leave_out, among=among)
    return [judged.item.key for judged in results.judged if judged.match >= _ALIKE][:ALIKE_SHOWN]


def find_listed(search: Search, reader: Reader, session: Session, keys: frozenset[str]) -> Listed:
    """Search among the items with these keys, all of which the reader may read."""
    results = search.find(reader, session, POOL, among=Among(keys=keys))
    words = Words.of(search, results.question)
    known = frozenset(search.index.digests(keys)) if search.index else frozenset[str]()
    cards = decide(results, search.settings, search.questions.analyzer).cards
    return Listed(tuple(_found(results, words)), tuple(card.judged.item.key for card in cards), words, known)


def _found(results: Results, words: Words) -> Iterable[str]:
    shown = {judged.item.key for judged in results.judged if judged.match >= _SURE}
    judged = {judged.item.key: judged.item for judged in results.judged}
    rest = {item.key: item for item, _candidate in results.ranked if item.key not in judged}
    for key, item in (judged | rest).items():
        if key in shown or words.are_in(f"{item.title}\n{item.body}"):
            yield key
