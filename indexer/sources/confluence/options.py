"""The options of Confluence."""

from pydantic import Field

from indexer.sources.rest.options import RestOptions


class ConfluenceOptions(RestOptions):
    """The options of a wiki that is asked, or of the export of its spaces."""

    user: str | None = Field(None, description="Mail address of the account whose API token is used, on Cloud.")
    spaces: tuple[str, ...] = Field((), description="Keys of the spaces to read; all when none is given.")
    everyone: tuple[str, ...] = Field(
        (), description="Groups that everybody here belongs to, such as confluence-users: they keep nobody out."
    )
    address: str | None = Field(None, description="Address of the wiki, for links to the pages of an export.")
    v2: bool = Field(False, description="Read Cloud by version 2 of its interface, where searches are not allowed.")
