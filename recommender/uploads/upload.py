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
from recommender.sentences.stored import packed, unpacked
from recommender.settings import Settings

CSV, EXCEL, JSON_LINES, DOCUMENTS = "csv", "excel", "jsonl", "documents"
FORMATS: Mapping[str, str] = {
    ".csv": CSV, ".tsv": CSV, ".txt": CSV, ".xlsx": EXCEL, ".jsonl": JSON_LINES, ".json": JSON_LINES,
    ".ndjson": JSON_LINES, ".gz": JSON_LINES, ".zip": DOCUMENTS,
}  # fmt: skip
"""What a file is, by the end of its name."""
TABLES = (CSV, EXCEL)
MOST_ROLES = 50
"""How many people one file may make leads and admins: as many as somebody reads before confirming it, a judgement."""
KEPT_DAYS = 7
"""How long a file waits to be loaded: a judgement."""
_ID = re.compile(r"[0-9a-f]{16}")
_LONGEST_NAME = 120
_ABOUT, _LOOK = "about.json", "look.json"
_FOLDER = "uploads"


@dataclass(frozen=True)
class Upload:
    """A file that was uploaded. `look_job` and `load_job` are the jobs that look at it and load it; `choice` is what an
    admin has chosen: the `team` of what names none, `team_only`, the source that it `replaces`, whether it may make
    leads and admins (`roles`), and for a table its `kind`, the role of each of its `columns`, the order of `dates` and
    the state of each word of its `status`. `uploaded_by` is the id of that admin; None for a command."""

    id: str
    name: str
    format: str
    size: int
    look_job: int = 0
    load_job: int = 0
    choice: dict[str, Any] = field(default_factory=dict)
    uploaded_by: int | None = None

    @property
    def path(self) -> str:
        """The file, from the home directory on."""
        return f"{_FOLDER}/{self.id}/file{Path(self.name).suffix.lower()}"

    @property
    def source(self) -> str:
        """The name of the source: that of an earlier upload, if an admin has chosen to replace it, else one of its own,
        because two files of the same name may have nothing to do with each other."""
        if self.choice.get("replaces"):
            return str(self.choice["replaces"])
        stem = Path(self.name.lower().removesuffix(".gz")).stem
        return f"{re.sub(r'[^a-z0-9]+', '-', stem).strip('-')[:40] or self.format}-{self.id[:8]}"


def keep(settings: Settings, name: str, content: IO[bytes], by: int | None = None) -> Upload:
    """Store a file that was sent by somebody, and remove those that have waited too long.

    Raises UploadRefused for one whose kind is not known ("format") or that is empty ("empty").
    """
    name = " ".join(name.replace("\\", "/").rpartition("/")[2].split())
    kind = FORMATS.get(Path(name).suffix.lower())
    if kind is None:
        raise UploadRefused("Upload a file that ends in .csv, .xlsx, .jsonl or .zip.", "format")
    ending = Path(name).suffix
    name = name.removesuffix(ending)[: _LONGEST_NAME - len(ending)] + ending
    remove_old(settings)
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
    upload = Upload(identifier, name, kind, size, uploaded_by=by)
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


def discard(settings: Settings, identifier: str) -> None:
    """Remove an upload and everything that is known of it."""
    if _ID.fullmatch(identifier):
        shutil.rmtree(settings.home / _FOLDER / identifier, ignore_errors=True)


def remove_old(settings: Settings) -> None:
    """Remove what has waited too long to be loaded."""
    before = time.time() - KEPT_DAYS * 24 * 3600
    for folder in (settings.home / _FOLDER).glob("*"):
        if _ID.fullmatch(folder.name) and folder.stat().st_mtime < before:
            shutil.rmtree(folder, ignore_errors=True)


def _read(settings: Settings, identifier: str, name: str) -> dict[str, Any] | None:
    try:
        values = json.loads((settings.home / _FOLDER / identifier / name).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return unpacked(values) if isinstance(values, dict) else None


def _write(settings: Settings, identifier: str, name: str, values: dict[str, Any]) -> None:
    path = settings.home / _FOLDER / identifier / name
    new = path.with_name(f".{name}-{os.getpid()}")
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(packed(values), file, ensure_ascii=False)
    os.replace(new, path)
