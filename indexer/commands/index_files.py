"""The commands about the files of the index: `kollega generations`, `verify`, `rollback` and `gc`."""

import json
import sys

import click

from indexer.commands.json_output import json_option
from recommender.errors import IndexDamaged, IndexMismatch
from recommender.settings import Settings


@click.command()
@json_option
@click.pass_obj
def generations(settings: Settings, as_json: bool) -> None:
    """List the generations of the index: the one in use, the one before, and what is damaged or unfinished."""
    from indexer.indexing.kept import follow, read_generations

    follow(settings)
    found = read_generations(settings)
    if as_json:
        click.echo(json.dumps([each.as_dict() for each in found], indent=2))
    elif not found:
        click.echo("There is no index yet. Run: kollega reindex")
    else:
        for each in found:
            click.echo(each.line())


@click.command()
@click.option("--previous", is_flag=True, help="Also the index before the one in use: `kollega rollback` needs it.")
@click.pass_obj
def gc(settings: Settings, previous: bool) -> None:
    """Remove files of the index that nobody needs: what interrupted runs have left.

    A run that was interrupted goes on from these files, so remove them when none is to go on. After going back from
    Milvus to local files, with KOLLEGA_MILVUS still set, the index in Milvus is removed too.
    """
    from indexer.indexing.kept import clean

    click.echo(f"freed: {clean(settings, previous):.1f} MB")


@click.command()
@click.option("--repair", is_flag=True, help="Mend the index from the database: what differs, or all of it.")
@json_option
@click.pass_obj
def verify(settings: Settings, repair: bool, as_json: bool) -> None:
    """Check that database, attached files, index, model and audit log are whole, and that the index has every item.

    Compares all files with their checksums and every item of the index with the database. Prints one line for each
    problem, with what to do about it, and the exit status is then 1. Changes nothing without --repair, and may run
    beside the server and `kollega watch`: what was written a moment ago and waits for the index is counted, and is no
    problem.

    --repair brings the index up to date, and builds it anew where that does not help. Only the index can be made again
    from the database; a damaged database needs a backup.
    """
    if as_json and repair:
        raise click.UsageError("--json only tells. Mend the index with --repair alone.")
    problems = _told_as_json(settings) if as_json else _told(settings)
    if problems and repair:
        problems = _repaired(settings, problems)
    sys.exit(1 if problems else 0)


@click.command()
@click.pass_obj
def rollback(settings: Settings) -> None:
    """Put the index back that was in use before the current one.

    The last two indexes are kept, and the last one of the model before. The database is not changed, so stop
    `kollega watch` first: it would index the difference again.
    """
    from indexer.indexing.kept import roll_back

    click.echo(f"in use again: {roll_back(settings)}")


def _told(settings: Settings) -> list[str]:
    """Verify, and print what came of it."""
    from indexer.indexing.verify import verify as problems_of

    problems = problems_of(settings, click.echo)
    for problem in problems:
        click.echo(problem)
    click.echo(f"problems: {len(problems)}" if problems else "all is well: database, files, index, model and audit log")
    return problems


def _told_as_json(settings: Settings) -> list[str]:
    from indexer.indexing.verify import verify as problems_of

    notes: list[str] = []
    problems = problems_of(settings, notes.append)
    click.echo(json.dumps({"healthy": not problems, "problems": problems, "notes": notes}, indent=2))
    return problems


def _repaired(settings: Settings, problems: list[str]) -> list[str]:
    """Mend the index: with as little work as the problems say, then by building it anew. Returns what is left."""
    from indexer.commands.index import update_index
    from indexer.indexing.kept import remove_damaged
    from indexer.indexing.verify_agreement import REBUILD, REINDEX

    if remove_damaged(settings):
        problems = _told(settings)
    if not any(REINDEX in problem for problem in problems):  # the other sentences begin with the same words
        return problems
    for full in (False, True):
        if not full and any(REBUILD in problem for problem in problems):
            continue  # what is damaged cannot be gone on from
        click.echo("building the index anew" if full else "bringing the index up to date", err=True)
        try:
            update_index(settings, full, compare=True)
        except (IndexDamaged, IndexMismatch) as error:
            click.echo(str(error), err=True)
        except SystemExit:  # an item could not be indexed, which was told
            pass
        remove_damaged(settings)
        problems = _told(settings)
        if not any(REINDEX in problem for problem in problems):
            break
    return problems
