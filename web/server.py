"""Runs the app with waitress, a production server."""

import gc

import click
from waitress import create_server

from recommender.errors import KollegaError
from recommender.settings import Settings
from web.app import create_app


def run(settings: Settings) -> None:
    """Serve until interrupted or terminated. Raises KollegaError when the address is in use."""
    app = create_app(settings)
    gc.collect()
    gc.freeze()  # a full garbage collection of all that is loaded would stop requests for 70 ms
    try:
        server = create_server(
            app,
            host=settings.host,
            port=settings.port,
            threads=settings.server_threads,
            clear_untrusted_proxy_headers=False,  # web/client_address.py decides which of them to believe
        )
    except OSError as error:
        raise KollegaError(
            f"Cannot listen on {settings.host}:{settings.port}: {error.strerror}. Set KOLLEGA_PORT to another port."
        ) from error
    click.echo(f"Kollega is at http://{settings.host}:{settings.port}/  (stop with Ctrl+C)")
    try:
        server.run()
    finally:
        server.close()
        app.extensions["kollega_counting"].close()
