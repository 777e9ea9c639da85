"""`kollega sync` and `kollega sources`: keep the sources of sources.toml in step, and show how that goes."""

import json
import sys
from typing import TYPE_CHECKING, Any

import click

from indexer.commands.imports import masking, print_report
from indexer.commands.json_output import echo_json, json_option
from indexer.commands.running import (
    UNFINISHED,
    database,
    few_collections,
    load_analyzer,
    running_count,
    stop_when_terminated,
)
from recommender.errors import KollegaError, SettingsError
from recommender.settings import Settings

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session, sessionmaker

    from indexer.sources.configuration import ConfiguredSource


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--dry-run", is_flag=True, help="Only show what would change, and write nothing.")
@click.option("--full", is_flag=True, help="Read from the beginning, and find what was deleted there.")
@click.option("--allow-deletions", is_flag=True, help="Delete also when much is no longer there.")
@click.option("--widen", is_flag=True, help="Open what is here already to the readers whom the rules name.")
@click.pass_obj
def sync(
    settings: Settings, names: tuple[str, ...], dry_run: bool, full: bool, allow_deletions: bool, widen: bool
) -> None:
    """Read the sources of sources.toml from where the last run ended: all of them, or those of these NAMEs.

    What was changed here since stays, and nobody can read more than before. One source that cannot be read keeps no
    other one from being read; the exit status is then 1. `kollega watch` does the same on the schedule of the file.
    docs/sources/index.md describes the file.

    Without --widen no run lets more people read. With it the sources of these NAMEs are read from the beginning, and
    those whom the rules of the file name may read what is here already, except where somebody has set its readers here.
    Each item is listed with its readers before and after: look at it with --dry-run first.
    """
    if widen and not names:
        raise click.UsageError("--widen needs the NAME of the source whose rules are to open what is here.")
    sources = _chosen(settings, names)
    stop_when_terminated(UNFINISHED)
    fine = True
    if dry_run:
        from indexer.loading.dry_run import temporary_copy

        with temporary_copy(settings) as sessions:
            for configured in sources:
                fine &= _sync(settings, sessions, configured, full, allow_deletions, widen, dry_run=True)
    else:
        with database(settings) as sessions:
            for configured in sources:
                fine &= _sync(settings, sessions, configured, full, allow_deletions, widen)
    if not fine:
        sys.exit(1)


@click.command()
@json_option
@click.pass_obj
def sources(settings: Settings, as_json: bool) -> None:
    """List the sources of sources.toml: when each was read, when it is read next, and what went wrong.

    The exit status is 1 when the last run of one of them did not end well.
    """
    rows = _states(settings)
    if as_json:
        click.echo(json.dumps(rows, indent=2))
    elif not rows:
        click.echo(f"There is no source in {settings.sources_file}. docs/sources/index.md says how to write one.")
    else:
        for line in (line for row in rows for line in _lines(row)):
            click.echo(line)
    sys.exit(1 if any(row["error"] or row["problems"] for row in rows) else 0)


@click.group("source")
def source_group() -> None:
    """Show one source of sources.toml, or have `kollega watch` read it now."""


@source_group.command()
@click.argument("name")
@json_option
@click.pass_obj
def show(settings: Settings, name: str, as_json: bool) -> None:
    """Show how the source NAME is read, what the last run brought, and what went wrong, record by record.

    The exit status is 1 when the last run did not end well.
    """
    (configured,) = _chosen(settings, (name,))
    (row,) = [each for each in _states(settings) if each["name"] == name]
    options = {key: value for key, value in configured.options.model_dump(mode="json").items() if value}
    if as_json:
        echo_json({**row, "options": options})
    else:
        for line in [*_lines(row), *(f"  {key}: {value}" for key, value in options.items())]:
            click.echo(line)
    sys.exit(1 if row["error"] or row["problems"] else 0)


@source_group.command("run")
@click.argument("name")
@click.option("--full", is_flag=True, help="Read from the beginning, and find what was deleted there.")
@click.option("--dry-run", is_flag=True, help="Only find out what would change, and write nothing.")
@click.pass_obj
def run_source(settings: Settings, name: str, full: bool, dry_run: bool) -> None:
    """Have `kollega watch` read the source NAME now, as a job: it goes on when this command has ended.

    `kollega sync NAME` reads it at once, in this terminal.
    """
    from recommender.jobs import asking, kinds

    _chosen(settings, (name,))
    chosen = {"source": name, **({"full": True} if full else {}), **({"dry_run": True} if dry_run else {})}
    with database(settings) as sessions, sessions.begin() as session:
        session.info["via"] = "command"
        number = asking.ask(session, settings, kinds.SYNC, chosen, None).id
    click.echo(f"job {number} waits for kollega watch. See: kollega jobs show {number}")


def _chosen(settings: Settings, names: tuple[str, ...]) -> "list[ConfiguredSource]":
    from indexer.sources.configuration import read_sources

    found = read_sources(settings.sources_file)
    if not found:
        raise SettingsError(
            f"There is no source in {settings.sources_file}. Write one, as docs/sources/index.md says, or load a file "
            "once with `kollega import`."
        )
    known = {configured.name for configured in found}
    for name in names:
        if name not in known:
            raise click.UsageError(f"{name!r} is not in {settings.sources_file}. It has: {', '.join(sorted(known))}.")
    return [configured for configured in found if not names or configured.name in names]


def _sync(
    settings: Settings,
    sessions: "sessionmaker[Session]",
    configured: "ConfiguredSource",
    full: bool,
    allow_deletions: bool,
    widen: bool,
    dry_run: bool = False,
) -> bool:
    """Read one source and print what came of it; True when all went well."""
    from indexer.syncing.sync import sync as run

    try:
        with few_collections(), running_count(f"reading {configured.name}") as progress:
            report = run(
                configured,
                sessions,
                load_analyzer(settings),
                progress,
                full,
                allow_deletions,
                click.echo if dry_run else None,
                masking(settings),
                widen,
            )
    except KollegaError as error:
        click.echo(f"{configured.name}: {error}", err=True)
        return False
    print_report(report.loaded)
    for note in report.notes:
        click.echo(note, err=True)
    click.echo(f"dry run, nothing was written: {report.line()}" if dry_run else report.line())
    return not report.has_problems


def _states(settings: Settings) -> list[dict[str, Any]]:
    from indexer.sources.configuration import read_sources
    from indexer.syncing.schedule import next_run
    from recommender.database.source_tables import SourceState

    found = read_sources(settings.sources_file)
    with database(settings) as sessions, sessions() as session:
        states = {configured.name: session.get(SourceState, configured.name) for configured in found}
        return [_row(each, states[each.name], next_run(each, states[each.name])) for each in found]


def _row(configured: "ConfiguredSource", state: Any, following: "datetime | None") -> dict[str, Any]:
    fields = ("started_at", "finished_at", "read_whole_at", "error", "counts", "problems", "is_due")
    values = {name: getattr(state, name, None) for name in fields}
    times = {name: _time(value) for name, value in values.items() if name.endswith("_at")}
    return {
        "name": configured.name,
        "kind": configured.kind,
        **values,
        **times,
        "error": values["error"] or "",
        "problems": values["problems"] or [],
        "next": _time(following),
    }


def _time(value: "datetime | None") -> str | None:
    if value is None:
        return None
    return "soon" if value.year == 1 else f"{value:%Y-%m-%d %H:%M} UTC"


def _lines(row: dict[str, Any]) -> list[str]:
    last = f"last read {row['finished_at']}" if row["finished_at"] else "never read to its end"
    following = "soon" if row["is_due"] else row["next"] or "by hand"
    lines = [f"{row['name']} ({row['kind']}): {last}, next {following}"]
    if row["counts"]:
        lines.append("  last run: " + ", ".join(f"{count} {name}" for name, count in row["counts"].items() if count))
    if row["error"]:
        lines.append(f"  broke off: {row['error']}")
    return lines + [f"  {problem}" for problem in row["problems"]]
