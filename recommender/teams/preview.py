"""What would change if a setting of a team were changed, in numbers."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from recommender.access import EVERYONE
from recommender.database.days import current_day
from recommender.database.tables import HelpRequest, Person, RequestAudience, Team, team_members, utc_now
from recommender.knowledge.retention import count_due

_MONTH, _YEAR = timedelta(days=30), timedelta(days=365)


@dataclass(frozen=True)
class Restricting:
    """Of a team: its members, the people who work here, and how many of its requests everybody may read and how many
    not. What is there already stays as it is."""

    members: int
    people: int
    shared: int
    restricted: int


@dataclass(frozen=True)
class Deletions:
    """How many of the requests that a team has now would be deleted: at once, within 30 days, within a year, unless
    somebody replies to them."""

    now: int
    in_a_month: int
    in_a_year: int


def effect_of_restricting(session: Session, team: Team) -> Restricting:
    """Whom a change of the default concerns, and what it leaves as it is."""
    session.flush()
    own = select(func.count()).select_from(HelpRequest).where(HelpRequest.team_id == team.id)
    for_all = exists().where(RequestAudience.request_id == HelpRequest.id, RequestAudience.token == EVERYONE)
    members = select(func.count()).select_from(team_members).where(team_members.c.team_id == team.id)
    people = select(func.count()).select_from(Person).where(Person.here_on(current_day()))
    counts = [session.scalar(query) or 0 for query in (members, people, own.where(for_all), own.where(~for_all))]
    return Restricting(*counts)


def deletions(session: Session, team: Team, days: int, now: datetime | None = None) -> Deletions:
    """What keeping solved requests for so many days would delete, and when."""
    now = now or utc_now()
    return Deletions(*(count_due(session, team, days, at) for at in (now, now + _MONTH, now + _YEAR)))
