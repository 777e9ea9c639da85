"""What was learned from an organisation's own history: a small JSON file in the index generation that it belongs to."""

import json
import logging
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Generic, TypeVar

T = TypeVar("T")
log = logging.getLogger(__name__)


def write(path: Path, held: Mapping[str, Any]) -> None:
    """Put what was learned there in one atomic step."""
    beside = path.with_name(f"{path.name}.new")
    beside.write_text(json.dumps(held, indent=1), encoding="utf-8")
    os.replace(beside, path)


def read(path: Path, version: int) -> dict[str, Any]:
    """What the file holds. Raises OSError when there is none, ValueError when it is not of this version."""
    held = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(held, dict) or held.get("version") != version:
        raise ValueError("they are of another version")
    return held


def remove_unusable(directory: Path, load: Callable[[Path], object], remove: Callable[[Path], None]) -> None:
    """Take out a generation's file when it is there and cannot be used."""
    try:
        load(directory)
    except ValueError:
        remove(directory)
    except OSError:
        pass


class LearnedFile(Generic[T]):
    """What is in force: the live generation's own, read again when it changes, else what ships. `load` makes it of a
    generation's directory (OSError, ValueError); `mend` is the command to run when it cannot."""

    def __init__(self, index_dir: Path, name: str, load: Callable[[Path], T], shipped: T, mend: str) -> None:
        self._index_dir = index_dir
        self._name = name
        self._load = load
        self._shipped = self._held = shipped
        self._mend = mend
        self._seen: tuple[str, int, int] | None = None

    def of(self, generation: str | None) -> T:
        """What goes with a generation; a file that cannot be read is named in the log and passed over."""
        directory = self._index_dir / (generation or "")
        try:
            found = (directory / self._name).stat()
        except OSError:
            self._seen, self._held = None, self._shipped
            return self._held
        seen = (generation or "", found.st_mtime_ns, found.st_size)
        if seen != self._seen:
            try:
                self._held = self._load(directory)
            except (OSError, ValueError) as error:
                said = "The learned weights of %s in %s cannot be used (%s). Run: %s"
                log.error(said, generation, self._name, error, self._mend)
                self._held = self._shipped
            self._seen = seen
        return self._held
