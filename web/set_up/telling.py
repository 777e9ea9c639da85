"""Tells whoever starts the server where it is, and how a new installation is set up."""

import logging

import click
from flask import Flask

from recommender.first_run import code
from recommender.monitoring.logs import fields
from recommender.settings import Settings

log = logging.getLogger(__name__)


def tell_address(app: Flask, settings: Settings) -> None:
    """Tell the address at which the server listens, and how it is set up if nobody can sign in yet."""
    address = f"http://{settings.host}:{settings.port}/"
    if settings.log_format == "json":
        log.info("serving", extra=fields(address=address))
    else:
        click.echo(f"Kollega is at {address}  (stop with Ctrl+C)")
    tell_code(app, settings, address)


def tell_code(app: Flask, settings: Settings, address: str) -> None:
    """Print the address of the set-up and its code, unless there is an admin already. With JSON logs it stands on
    standard error as a plain line: it is for a person, and no log should keep it."""
    with app.extensions["kollega_sessions"].begin() as session:
        printed = code.code_to_print(session, settings)
        why = "Nobody can sign in" if code.nobody_can_sign_in(session, settings) else "No admin can sign in"
    if printed:
        own = settings.public_url.rstrip("/") + "/" if settings.public_url else address
        click.echo(f"{why} yet. Open {own}setup and give the code {printed}", err=settings.log_format == "json")
