"""`kollega organisation`: what the organisation has set on the pages of Kollega, and how it is taken back."""

import json
from typing import Any

import click

from indexer.commands.json_output import echo_json, json_option
from indexer.commands.running import database_session
from recommender.settings import Settings


@click.group("organisation")
def organisation_group() -> None:
    """See what was set on the pages of the admin area, and take it back when these cannot be used."""


@organisation_group.command("list")
@json_option
@click.pass_obj
def list_values(settings: Settings, as_json: bool) -> None:
    """List the values that were set, each with its name; separated by tabs. Settings that are set in the environment
    win over them."""
    from recommender.organisation.values import LOGO_CONTENT, changed, stored

    with database_session(settings) as session:
        values: dict[str, Any] = {key: stored(session, key) for key in sorted(changed(session)) if key != LOGO_CONTENT}
    if as_json:
        echo_json(values)
        return
    for key, value in values.items():
        click.echo(f"{key}\t{json.dumps(value, ensure_ascii=False)}")
    if not values:
        click.echo("Nothing was set in Kollega.", err=True)


@organisation_group.command("unset")
@click.argument("name")
@click.pass_obj
def unset(settings: Settings, name: str) -> None:
    """Take back the value NAME, such as session_days, so that the default holds again.

    `kollega organisation list` has the names. Programs that run notice most of them within seconds; start them again
    when the page Settings says that a value needs that.
    """
    from recommender.errors import OrganisationError
    from recommender.organisation.values import LOGO, LOGO_CONTENT, set_value

    key = name.lower().removeprefix("kollega_")
    with database_session(settings) as session:
        if not set_value(session, settings, key, None):
            raise OrganisationError(f"{name} is not set in Kollega. See: kollega organisation list")
        if key == LOGO:
            set_value(session, settings, LOGO_CONTENT, None)
    click.echo(f"{key} has its default again")
