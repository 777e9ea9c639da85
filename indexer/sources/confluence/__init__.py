"""Confluence: the pages of a wiki, asked from its REST interface or read from the XML export of its spaces."""

from indexer.sources.confluence.api import ConfluenceApi
from indexer.sources.confluence.export import ConfluenceExport
from indexer.sources.confluence.options import ConfluenceOptions
from indexer.sources.protocol import Source
from indexer.sources.rest.access import basic, bearer
from indexer.sources.rest.address import is_address
from indexer.sources.rest.options import open_client

OPTIONS = ConfluenceOptions


def open_source(name: str, options: ConfluenceOptions) -> Source:
    """The wiki at an address, or the export at a path. Raises SourceError when the address cannot be used."""
    if not is_address(options.place):
        return ConfluenceExport(name, options)
    form = basic(options.user) if options.user else bearer
    return ConfluenceApi(name, open_client(name, options, options.place, form), options)
