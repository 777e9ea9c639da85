"""What `kollega user` prints after a change: a sentence, or with --json the person as they are now."""

from typing import TYPE_CHECKING, Any

import click

from indexer.commands.json_output import echo_json

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def tell(session: "Session", handle: str, sentence: str, as_json: bool, **more: Any) -> None:
    """Print the sentence, or the person as `kollega user show --json` does, with `more` beside."""
    from recommender.membership import listing, people

    if as_json:
        session.flush()
        echo_json({**listing.as_json(session, listing.one(session, people.find(session, handle))), **more})
    else:
        click.echo(sentence)


def list_rows(rows: list[dict[str, Any]], lines: list[str], as_json: bool) -> None:
    """Print the rows as JSON, or their lines."""
    if as_json:
        echo_json(rows)
    else:
        for line in lines:
            click.echo(line)
