"""What hangs on a person, for themself, and what they say about it: that they are teaching a topic to a colleague, or
that they are to be left out of it. The functions leave the commit to the caller."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, exists, or_, select
from sqlalchemy.orm import Session

from recommender.access import Reader, reader_of
from recommender.database.days import current_day
from recommender.database.person_kind import PERSON
from recommender.database.risk_tables import TopicFigure, TopicKnower
from recommender.database.service_tables import LeftOut, Teaching
from recommender.database.storing import insert_or_keep
from recommender.database.tables import Person, Team
from recommender.errors import NotAllowed
from recommender.insights.risk.risk import hangs_on
from recommender.insights.topics.left_out import left_out
from recommender.insights.topics.topic import Topic, visible_topics

LEAST_LOST = 0.2
"""A topic hangs on a person when at least this share of its questions would find no answer without them; a
judgement."""
MOST_COLLEAGUES = 5
"""Colleagues to whom a person teaches one topic; a judgement."""


@dataclass(frozen=True)
class Hanging:
    """A topic that hangs on a person: the share of its questions (0 to 1) that would find no answer without them, the
    colleagues to whom they are teaching it, and whether they are left out of what leads see."""

    topic: Topic
    lost: float
    taught_to: tuple[Teaching, ...]
    left_out: bool

    @property
    def much(self) -> bool:
        """True when enough of the questions need this person; else it is here only because of what they said."""
        return self.lost >= LEAST_LOST


@dataclass(frozen=True)
class Taught:
    """Somebody teaches a topic to a colleague."""

    topic: Topic
    teaching: Teaching


def own_topics(session: Session, reader: Reader) -> list[Topic]:
    """The topics that this reader may see, for the other functions; none at all when none concerns them: they know
    none, have said nothing about one, and are taught none."""
    person = reader.person_id
    concerning = (
        TopicKnower.person_id == person, LeftOut.person_id == person,
        or_(Teaching.person_id == person, Teaching.colleague_id == person),
    )  # fmt: skip
    concerned = person is not None and any(session.scalar(select(exists().where(each))) for each in concerning)
    return visible_topics(session, reader) if concerned else []


def hanging_on(session: Session, reader: Reader, own: Sequence[Topic]) -> list[Hanging]:
    """The topics of `own_topics` that hang on this person, most first, and those about which they have said
    something."""
    lost = {
        risk.topic.id: (risk.topic, max(0.0, risk.answerable - risk.knowers[0].answerable_without))
        for risk in hangs_on(session, reader, own)
    }
    said = session.scalars(select(Teaching).where(Teaching.person_id == reader.person_id).order_by(Teaching.id)).all()
    topics = {topic.id: topic for topic in own}
    out = {topic for topic, people in left_out(session, topics).items() if reader.person_id in people}
    for number in out | {teaching.topic_id for teaching in said}:
        if number in topics:
            lost.setdefault(number, (topics[number], 0.0))
    hanging = [
        Hanging(topic, share, tuple(each for each in said if each.topic_id == topic.id), topic.id in out)
        for topic, share in lost.values()
    ]
    shown = [each for each in hanging if each.much or each.taught_to or each.left_out]
    return sorted(shown, key=lambda each: (-each.lost, each.topic.id))


def taught(session: Session, reader: Reader, own: Sequence[Topic]) -> list[Taught]:
    """What colleagues say that they are teaching to this person, of the topics of `own_topics`."""
    rows = session.scalars(select(Teaching).where(Teaching.colleague_id == reader.person_id).order_by(Teaching.id))
    return _of_topics(rows.all(), own)


def teachings_for(session: Session, team: Team, reader: Reader) -> list[Taught]:
    """Who teaches which of the team's topics to whom, for its lead; without those who are left out of a topic. The
    caller checks that the reader leads the team."""
    of_team = select(TopicFigure.topic_id).where(TopicFigure.team_id == team.id)
    rows = session.scalars(select(Teaching).where(Teaching.topic_id.in_(of_team)).order_by(Teaching.id)).all()
    out = left_out(session, {row.topic_id for row in rows})
    rows = [row for row in rows if row.person_id not in out.get(row.topic_id, ())]
    return _of_topics(rows, visible_topics(session, reader) if rows else [])


def colleagues_for(session: Session, reader: Reader, topic: Topic) -> list[Person]:
    """The people to whom this person may teach a topic: members of their teams who may see the topic, by name."""
    query = select(Person).where(
        Person.id != reader.person_id,
        Person.kind == PERSON,
        Person.here_on(current_day()),
        Person.teams.any(Team.id.in_(sorted(reader.team_ids))),
    )
    people = session.scalars(query.order_by(Person.name, Person.id))
    return [person for person in people if topic.audience in reader_of(person).tokens]


def teach(session: Session, reader: Reader, topic: Topic, colleague: Person) -> None:
    """Say that this person is teaching a topic to a colleague. Raises NotAllowed for a colleague who is not among
    `colleagues_for`, and when there are too many."""
    if reader.person_id is None or colleague.id not in {each.id for each in colleagues_for(session, reader, topic)}:
        raise NotAllowed("Choose a colleague of your team who may see the topic.")
    mine = Teaching.topic_id == topic.id, Teaching.person_id == reader.person_id
    now = session.scalars(select(Teaching.colleague_id).where(*mine)).all()
    if len(now) >= MOST_COLLEAGUES and colleague.id not in now:
        raise NotAllowed("These are many colleagues already. Take one back first.")
    key = {"topic_id": topic.id, "person_id": reader.person_id, "colleague_id": colleague.id}
    insert_or_keep(session, Teaching, key, {"since": current_day()})


def take_back(session: Session, reader: Reader, teaching_id: int) -> None:
    """Take back what this person has said; nothing happens to what others have said."""
    session.execute(delete(Teaching).where(Teaching.id == teaching_id, Teaching.person_id == reader.person_id))


def _of_topics(rows: Sequence[Teaching], seen: Sequence[Topic]) -> list[Taught]:
    topics = {topic.id: topic for topic in seen}
    return [Taught(topics[row.topic_id], row) for row in rows if row.topic_id in topics]
