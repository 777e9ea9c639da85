"""The queue of jobs: added by the web, taken and finished by `kollega watch`."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from recommender.database.job_tables import Job
from recommender.database.storing import take
from recommender.database.tables import utc_now

LOAD, DELETE = "load", "delete"
"""Kinds of jobs: records to add or update, and records to delete."""
WAITING, DONE, FAILED = "waiting", "done", "failed"
MOST_ATTEMPTS = 6
_AT_WORK = timedelta(minutes=10)  # after which a job is taken again, because who took it was killed: a judgement
_FIRST_PAUSE = timedelta(seconds=10)  # doubled after each failure: a judgement
_KEPT = timedelta(days=30)  # how long one can see what became of a job: a judgement


def add(session: Session, kind: str, source: str, payload: Sequence[Any], made_by_id: int | None) -> Job:
    """Queue a job. It is done once this is committed."""
    job = Job(kind=kind, source=source, payload=list(payload), state=WAITING, made_by_id=made_by_id)
    session.add(job)
    session.flush()
    return job


def waiting_count(session: Session) -> int:
    """How many jobs wait."""
    return session.scalar(select(func.count()).select_from(Job).where(Job.state == WAITING)) or 0


def next_due(session: Session) -> int | None:
    """The number of the job to do now: the oldest one of a source that is due. None when there is none; reads only."""
    oldest = select(func.min(Job.id)).where(Job.state == WAITING).group_by(Job.source)
    due = select(Job.id).where(Job.id.in_(oldest), Job.next_attempt_at <= utc_now())
    return session.scalar(due.order_by(Job.id).limit(1))


def claim(session: Session, number: int) -> Job | None:
    """Take a job for a few minutes in which nobody else does; None when somebody was faster, or when every attempt was
    cut off: then it is given up, so that it does not stop the jobs behind it. Commit before doing it."""
    now = utc_now()
    free = Job.id == number, Job.state == WAITING, Job.next_attempt_at <= now
    if not take(session, Job, *free, next_attempt_at=now + _AT_WORK, attempts=Job.attempts + 1):
        return None
    job = session.get_one(Job, number, populate_existing=True)
    if job.attempts > MOST_ATTEMPTS:
        problem = "Kollega was stopped each time while it was at this. Send the items in smaller calls."
        _end(session, number, FAILED, {"problems": [problem]})
        return None
    return job


def finish(session: Session, number: int, result: dict[str, Any]) -> None:
    """Store what came of a job, and delete what it worked on."""
    _end(session, number, DONE, result)
    session.execute(delete(Job).where(Job.state != WAITING, Job.finished_at < utc_now() - _KEPT))


def fail(session: Session, number: int, problem: str) -> None:
    """Try a job again later; after several attempts give it up."""
    job = session.get(Job, number)
    if job is None:
        return
    if job.attempts >= MOST_ATTEMPTS:
        _end(session, number, FAILED, {"problems": [problem]})
        return
    job.next_attempt_at = utc_now() + _FIRST_PAUSE * 2 ** (job.attempts - 1)
    job.result = {"problems": [problem]}


def _end(session: Session, number: int, state: str, result: dict[str, Any]) -> None:
    ended = {"state": state, "result": result, "finished_at": utc_now(), "payload": []}
    session.execute(update(Job).where(Job.id == number).values(**ended))
