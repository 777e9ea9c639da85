"""Tells whoever starts the server of a new installation how it is set up."""

import click
from flask import Flask

from recommender.first_run import code
from recommender.settings import Settings


def tell_code(app: Flask, settings: Settings, address: str) -> None:
    """Print the address of the set-up and its code, unless there is an admin already. With JSON logs it stands on
    standard error as a plain line: it is for a person, and no log should keep it."""
    with app.extensions["kollega_sessions"].begin() as session:
        printed = code.code_to_print(session, settings)
        why = "Nobody can sign in" if code.nobody_can_sign_in(session, settings) else "No admin can sign in"
    if printed:
        own = settings.public_url.rstrip("/") + "/" if settings.public_url else address
        click.echo(f"{why} yet. Open {own}setup and give the code {printed}", err=settings.log_format == "json")
