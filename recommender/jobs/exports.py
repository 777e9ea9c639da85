"""The files that export jobs have written, in the home directory of the process that did it: listed, found and removed
for the pages."""

import re
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from recommender.settings import Settings

_NAME = re.compile(r"kollega-\d{8}-\d{6}\.jsonl\.gz")


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


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.name}.files")
