"""`kollega mcp`: lets assistants that speak the Model Context Protocol ask Kollega."""

from importlib import import_module

import click

from recommender.errors import SettingsError
from recommender.settings import Settings

_SERVER = "web.mcp.server"  # imported by its name: the packages indexer and web do not import each other


@click.command()
@click.option("--url", default="", help="Address of `kollega serve`; by default that of the settings.")
@click.option("--http", is_flag=True, help="Serve over HTTP at /mcp instead of standard input and output.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on with --http.")
@click.option("--port", type=click.IntRange(1, 65535), default=8090, show_default=True, help="Port with --http.")
@click.option(
    "--name", "names", multiple=True, metavar="HOST[:PORT]", help="A name under which it may be called with --http."
)
@click.pass_obj
def mcp(settings: Settings, url: str, http: bool, host: str, port: int, names: tuple[str, ...]) -> None:
    """Let assistants search answers, find colleagues and read items, as the person whose token they have.

    `kollega serve` has to run. On standard input and output the token is that of KOLLEGA_MCP_TOKEN; over HTTP each call
    has its own (Authorization: Bearer TOKEN). An admin makes a token with `kollega user token HANDLE`; its
    scope may be read. docs/integrations.md says how assistants are set up.
    """
    address = url or f"http://{'127.0.0.1' if settings.host == '0.0.0.0' else settings.host}:{settings.port}"  # noqa: S104
    site = settings.public_url.rstrip("/") or address
    try:
        server = import_module(_SERVER)
    except ModuleNotFoundError as error:
        raise SettingsError(f"The package {error.name} is missing. Run: pip install 'kollega[mcp]'") from error
    if http:
        server.run_over_http(address, site, host, port, names)
        return
    if not settings.mcp_token:
        raise SettingsError(
            "Set KOLLEGA_MCP_TOKEN to the token of the person who asks. An admin makes one with: kollega user token "
            "HANDLE"
        )
    server.run_on_standard_input(address, site, settings.mcp_token)
