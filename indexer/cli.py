"""The command `kollega`: the group of all commands; errors become exit codes here."""

import logging

import click

from indexer.commands import ask, audit, erase, imports, index, measure, people, serve
from recommender.errors import KollegaError
from recommender.settings import Settings


class _Group(click.Group):
    """Turns an error that is meant for a person into one sentence and exit status 1."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except KollegaError as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="kollega")
@click.option("-v", "--verbose", is_flag=True, help="Log what happens in detail.")
@click.pass_context
def main(ctx: click.Context, verbose: bool) -> None:
    """Ask a question, get the answer your organisation has already given and the colleagues who know.

    Settings are environment variables that start with KOLLEGA_; docs/settings.md lists them.
    """
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.WARNING, format="%(levelname)s %(name)s: %(message)s"
    )
    if ctx.invoked_subcommand:
        ctx.obj = Settings.from_environment()


for command in (
    ask.ask, audit.audit, imports.import_group, index.prepare, index.reindex, index.watch, index.status, index.verify,
    index.rollback, erase.erase, erase.retention,
    measure.evaluate, measure.train_experts, measure.calibrate, people.user_group, people.team, serve.serve, serve.demo,
):  # fmt: skip
    main.add_command(command)
