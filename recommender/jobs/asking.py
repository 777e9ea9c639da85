"""What admins do with jobs, by a page or a command, each with its entry in the audit log. The caller commits."""

from typing import Any

from sqlalchemy.orm import Session

from recommender import audit
from recommender.database.job_tables import Job
from recommender.jobs import queue
from recommender.jobs.kinds import lane_of
from recommender.settings import Settings


def ask(session: Session, settings: Settings, kind: str, payload: dict[str, Any], person_id: int | None) -> Job:
    """Queue a job of a kind that takes long. The same one, when it waits already and was not begun."""
    lane = lane_of(kind, payload, settings)
    for job in queue.listed(session, kinds=(kind,), states=(queue.WAITING,), lane=lane):
        if job.payload == payload:
            return job
    job = queue.add(session, kind, lane, payload, person_id)
    _record(session, person_id, "job.added", job.id, {"kind": kind})
    return job


def cancel(session: Session, number: int, person_id: int | None) -> bool:
    """End a job, or have it end in a moment. False when it has ended already."""
    if not queue.cancel(session, number):
        return False
    _record(session, person_id, "job.cancelled", number, {})
    return True


def retry(session: Session, number: int, person_id: int | None) -> bool:
    """Do a job once more that has failed or was cancelled. False when it cannot be."""
    if not queue.retry(session, number):
        return False
    _record(session, person_id, "job.retried", number, {})
    return True


def _record(session: Session, person_id: int | None, action: str, number: int, details: dict[str, Any]) -> None:
    audit.record(session, audit.actor(session, person_id), action, f"job:{number}", details)
