"""The export of a Slack workspace: a ZIP file or a folder. A thread whose first message asks becomes a request."""

from typing import cast

from indexer.sources.protocol import Options, Source
from indexer.sources.slack.options import SlackOptions

OPTIONS = SlackOptions


def open_source(name: str, options: Options) -> Source:
    """The export at `options.place`."""
    from indexer.sources.slack.export import SlackExport

    return SlackExport(name, cast(SlackOptions, options))
