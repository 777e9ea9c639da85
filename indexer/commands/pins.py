"""`kollega pin`: answers that are shown first for a phrase, until a day."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from indexer.commands.json_output import echo_json, json_option
from indexer.commands.running import database_session
from recommender.settings import Settings

if TYPE_CHECKING:
    from recommender.database.words_tables import Pin


@click.group("pin")
def pin_group() -> None:
    """Choose answers that are shown first for some questions, until a day."""


@pin_group.command("add")
@click.argument("phrase")
@click.argument("item")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), required=True, help="The last day on which it is first.")
@click.option("--audience", default="everyone", show_default=True, help="To whom: everyone, agents, or team:HANDLE.")
@click.option(
    "--chosen-by", "team", default="", help="The team (its handle) that the card names; else the organisation."
)
@click.pass_obj
def add(settings: Settings, phrase: str, item: str, until: datetime, audience: str, team: str) -> None:
    """Show ITEM, such as document:4, first for questions with all words of PHRASE.

    Words count in any form. Nobody sees an item that they may not read: for them it is as if there were no pin. The
    card says who has chosen the answer and until when.
    """
    from recommender import audit
    from recommender.database.days import current_day
    from recommender.knowledge import pins

    with database_session(settings) as session:
        pin = pins.add(session, audit.COMMAND, phrase, item, audience, until.date(), team, current_day())
        click.echo(f"pin {pin.id}: {pin.item} is first for {pin.phrase!r} until {pin.until}")


@pin_group.command("list")
@json_option
@click.pass_obj
def list_pins(settings: Settings, as_json: bool) -> None:
    """List the pins: number, phrase, item, audience, last day, by whom; separated by tabs."""
    from recommender.knowledge import pins

    with database_session(settings) as session:
        rows = [_row(pin) for pin in pins.listed(session)]
    if as_json:
        echo_json(rows)
        return
    for row in rows:
        click.echo("\t".join(str(value) for value in row.values()))
    if not rows:
        click.echo("No answer is pinned. Pin one with: kollega pin add PHRASE ITEM --until DAY", err=True)


@pin_group.command("remove")
@click.argument("number", type=int)
@click.pass_obj
def remove(settings: Settings, number: int) -> None:
    """Remove the pin with this NUMBER, as `kollega pin list` shows it."""
    from recommender import audit
    from recommender.knowledge import pins

    with database_session(settings) as session:
        pins.remove(session, audit.COMMAND, number)
    click.echo(f"pin {number} is removed")


def _row(pin: "Pin") -> dict[str, Any]:
    return {
        "number": pin.id,
        "phrase": pin.phrase,
        "item": pin.item,
        "audience": pin.audience,
        "until": pin.until.isoformat(),
        "chosen_by": pin.team.handle if pin.team else "organisation",
    }
