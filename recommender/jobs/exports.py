"""The files that export jobs have written, in the home directory of the process that did it: listed, found and removed
for the pages."""

import io
import re
import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from recommender.settings import Settings

_NAME = re.compile(r"kollega-\d{8}-\d{6}\.jsonl\.gz")
_DIGEST = re.compile(r"[0-9a-f]{64}")  # what the attached files are called, whatever their names in Kollega
_PIECE = 1 << 20  # bytes of a file that are in memory at once


@dataclass(frozen=True)
class Exported:
    """A file: its name, its length in bytes, when it was written (UTC), and whether attached files lie beside it."""

    name: str
    size: int
    at: datetime
    has_files: bool


def listed(settings: Settings) -> list[Exported]:
    """The files that are here, the newest first; not those that are being written."""
    found = []
    for path in sorted(settings.exports_dir.glob("kollega-*"), reverse=True):
        if _NAME.fullmatch(path.name) and path.is_file():
            stat = path.stat()
            at = datetime.fromtimestamp(stat.st_mtime, UTC).replace(tzinfo=None)
            found.append(Exported(path.name, stat.st_size, at, _beside(path).is_dir()))
    return found


def find(settings: Settings, name: str) -> Path | None:
    """The file of this name; None when there is none."""
    path = settings.exports_dir / name
    return path if _NAME.fullmatch(name) and path.is_file() else None


def remove(path: Path) -> None:
    """Remove a file, and the attached files beside it."""
    path.unlink(missing_ok=True)
    shutil.rmtree(_beside(path), ignore_errors=True)


def attached(path: Path) -> list[Path]:
    """The attached files beside an export; nothing else that lies there, and no links."""
    found = _beside(path).iterdir() if _beside(path).is_dir() else ()
    return sorted(file for file in found if _DIGEST.fullmatch(file.name) and file.is_file() and not file.is_symlink())


def zipped(path: Path) -> Iterator[bytes]:
    """The attached files beside an export as a ZIP file, piece by piece: unpacked beside the export they are where
    `kollega import` looks for them."""
    written = _Pieces()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_STORED) as archive:
        for file in attached(path):
            entry = zipfile.ZipInfo(f"{_beside(path).name}/{file.name}")
            entry.external_attr = 0o600 << 16
            with file.open("rb") as content, archive.open(entry, "w", force_zip64=True) as copy:
                while piece := content.read(_PIECE):
                    copy.write(piece)
                    yield written.taken()
    yield written.taken()


class _Pieces(io.RawIOBase):
    """Takes what is written until it is fetched; nobody can go back in it."""

    def __init__(self) -> None:
        self._held = bytearray()

    def writable(self) -> bool:
        """It can be written."""
        return True

    def write(self, data: Any) -> int:
        """Take a piece."""
        self._held += data
        return len(data)

    def taken(self) -> bytes:
        """What was written since the last time."""
        held, self._held = bytes(self._held), bytearray()
        return held


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.name}.files")
