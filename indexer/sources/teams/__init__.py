"""Messages of Microsoft Teams as Microsoft Graph gives them: JSON files in a folder or a ZIP file."""

from indexer.sources.protocol import Options, Source

OPTIONS = Options


def open_source(name: str, options: Options) -> Source:
    """The messages at `options.place`."""
    from indexer.sources.teams.export import TeamsExport

    return TeamsExport(name, options)
