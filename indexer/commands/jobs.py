"""`kollega jobs`: work that takes long and that `kollega watch` does."""

import click

from indexer.commands.running import database
from recommender.settings import Settings


@click.group("jobs")
def jobs_group() -> None:
    """Show work that takes long, as the pages ask for it and `kollega watch` does it: end it, or do it once more."""


@jobs_group.command(hidden=True)
@click.argument("number", type=int)
@click.argument("attempt", type=int)
@click.pass_obj
def run(settings: Settings, number: int, attempt: int) -> None:
    """Do a job that `kollega watch` has claimed, in this process."""
    from indexer.jobs.execute import execute

    with database(settings) as sessions:
        execute(settings, sessions, number, attempt, own_process=True)
