"""The options that all sources with a REST interface have."""

from pathlib import Path

from pydantic import Field

from indexer.sources.protocol import Options
from indexer.sources.rest.access import Access, Form, bearer
from indexer.sources.rest.client import RestClient


class RestOptions(Options):
    """The options of a source that is asked over the network, or read from files that were exported from it."""

    place: str = Field(min_length=1, description="An address with https://, or a file or folder of an export.")
    token_file: Path | None = Field(None, description="File of mode 600 with the token, instead of the environment.")
    ca_file: Path | None = Field(None, description="File with the certificates of your own authority (PEM).")
    allow_http: bool = Field(False, description="Send the token without encryption to an address with http://.")


def open_client(
    name: str, options: RestOptions, address: str, form: Form = bearer, header: str = "Authorization"
) -> RestClient:
    """A client for the source of this name. Raises SourceError when the address cannot be used."""
    access = Access(name, form, header, options.token_file)
    return RestClient(name, address, access, ca_file=options.ca_file, allow_http=options.allow_http)
