"""The weekly mail to those who lead a team: the three things that are most worth doing there. One mail a week, from
Monday on, at the hour of their daily mail.

It passes through other hands, so it names only topics and guides that everyone may read.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time

from sqlalchemy import Select, exists, select
from sqlalchemy.orm import Session

from recommender.access import ANYONE, EVERYONE, led_teams, reader_of
from recommender.corpus import headings
from recommender.database.account_tables import Account, OutgoingMail
from recommender.database.insight_tables import TopicRow
from recommender.database.risk_tables import PROPOSED, TopicFigure, TransferAct
from recommender.database.tables import Person
from recommender.insights.risk.acts import Act, plan
from recommender.insights.risk.wording import act_sentence
from recommender.knowledge.searched_topics import monday
from recommender.notifications.kinds import NEVER, PLAN
from recommender.notifications.mail_settings import MailPreferences, load_mail_preferences, mail_language
from recommender.outbox import mail
from recommender.settings import Settings

MOST = 3
"""Things worth doing in one mail; a judgement."""
_LEAD = "lead"


@dataclass(frozen=True)
class WorthDoing:
    """One thing worth doing: a sentence, how many minutes it takes, and the id of its topic."""

    sentence: str
    minutes: int
    topic_id: int


def queue_weekly(session: Session, settings: Settings, now: datetime) -> int:
    """Queue this week's mail to the leads who have not got it yet and for whom there is something, and return how many.
    The caller commits."""
    due = list(_due(session, settings, now))
    for person, wishes in due:
        mail.queue(session, person.id, mail.PLAN, mail_language(person, wishes, settings.language))
    return len(due)


def is_anything_due(session: Session, settings: Settings, now: datetime) -> bool:
    """True when there is a mail to queue; reads only."""
    return next(_due(session, settings, now), None) is not None


def worth_doing(session: Session, person: Person, language: str) -> list[WorthDoing]:
    """What is most worth doing in the teams that a person leads, in sentences of a language; empty when nothing is."""
    proposed = [
        act
        for act in plan(session, reader_of(person))
        if act.state == PROPOSED and act.topic.audience == EVERYONE
    ][:MOST]  # fmt: skip
    people, titles = _people(session, proposed), _titles(session, proposed)
    return [
        WorthDoing(act_sentence(act, language, people, titles), act.minutes, act.topic.id)
        for act in proposed
        if act.document is None or act.document in titles
    ]


def _due(session: Session, settings: Settings, now: datetime) -> Iterator[tuple[Person, MailPreferences]]:
    """The leads who are to get this week's mail now, with what they have set about mail."""
    hour = now.replace(tzinfo=UTC).astimezone(settings.zone).hour
    for person in session.scalars(_without_mail(_monday(settings, now))).all():
        wishes = load_mail_preferences(session, person.id)
        if wishes.when(PLAN) == NEVER or wishes.is_quiet(hour) or now < _monday(settings, now, wishes.daily_at):
            continue
        if _has_something(session, person):
            yield person, wishes


def _monday(settings: Settings, now: datetime, hour: int = 0) -> datetime:
    """The Monday of this week at an hour of the organisation's time zone, in UTC without a time zone."""
    local = now.replace(tzinfo=UTC).astimezone(settings.zone)
    there = datetime.combine(monday(local.date()), time(hour), settings.zone)
    return there.astimezone(UTC).replace(tzinfo=None)


def _without_mail(since: datetime) -> Select[Person]:
    """Leads with an address who have got none of these mails since a time."""
    got_one = exists().where(
        OutgoingMail.person_id == Person.id, OutgoingMail.kind == mail.PLAN, OutgoingMail.created_at >= since
    )
    address = exists().where(Account.person_id == Person.id, Account.email.is_not(None))
    return select(Person).where(Person.role == _LEAD, address, ~got_one).order_by(Person.id)


def _has_something(session: Session, person: Person) -> bool:
    """True when something is proposed in a topic for everyone that a team of this lead handles."""
    of_their_teams = (
        select(TransferAct.id)
        .join(TopicFigure, TopicFigure.topic_id == TransferAct.topic_id)
        .join(TopicRow, TopicRow.id == TransferAct.topic_id)
        .where(TransferAct.state == PROPOSED, TopicRow.audience == EVERYONE, TopicRow.ended_on.is_(None))
        .where(TopicFigure.team_id.in_(sorted(led_teams(person))))
    )
    return session.scalar(of_their_teams.limit(1)) is not None


def _people(session: Session, acts: list[Act]) -> dict[int, str]:
    named = {number for act in acts for number in act.people}
    return {person.id: person.name for person in session.scalars(select(Person).where(Person.id.in_(named)))}


def _titles(session: Session, acts: list[Act]) -> Mapping[str, str]:
    """The titles of the documents that everyone may read."""
    keys = {act.document for act in acts if act.document is not None}
    return {key: heading.title for key, heading in headings(session, keys, ANYONE).items()}
