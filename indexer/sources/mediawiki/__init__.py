"""MediaWiki: the pages of a wiki, asked from its interface or read from its XML export."""

from indexer.sources.mediawiki.api import MediaWikiApi
from indexer.sources.mediawiki.dump import MediaWikiDump
from indexer.sources.mediawiki.options import MediaWikiOptions
from indexer.sources.protocol import Source
from indexer.sources.rest.access import NoAccess, access_or_none
from indexer.sources.rest.address import is_address
from indexer.sources.rest.client import RestClient

OPTIONS = MediaWikiOptions


def open_source(name: str, options: MediaWikiOptions) -> Source:
    """The wiki whose `api.php` is given, or the export at a path. Without a token it is read as by anybody. Raises
    SourceError when the address cannot be used."""
    if not is_address(options.place):
        return MediaWikiDump(name, options)
    access = access_or_none(name, options.token_file)
    client = RestClient(name, options.place, access, ca_file=options.ca_file, allow_http=options.allow_http)
    return MediaWikiApi(name, client, options, is_open=isinstance(access, NoAccess))
