"""`kollega import`: loads the files of a source into the database."""

import os
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from indexer.commands.running import (
    UNFINISHED,
    database,
    few_collections,
    load_analyzer,
    running_count,
    stop_when_terminated,
)
from indexer.commands.source_options import checked_options, source_command
from indexer.sources.kinds import KINDS
from recommender.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy.orm import Session, sessionmaker

    from indexer.loading.report import LoadReport
    from indexer.sources.protocol import Source
    from indexer.texts.masking import MaskingRules

Check = Callable[["sessionmaker[Session]"], None]
"""What looks at the database before an import, and raises SourceError when it must not begin."""


_KIND_OF = {".jsonl": "jsonl", ".json": "jsonl", ".csv": "csv", ".xlsx": "excel", ".xls": "excel", ".ods": "excel",
            ".mbox": "mail", ".eml": "mail"}  # fmt: skip
"""The kind of source that a file with this ending most often is."""


class _Kinds(click.Group):
    """The commands of this group, and one for each kind of source, which is loaded when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, in order."""
        return sorted({*super().list_commands(ctx), *KINDS})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name; None when there is none."""
        return super().get_command(ctx, cmd_name) or (
            source_command(cmd_name, import_from) if cmd_name in KINDS else None
        )

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does it. Raises UsageError, which says how the file is named when one stands where the kind does."""
        place = Path(args[0])
        if self.get_command(ctx, args[0]) is None and os.path.exists(place):  # False for a name that is too long
            kind = "documents" if place.is_dir() else _KIND_OF.get(place.suffix.lower(), "KIND")
            hint = f"Say first what kind of source it is: kollega import {kind} {shlex.quote(args[0])}"
            raise click.UsageError(hint if kind in KINDS else f"{hint}. The kinds are: {', '.join(sorted(KINDS))}", ctx)
        return super().resolve_command(ctx, args)


@click.group("import", cls=_Kinds)
def import_group() -> None:
    """Load requests, guides and people from files into the database.

    Importing the same file twice changes nothing, and a changed record is updated. What was changed here since stays,
    and nobody can read more than before. A record that cannot be used is
    reported with its file and line, all others are loaded, and the exit status is 1. Small faults are mended, and each
    kind of them is told once. Run `kollega reindex` afterwards, unless `kollega watch` is running.
    """


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


def import_from(settings: Settings, kind: str, name: str, values: dict[str, Any], dry_run: bool) -> None:
    """Load the source of this kind and name, with these values of its options."""
    from indexer.commands.store import import_store
    from indexer.loading.apart import apart_if_large
    from indexer.loading.whole_store import is_export
    from recommender.database.tables import SENT_HERE, TAKEN_NAMES

    if name in TAKEN_NAMES:
        what = "what was written here" if name == SENT_HERE else "the demo organisation"
        raise click.UsageError(f"{name} is the source of {what}. Name another one with --source.")
    options = checked_options(kind, name, values)
    if kind == "jsonl" and is_export(Path(options.place)):
        if dry_run:
            raise click.UsageError("An export is loaded as a whole, into an empty home: there is no dry run of that.")
        import_store(settings, Path(options.place))
        return

    def check(sessions: "sessionmaker[Session]") -> None:
        from indexer.loading.named_teams import require_teams

        require_teams(sessions, name, kind, options)

    source = apart_if_large(KINDS[kind].open(name, options), kind, name, options, masking(settings))
    import_source(settings, source, dry_run, check)


def import_source(
    settings: Settings, source: "Source", dry_run: bool = False, check: Check = lambda _sessions: None
) -> None:
    """Load all records of a source, print the problems, what was changed or kept and one line of counts, and exit with
    1 after a problem. With `dry_run` only what would be done is printed. `check` may refuse to begin."""
    with few_collections():
        report = _try(settings, source, check) if dry_run else _load(settings, source, check)
    print_report(report)
    click.echo(f"dry run, nothing was written: {report.line()}" if dry_run else report.line())
    if report.problems:
        sys.exit(1)


def print_report(report: "LoadReport") -> None:
    """Print on standard error the problems of an import, and what was changed, kept or gave more rights."""
    for problem in report.problem_lines():
        click.echo(problem, err=True)
    for change in report.change_lines():
        click.echo(f"changed: {change}", err=True)
    for line in report.conflict_lines():
        click.echo(line, err=True)


def _load(settings: Settings, source: "Source", check: Check) -> "LoadReport":
    from indexer.loading.load import load

    with database(settings) as sessions, running_count("importing") as progress:
        check(sessions)
        return load(source, sessions, load_analyzer(settings), progress, mask=masking(settings))


def _try(settings: Settings, source: "Source", check: Check) -> "LoadReport":
    from indexer.loading.dry_run import temporary_copy
    from indexer.loading.load import load
    from indexer.loading.report import LoadReport

    stop_when_terminated(UNFINISHED)  # so that no copy of the database is left
    report = LoadReport(show=click.echo)
    with temporary_copy(settings) as sessions, running_count("importing") as progress:
        check(sessions)
        return load(source, sessions, load_analyzer(settings), progress, report, mask=masking(settings))


def masking(settings: Settings) -> "MaskingRules":
    """The rules of the setting `mask`."""
    from indexer.texts.masking import MaskingRules

    return MaskingRules(settings.masked)
