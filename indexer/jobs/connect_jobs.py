"""The jobs that write to sources.toml what an admin has chosen on a page, and try a new source out."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from indexer.jobs import source_jobs
from indexer.jobs.running import RunningJob
from recommender import audit
from recommender.accounts.source_secret import secret_of, secret_variable
from recommender.database.job_tables import Job
from recommender.errors import KollegaError, SettingsError
from recommender.monitoring.source_states import shown_place
from recommender.sentences.sentence import Sentence


def connect(job: RunningJob) -> dict[str, Any]:
    """Write a source to sources.toml, then read it without storing anything. It is only read by itself once somebody
    has said how often. When it cannot be read yet, it stays in the file, and the result says why."""
    from indexer.sources.configuration import read_sources
    from indexer.sources.configuration_writing import add_source

    name, table = job.payload["source"], dict(job.payload["table"])
    if name not in {source.name for source in read_sources(job.settings.sources_file)}:
        _require_new_secret(name, table)
    if add_source(job.settings.sources_file, name, table):
        place = {"kind": table.get("kind"), "place": shown_place(table.get("place", ""))}
        _record(job, "source.connected", place)
        job.note(Sentence("%(name)s is in %(file)s now.", name=name, file=job.settings.sources_file))
    try:
        return {**source_jobs.try_out(job, name), "connected": True}
    except KollegaError as error:
        job.note(str(error))
        return {"connected": True, "problem_count": 1, "problems": [str(error)]}


def _require_new_secret(name: str, table: Mapping[str, Any]) -> None:
    """Raises SettingsError when the token of an earlier source of this name is still there: an admin could have it sent
    to any address by connecting another source of that name."""
    place = shown_place(table.get("place", ""))
    for what in ("token", "password"):
        file = table.get(f"{what}_file")
        if file and Path(file).exists():
            raise SettingsError(
                Sentence(
                    "There is a file %(file)s from before, whose content would be sent to %(place)s. Remove it and "
                    "connect again, or choose another name for the source.", file=file, place=place,
                )
            )  # fmt: skip
        if not file and secret_of(name, what):
            raise SettingsError(
                Sentence(
                    "%(variable)s is set already, and would be sent to %(place)s. Unset it and connect again, choose "
                    "another name for the source, or write the source into sources.toml on the server.",
                    variable=secret_variable(name, what), place=place,
                )
            )  # fmt: skip


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
