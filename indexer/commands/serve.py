"""`kollega serve` and `kollega demo`: serve the web pages, with the data of an organisation or of the demo."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING

import click

from indexer.commands.imports import import_source
from indexer.commands.index import update_index
from indexer.commands.running import database_session, stop_when_terminated
from indexer.commands.store import upgrade_store
from recommender.settings import Settings

if TYPE_CHECKING:
    from datetime import datetime

_SERVER = "web.server"  # imported by its name: the packages indexer and web do not import each other
_SECONDS_MORE = 10  # that `watch` may take to stop beside KOLLEGA_STOP_SECONDS: a judgement


@click.command()
@click.option("--host", help="Address to listen on, instead of KOLLEGA_HOST.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on, instead of KOLLEGA_PORT.")
@click.pass_obj
def serve(settings: Settings, host: str | None, port: int | None) -> None:
    """Serve the web pages and the API with a production server (waitress), until stopped.

    Run `kollega watch` beside it, so that what people write is found by search. SIGTERM stops it when it has answered
    the requests that it is at, for which it takes at most KOLLEGA_STOP_SECONDS.
    """
    _serve(replace(settings, host=host or settings.host, port=port or settings.port))


@click.command()
@click.option(
    "--serve", "serve_too", is_flag=True, help="Serve the pages afterwards, with `kollega watch` beside, until stopped."
)
@click.pass_obj
def demo(settings: Settings, serve_too: bool) -> None:
    """Load the demo organisation, a fictional Finnish company, and index it.

    What was changed since it was last loaded stays. A database of an older version is upgraded first, after a backup,
    as by `kollega upgrade`.

    With --serve it also starts the server, and prints the names of people who may sign in, with new passwords.
    """
    from datetime import date

    from indexer.sources.demo import DemoSource
    from indexer.sources.demo.vectors import with_shipped_vectors

    upgrade_store(settings, quiet=True)
    import_source(settings, DemoSource(date.today(), _loaded(settings, DemoSource.name)))
    update_index(settings, full=False, prepare=with_shipped_vectors)
    if serve_too:
        stop_when_terminated()
        _print_sign_ins(settings)
        with watching(settings.stop_seconds):
            _serve(replace(settings, demo=True, anonymous_reading=True))


def _loaded(settings: Settings, source: str) -> "dict[str, datetime]":
    """When the requests of a source that are in the database were sent, by their ids in the source."""
    from sqlalchemy import select

    from recommender.database.tables import HelpRequest

    query = select(HelpRequest.external_id, HelpRequest.created_at).where(HelpRequest.source == source)
    with database_session(settings) as session:
        return {identifier: at for identifier, at in session.execute(query) if identifier}


def _print_sign_ins(settings: Settings) -> None:
    from indexer.commands import accounts
    from indexer.sources.demo import SIGN_INS

    with database_session(settings) as session:
        for person, password in accounts.open_demo(session, SIGN_INS):
            click.echo(f"sign in as {person.handle:<16} {password}   ({person.name}, {person.role})")


def _serve(settings: Settings) -> None:
    stop_when_terminated()
    import_module(_SERVER).run(settings)


@contextmanager
def watching(stop_seconds: float) -> Iterator[None]:
    """`kollega watch` as a separate process, which is stopped at the end."""
    child = subprocess.Popen([sys.executable, "-m", "indexer", "watch"], env=os.environ.copy())
    try:
        yield
    finally:
        child.terminate()
        child.wait(timeout=stop_seconds + _SECONDS_MORE)
