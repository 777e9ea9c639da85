"""How far a job is, and its log. Nothing here commits.

What is said here is read by every admin: counts, numbers of items and sentences of Kollega, never a title or a text of
somebody."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from recommender.database.job_tables import Job, JobLine
from recommender.database.storing import changes_a_row
from recommender.database.tables import utc_now
from recommender.sentences.sentence import Sentence

MOST_LINES = 300
"""Lines of the log of one job, the newest: a judgement."""
_LONGEST_LINE = 500


def report(
    session: Session,
    number: int,
    attempt: int,
    lease: timedelta,
    *,
    done: int | None = None,
    total: int | None = None,
    unit: str = "",
    stage: str = "",
) -> bool | None:
    """Say that a job is still being done, and how far it is: `done` of `total`, counted in `unit` (like "items"), and
    in a few words what is being done now (`stage`). Returns whether somebody wants it to end; None when this attempt
    is no longer the last one, so that whoever does it has to end."""
    now = utc_now()
    values = {"updated_at": now, "next_attempt_at": now + lease, "done": done, "total": total}
    where = (Job.id == number, Job.state == "running", Job.attempts == attempt)
    kept = update(Job).where(*where).values(**values, unit=unit[:16], stage=stage[:200])
    if not changes_a_row(session, kept):
        return None
    return session.scalar(select(Job.cancel_asked).where(Job.id == number))


def note(session: Session, number: int, text: str) -> None:
    """Add a line to the log of a job. Of many lines the newest are kept."""
    said = text if isinstance(text, Sentence) else None
    session.add(JobLine(job_id=number, text=text[:_LONGEST_LINE], said=said))
    session.flush()
    of_job = select(JobLine.id).where(JobLine.job_id == number).order_by(JobLine.id.desc())
    oldest = session.scalar(of_job.offset(MOST_LINES).limit(1))
    if oldest is not None:
        session.execute(delete(JobLine).where(JobLine.job_id == number, JobLine.id <= oldest))


def lines(session: Session, number: int) -> Sequence[JobLine]:
    """The log of a job, oldest line first."""
    return session.scalars(select(JobLine).where(JobLine.job_id == number).order_by(JobLine.id)).all()
