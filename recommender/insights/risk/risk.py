"""How much is lost when somebody leaves, per topic, and who may see it.

The figures are those that `figures.py` has stored. Expected loss is in questions a year: how many of a topic's
questions would find no answer. It is computed as demand times the share that is lost times the chance of leaving, added
up over the people who know the topic; what only people who have already left knew is lost with certainty. That two
people leave in the same year is left out of the sum.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from recommender.access import LEADS, Reader, leads
from recommender.corpus import headings
from recommender.database.insight_tables import TopicRow
from recommender.database.risk_tables import TopicAnswer, TopicFigure, TopicKnower, TopicWeek
from recommender.database.tables import Person, Team
from recommender.insights.topics.handling import handling_team
from recommender.insights.topics.left_out import left_out
from recommender.insights.topics.stored import stored_tokens
from recommender.insights.topics.topic import Topic, reader_of, visible_topics

YEAR = timedelta(days=365)
"""The time ahead for which a loss is expected, and the time back in which a topic's questions are counted."""


@dataclass(frozen=True, slots=True)
class Knower:
    """A person who knows a topic. `share` is their part of what is known (0 to 1), `answerable_without` the share of
    the topic's questions that would find an answer if they left, and `leaving` the chance that they do within a year.
    `lost` is how many questions a year would find no answer without them."""

    person_id: int
    share: float
    answerable_without: float
    leaving: float
    lost: float


@dataclass(frozen=True)
class TopicRisk:
    """What hangs on single people in a topic, people by their share, largest first.

    `demand` is how many questions a year are asked about it, `asked` how many past ones were asked again, `answerable`
    the share of these that find an answer which somebody who is here stands for. `bus_factor` is the fewest people
    whose leaving loses more than half of what is known; 0 when nobody here knows anything of it, None when it would not
    be lost even if all left. `expected_loss` is how many questions of the coming year are expected to find no answer.
    `team_id` is the team that handles most of it.
    """

    topic: Topic
    team_id: int | None
    demand: float
    asked: int
    answerable: float
    bus_factor: int | None
    expected_loss: float
    knowers: tuple[Knower, ...]
    computed_at: datetime

    @property
    def lost_now(self) -> float:
        """How many of the expected loss are lost already, since nobody who is here stands for an answer."""
        return self.demand * (1.0 - self.answerable) if self.asked else 0.0


@dataclass(frozen=True)
class Week:
    """The figures of a topic in the week that starts on `monday`, as in TopicRisk."""

    monday: date
    demand: float
    answerable: float
    bus_factor: int | None
    expected_loss: float


def chance_of_leaving(left_on: date | None, away_until: date | None, today: date, prior: float) -> float:
    """The chance, 0 to 1, that a person does not answer any more within a year: 1 when their last day is known and
    within it, else the share of the year for which they are away or `prior` (the usual turnover), whichever is more.
    For people who are still here."""
    if left_on is not None and left_on <= today + YEAR:
        return 1.0
    away = min(1.0, max(0.0, ((away_until - today) / YEAR) if away_until else 0.0))
    return max(away, prior)


def expected_loss(demand: float, answerable: float, people: Collection[Knower]) -> float:
    """Questions a year that are expected to find no answer: `demand` times the share that finds none already, and what
    would be lost without each of the people times the chance that they leave."""
    return demand * (1.0 - answerable) + sum(person.lost * person.leaving for person in people)


def topic_risks(session: Session, reader: Reader, team: Team | None = None) -> list[TopicRisk]:
    """The risks of the topics that this reader may see as a lead, highest expected loss first; those that `team`
    handles, or all of them. Empty for everybody else.

    A lead sees the topics of their own teams, an admin those that they may read. A topic is left out when something
    that its figures were computed from is gone or may not be read any more, until they are computed anew.
    """
    person = session.get(Person, reader.person_id) if reader.person_id is not None else None
    if person is None or person.role not in LEADS:
        return []
    risks = [
        risk
        for risk in _stored(session, visible_topics(session, reader))
        if (team is None or risk.team_id == team.id) and leads(person, risk.team_id)
    ]
    return _in_order(session, risks)


def topics_without_figures(session: Session, reader: Reader, team: Team | None = None) -> list[Topic]:
    """The topics that this reader may see as a lead, of `team` or of all, and of which nothing was computed yet, such
    as one that was divided from another since the last update. Empty for everybody else."""
    person = session.get(Person, reader.person_id) if reader.person_id is not None else None
    if person is None or person.role not in LEADS:
        return []
    computed = select(TopicFigure.topic_id)
    new = set(session.scalars(select(TopicRow.id).where(TopicRow.ended_on.is_(None), TopicRow.id.not_in(computed))))
    topics = [topic for topic in visible_topics(session, reader) if topic.id in new] if new else []
    teams = {topic.id: handling_team(session, topic) for topic in topics}
    return [
        topic for topic in topics if leads(person, teams[topic.id]) and (team is None or teams[topic.id] == team.id)
    ]


def _in_order(session: Session, risks: Collection[TopicRisk]) -> list[TopicRisk]:
    """The risks as others may see them (`left_out.py`), highest expected loss first."""
    hidden = left_out(session, {risk.topic.id for risk in risks})
    shown = [_without(risk, hidden[risk.topic.id]) if risk.topic.id in hidden else risk for risk in risks]
    return sorted((risk for risk in shown if risk), key=lambda risk: (-risk.expected_loss, risk.topic.id))


def _without(risk: TopicRisk, people: Collection[int]) -> TopicRisk | None:
    """The risk of a topic as if these people had no part in it; None when nobody else has one."""
    others = [knower for knower in risk.knowers if knower.person_id not in people]
    if len(others) == len(risk.knowers):
        return risk
    whole = sum(knower.share for knower in others)
    if whole <= 0:
        return None
    knowers = tuple(replace(knower, share=knower.share / whole) for knower in others)
    known = [sum(knower.share for knower in knowers[:number]) for number in range(1, len(knowers) + 1)]
    return replace(
        risk,
        knowers=knowers,
        bus_factor=next(number for number, share in enumerate(known, 1) if share > 0.5),
        expected_loss=expected_loss(risk.demand, risk.answerable, knowers),
    )


def all_risks(session: Session) -> list[TopicRisk]:
    """The risks of all topics, highest expected loss first: for commands, which are run by who may read everything.
    Who is left out of a topic is left out here too."""
    return _in_order(session, _stored(session, visible_topics(session, reader_of_all(session))))


def reader_of_all(session: Session) -> Reader:
    """A reader who may see the topics of all tokens, as a member of all teams, for commands."""
    return Reader(None, frozenset(session.scalars(select(Team.id))), frozenset(stored_tokens(session)))


def hangs_on(session: Session, reader: Reader, topics: Sequence[Topic]) -> list[TopicRisk]:
    """Those of the topics, all of which this reader may see, that they know, for themself: nobody else is among the
    people of a topic. What would be lost without them comes first."""
    own = [
        replace(risk, knowers=tuple(knower for knower in risk.knowers if knower.person_id == reader.person_id))
        for risk in _stored(session, topics)
    ]
    return sorted((risk for risk in own if risk.knowers), key=lambda risk: (-risk.knowers[0].lost, risk.topic.id))


def weeks(session: Session, topics: Collection[int]) -> dict[int, list[Week]]:
    """The history of topics, which the reader must be allowed to see, oldest week first, by topic. Where somebody is
    left out of a topic, it has only what was lost already in each week, and no bus factor."""
    hidden = left_out(session, topics)
    history: dict[int, list[Week]] = {topic: [] for topic in topics}
    rows = select(TopicWeek).where(TopicWeek.topic_id.in_(sorted(history))).order_by(TopicWeek.week)
    for row in session.scalars(rows):
        factor, loss = row.bus_factor, row.expected_loss
        if row.topic_id in hidden:
            factor, loss = None, expected_loss(row.demand, row.answerable, ())
        history[row.topic_id].append(Week(row.week, row.demand, row.answerable, factor, loss))
    return history


def _stored(session: Session, seen: Sequence[Topic]) -> list[TopicRisk]:
    """The stored figures of the topics that a reader may see, with all people."""
    outdated = _outdated(session, seen)
    topics = {topic.id: topic for topic in seen if topic.id not in outdated}
    knowers = defaultdict[int, list[TopicKnower]](list)
    for row in session.scalars(select(TopicKnower).where(TopicKnower.topic_id.in_(topics))):
        knowers[row.topic_id].append(row)
    figures = session.scalars(select(TopicFigure).where(TopicFigure.topic_id.in_(topics)))
    return [_risk(topics[figure.topic_id], figure, knowers[figure.topic_id]) for figure in figures]


def _risk(topic: Topic, figure: TopicFigure, rows: Sequence[TopicKnower]) -> TopicRisk:
    knowers = [
        Knower(
            row.person_id, row.share, row.answerable_without, row.leaving,
            figure.demand * (figure.answerable - row.answerable_without),
        )
        for row in rows
    ]  # fmt: skip
    return TopicRisk(
        topic=topic,
        team_id=figure.team_id,
        demand=figure.demand,
        asked=figure.asked,
        answerable=figure.answerable,
        bus_factor=figure.bus_factor,
        expected_loss=figure.expected_loss,
        knowers=tuple(sorted(knowers, key=lambda knower: (-knower.share, knower.person_id))),
        computed_at=figure.computed_at,
    )


def _outdated(session: Session, topics: Sequence[Topic]) -> set[int]:
    """Ids of the topics for whose questions something was found that is gone, or that not all who would see the topic
    may read."""
    found = defaultdict[str, set[str]](set)
    by_topic = defaultdict[int, set[str]](set)
    audiences = {topic.id: topic.audience for topic in topics}
    rows = select(TopicAnswer.topic_id, TopicAnswer.item).where(TopicAnswer.topic_id.in_(audiences)).distinct()
    for topic, item in session.execute(rows):
        found[audiences[topic]].add(item)
        by_topic[topic].add(item)
    there = {token: headings(session, items, reader_of(session, token)).keys() for token, items in found.items()}
    return {topic for topic, items in by_topic.items() if not items <= there[audiences[topic]]}
