"""From what was found for a topic's questions to its figures: pure arithmetic, without database and search."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from recommender.database.days import day_of
from recommender.datatypes import Kind
from recommender.insights.risk.answerability import AskedAgain, answerable, answerable_without
from recommender.insights.risk.concentration import Known
from recommender.insights.risk.holders import Holders
from recommender.insights.risk.risk import YEAR, Knower, chance_of_leaving, expected_loss

Absences = Mapping[int, tuple[date | None, date | None]]
"""(last day, last day of an absence) of people, by id; people without either may be left out."""


@dataclass(frozen=True)
class TopicContent:
    """What the figures of a topic are computed from: its items, what was found for its questions, when each of all its
    questions was asked, and the languages of these, by their keys. `team_id` is the team that handles most of it."""

    topic: int
    items: frozenset[str]
    asked: Sequence[AskedAgain]
    created: Sequence[datetime] = ()
    languages: Mapping[str, str] = field(default_factory=dict)
    team_id: int | None = None


@dataclass(frozen=True)
class Figures:
    """The figures of a topic, as in `risk.TopicRisk`."""

    demand: float
    answerable: float
    bus_factor: int | None
    expected_loss: float
    knowers: tuple[Knower, ...]


@dataclass(frozen=True)
class Rules:
    """What the figures depend on beside the items: the present time, the settings `answer_from`, `half_life_days` and
    `yearly_leaving`, and who is known to leave or to be away."""

    now: datetime
    answer_from: float
    half_life_days: float
    yearly_leaving: float
    absences: Absences = field(default_factory=dict)

    def leaving(self, person: int) -> float:
        """The chance that this person leaves within a year."""
        if person not in self.absences:  # as nearly all of them
            return self.yearly_leaving
        return chance_of_leaving(*self.absences[person], day_of(self.now), self.yearly_leaving)


def judge(content: TopicContent, holders: Holders, rules: Rules) -> Figures:
    """The figures of one topic. `holders` must know its items and all that was found.

    What is known of it are its requests, and the documents that are found for its questions.
    """
    now, year_ago = rules.now, rules.now - YEAR
    demand = float(sum(year_ago < at <= now for at in content.created))
    found = frozenset[str]().union(*(question.answers(rules.answer_from) for question in content.asked))
    known = {item for item in content.items if item.startswith(Kind.REQUEST)}
    known |= {item for item in found if item.startswith(Kind.DOCUMENT)}
    of_items = Known.of(holders, known, rules.now, rules.half_life_days)
    parts = of_items.shares()
    share = answerable(content.asked, holders, rules.answer_from)
    alone = hanging(content.asked, holders, rules.answer_from)
    knowers = []
    for person in sorted(parts.keys() | alone.keys()):
        without = answerable_without(content.asked, holders, rules.answer_from, person) if person in alone else share
        knowers.append(
            Knower(person, parts.get(person, 0.0), without, rules.leaving(person), demand * (share - without))
        )
    loss = expected_loss(demand, share, knowers) if content.asked else 0.0
    ordered = tuple(sorted(knowers, key=lambda knower: (-knower.share, knower.person_id)))
    return Figures(demand, share, of_items.bus_factor(), loss, ordered)


def hanging(asked: Collection[AskedAgain], holders: Holders, answer_from: float) -> Counter[int]:
    """How many of the questions find an answer only as long as one person is here, by person; only people with some."""
    alone: Counter[int] = Counter()
    for question in asked:
        answers = [item for item in question.answers(answer_from) if holders.counts(item)]
        people = frozenset[int]().union(*(holders.people(item) for item in answers))
        if len(people) == 1 and holders.of_team.isdisjoint(answers):
            alone.update(people)
    return alone
