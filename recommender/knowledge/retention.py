"""Erases what has been kept long enough: resolved and withdrawn requests by the days that their team keeps them, old
entries of the audit log, and the keys that tell who has caused an outcome or searched for a topic."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from recommender import audit
from recommender.database.days import day_of
from recommender.database.request_tables import WithdrawnRequest
from recommender.database.storing import in_chunks
from recommender.database.tables import RESOLVED, HelpRequest, Reply, Team
from recommender.knowledge import outcomes, searched_topics, sent_afterwards
from recommender.knowledge.erasure import erase_request

_AT_ONCE = 200  # requests erased in one transaction, so that others can write in between; a judgement


def due(session: Session, now: datetime) -> Iterator[int]:
    """Ids of the requests that their team has kept long enough: for `keep_days` since they were resolved and since the
    last reply, or since their asker withdrew them."""
    for team in session.scalars(select(Team).where(Team.keep_days.is_not(None))).all():
        kept = _kept_long_enough(team, now - timedelta(days=team.keep_days or 0))
        yield from session.scalars(kept.order_by(HelpRequest.id))


def count_due(session: Session, team: Team, days: int, at: datetime) -> int:
    """How many of the requests that a team has now would be due at a time, if it kept them for so many days."""
    session.flush()
    due = _kept_long_enough(team, at - timedelta(days=days)).subquery()
    return session.scalar(select(func.count()).select_from(due)) or 0


def _kept_long_enough(team: Team, before: datetime) -> Select[int]:
    """The requests of a team that were solved and had their last reply before a time, or were withdrawn before it."""
    last_reply = select(func.max(Reply.created_at)).where(Reply.request_id == HelpRequest.id).scalar_subquery()
    old = select(HelpRequest.id).where(
        HelpRequest.status == RESOLVED,
        func.coalesce(HelpRequest.resolved_at, HelpRequest.created_at) < before,
        func.coalesce(last_reply, HelpRequest.created_at) < before,
    )
    withdrawn = select(WithdrawnRequest.request_id).where(WithdrawnRequest.withdrawn_at < before)
    either = or_(HelpRequest.id.in_(old), HelpRequest.id.in_(withdrawn))
    return select(HelpRequest.id).where(HelpRequest.team_id == team.id, either)


def erase_due(session: Session, now: datetime, audit_days: int) -> int:
    """Erase the requests that are `due`, keys of outcomes that are 30 days old, keys of readings that are seven days
    old, who has searched in weeks that have ended, and entries of the audit log that are older than `audit_days` (0
    means never), and commit. Returns the number of requests."""
    numbers = list(due(session, now))
    for some in in_chunks(numbers, _AT_ONCE):
        for number in some:
            request = session.get(HelpRequest, number)
            if request is not None:
                erase_request(session, request, audit.SYSTEM)
        session.commit()
    outcomes.forget_who(session, day_of(now))
    sent_afterwards.forget_who(session, day_of(now))
    session.commit()
    searched_topics.publish_ended(session, day_of(now))
    session.commit()
    if audit_days:
        audit.prune(session, now - timedelta(days=audit_days))
        session.commit()
    return len(numbers)
