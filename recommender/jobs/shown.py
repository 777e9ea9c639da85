"""A job as JSON, for commands."""

from datetime import datetime
from typing import Any

from recommender.database.job_tables import Job, JobLine
from recommender.jobs.kinds import ITEMS
from recommender.render import in_utc


def as_dict(job: Job) -> dict[str, Any]:
    """A job without its log. What was chosen is told, items that a program has sent are not."""
    return {
        "job": job.id,
        "kind": job.kind,
        "title": job.title,
        "state": job.state,
        "lane": job.source,
        "cancel_asked": job.cancel_asked,
        "created_at": _time(job.created_at),
        "started_at": _time(job.started_at),
        "updated_at": _time(job.updated_at),
        "finished_at": _time(job.finished_at),
        "attempts": job.attempts,
        "done": job.done,
        "total": job.total,
        "unit": job.unit,
        "stage": job.stage,
        "chosen": {} if job.kind in ITEMS else dict(job.payload),
        "result": job.result,
    }


def line_of(line: JobLine) -> str:
    """A line of the log, with its time (UTC)."""
    return f"{line.at:%Y-%m-%d %H:%M:%S} {line.text}"


def progress_of(job: Job) -> str:
    """How far a job is, in a few words; empty when it has not said so."""
    if job.done is None:
        return job.stage
    of_total = "" if job.total is None else f" of {job.total}"
    return f"{job.stage}: {job.done}{of_total} {job.unit}".removeprefix(": ")


def _time(at: datetime | None) -> str | None:
    return None if at is None else in_utc(at)
