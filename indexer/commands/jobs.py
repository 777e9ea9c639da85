"""`kollega jobs`: work that takes long and that `kollega watch` does."""

import json
import sys
from typing import TYPE_CHECKING, Any

import click

from indexer.commands.json_output import json_option
from indexer.commands.running import database, database_session
from recommender.errors import JobError
from recommender.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from recommender.database.job_tables import Job

_STATES = ("waiting", "running", "done", "failed", "cancelled")


@click.group("jobs")
def jobs_group() -> None:
    """Show work that takes long, as the pages ask for it and `kollega watch` does it: end it, or do it once more."""


@jobs_group.command("list")
@click.option("--state", type=click.Choice(_STATES), help="Only jobs in this state.")
@click.option("--most", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many are listed.")
@json_option
@click.pass_obj
def list_jobs(settings: Settings, state: str | None, most: int, as_json: bool) -> None:
    """List jobs, the newest first. What became of them is kept for 30 days."""
    from recommender.jobs import queue, shown

    with database_session(settings) as session:
        found = queue.listed(session, states=(state,) if state else (), most=most)
        if as_json:
            click.echo(json.dumps([shown.as_dict(job) for job in found], indent=2))
        elif not found:
            click.echo("There are no such jobs.")
        else:
            for job in found:
                click.echo(_line(job))


@jobs_group.command()
@click.argument("number", type=int)
@json_option
@click.pass_obj
def show(settings: Settings, number: int, as_json: bool) -> None:
    """Show one job: how far it is, what came of it, and its log. The exit status is 1 when it has failed."""
    from recommender.jobs import progress, shown

    with database_session(settings) as session:
        job = _job(session, number)
        log = [shown.line_of(line) for line in progress.lines(session, number)]
        if as_json:
            click.echo(json.dumps({**shown.as_dict(job), "log": log}, indent=2))
        else:
            click.echo(_line(job))
            for line in [*_told(job.result), *log]:
                click.echo(f"  {line}")
        failed = job.state == "failed"
    sys.exit(1 if failed else 0)


@jobs_group.command()
@click.argument("number", type=int)
@click.pass_obj
def cancel(settings: Settings, number: int) -> None:
    """End a job: at once when it waits, in a moment when it is being done. An update of the index that is begun later
    goes on from what this one has encoded."""
    from recommender.jobs import asking

    with database_session(settings) as session:
        _job(session, number)
        if not asking.cancel(session, number, None):
            raise JobError(f"Job {number} has ended already.")
    click.echo(f"job {number} is ended")


@jobs_group.command()
@click.argument("number", type=int)
@click.pass_obj
def retry(settings: Settings, number: int) -> None:
    """Do a job once more that has failed or was cancelled."""
    from recommender.jobs import asking

    with database_session(settings) as session:
        _job(session, number)
        if not asking.retry(session, number, None):
            raise JobError(f"Job {number} has neither failed nor was it cancelled.")
    click.echo(f"job {number} waits for kollega watch")


@jobs_group.command(hidden=True)
@click.argument("number", type=int)
@click.argument("attempt", type=int)
@click.pass_obj
def run(settings: Settings, number: int, attempt: int) -> None:
    """Do a job that `kollega watch` has claimed, in this process."""
    from indexer.jobs.execute import execute

    with database(settings) as sessions:
        execute(settings, sessions, number, attempt, own_process=True)


def _job(session: "Session", number: int) -> "Job":
    from recommender.database.job_tables import Job
    from recommender.jobs.kinds import WORK

    job = session.get(Job, number)
    if job is None or job.kind not in WORK:
        raise JobError(f"There is no job {number}. See: kollega jobs list")
    return job


def _line(job: "Job") -> str:
    from recommender.jobs.shown import progress_of

    state = "being cancelled" if job.cancel_asked and job.state == "running" else job.state
    told = [job.title, state, progress_of(job), f"{job.created_at:%Y-%m-%d %H:%M} UTC"]
    return f"{job.id}: " + ", ".join(part for part in told if part)


def _told(result: dict[str, Any]) -> list[str]:
    """What came of a job, a line for each fact."""
    counts = [f"{name} {value}" for name, value in result.items() if isinstance(value, int | str) and value]
    lists = [str(line) for value in result.values() if isinstance(value, list) for line in value]
    return [*counts, *lists]
