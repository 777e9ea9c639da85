"""`kollega import`: loads the files of a source into the database."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from indexer.commands.running import UNFINISHED, database, load_analyzer, running_count, stop_when_terminated
from recommender.settings import Settings

if TYPE_CHECKING:
    from indexer.loading.report import LoadReport
    from indexer.sources.records import Source

_dry_run = click.option("--dry-run", is_flag=True, help="Only show what would change, and write nothing.")


@click.group("import")
def import_group() -> None:
    """Load requests, documents and people from files into the database.

    Importing the same file twice changes nothing, and a changed record is updated. What was changed here since stays,
    and nobody can read more than before. A record that cannot be used is
    reported with its file and line, all others are loaded, and the exit status is 1. Small faults are mended, and each
    kind of them is told once. Run `kollega reindex` afterwards, unless `kollega watch` is running.
    """


@import_group.command("stackexchange")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--source", default="", help="Name of this source; the folder's name by default.")
@_dry_run
@click.pass_obj
def import_stackexchange(settings: Settings, folder: Path, source: str, dry_run: bool) -> None:
    """Load a Stack Exchange dump: a FOLDER with Posts.xml, Users.xml and, if there is one, PostLinks.xml."""
    from indexer.sources.stackexchange import StackExchangeSource

    import_source(settings, StackExchangeSource(folder, source), dry_run)


@import_group.command("jsonl")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--source",
    default="jsonl",
    show_default=True,
    help="Name of this source; a file with the same ids needs another one.",
)
@_dry_run
@click.pass_obj
def import_jsonl(settings: Settings, file: Path, source: str, dry_run: bool) -> None:
    """Load a FILE with one JSON object a line, or one JSON list of objects, compressed with gzip or not.

    docs/import-format.md describes the format. What `kollega export` has written is loaded as a whole, into an empty
    home.
    """
    from indexer.commands.store import import_store
    from indexer.loading.whole_store import is_export
    from indexer.sources.jsonl import JSONLSource

    if is_export(file):
        if dry_run:
            raise click.UsageError("An export is loaded as a whole, into an empty home: there is no dry run of that.")
        import_store(settings, file)
        return
    import_source(settings, JSONLSource(file, source), dry_run)


@import_group.command("conflicts")
@click.pass_obj
def import_conflicts(settings: Settings) -> None:
    """List the records of which imports kept what is here, and which of their fields.

    "kept" are fields that were changed both here and in the source, "not widened" those that would have let more people
    read. A record leaves the list once both say the same again.
    """
    from indexer.commands.running import database_session
    from indexer.loading.report import stored_conflicts

    with database_session(settings) as session:
        lines = list(stored_conflicts(session))
    for line in lines or ["There are no conflicts: imports have taken all that has changed in the sources."]:
        click.echo(line)


def import_source(settings: Settings, source: "Source", dry_run: bool = False) -> None:
    """Load all records of a source, print the problems, what was changed or kept and one line of counts, and exit with
    1 after a problem. With `dry_run` only what would be done is printed."""
    from recommender.database.tables import SENT_HERE

    if source.name == SENT_HERE:
        raise click.UsageError(f"{SENT_HERE} is the source of what was written here. Name another one with --source.")
    report = _try(settings, source) if dry_run else _load(settings, source)
    for problem in report.problems:
        click.echo(problem, err=True)
    for change in report.change_lines():
        click.echo(f"changed: {change}", err=True)
    for line in report.conflict_lines():
        click.echo(line, err=True)
    click.echo(f"dry run, nothing was written: {report.line()}" if dry_run else report.line())
    if report.problems:
        sys.exit(1)


def _load(settings: Settings, source: "Source") -> "LoadReport":
    from indexer.loading.load import load

    with database(settings) as sessions, running_count("importing") as progress:
        return load(source, sessions, load_analyzer(settings), progress)


def _try(settings: Settings, source: "Source") -> "LoadReport":
    from indexer.loading.dry_run import temporary_copy
    from indexer.loading.load import load
    from indexer.loading.report import LoadReport

    stop_when_terminated(UNFINISHED)  # so that no copy of the database is left
    report = LoadReport(show=click.echo)
    with temporary_copy(settings) as sessions, running_count("importing") as progress:
        return load(source, sessions, load_analyzer(settings), progress, report)
