"""`kollega import`: loads the files of a source into the database."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from indexer.commands.running import load_analyzer, running_count
from recommender.settings import Settings

if TYPE_CHECKING:
    from indexer.sources.records import Source


@click.group("import")
def import_group() -> None:
    """Load requests, documents and people from files into the database.

    Importing the same file twice changes nothing, and a changed record is updated. A record that cannot be used is
    reported with its file and line, all others are loaded, and the exit status is 1. Small faults are mended, and each
    kind of them is told once. Run `kollega reindex` afterwards, unless `kollega watch` is running.
    """


@import_group.command("stackexchange")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--source", default="", help="Name of this source; the folder's name by default.")
@click.pass_obj
def import_stackexchange(settings: Settings, folder: Path, source: str) -> None:
    """Load a Stack Exchange dump: a FOLDER with Posts.xml, Users.xml and, if there is one, PostLinks.xml."""
    from indexer.sources.stackexchange import StackExchangeSource

    import_source(settings, StackExchangeSource(folder, source))


@import_group.command("jsonl")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--source",
    default="jsonl",
    show_default=True,
    help="Name of this source; a file with the same ids needs another one.",
)
@click.pass_obj
def import_jsonl(settings: Settings, file: Path, source: str) -> None:
    """Load a FILE with one JSON object a line, or one JSON list of objects, compressed with gzip or not.

    docs/import-format.md describes the format. What `kollega export` has written is loaded as a whole, into an empty
    home.
    """
    from indexer.commands.store import import_store
    from indexer.loading.whole_store import is_export
    from indexer.sources.jsonl import JSONLSource

    if is_export(file):
        import_store(settings, file)
        return
    import_source(settings, JSONLSource(file, source))


def import_source(settings: Settings, source: "Source") -> None:
    """Load all records of a source, print the problems, what was changed and one line of counts, and exit with 1 after
    a problem."""
    from indexer.loading.load import load
    from recommender.database.engine import open_database

    with running_count("importing") as progress:
        report = load(source, open_database(settings), load_analyzer(settings), progress)
    for problem in report.problems:
        click.echo(problem, err=True)
    for change in report.change_lines():
        click.echo(f"changed: {change}", err=True)
    click.echo(report.line())
    if report.problems:
        sys.exit(1)
