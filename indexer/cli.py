"""The command `kollega`: the group of all commands; errors become exit codes here."""

import logging
import os
from typing import IO, Any

import click

from indexer.commands import (
    ask,
    audit,
    doctor,
    encode_worker,
    erase,
    first_run,
    imports,
    index,
    index_files,
    insights,
    jobs,
    mcp,
    measure,
    models,
    organisation,
    people_import,
    pins,
    serve,
    store,
    sync,
    take_files,
    teams,
)  # fmt: skip
from indexer.commands.running import logs_json
from recommender.errors import KollegaError
from recommender.monitoring import logs
from recommender.settings import Settings

log = logging.getLogger(__name__)
_WITHOUT_SETTINGS = ("completion", "doctor")


class _Failure(click.ClickException):
    """An error that is meant for a person: one sentence on standard error, or a log line when these are JSON."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self._as_json = logs_json()  # asked now: when it is shown, the command's context has ended

    def show(self, file: IO[Any] | None = None) -> None:
        if self._as_json:
            log.error("%s", self.message)
        else:
            super().show(file)


class _Group(click.Group):
    """Turns an error that is meant for a person into one sentence and exit status 1."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except KollegaError as error:
            raise _Failure(str(error)) from error
        except Exception as error:
            sentence = _explain(error, ctx.obj) if isinstance(ctx.obj, Settings) else None
            if sentence is None:
                raise
            raise _Failure(sentence) from error


def _explain(error: Exception, settings: Settings) -> str | None:
    """A sentence about an error that the disk or the database has caused; None for any other one."""
    from recommender.database.failures import damage, explain, is_damaged
    from recommender.database.files import database_path

    if isinstance(error, OSError) and not settings.home.is_dir():
        return f"KOLLEGA_HOME={settings.home} cannot be used: {error.strerror}."
    database = database_path(settings)
    return explain(error, database) or (damage(database) if is_damaged(database) else None)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="kollega")
@click.option("-v", "--verbose", is_flag=True, help="Log what happens in detail.")
@click.pass_context
def main(ctx: click.Context, verbose: bool) -> None:
    """Ask a question, get the answer your organisation has already given and the colleagues who know.

    Settings are environment variables that start with KOLLEGA_; docs/settings.md lists them.
    """
    os.umask(0o077)  # only the account that runs a command can read the files that it makes
    if ctx.invoked_subcommand in _WITHOUT_SETTINGS:  # also when these cannot be used
        logs.configure("text", verbose)
    elif ctx.invoked_subcommand:
        ctx.obj = Settings.from_environment()
        logs.configure(ctx.obj.log_format, verbose)


for command in (
    ask.ask, audit.audit, first_run.init, doctor.doctor, doctor.completion, imports.import_group, index.prepare,
    index.reindex, encode_worker.encode_worker, index.watch, index.status,
    index_files.verify, index_files.generations, index_files.rollback, index_files.gc, erase.erase, erase.retention,
    measure.evaluate, measure.train_experts, measure.calibrate,
    teams.team_group, serve.serve, serve.demo, store.backup, store.restore, store.upgrade,
    store.copy_store, store.export, models.model_group, jobs.jobs_group, sync.sync, sync.sources,
    sync.source_group, mcp.mcp, insights.insights_group,
    people_import.user_group,
):  # fmt: skip
    main.add_command(command)
main.add_command(pins.pin_group)
main.add_command(take_files.take_files)
main.add_command(organisation.organisation_group)
