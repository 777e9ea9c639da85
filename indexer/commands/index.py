"""The commands that keep the index up to date: `kollega prepare`, `reindex`, `watch` and `status`."""

import logging
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import click

from indexer.commands.beside import OPTION, end_with
from indexer.commands.json_output import json_option
from indexer.commands.running import (
    database,
    end_at_once_when_late,
    load_analyzer,
    logs_json,
    note,
    progress_bar,
    stop_after_this_step,
    stop_when_terminated,
)
from recommender.monitoring.logs import fields
from recommender.setting_values import INDEXES
from recommender.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from indexer.indexing.chosen import Choose
    from indexer.indexing.report import ReindexReport
    from recommender.encoder import Encoder

log = logging.getLogger(__name__)
_MOST_TOLD = 50  # items that are named because they were not indexed whole: a judgement


@click.command()
@click.pass_obj
def prepare(settings: Settings) -> None:
    """Make the model and the dictionaries ready to use, so that everything else starts in seconds.

    They are written under KOLLEGA_HOME, which takes half a minute. Without this command the first command that needs
    them does it. `make install` runs it.
    """
    from recommender.encoder.load import load_encoder
    from recommender.index.model_in_use import with_model_in_use
    from recommender.language.everyday import everyday

    encoder, analyzer = load_encoder(with_model_in_use(settings)), load_analyzer(settings)
    analyzer.warm_up()
    everyday(analyzer, settings.models_dir)
    click.echo(f"ready: model {encoder.card.name}, run by {encoder.backend}")


@click.command()
@click.option(
    "--full",
    is_flag=True,
    help="Build a new index from all items, while the current one keeps answering. Needed after a change of "
    "KOLLEGA_MODEL.",
)
@click.option(
    "--compare",
    is_flag=True,
    help="Read and compare every item, also those that have not been changed by their times. Without this option that "
    "is done when no item has been changed by its times.",
)
@click.option("--team", help="Index only what this team (its handle) has answered or written; the rest waits.")
@click.option("--source", help="Index only what came from this source; the rest waits.")
@click.option(
    "--share", is_flag=True, help="Let each `kollega encode-worker` of the same database encode a part of it."
)
@click.option("--dry-run", is_flag=True, help="Only tell how many items would be indexed, and write nothing.")
@click.pass_obj
def reindex(
    settings: Settings, full: bool, compare: bool, team: str | None, source: str | None, share: bool, dry_run: bool
) -> None:
    """Bring the index up to date with the database.

    Only items are read that have been changed since the last time, and only what changed of them is encoded. The times
    of their last changes tell this; what is edited by hand in the database has none. So when no time has changed, every
    item is read and compared. The new index is written beside the one in use and replaces it in one step. Pasted
    pictures and files and what is beyond KOLLEGA_MAX_PASSAGES are left out, and items with such parts are named. The
    exit status is 1 when an item could not be indexed.
    """
    only = _choice(team, source)
    if share and only is not None:
        raise click.UsageError("--share is for all items, so it cannot be limited to a team or source.")
    if full and only is not None:
        raise click.UsageError("--full builds the index of all items, so it cannot be limited to a team or source.")
    if dry_run:
        from indexer.indexing.chosen import planned
        from indexer.indexing.kept import follow

        follow(settings)
        with database(settings) as sessions:
            click.echo(planned(settings, sessions, full, only, compare).line())
    else:
        update_index(settings, full, only=only, share=share, compare=compare)


@click.command()
@click.option(OPTION, "parent", type=int, hidden=True)
@click.pass_obj
def watch(settings: Settings, parent: int | None) -> None:
    """Look at the database every few seconds and index what has changed, until stopped.

    When it runs several times, on one machine or on several, one of them works on each index and one on the database,
    and the others wait to take over. Machines with an index each need one each; an index in Milvus is one for all.

    It also sends the mail and the requests that wait, checks and reads attached files, reads the sources of
    sources.toml when they are due, loads what programs have sent, brings the topics up to date with the index, and does
    the jobs that `kollega jobs` lists.

    `kollega serve` runs it beside itself, unless it is told not to. SIGTERM stops it after the update that it is at, or
    in the middle of a long one: the next start goes on from there.
    """
    from indexer.commands.watching import watch_together
    from indexer.indexing.kept import follow
    from recommender.database.engine import open_database
    from recommender.index.model_in_use import FollowingEncoder

    stop_when_terminated()
    if parent is not None:
        end_with(parent)
    sessions = open_database(settings)  # before the model, which takes long to load
    follow(settings)
    encoders, analyzer = FollowingEncoder.load(settings), load_analyzer(settings)
    watch_together(settings, sessions, encoders, analyzer, report_in_log, stop_after_this_step(settings.stop_seconds))
    end_at_once_when_late()


@click.command()
@json_option
@click.pass_obj
def status(settings: Settings, as_json: bool) -> None:
    """Show what the database and the index contain, and whether they agree.

    Also names the model, the languages, and what was learned from your own history. The exit status is 1 when the index
    is missing, damaged or not up to date.
    """
    from indexer.indexing.kept import follow
    from indexer.indexing.status import read_status

    follow(settings)
    report = read_status(settings)
    click.echo(report.as_json() if as_json else report.as_text())
    sys.exit(0 if report.healthy else 1)


def _choice(team: str | None, source: str | None) -> "Choose | None":
    if team is None and source is None:
        return None
    from indexer.indexing.chosen import choose

    return choose(team, source)


def update_index(
    settings: Settings,
    full: bool,
    prepare: "Callable[[Encoder], Encoder] | None" = None,
    only: "Choose | None" = None,
    switch: bool = False,
    share: bool = False,
    compare: bool = False,
) -> None:
    """Reindex with a progress bar, print one line of counts, and exit with 1 when an item could not be indexed.

    `prepare` may replace the encoder by another one, `only` limits what is indexed, with `switch` the index in use
    may be of another model than the one that the settings name, with `share` workers encode too, and with `compare`
    every item is compared, whatever its times say.
    """
    with _loading_model(settings, at_once=switch) as model:
        from indexer.files.examine import examine
        from indexer.indexing.encoding_together import encode_together
        from indexer.indexing.reindex import reindex as run

        with database(settings) as sessions:  # before the model, which may take long to load
            examine(settings, sessions)
            encoder = model()
            with progress_bar("encoding" if share else "indexing") as progress:
                first = partial(encode_together, settings, sessions, encoder, full, progress) if share else lambda: 0
                encoder = prepare(encoder) if prepare else encoder
                report = run(
                    settings, sessions, encoder, load_analyzer(settings), full, progress, only, switch, first,
                    by_times=not compare, or_all=True,
                )  # fmt: skip
    if logs_json():
        report_in_log(report)
    else:
        print_report(report)
    if report.failed:
        sys.exit(1)


@contextmanager
def _loading_model(settings: Settings, at_once: bool) -> "Iterator[Callable[[], Encoder]]":
    """Gives what gives the encoder of the model in use. If it is known which vectors that makes, the model is loaded
    while other modules are imported and changes are found, and who first needs it waits for it; not so with `at_once`,
    for a model that must not be put in use when it cannot be loaded. It is told which model it is, and what runs it,
    when it is loaded, at the latest at the end."""
    from recommender.encoder import load
    from recommender.index.model_in_use import with_model_in_use

    if settings.index != INDEXES[0]:  # else it does nothing, and takes long to import
        from indexer.indexing.kept import follow

        follow(settings)
    wanted = with_model_in_use(settings)

    def told(encoder: "Encoder") -> "Encoder":
        model = encoder.card.name
        note(log, f"model {model}, run by {encoder.backend}", "model loaded", model=model, backend=encoder.backend)
        return encoder

    with ThreadPoolExecutor(1) as beside:
        ahead = None if at_once else load.load_ahead(wanted, beside, told)
        if ahead is None:
            yield lambda: told(load.load_encoder(wanted))
        else:
            yield lambda: ahead
            ahead.load()


def print_report(report: "ReindexReport") -> None:
    """Print on standard error what could not be indexed and what was left out, and then one line of counts."""
    for failure in report.failed:
        click.echo(f"could not be indexed: {failure}", err=True)
    for sentence in report.left_out[:_MOST_TOLD]:
        click.echo(f"not indexed whole: {sentence}", err=True)
    if len(report.left_out) > _MOST_TOLD:
        click.echo(f"not indexed whole: {len(report.left_out) - _MOST_TOLD} more items", err=True)
    click.echo(report.line())


def report_in_log(report: "ReindexReport") -> None:
    """Tell the same where others may read it: without the errors, which may repeat what somebody wrote."""
    for failure in report.failed:
        log.error("could not be indexed: %s", failure.partition(": ")[0])
    for sentence in report.left_out[:_MOST_TOLD]:
        log.warning("not indexed whole: %s", sentence)
    if len(report.left_out) > _MOST_TOLD:
        log.warning("not indexed whole: %d more items", len(report.left_out) - _MOST_TOLD)
    if not logs_json():
        click.echo(report.line())
        return
    counts = {name: value for name, value in vars(report).items() if isinstance(value, int | float | str)}
    log.info("index updated", extra=fields(**counts))
