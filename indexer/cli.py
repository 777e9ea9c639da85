"""The command `kollega`: the group of all commands; errors become exit codes here."""

import logging
import os

import click

from indexer.commands import ask, audit, erase, imports, index, measure, people, serve, store
from recommender.errors import KollegaError
from recommender.settings import Settings


class _Group(click.Group):
    """Turns an error that is meant for a person into one sentence and exit status 1."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except KollegaError as error:
            raise click.ClickException(str(error)) from error
        except Exception as error:
            sentence = _explain(error, ctx.obj) if isinstance(ctx.obj, Settings) else None
            if sentence is None:
                raise
            raise click.ClickException(sentence) from error


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
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING, format="%(levelname)s %(name)s: %(message)s"
    )
    for package in ("recommender", "indexer", "web"):  # in detail only these: others would log what people wrote
        logging.getLogger(package).setLevel(logging.DEBUG if verbose else logging.NOTSET)
    os.umask(0o077)  # only the account that runs a command can read the files that it makes
    if ctx.invoked_subcommand:
        ctx.obj = Settings.from_environment()


for command in (
    ask.ask, audit.audit, imports.import_group, index.prepare, index.reindex, index.watch, index.status, index.rollback,
    erase.erase, erase.retention,
    measure.evaluate, measure.train_experts, measure.calibrate, people.user_group, people.team, serve.serve, serve.demo,
    store.backup, store.restore, store.upgrade, store.export,
):  # fmt: skip
    main.add_command(command)
