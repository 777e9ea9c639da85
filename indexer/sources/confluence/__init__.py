"""Confluence: the pages of a wiki, asked from its REST interface or read from the XML export of its spaces."""

from pathlib import Path

from indexer.sources.confluence.answers import ConfluenceAnswers
from indexer.sources.confluence.api import ConfluenceApi
from indexer.sources.confluence.api_v2 import ConfluenceV2
from indexer.sources.confluence.export import ConfluenceExport
from indexer.sources.confluence.options import ConfluenceOptions
from indexer.sources.protocol import Source
from indexer.sources.rest.access import basic, bearer
from indexer.sources.rest.options import open_client
from indexer.sources.ticket_system import place_of

OPTIONS = ConfluenceOptions


def open_source(name: str, options: ConfluenceOptions) -> Source:
    """The wiki at an address, or the export at a path. Raises SourceError when the address cannot be used."""
    path = place_of(options.place)
    if path is not None:
        return ConfluenceAnswers(name, options) if _has_answers(path) else ConfluenceExport(name, options)
    form = basic(options.user) if options.user else bearer
    kind = ConfluenceV2 if options.v2 else ConfluenceApi
    return kind(name, open_client(name, options, options.place, form), options)


def _has_answers(path: Path) -> bool:
    """True for a JSON file, or a folder with some and no export of a space."""
    if path.is_dir():
        return not (path / "entities.xml").exists() and any(path.rglob("*.json"))
    return path.suffix.lower() == ".json"
