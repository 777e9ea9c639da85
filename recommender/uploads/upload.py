"""An uploaded file in a folder of its own under `uploads` in the home directory: the file, what is known of it
(`about.json`), and what a job has understood of it (`look.json`). Only the account that runs Kollega can read them.

The web process keeps the file and shows what the job has written; the job reads it. A machine that has only one of both
needs a home directory that both can reach.
"""

import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from recommender.errors import UploadRefused
from recommender.settings import Settings

CSV, EXCEL, JSON_LINES, DOCUMENTS = "csv", "excel", "jsonl", "documents"
FORMATS: Mapping[str, str] = {
    ".csv": CSV, ".tsv": CSV, ".txt": CSV, ".xlsx": EXCEL, ".jsonl": JSON_LINES, ".json": JSON_LINES,
    ".ndjson": JSON_LINES, ".gz": JSON_LINES, ".zip": DOCUMENTS,
}  # fmt: skip
"""What a file is, by the end of its name."""
TABLES = (CSV, EXCEL)
KEPT_DAYS = 7
"""How long a file waits to be loaded: a judgement."""
_ID = re.compile(r"[0-9a-f]{16}")
_ABOUT, _LOOK = "about.json", "look.json"
_FOLDER = "uploads"


@dataclass(frozen=True)
class Upload:
    """A file that was uploaded. `look_job` and `load_job` are the jobs that look at it and load it; `choice` is what an
    admin has chosen: the `team` of what names none, `team_only`, and for a table its `kind`, the role of each of its
    `columns`, the order of `dates` and the state of each word of its `status`."""

    id: str
    name: str
    format: str
    size: int
    look_job: int = 0
    load_job: int = 0
    choice: dict[str, Any] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """The file, from the home directory on."""
        return f"{_FOLDER}/{self.id}/file{Path(self.name).suffix.lower()}"

    @property
    def source(self) -> str:
        """The name of the source: the same file, uploaded again, is the same source."""
        stem = Path(self.name.lower().removesuffix(".gz")).stem
        return re.sub(r"[^a-z0-9]+", "-", stem).strip("-")[:40] or self.format


def keep(settings: Settings, name: str, content: IO[bytes]) -> Upload:
    """Store a file that was sent, and remove those that have waited too long.

    Raises UploadRefused for one whose kind is not known ("format") or that is empty ("empty").
    """
    name = " ".join(name.replace("\\", "/").rpartition("/")[2].split())[:120]
    kind = FORMATS.get(Path(name).suffix.lower())
    if kind is None:
        raise UploadRefused("Upload a file that ends in .csv, .xlsx, .jsonl or .zip.", "format")
    _remove_old(settings)
    folder = settings.home / _FOLDER / (identifier := secrets.token_hex(8))
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.mkdir(mode=0o700)
    upload = Upload(identifier, name, kind, 0)
    with open(os.open(settings.home / upload.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        shutil.copyfileobj(content, file)
        size = file.tell()
    if not size:
        shutil.rmtree(folder)
        raise UploadRefused("The file is empty. Choose another one.", "empty")
    upload = Upload(identifier, name, kind, size)
    save(settings, upload)
    return upload


def find(settings: Settings, identifier: str) -> Upload | None:
    """The upload with this id; None when there is none."""
    if not _ID.fullmatch(identifier):
        return None
    values = _read(settings, identifier, _ABOUT)
    try:
        return Upload(**values) if values is not None else None
    except TypeError:
        return None


def save(settings: Settings, upload: Upload) -> None:
    """Store what is known of an upload."""
    _write(settings, upload.id, _ABOUT, asdict(upload))


def look_of(settings: Settings, upload: Upload) -> dict[str, Any] | None:
    """What a job has understood of the file; None while it has not."""
    return _read(settings, upload.id, _LOOK)


def save_look(settings: Settings, identifier: str, look: dict[str, Any] | None) -> None:
    """Store what was understood of a file, or with None that it is looked at anew."""
    if look is None:
        (settings.home / _FOLDER / identifier / _LOOK).unlink(missing_ok=True)
    else:
        _write(settings, identifier, _LOOK, look)


def remove_content(settings: Settings, identifier: str) -> None:
    """Remove the file and what was understood of it, once it is loaded; its name stays for the page."""
    folder = settings.home / _FOLDER / identifier
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        elif path.name != _ABOUT:
            path.unlink(missing_ok=True)


def _read(settings: Settings, identifier: str, name: str) -> dict[str, Any] | None:
    try:
        values = json.loads((settings.home / _FOLDER / identifier / name).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return values if isinstance(values, dict) else None


def _write(settings: Settings, identifier: str, name: str, values: dict[str, Any]) -> None:
    path = settings.home / _FOLDER / identifier / name
    new = path.with_name(f".{name}-{os.getpid()}")
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(values, file, ensure_ascii=False)
    os.replace(new, path)


def _remove_old(settings: Settings) -> None:
    before = time.time() - KEPT_DAYS * 24 * 3600
    for folder in (settings.home / _FOLDER).glob("*"):
        if _ID.fullmatch(folder.name) and folder.stat().st_mtime < before:
            shutil.rmtree(folder, ignore_errors=True)
