"""The attached files on disk: each under its digest in a folder of the home that only its owner can look into.

A file is written before its row is committed, and removed after its last row is gone. Both happen under one lock, so
that a file is never removed while the same content is being attached again.
"""

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock
from sqlalchemy import select
from sqlalchemy.orm import Session

from recommender.database.attachment_tables import REFUSED, Attachment
from recommender.database.storing import in_chunks
from recommender.errors import AttachmentRefused

DIGEST = re.compile(r"[0-9a-f]{64}")
_ROOM_LEFT = 500_000_000  # bytes that stay free on the disk, for the database and the index: a judgement
_CHUNK = 500  # digests in one query: a judgement


def path_of(folder: Path, digest: str) -> Path:
    """Where the file with this digest is. Raises ValueError for what is no digest: nothing that somebody has sent ever
    becomes a part of a path."""
    if not DIGEST.fullmatch(digest):
        raise ValueError("not a digest")
    return folder / digest[:2] / digest


def digest_of(content: bytes) -> str:
    """The SHA-256 digest of a content."""
    return hashlib.sha256(content).hexdigest()


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder's lock: until the commit when files are added, or while files without rows are removed."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with FileLock(folder / ".lock", mode=0o600):
        yield


def write(folder: Path, content: bytes) -> str:
    """Write a file in one step, readable only by its owner, and return its digest. Raises AttachmentRefused when the
    disk is nearly full."""
    digest = digest_of(content)
    path = path_of(folder, digest)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if shutil.disk_usage(folder).free < _ROOM_LEFT + len(content):
        raise AttachmentRefused("There is no room for files on the server.", "room")
    descriptor, temporary = tempfile.mkstemp(prefix=".new-", dir=path.parent)  # mode 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
    _sync(path.parent)
    return digest


def files(folder: Path) -> Iterator[Path]:
    """All files in the folder, also those that a process that was killed has left."""
    for inner in sorted(folder.glob("[0-9a-f][0-9a-f]")):
        yield from sorted(path for path in inner.iterdir() if path.is_file())


def remove(session: Session, folder: Path, digests: Collection[str]) -> int:
    """Remove the files with these digests that no row needs any more, and return how many were removed. Call it after
    the commit that has removed the rows."""
    with locked(folder):
        unneeded = set(digests) - needed(session, digests)
        found = [path for path in (path_of(folder, digest) for digest in unneeded) if path.exists()]
        for path in found:
            path.unlink()
    return len(found)


def sweep(session: Session, folder: Path) -> int:
    """Remove all files that no row needs, and return how many: uploads that were interrupted, and what was erased. Call
    it when nothing in the session waits for a commit."""
    if not folder.is_dir():
        return 0
    with locked(folder):  # nobody is between writing a file and committing its row
        found = list(files(folder))
        kept = needed(session, {path.name for path in found if DIGEST.fullmatch(path.name)})
        left = [path for path in found if path.name not in kept]
        for path in left:
            path.unlink()
    return len(left)


def needed(session: Session, digests: Collection[str]) -> set[str]:
    """Those of the digests whose file some row needs; a file that was refused is not kept."""
    wanted, kept = sorted(digests), set[str]()
    for some in in_chunks(wanted, _CHUNK):
        query = select(Attachment.digest).where(Attachment.digest.in_(some))
        kept.update(session.scalars(query.where(Attachment.state != REFUSED)))
    return kept


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
