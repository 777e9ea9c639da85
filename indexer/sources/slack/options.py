"""What can be set for an export of Slack."""

from pydantic import Field

from indexer.sources.protocol import Options


class SlackOptions(Options):
    """The options of Slack."""

    place: str = Field(min_length=1, description="The ZIP file of the export, or the folder that it was unpacked to.")
    channel: tuple[str, ...] = Field(
        (), description="A channel to read, without #; all public ones when none is named."
    )
    private: bool = Field(False, description="Read private channels too; only a rule gives them readers.")
