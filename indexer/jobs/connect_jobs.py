"""The jobs that write to sources.toml what an admin has chosen on a page, and try a new source out."""

from typing import Any

from indexer.jobs import source_jobs
from indexer.jobs.running import RunningJob
from recommender import audit
from recommender.database.job_tables import Job
from recommender.errors import KollegaError
from recommender.sentences.sentence import Sentence


def connect(job: RunningJob) -> dict[str, Any]:
    """Write a source to sources.toml, then read it without storing anything. It is only read by itself once somebody
    has said how often. When it cannot be read yet, it stays in the file, and the result says why."""
    from indexer.sources.configuration_writing import add_source

    name, table = job.payload["source"], dict(job.payload["table"])
    if add_source(job.settings.sources_file, name, table):
        place = {"kind": table.get("kind"), "place": table.get("place")}
        _record(job, "source.connected", place)
        job.note(Sentence("%(name)s is in %(file)s now.", name=name, file=job.settings.sources_file))
    try:
        return {**source_jobs.try_out(job, name), "connected": True}
    except KollegaError as error:
        job.note(str(error))
        return {"connected": True, "problem_count": 1, "problems": [str(error)]}


def schedule(job: RunningJob) -> dict[str, Any]:
    """Write to sources.toml how often a source is read by itself."""
    from indexer.sources.configuration_writing import set_schedule

    every, full_every = job.payload.get("every", ""), job.payload.get("full_every", "")
    set_schedule(job.settings.sources_file, job.payload["source"], every, full_every)
    _record(job, "source.scheduled", {"every": every, "full_every": full_every})
    return {"every": every, "full_every": full_every}


def _record(job: RunningJob, action: str, details: dict[str, Any]) -> None:
    with job.sessions.begin() as session:
        by = session.get_one(Job, job.number).made_by_id
        audit.record(session, audit.actor(session, by), action, f"source:{job.payload['source']}", details)
