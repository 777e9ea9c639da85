"""`kollega serve` and `kollega demo`: serve the web pages, with the data of an organisation or of the demo."""

import gc
import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING

import click

from indexer.commands.beside import OPTION, SOCKETS, end_with, more_servers, watching
from indexer.commands.imports import import_source
from indexer.commands.index import update_index
from indexer.commands.running import database_session, logs_json, stop_when_terminated
from indexer.commands.store import upgrade_store
from recommender.settings import Settings

if TYPE_CHECKING:
    from datetime import datetime

_OPENING, _SERVER = "web.starting.opening", "web.server"
"""Imported by their names: the packages indexer and web do not import each other."""
log = logging.getLogger(__name__)
Listening = Callable[[Sequence[int]], None]
"""Gets the numbers of the sockets at which the server listens."""


@click.command()
@click.option("--host", help="Address to listen on, instead of KOLLEGA_HOST.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on, instead of KOLLEGA_PORT.")
@click.option("--no-watch", is_flag=True, help="Run no `kollega watch` beside, because one is started by itself.")
@click.option(OPTION, "parent", type=int, hidden=True)
@click.option(SOCKETS, hidden=True)
@click.pass_obj
def serve(
    settings: Settings, host: str | None, port: int | None, no_watch: bool, parent: int | None, sockets: str | None
) -> None:
    """Serve the web pages and the API with a production server (waitress), until stopped.

    It runs `kollega watch` beside itself, so that what people write is found by search, begins it again if it ends, and
    stops it at the end. Where that is started by itself, as a service of its own, use --no-watch. When both run all
    the same, one of them does the work and the other one waits. KOLLEGA_SERVER_PROCESSES is how many processes answer;
    the others are started again if they end, and stopped with this one. SIGTERM stops the server when it has answered
    the requests that it is at, for which it takes at most KOLLEGA_STOP_SECONDS.
    """
    if parent is not None and sockets:
        end_with(parent)
        _answer_beside(settings, [int(number) for number in sockets.split(",")])
    else:
        _serve(replace(settings, host=host or settings.host, port=port or settings.port), watch=not no_watch)


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
    from indexer.sources.demo import DemoSource
    from indexer.sources.demo.vectors import with_shipped_vectors
    from recommender.database.days import current_day

    upgrade_store(settings, quiet=True)
    loaded = _loaded(settings, DemoSource.name)
    import_source(settings, DemoSource(current_day(), loaded))
    update_index(settings, full=False, prepare=with_shipped_vectors)
    if serve_too:
        stop_when_terminated()
        _print_sign_ins(settings)
        _serve(replace(settings, demo=True, anonymous_reading=True, server_processes=1))


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


def _serve(settings: Settings, watch: bool = True) -> None:
    from recommender.database.engine import open_database

    stop_when_terminated()
    _tell_what_begins(settings, watch)
    open_database(settings).kw["bind"].dispose()  # made when it is new, which takes a moment
    with ExitStack() as stack:
        beside = stack.enter_context(watching(settings.stop_seconds)) if watch else None
        more = stack.enter_context(more_servers(settings))

        def listening(sockets: Sequence[int]) -> None:
            more.begin(sockets)
            if beside:
                beside.begin()  # later than the rest, so that it slows no start

        def stopping() -> None:
            more.stop()
            if beside:
                beside.stop()

        _run(settings, listening, stopping)


def _answer_beside(settings: Settings, sockets: Sequence[int]) -> None:
    """Answer at the sockets of another process. They are closed as soon as this is told to stop before it answers: its
    port is free then."""

    def leave(_signal: int, _frame: object) -> None:
        for number in sockets:
            with suppress(OSError):
                os.close(number)
        sys.exit(0)

    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, leave)
    _run(settings, lambda _sockets: None, lambda: None, sockets)


def _run(
    settings: Settings,
    listening: Callable[[Sequence[int]], None],
    stopping: Callable[[], None],
    shared: Sequence[int] = (),
) -> None:
    gc.disable()  # until `run` has loaded all: nearly all of that stays, and looking through it takes a second
    try:
        with closing(import_module(_OPENING).begin(settings)) as opening:  # it goes on while the server is imported
            import_module(_SERVER).run(settings, opening, listening, stopping, shared)
    finally:
        gc.enable()


def _tell_what_begins(settings: Settings, watch: bool) -> None:
    """Print at once what the server starts with: the next lines come when the model is loaded."""
    from recommender.database.files import database_url, shown
    from recommender.index import generations
    from recommender.index.model_in_use import model_in_use

    values = generations.values_of(settings.index_dir / (generations.live_name(settings.index_dir) or ""))
    found = (
        f"{values['items']} items, {values['created_at']}" if values else "none yet; it is made when there are items"
    )
    beside = "kollega watch runs beside" if watch else "kollega watch is not started here (--no-watch)"
    lines = {
        "database": shown(database_url(settings)),
        "index": found,
        "watcher": beside,
        "model": f"{model_in_use(settings)}, being loaded, which may take half a minute",
    }
    for name, said in lines.items():
        if logs_json():
            log.info("%s: %s", name, said)
        else:
            click.echo(f"{name:<9} {said}")
