"""Copies of a folder of the index that live for a moment. One that a killed process leaves is removed by the next run
that writes the index.

While a copy is in use it is locked, so that nobody takes it for one that was left, whatever process made it.
"""

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

_COPY = ".open-"  # start of the names of copies
_TRIES = 100  # to remove a copy, 10 ms apart


@contextlib.contextmanager
def copied(source: Path, beside: Path) -> Iterator[Path]:
    """A copy of a folder of files, made in the directory `beside`, that only this account can read; it is removed at
    the end. Raises OSError when it cannot be made."""
    copy = Path(tempfile.mkdtemp(prefix=_COPY, dir=beside))
    try:
        with _locked(copy) as is_mine:
            if not is_mine:
                raise FileNotFoundError(f"{copy} was taken for a copy that was left")
            for path in source.iterdir():
                shutil.copyfile(path, copy / path.name)
            yield copy
    finally:
        _remove(copy)


def copy_keywords(source: Path, target: Path) -> None:
    """Copy a keyword index; the copy can be changed without changing the source. Tantivy never changes the files of
    segments, so hard links to them are enough."""
    target.mkdir(parents=True)
    for path in source.iterdir():
        if path.suffix == ".json":
            shutil.copy2(path, target / path.name)
        elif path.suffix != ".lock" and not path.name.startswith("."):
            os.link(path, target / path.name)


def remove_left(folder: Path) -> None:
    """Remove the copies in a directory that killed processes left."""
    for copy in folder.glob(f"{_COPY}*"):
        with contextlib.suppress(OSError), _locked(copy) as is_mine:
            if is_mine:
                _remove(copy)


def _remove(copy: Path) -> None:
    """Remove a copy. Tantivy writes a lock file from a thread of its own while it opens an index, perhaps just after
    the files were removed and before their folder is: then the folder is not empty, and is removed again."""
    for _try in range(_TRIES):
        shutil.rmtree(copy, ignore_errors=True)
        if not copy.exists():
            return
        time.sleep(0.01)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[bool]:
    """Locks a folder, without waiting; false when another process has it or it is gone. A killed process loses it."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield folder.exists()
    finally:
        os.close(descriptor)
