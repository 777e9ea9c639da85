"""What can be set for mail."""

from pathlib import Path

from pydantic import Field

from indexer.sources.protocol import Options


class MailOptions(Options):
    """The options of mail."""

    place: str = Field(
        min_length=1,
        description="An mbox or .eml file, a folder of them, a maildir, a ZIP file of one of these, or imaps://HOST.",
    )
    rest_days: int = Field(
        14,
        ge=0,
        le=3650,
        description="Days without a mail after which the last answer of a thread counts as its answer.",
    )
    subject_weeks: int = Field(
        6, ge=0, le=520, description="Weeks within which a reply that names no mail belongs to one with its subject."
    )
    folder: tuple[str, ...] = Field((), description="Folder of the IMAP server; INBOX when none is named.")
    user: str | None = Field(None, description="User name on the IMAP server.")
    password_file: Path | None = Field(
        None, description="File of mode 600 with the password; else KOLLEGA_<SOURCE>_PASSWORD has it."
    )
