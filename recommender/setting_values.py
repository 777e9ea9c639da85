"""Reads the values of settings that are more than a word or a number: networks, time zones, mail servers. Says which
files are where in the home directory."""

from datetime import UTC, tzinfo
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

ATTACHMENT_TYPES = (
    "png", "jpg", "gif", "webp", "pdf", "docx", "xlsx", "pptx", "odt", "ods", "odp", "txt", "zip"
)  # fmt: skip
"""The types of files that Kollega can tell by what is in them; `txt` is any text without control characters."""
PAGE_LANGUAGES = ("en", "fi", "sv")
"""The languages that pages, mail and notifications can be in."""
MASKABLE = ("identity-codes", "account-numbers", "card-numbers", "passwords", "phone-numbers")
INDEXES = ("local", "milvus")
Networks = tuple[IPv4Network | IPv6Network, ...]


def networks(text: str) -> Networks | None:
    """The addresses and networks of a list; None when one is neither."""
    try:
        return tuple(ip_network(part.strip(), strict=False) for part in text.split(",") if part.strip())
    except ValueError:
        return None


def zone_of(name: str) -> tzinfo | None:
    """The time zone of a name; None when there is none."""
    try:
        return UTC if name == "UTC" else ZoneInfo(name)
    except (ValueError, OSError, ZoneInfoNotFoundError):
        return None


def is_bucket(address: str) -> bool:
    """True for the address of a bucket without keys, and for none."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    known = parse_qs(parts.query, keep_blank_values=True).keys() <= {"endpoint", "region"}
    return not address or (parts.scheme == "s3" and bool(parts.netloc) and "@" not in unquote(address) and known)


def is_mail_server(address: str) -> bool:
    """True when the address names a host, and no port or one that can be."""
    try:
        parts = urlsplit(address)
        return parts.scheme in ("smtp", "smtps") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


class Places:
    """Where the files of a home directory are."""

    home: Path
    sources: str

    @property
    def sources_file(self) -> Path:
        """The file that names the sources."""
        return Path(self.sources) if self.sources else self.home / "sources.toml"

    @property
    def index_dir(self) -> Path:
        """Directory of the index generations."""
        return self.home / "index"

    @property
    def attachments_dir(self) -> Path:
        """Directory of the attached files."""
        return self.home / "attachments"

    @property
    def backups_dir(self) -> Path:
        """Directory of the backups that `kollega upgrade` and jobs make."""
        return self.home / "backups"

    @property
    def exports_dir(self) -> Path:
        """Directory of the exports that jobs have written."""
        return self.home / "exports"

    @property
    def synonyms_path(self) -> Path:
        """The organisation's file of synonyms, which may be missing."""
        return self.home / "synonyms.txt"

    @property
    def models_dir(self) -> Path:
        """Directory of what is prepared on first use: models exported for OpenVINO, and dictionaries."""
        return self.home / "models"
