"""How well the best passage of an item matches a question by its words and its vector.

The second look (`rerank.py`) orders items and says how well they match. What is here is computed only for items that
are shown, and for all of them where there is no second look: in keyword search alone, and for open requests.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from recommender.datatypes import Passage
from recommender.search import calibration
from recommender.search.calibration import Features
from recommender.search.features import CandidateText
from recommender.search.highlight import Match, Matcher
from recommender.search.question import Question

_MATCHED_CHARACTERS = 10_000
"""Characters of a passage in which words of the question are looked for; a judgement."""


@dataclass(frozen=True)
class PassageMatch:
    """A candidate and its question. `background` is the mean cosine of unrelated texts."""

    question: Question
    text: CandidateText
    matcher: Matcher
    background: float

    @cached_property
    def _best(self) -> tuple[Passage, list[Match], float]:
        """(the passage that covers most of the question, its matching words, the share that they cover, 0 to 1). A word
        in the other language matches the word of the question that it translates."""
        passages = self.text.passages
        words = [self.matcher.words(f"{passage.context}\n{passage.text}"[:_MATCHED_CHARACTERS]) for passage in passages]
        covered = [self._covered(found) for found in words]
        best = max(range(len(covered)), key=covered.__getitem__)
        return passages[best], words[best], covered[best]

    def _covered(self, words: Sequence[Match]) -> float:
        matched = frozenset[str]().union(*(word.terms for word in words))
        question = self.question
        return calibration.coverage(question.rarity, matched, question.unknown_rarity, question.rarest)

    @property
    def passage(self) -> Passage:
        """The best passage."""
        return self.text.passages[0] if len(self.text.passages) == 1 else self._best[0]

    @property
    def words(self) -> list[Match]:
        """The words of the best passage that match; positions are those in its context, a line break, and its text."""
        return self._best[1]

    @cached_property
    def features(self) -> Features:
        """What the similarity is computed from."""
        dense, passage = self.text.candidate.dense, self.passage
        near = None if dense is None else calibration.nearness(dense, self.background)
        length = len(f"{passage.context} {passage.text}".split())
        across = self.text.item.language != self.question.language
        return Features(near, self._best[2], self.question.length, length, across)

    @cached_property
    def similarity(self) -> float:
        """The probability that the passage answers, from its words and its vector alone."""
        return calibration.probability(self.features)
