"""Zendesk: tickets and the articles of the help center, over its REST interface or from exported files (JSON, CSV)."""

from pydantic import Field

from indexer.sources.protocol import Source
from indexer.sources.rest.access import basic, bearer
from indexer.sources.rest.client import RestClient
from indexer.sources.rest.options import RestOptions, open_client
from indexer.sources.ticket_system import ExportSource, place_of
from indexer.sources.zendesk.api import ZendeskApi
from indexer.sources.zendesk.fields import Zendesk


class ZendeskOptions(RestOptions):
    """The options of Zendesk."""

    user: str | None = Field(None, description="Mail address of the account whose API token is used.")
    by_brand: bool = Field(
        False, description="Take the brand of a ticket as its group, instead of the group of agents."
    )


OPTIONS = ZendeskOptions


def open_source(name: str, options: ZendeskOptions) -> Source:
    """The Zendesk at an address, or an export of it. Raises SourceError when it cannot be used."""
    path = place_of(options.place)
    system = Zendesk(name, options.timezone, options.place if path is None else "")
    system.by_brand = options.by_brand
    if path is not None:
        return ExportSource(path, system)
    return ZendeskApi(client_of(name, options), system)


def client_of(name: str, options: ZendeskOptions) -> RestClient:
    """A client for the Zendesk at an address."""
    form = basic(f"{options.user}/token") if options.user else bearer
    return open_client(name, options, f"{options.place.rstrip('/')}/api/v2", form)
