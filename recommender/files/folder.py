"""The attached files on disk: each under its digest in a folder of the home that only its owner can look into."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from recommender.errors import AttachmentRefused
from recommender.files import checked, digest_of

_ROOM_LEFT = 500_000_000  # bytes that stay free on the disk, for the database and the index: a judgement


def path_of(folder: Path, digest: str) -> Path:
    """Where the file with this digest is. Raises ValueError for what is no digest."""
    return folder / checked(digest)[:2] / digest


class Folder:
    """Files in a folder."""

    shared = False

    def __init__(self, folder: Path) -> None:
        self.where = str(folder)
        self._folder = folder

    @contextmanager
    def locked(self) -> Iterator[None]:
        """As in the protocol."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with FileLock(self._folder / ".lock", mode=0o600):
            yield

    def write(self, content: bytes) -> str:
        """As in the protocol; the file is readable only by its owner."""
        digest = digest_of(content)
        path = path_of(self._folder, digest)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if shutil.disk_usage(self._folder).free < _ROOM_LEFT + len(content):
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

    def read(self, digest: str) -> bytes:
        """As in the protocol."""
        return path_of(self._folder, digest).read_bytes()

    @contextmanager
    def local(self, digest: str) -> Iterator[Path]:
        """As in the protocol: the file itself."""
        path = path_of(self._folder, digest)
        if not path.is_file():
            raise FileNotFoundError(digest)
        yield path

    def has(self, digest: str) -> bool:
        """As in the protocol."""
        return path_of(self._folder, digest).is_file()

    def names(self) -> Iterator[str]:
        """As in the protocol."""
        yield from (path.name for path in files(self._folder))

    def owner(self) -> str | None:
        """None: a folder is in the home of its installation, or shared by machines of one."""
        return None

    def set_owner(self, name: str) -> None:
        """Nothing, as `owner` says."""

    def delete(self, name: str) -> None:
        """As in the protocol."""
        for path in files(self._folder) if name.startswith(".") else (path_of(self._folder, name),):
            if path.name == name:
                path.unlink(missing_ok=True)


def files(folder: Path) -> Iterator[Path]:
    """All files in the folder, also those that a process that was killed has left."""
    for inner in sorted(folder.glob("[0-9a-f][0-9a-f]")):
        yield from sorted(path for path in inner.iterdir() if path.is_file())


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
