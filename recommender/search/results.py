"""What a search for one question gives: its candidates, the readable items, and how well each matches."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from recommender.datatypes import Item
from recommender.search.calibration import Features
from recommender.search.features import CandidateText, Matrix
from recommender.search.fusion import Candidate
from recommender.search.passage_match import PassageMatch
from recommender.search.question import Question


@dataclass(frozen=True)
class JudgedItem:
    """An item, how its best passage matches, and the probability that it answers (`match`)."""

    passage_match: PassageMatch
    match: float

    @property
    def text(self) -> CandidateText:
        """The item as it is compared with the question."""
        return self.passage_match.text

    @property
    def item(self) -> Item:
        """The item."""
        return self.text.item


@dataclass(frozen=True)
class Ranking:
    """Item keys, best first, and the probability that the question has an answer: what `kollega evaluate` measures.
    `uncalibrated` is that probability before it is adapted to the organisation. `features` are those of the first
    suggestions, from which their similarity is computed. `first` is the probability that the first item answers, 0
    where a rule says that it cannot."""

    keys: tuple[str, ...]
    exists: float
    uncalibrated: float
    features: tuple[Features, ...]
    first: float = 0.0


@dataclass(frozen=True)
class SecondLook:
    """The first candidates in the order of the search, and their features, shape (candidates, len(NAMES)): what the
    order and the probabilities are computed from."""

    texts: Sequence[CandidateText]
    features: Matrix


@dataclass(frozen=True)
class Pool:
    """The analysed question and its candidates, best first, before the database is asked which of them still exist.
    `notices` say what could not run."""

    question: Question
    candidates: list[Candidate]
    notices: tuple[str, ...]


@dataclass(frozen=True)
class Results:
    """The result of a search: readable items, best first (`ranked`), and how well the first of them match (`judged`).

    `uncalibrated` is the probability that the question has an answer as the shipped model gives it, `exists` the same
    adapted to the organisation, `background` the mean cosine of unrelated texts. `second_look` is what the second look
    read of the first candidates; None in keyword search alone. `copies` has the key of the older item for each one
    whose answer was copied from it, and `replaced` that of the newer item for each older one that says something else.
    """

    pool: Pool
    ranked: Sequence[tuple[Item, Candidate]] = ()
    judged: Sequence[JudgedItem] = ()
    uncalibrated: float = 0.0
    exists: float = 0.0
    background: float = 0.0
    copies: Mapping[str, str] = field(default_factory=dict)
    second_look: SecondLook | None = None
    replaced: Mapping[str, str] = field(default_factory=dict)

    @property
    def question(self) -> Question:
        """The analysed question."""
        return self.pool.question
