"""Which files of a generation nothing has touched since they were written, or compared with their checksums.

To read all of a large index takes longer than to add an item. So who continues a generation reads only those files to
compare them that `index/checked.json` does not list, or lists with another time, size or place on the disk. Who answers
from a generation compares all that it uses, and `kollega verify` everything: they find what a bad disk has changed.
"""

import json
import os
from collections.abc import Iterable
from pathlib import Path

_NOTE = "checked.json"


def untouched(directory: Path) -> frozenset[str]:
    """The names of the files of a generation that are as they were when `note_checked` listed them."""
    try:
        noted = json.loads((directory.parent / _NOTE).read_text(encoding="utf-8"))
        of_generation = noted["files"] if noted["generation"] == directory.name else {}
        return frozenset(name for name, state in of_generation.items() if _state(directory / name) == state)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return frozenset()


def note_checked(directory: Path, names: Iterable[str]) -> None:
    """List these files of a generation, and those of no other one, in one step."""
    new = directory.parent / f"{_NOTE}.new"
    files = {name: _state(directory / name) for name in names}
    new.write_text(json.dumps({"generation": directory.name, "files": files}), encoding="utf-8")
    os.replace(new, directory.parent / _NOTE)


def _state(path: Path) -> list[int]:
    status = path.stat()
    return [status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino]
