"""Index generations on disk. `index/CURRENT` names the live one; a new one is written beside it and replaces it
atomically.

The directory of a generation contains `catalogue.db`, `vectors.faiss`, `space.npz`, `lexical/` and `manifest.json`. If
the first two are those of an earlier one, by hard links, `catalogue-added.db` and `vectors-added.faiss` have what is
different. The manifest is written last: a directory without one was never finished. It has the files' checksums.
`experts.json` and `calibration.json`, if there are any, contain learned weights and are copied from generation
to generation; each has its own checksum.
"""

import contextlib
import hashlib
import json
import logging
import os
import secrets
import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from recommender.checksums import checksums, damaged
from recommender.encoder import ModelCard
from recommender.errors import IndexDamaged, IndexLocked, IndexNotFound
from recommender.index.copies import remove_left

log = logging.getLogger(__name__)
FORMAT = 4  # of the files in a generation; an index of another format must be built again
EXPERTS, CALIBRATION = "experts.json", "calibration.json"
WAS_LEARNED = ".learned"  # ending of the empty file beside each of these two, which shows when it was lost
CATALOGUE, SPACE, LEXICAL, CONTENTS = "catalogue.db", "space.npz", "lexical", "contents.json"
VECTORS, ADDED, ADDED_CATALOGUE = "vectors.faiss", "vectors-added.faiss", "catalogue-added.db"
JOURNAL, _QUESTIONS = "journal-", "questions-"  # begin names of files: vectors of interrupted runs, of questions
_REWRITE = "REWRITE"  # begins the names of files that ask for a rewrite
ENGINE = "local"
"""What searches a generation unless its manifest says otherwise: FAISS and Tantivy on local files."""


@dataclass(frozen=True)
class Manifest:
    """What a generation was made from and what it contains; stored as `manifest.json`.

    `files` has the checksum of each file, by its path in the generation. Earlier versions of Kollega wrote none: such a
    generation can be used, and the next `kollega reindex` writes one with checksums. `engine` is what searches it.
    """

    format: int
    analysis: int
    generation: str
    created_at: str
    model: ModelCard
    items: int
    passages: int
    rows: int
    approximate: bool
    background: float
    alignment: str
    files: Mapping[str, str] = field(default_factory=dict)
    engine: str = ENGINE

    @classmethod
    def read(cls, directory: Path) -> "Manifest":
        """The manifest of a generation. Raises IndexDamaged when it cannot be read, has another checksum or format, or
        belongs to another generation."""
        try:
            values = json.loads((directory / "manifest.json").read_text(encoding="utf-8"))
            if values["format"] != FORMAT:
                raise IndexDamaged(f"{directory.name} was written by another version. Run: kollega reindex --full")
            written = values.pop("checksum", None)
            known = {name: value for name, value in values.items() if name != "digest"}  # of earlier versions
            manifest = cls(**{**known, "model": ModelCard(**values["model"])})
            if written != (_checksum(values) if manifest.files else None):
                raise ValueError("its checksum is another one")
            if manifest.files and manifest.generation != directory.name:
                raise ValueError(f"it is that of {manifest.generation}")
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise IndexDamaged(
                f"The manifest of {directory.name} cannot be read ({error}). Run: kollega reindex --full"
            ) from error
        return manifest

    def write(self, directory: Path) -> None:
        """Write `manifest.json`, with its checksum if it has those of the files."""
        values = asdict(self)
        if self.files:
            values["checksum"] = _checksum(values)
        else:
            del values["files"]
        (directory / "manifest.json").write_text(json.dumps(values, indent=1), encoding="utf-8")

    def check_files(self, directory: Path, parts: tuple[str, ...] = ("",), but: Collection[str] = ()) -> None:
        """Compare these parts (files, or a directory of files; all by default) with their checksums, `but` not these
        files. Raises IndexDamaged, which names the files that are missing or damaged."""
        compared = [(name, value) for name, value in self.files.items() if name.startswith(parts) and name not in but]
        if files := ", ".join(damaged(directory, dict(compared))):
            raise IndexDamaged(f"{directory.name} has damaged or missing files: {files}. Run: kollega reindex --full")


def files_of(directory: Path) -> list[Path]:
    """The files of a generation that exist, without locks, learned weights and the manifest."""
    paths = [directory / name for name in (CATALOGUE, ADDED_CATALOGUE, VECTORS, ADDED, SPACE, CONTENTS)]
    paths += sorted((directory / LEXICAL).glob("*"))
    return [path for path in paths if path.is_file() and path.suffix != ".lock"]


def checksums_of(directory: Path, base: Path | None = None) -> dict[str, str]:
    """The checksums of the files of a generation, as its manifest lists them. Those of files that are of `base` too are
    taken from its manifest: whoever opens it compares them."""
    names = {path.relative_to(directory).as_posix() for path in files_of(directory)}
    known = Manifest.read(base).files if base else {}
    same = {name: known[name] for name in names if base and name in known and (directory / name).samefile(base / name)}
    return checksums(directory, names - same.keys()) | same


def _checksum(values: object) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def live(index_dir: Path) -> Path:
    """Directory of the live generation. Raises IndexNotFound when there is none."""
    name = live_name(index_dir)
    if name is None or not (index_dir / name).is_dir():
        raise IndexNotFound("There is no index yet. Run: kollega reindex")
    return index_dir / name


def live_name(index_dir: Path) -> str | None:
    """Name of the live generation, None when there is none or its name cannot be read. Reads one small file, which has
    the name and the checksum of the name; earlier versions of Kollega wrote the name alone."""
    try:
        name, *check = (index_dir / "CURRENT").read_text(encoding="ascii").split()
    except (OSError, ValueError):  # missing, or damaged so that it is not ASCII or has no name
        return None
    return name if check in ([], [_checksum(name)]) else None


def finished(index_dir: Path) -> list[str]:
    """Names of the finished generations, oldest first."""
    return sorted(path.parent.name for path in index_dir.glob("gen-*/manifest.json"))


def begin(index_dir: Path, model: ModelCard) -> Path:
    """Make the directory of a new generation for vectors of `model`. Removes unfinished generations.

    Learned weights are copied from the live generation. When that was made with another model, which is logged, they
    are copied from the last generation of this one, if it is kept.
    """
    index_dir.mkdir(parents=True, exist_ok=True)
    remove_unfinished(index_dir)
    names = finished(index_dir)
    number = int(names[-1].partition("-")[2]) + 1 if names else 1
    directory = index_dir / f"gen-{number:06d}"
    directory.mkdir()
    live_one, before = index_dir / (live_name(index_dir) or ""), newest_of(index_dir, model)
    if live_one != before and (learned := _learned(live_one)):
        ignored = ", ".join(path.name for path in learned if path.suffix != WAS_LEARNED)
        log.warning("%s of %s belong to another model and are not copied", ignored, live_one.name)
    for path in _learned(before) if before else ():
        shutil.copy2(path, directory / path.name)
    return directory


def _learned(directory: Path) -> list[Path]:
    """The files of learned weights that a generation has."""
    names = [f"{name}{ending}" for name in (EXPERTS, CALIBRATION) for ending in ("", WAS_LEARNED)]
    return [directory / name for name in names if (directory / name).is_file()]


def newest_of(index_dir: Path, model: ModelCard) -> Path | None:
    """The generation that `model` made: the live one if it is of that model, else the last one that is kept, if any."""
    names = [name for name in (live_name(index_dir), *reversed(finished(index_dir))) if name]
    return next((index_dir / name for name in names if values_of(index_dir / name).get("model") == asdict(model)), None)


def model_name_of(directory: Path) -> str | None:
    """The name of the model that made a generation; None when its manifest cannot be read."""
    model = values_of(directory).get("model")
    name = model.get("name") if isinstance(model, dict) else None
    return name if isinstance(name, str) else None


def remove_unfinished(index_dir: Path) -> None:
    """Remove what an interrupted run left. Call this under the write lock."""
    for path in (index_dir / "CURRENT.new", *index_dir.glob(f"{_QUESTIONS}*.new")):  # the latter of earlier versions
        path.unlink(missing_ok=True)
    remove_left(index_dir)
    names = finished(index_dir)
    for path in index_dir.glob("gen-*"):
        if path.name not in names:
            remove(path)


def values_of(directory: Path) -> dict[str, Any]:
    """What a generation's manifest says, which may have any format and is not checked; nothing if it cannot be read."""
    try:
        return dict(json.loads((directory / "manifest.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return {}


def publish(index_dir: Path, directory: Path) -> None:
    """Make a finished generation the live one in one atomic step. Of the others stay the previous one, and the last one
    of another model, which makes going back to that model quick."""
    previous = live_name(index_dir)
    for path in directory.rglob("*"):
        _sync(path)
    new = index_dir / "CURRENT.new"
    with new.open("w", encoding="ascii") as file:
        file.write(f"{directory.name} {_checksum(directory.name)}\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(new, index_dir / "CURRENT")
    kept = {previous, directory.name, _last_of_another_model(index_dir, directory)}
    for name in finished(index_dir) if previous != directory.name else ():  # else nobody knows which was before
        if name not in kept:
            remove(index_dir / name)


def _last_of_another_model(index_dir: Path, directory: Path) -> str | None:
    """The name of the newest generation that a model of another name made than this one; None when there is none."""
    own, names = model_name_of(directory), reversed(finished(index_dir))
    return next((name for name in names if model_name_of(index_dir / name) not in (own, None)), None)


def remove(directory: Path) -> None:
    """Remove one that is not in use, under the write lock: the manifest first, so that what is left is unfinished."""
    with contextlib.suppress(OSError):
        (directory / "manifest.json").unlink()
    shutil.rmtree(directory, ignore_errors=True)


def _sync(path: Path) -> None:
    """Write a file or directory to disk before `CURRENT` names it, so that a power failure cannot leave it empty."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def roll_back(index_dir: Path) -> str:
    """Make the generation before the live one live again, and return its name. Raises IndexNotFound when there is none,
    IndexDamaged when it is damaged, IndexLocked when another process is writing the index."""
    with write_lock(index_dir):
        current = live(index_dir).name
        older = [name for name in finished(index_dir) if name < current]
        if not older:
            raise IndexNotFound("There is no earlier generation to go back to. Run: kollega reindex --full")
        Manifest.read(index_dir / older[-1]).check_files(index_dir / older[-1])
        publish(index_dir, index_dir / older[-1])
        return older[-1]


def ask_for_rewrite(index_dir: Path) -> None:
    """Have the next run write every file of the index anew, because something is erased that must be in none of them.

    Call this before the commit, so that a process killed after it leaves the wish, and once more after it: a run that
    began before the commit reads what is erased by it, and fulfils only the wishes that it found: each is a file.
    """
    index_dir.mkdir(parents=True, exist_ok=True)
    (index_dir / f"{_REWRITE}.{secrets.token_hex(8)}").touch()
    _sync(index_dir)


def rewrites_asked_for(index_dir: Path) -> frozenset[str]:
    """The names of the wishes for a rewrite, which the next run fulfils. Read them before the database."""
    return frozenset(path.name for path in index_dir.glob(f"{_REWRITE}*"))


def question_vectors_path(index_dir: Path, model: ModelCard | None) -> Path:
    """The file with the vectors of past questions that a model made; a pattern for those of any without one."""
    return index_dir / f"{_QUESTIONS}{f'{model.revision}-{model.dimension}' if model else '*'}.npz"


def remove_all_but(index_dir: Path, name: str, wishes: Iterable[str]) -> None:
    """Remove all generations but this one, the vectors of questions and of interrupted runs, and fulfilled wishes."""
    for path in index_dir.glob("gen-*"):
        if path.name != name:
            remove(path)
    for start in (JOURNAL, _QUESTIONS):
        for path in index_dir.glob(f"{start}*"):
            path.unlink(missing_ok=True)
    for wish in wishes:
        (index_dir / wish).unlink(missing_ok=True)


@contextlib.contextmanager
def write_lock(index_dir: Path) -> Iterator[None]:
    """Lock the index for writing. Raises IndexLocked when another process has the lock; a killed process loses it."""
    index_dir.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(index_dir / "lock", timeout=0):
            yield
    except Timeout as error:
        raise IndexLocked(
            "Another process is writing the index. Wait for it to end, or stop it, then try again."
        ) from error
