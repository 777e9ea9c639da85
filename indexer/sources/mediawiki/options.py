"""The options of MediaWiki."""

from pydantic import Field

from indexer.sources.rest.options import RestOptions


class MediaWikiOptions(RestOptions):
    """The options of a wiki that is asked, or of its XML export."""

    namespaces: tuple[int, ...] = Field(
        (0, 4, 12), description="Numbers of the namespaces to read; 0, 4 and 12 if none."
    )
    server: str | None = Field(
        None, description="Address of the pages of an export, such as https://wiki.example/wiki/."
    )
