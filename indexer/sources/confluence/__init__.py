"""Confluence: the pages of a wiki, asked from its REST interface or read from the XML export of its spaces."""

from indexer.sources.confluence.export import ConfluenceExport
from indexer.sources.confluence.options import ConfluenceOptions
from indexer.sources.protocol import Options, Source

OPTIONS = ConfluenceOptions


def open_source(name: str, options: Options) -> Source:
    """The wiki at an address, or the export at a path."""
    options = ConfluenceOptions.model_validate(options.model_dump())
    return ConfluenceExport(name, options)
