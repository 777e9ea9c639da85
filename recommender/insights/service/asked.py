"""What a team was asked in a time: its requests, who sent them as far as every member of the team may know it, and when
they were answered and solved. Every member of a team may read all of its requests, so all see the same."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from recommender.database.days import beginning
from recommender.database.person_kind import SERVICE
from recommender.database.tables import RESOLVED, SENT_HERE, HelpRequest, Person, Reply, Team, team_members
from recommender.datatypes import Kind, item_key
from recommender.insights.service.waits import Wait
from recommender.knowledge.sent_afterwards import four_weeks

WINDOWS = (24, 48, 96, 192)  # weeks
PERIODS = (1, 2, 4, 8, 24, 48)  # weeks
ENOUGH = 25
"""Requests that are enough to look at no longer a time; a judgement."""
A_PERIOD = 6
"""Requests in a period of a picture, on average, so that most periods have five or more; a judgement."""


@dataclass(frozen=True)
class Window:
    """The days that figures are about: from the Monday `since` to `until`, which is included; and how many weeks each
    point of a picture is about."""

    since: date
    until: date
    weeks_of_period: int

    def periods(self) -> list[tuple[date, date]]:
        """(first day, day after the last) of each period that is over, oldest first."""
        step = timedelta(weeks=self.weeks_of_period)
        starts, first = [], self.since
        while first + step <= self.until + timedelta(days=1):
            starts.append((first, first + step))
            first += step
        return starts


@dataclass(frozen=True, slots=True)
class Asked:
    """A request to a team. `asker` is the id of who sent it and `group` the handle of their team; both are None when
    the request was sent without a name. A request is not `timed` when its source did not say when it was answered."""

    key: str
    at: datetime
    asker: int | None
    group: str | None
    timed: bool
    answer: Wait
    solution: Wait


def window_of(session: Session, team: Team, today: date) -> Window:
    """The shortest of WINDOWS in which the team was asked ENOUGH, else the longest one that has more than the one
    before it."""
    counts = [_count(session, team, _since(today, weeks)) for weeks in WINDOWS]
    enough = [number for number, count in enumerate(counts) if count >= ENOUGH]
    chosen = enough[0] if enough else counts.index(max(counts))
    weeks = WINDOWS[chosen]
    periods = [length for length in PERIODS if weeks % length == 0 and length < weeks]
    fitting = [length for length in periods if counts[chosen] * length >= A_PERIOD * weeks]
    return Window(_since(today, weeks), today, fitting[0] if fitting else periods[-1])


def asked_in(session: Session, team: Team, window: Window, now: datetime) -> list[Asked]:
    """The requests that were sent to the team in this time, oldest first."""
    answers = _answers(session, team, window)
    groups = _groups(session, team)
    columns = (
        HelpRequest.id, HelpRequest.created_at, HelpRequest.status, HelpRequest.resolved_at, HelpRequest.asked_by_id,
        HelpRequest.anonymous, HelpRequest.source,
    )  # fmt: skip
    rows = session.execute(select(*columns).where(*_sent(team, window.since)).order_by(HelpRequest.created_at))
    loaded = []
    for number, at, status, resolved_at, asker, anonymous, source in rows:
        first, solver = answers.get(number, (None, None))
        solved_at = (resolved_at or at) if status == RESOLVED else None
        answered_at, answered_by = first or (solved_at, None)
        known = None if anonymous else asker
        loaded.append(
            Asked(
                key=item_key(Kind.REQUEST, number),
                at=at,
                asker=known,
                group=groups.get(known) if known else None,
                timed=source == SENT_HERE or not any(end and end <= at for end in (answered_at, solved_at)),
                answer=_wait(at, answered_at, answered_by, now),
                solution=_wait(at, solved_at, solver, now),
            )
        )
    return loaded


def _wait(begun: datetime, ended: datetime | None, by: int | None, now: datetime) -> Wait:
    return Wait(max((ended or now) - begun, timedelta(0)), ended is not None, by)


def _since(today: date, weeks: int) -> date:
    return four_weeks(today) - timedelta(weeks=weeks - 4)


def _sent(team: Team, since: date) -> tuple[ColumnElement[bool], ...]:
    begin = beginning(since)
    return HelpRequest.team_id == team.id, HelpRequest.hidden.is_(False), HelpRequest.created_at >= begin


def _count(session: Session, team: Team, since: date) -> int:
    return session.scalar(select(func.count()).select_from(HelpRequest).where(*_sent(team, since))) or 0


_First = tuple[datetime, int | None]


def _answers(session: Session, team: Team, window: Window) -> Mapping[int, tuple[_First | None, int | None]]:
    """(time and author of the first reply, author of the solution) by the id of a request. Replies of the asker and of
    services are no answers."""
    query = (
        select(Reply.request_id, Reply.created_at, Reply.author_id, Reply.accepted)
        .join(HelpRequest, HelpRequest.id == Reply.request_id)
        .outerjoin(Person, Person.id == Reply.author_id)
        .where(*_sent(team, window.since))
        .where(Person.kind.is_distinct_from(SERVICE))
        .where(Reply.author_id.is_(None) | Reply.author_id.is_distinct_from(HelpRequest.asked_by_id))
        .order_by(Reply.created_at, Reply.id)
    )
    found: dict[int, tuple[_First | None, int | None]] = {}
    for number, at, author, accepted in session.execute(query):
        first, solver = found.get(number, (None, None))
        found[number] = first or (at, author), author if accepted else solver
    return found


def _groups(session: Session, team: Team) -> dict[int, str]:
    """The team of each person, by their id. Somebody in several teams counts for the first of them by its handle, and
    for this team only when they are in no other."""
    query = (
        select(team_members.c.person_id, Team.handle)
        .join(Team, Team.id == team_members.c.team_id)
        .order_by(Team.id == team.id, Team.handle)
    )
    groups: dict[int, str] = {}
    for person, handle in session.execute(query):
        groups.setdefault(person, handle)
    return groups
