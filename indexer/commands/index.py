"""The commands that keep the index up to date: `kollega prepare`, `reindex`, `watch`, `status`, `verify`,
`rollback`."""

import sys
from typing import TYPE_CHECKING

import click

from indexer.commands.running import load_analyzer, progress_bar, stop_when_terminated
from recommender.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from indexer.indexing.reindex import ReindexReport
    from recommender.encoder import Encoder

_MOST_TOLD = 50  # items that are named because they were not indexed whole: a judgement


@click.command()
@click.pass_obj
def prepare(settings: Settings) -> None:
    """Make the model and the dictionaries ready to use, so that everything else starts in seconds.

    They are written under KOLLEGA_HOME, which takes half a minute. Without this command the first command that needs
    them does it. `make install` runs it.
    """
    from recommender.encoder.load import load_encoder

    encoder = load_encoder(settings)
    load_analyzer(settings).warm_up()
    click.echo(f"ready: model {encoder.card.name}, run by {encoder.backend}")


@click.command()
@click.option(
    "--full",
    is_flag=True,
    help="Build a new index from all items, while the current one keeps answering. Needed after a change of "
    "KOLLEGA_MODEL.",
)
@click.pass_obj
def reindex(settings: Settings, full: bool) -> None:
    """Bring the index up to date with the database.

    Only what changed is encoded. The new index is written beside the one in use and replaces it in one step. Pasted
    pictures and files and what is beyond KOLLEGA_MAX_PASSAGES are left out, and items with such parts are named. The
    exit status is 1 when an item could not be indexed.
    """
    update_index(settings, full)


@click.command()
@click.pass_obj
def watch(settings: Settings) -> None:
    """Look at the database every few seconds and index what has changed, until stopped.

    Run it as a separate process beside `kollega serve`.
    """
    from indexer.indexing.watch import watch as follow
    from recommender.database.engine import open_database
    from recommender.encoder.load import load_encoder

    stop_when_terminated()
    encoder = load_encoder(settings)
    follow(settings, open_database(settings), encoder, load_analyzer(settings), print_report)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def status(settings: Settings, as_json: bool) -> None:
    """Show what the database and the index contain, and whether they agree.

    Also names the model, the languages, and what was learned from your own history. The exit status is 1 when the index
    is missing, damaged or not up to date.
    """
    from indexer.indexing.status import read_status

    report = read_status(settings)
    click.echo(report.as_json() if as_json else report.as_text())
    sys.exit(0 if report.healthy else 1)


@click.command()
@click.pass_obj
def verify(settings: Settings) -> None:
    """Check that the database, the index, the model and the audit log are whole, and that the index has every item.

    Compares all files with their checksums and every item of the index with the database. Prints one line for each
    problem, with what to do about it, and the exit status is then 1. Changes nothing, and may run beside the server.
    An item that was written a moment ago and is not indexed yet counts as a problem.
    """
    from indexer.indexing.verify import verify as problems_of

    problems = problems_of(settings)
    for problem in problems:
        click.echo(problem)
    click.echo(f"problems: {len(problems)}" if problems else "all is well: database, index, model and audit log")
    sys.exit(1 if problems else 0)


@click.command()
@click.pass_obj
def rollback(settings: Settings) -> None:
    """Put the index back that was in use before the current one.

    The last two indexes are kept. The database is not changed, so stop `kollega watch` first: it would index the
    difference again.
    """
    from recommender.index.generations import roll_back

    click.echo(f"in use again: {roll_back(settings.index_dir)}")


def update_index(settings: Settings, full: bool, prepare: "Callable[[Encoder], Encoder] | None" = None) -> None:
    """Reindex with a progress bar, print one line of counts, and exit with 1 when an item could not be indexed.

    `prepare` may replace the encoder of the settings by another one.
    """
    from indexer.indexing.reindex import reindex as run
    from recommender.database.engine import open_database
    from recommender.encoder.load import load_encoder

    encoder = load_encoder(settings)
    click.echo(f"model {encoder.card.name}, run by {encoder.backend}", err=True)
    with progress_bar("indexing") as progress:
        encoder = prepare(encoder) if prepare else encoder
        report = run(settings, open_database(settings), encoder, load_analyzer(settings), full, progress)
    print_report(report)
    if report.failed:
        sys.exit(1)


def print_report(report: "ReindexReport") -> None:
    """Print on standard error what could not be indexed and what was left out, and then one line of counts."""
    for failure in report.failed:
        click.echo(f"could not be indexed: {failure}", err=True)
    for sentence in report.left_out[:_MOST_TOLD]:
        click.echo(f"not indexed whole: {sentence}", err=True)
    if len(report.left_out) > _MOST_TOLD:
        click.echo(f"not indexed whole: {len(report.left_out) - _MOST_TOLD} more items", err=True)
    click.echo(report.line())
