"""Checksums of files, which show damage that the formats of the files do not show; folders that are made again when
they are damaged; and whether a file has been written since it was read.

A checksum is the size and the CRC-32 of a file. It is for accidents (a cut copy, a bad disk), not against people who
may write the files: they could write the checksums too. SHA-256 would make opening a large index a third slower.
"""

import gc
import logging
import os
import shutil
import tempfile
import zlib
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from filelock import FileLock

log = logging.getLogger(__name__)
SEAL = "CHECKSUMS"
"""The file with the checksums of a folder that nothing changes any more."""
_UNFINISHED = ".unfinished-"
_AT_ONCE = 1 << 20  # bytes that are read at once: a judgement
_THREADS = 4  # files that are read at once: a judgement

FileState = tuple[Path, int, int, int]
"""A file, its modification time in nanoseconds, its size in bytes and its inode, as they were when it was read."""
FileIdentity = tuple[str | int, ...]
"""What tells that a file is one that was read before, also by another name of it."""


def checksum(path: Path) -> str:
    """The size of a file and its CRC-32. Raises OSError when it cannot be read."""
    size = crc = 0
    with path.open("rb", buffering=0) as file:
        while block := file.read(_AT_ONCE):
            size, crc = size + len(block), zlib.crc32(block, crc)
    return f"{size}-{crc:08x}"


def checksums(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """The checksum of each of these files of a folder, by name; empty for a file that cannot be read."""
    ordered = sorted(names)
    with ThreadPoolExecutor(_THREADS) as threads:
        return dict(zip(ordered, threads.map(lambda name: _checksum_or_nothing(folder / name), ordered), strict=True))


def damaged(folder: Path, expected: Mapping[str, str]) -> list[str]:
    """The names of the files of a folder that are missing or do not have the checksum that is expected of them."""
    return [name for name, found in checksums(folder, expected).items() if found != expected[name]]


def seal(folder: Path) -> None:
    """Write the checksums of all files in a folder into it."""
    lines = [f"{value} {name}\n" for name, value in checksums(folder, _names(folder)).items()]
    (folder / SEAL).write_text("".join(lines), encoding="utf-8")


def _sealed(folder: Path) -> dict[str, str]:
    """The checksum that a sealed folder has of each file. Raises OSError and ValueError when that cannot be read."""
    lines = (folder / SEAL).read_text(encoding="utf-8").splitlines()
    return {name: value for value, _, name in (line.partition(" ") for line in lines)}


def is_as_sealed(folder: Path, name: str) -> bool:
    """True when one file of a sealed folder has the checksum that the folder has of it."""
    try:
        expected = _sealed(folder)
    except (OSError, ValueError):
        return False
    return expected.get(name) == _checksum_or_nothing(folder / name)


def problem_of(folder: Path) -> str:
    """What is wrong with a sealed folder: a file is damaged, missing or not in the list. Empty when it is whole."""
    try:
        expected = _sealed(folder)
    except FileNotFoundError:
        return f"{folder.name} has no checksums"
    except (OSError, ValueError) as error:
        return f"the checksums of {folder.name} cannot be read: {error}"
    if different := sorted(_names(folder) ^ expected.keys()):
        return f"{different[0]} in {folder.name} is missing, or is not in the list of checksums"
    wrong = damaged(folder, expected)
    return f"{wrong[0]} in {folder.name} is damaged" if wrong else ""


def whole_folder(folder: Path, write: Callable[[Path], None], replaces: str = "") -> Path:
    """A folder of files that are made once, such as a model, after comparing it with its checksums. When it is missing
    or damaged, `write` is called with an empty folder, which then takes its place, and that of the folders beside it
    whose names match `replaces`. One process at a time does so, and removes what killed ones left.

    A folder that an earlier version of Kollega made has no checksums, and is made again too; where that is not
    possible, it is used as it is. Raises OSError when the folder cannot be written, and what `write` raises.
    """
    if not problem_of(folder):
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.parent / ".lock"):
            problem = problem_of(folder)  # another process may have made it meanwhile
            if problem:
                if (folder / SEAL).exists():
                    log.warning("%s: it is made again", problem)
                _replace(folder, write)
                _remove_others(folder, replaces)
                _free_what_was_needed()
    except OSError as error:
        if not folder.exists() or (folder / SEAL).exists():
            raise
        log.warning("%s has no checksums and cannot be made again: %s", folder.name, error)
    return folder


def _replace(folder: Path, write: Callable[[Path], None]) -> None:
    for left in folder.parent.glob(f"{_UNFINISHED}*"):
        shutil.rmtree(left, ignore_errors=True)
    unfinished = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=folder.parent))
    replaced = unfinished.with_name(f"{unfinished.name}-replaced")
    try:
        write(unfinished)
        seal(unfinished)
        if folder.exists():
            os.rename(folder, replaced)
        os.rename(unfinished, folder)
    finally:
        for left in (unfinished, replaced):
            shutil.rmtree(left, ignore_errors=True)


def _free_what_was_needed() -> None:
    """Free what only making the folder needed, such as a whole model, where Python does not do so by itself: a server
    looks for no garbage while it loads, and keeps what is there at the end."""
    if not gc.isenabled():
        gc.collect()


def _remove_others(folder: Path, pattern: str) -> None:
    for other in folder.parent.glob(pattern) if pattern else ():
        if other != folder:
            shutil.rmtree(other, ignore_errors=True)


def states(paths: Iterable[Path]) -> tuple[FileState, ...]:
    """The states of the files among these that exist."""
    found = []
    for path in paths:
        try:
            status = path.stat()
        except OSError:
            continue
        found.append((path, status.st_mtime_ns, status.st_size, status.st_ino))
    return tuple(found)


def rewritten(before: Iterable[FileState]) -> list[Path]:
    """The files that were written since then. A deleted file is not among them: who has opened it can still read it."""
    return [state[0] for state in before if states([state[0]]) not in ((), (state,))]


def identity_of(path: Path, checksum: str) -> FileIdentity:
    """What a file with this checksum is known by. Raises OSError when it is missing."""
    status = path.stat()
    return checksum, status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size


def _names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} - {SEAL}


def _checksum_or_nothing(path: Path) -> str:
    try:
        return checksum(path)
    except OSError:
        return ""
