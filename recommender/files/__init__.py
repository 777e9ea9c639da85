"""Where the attached files are: in a folder of the home, or in a bucket of an S3 service that several machines share.
What the rows of the database say of them does not belong here."""

import hashlib
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

DIGEST = re.compile(r"[0-9a-f]{64}")


def digest_of(content: bytes) -> str:
    """The SHA-256 digest of a content."""
    return hashlib.sha256(content).hexdigest()


def checked(digest: str) -> str:
    """The digest. Raises ValueError for what is none: nothing that somebody has sent ever becomes a part of a name."""
    if not DIGEST.fullmatch(digest):
        raise ValueError("not a digest")
    return digest


class FileStore(Protocol):
    """Files by the digests of their contents. All functions raise FilesUnavailable when the files cannot be reached,
    and ValueError for what is no digest."""

    where: str
    """What people are told of where the files are."""
    shared: bool
    """True when several machines have the same files."""

    def locked(self) -> AbstractContextManager[None]:
        """Keep other processes of this machine from adding or removing files."""

    def write(self, content: bytes) -> str:
        """Store a file in one step, and return its digest. Raises AttachmentRefused when there is no room."""

    def read(self, digest: str) -> bytes:
        """The content of a file. Raises FileNotFoundError."""

    def local(self, digest: str) -> AbstractContextManager[Path]:
        """A file of this machine with the content of a file, as long as it is used. Raises FileNotFoundError."""

    def has(self, digest: str) -> bool:
        """True when there is a file with this digest."""

    def names(self) -> Iterator[str]:
        """The names of all files: their digests, and what writing that was interrupted has left. Never those of other
        files in the same place, which are not Kollega's."""

    def owner(self) -> str | None:
        """The installation that adds and removes files here; None when none has said so yet."""

    def set_owner(self, name: str) -> None:
        """Note the installation that adds and removes files here."""

    def delete(self, name: str) -> None:
        """Remove a file by its name; there may be none."""
