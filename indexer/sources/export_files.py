"""The JSON files of an export: in a ZIP file, in the folder that it was unpacked to, or one file alone."""

import json
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from indexer.sources.archive import Archive, archive
from recommender.errors import SourceError
from recommender.sentences.sentence import Sentence, reason_of

LARGEST_FILE = 200_000_000  # bytes of one JSON file: a judgement


class ExportFiles:
    """JSON files by their names in the export. It begins at the folder that has one of the files `marks`, wherever
    that is."""

    def __init__(self, place: Path, packed: Archive | None, marks: Collection[str]) -> None:
        self._place, self._packed = place, packed
        names = packed.names if packed is not None else self._in_folder()
        tops = sorted((name for name in names if name.rpartition("/")[2] in marks), key=len)
        self._top = tops[0].rpartition("/")[0] if tops else ""
        start = f"{self._top}/" if self._top else ""
        self.names = tuple(sorted(name[len(start) :] for name in names if name.startswith(start)))

    def _in_folder(self) -> list[str]:
        if self._place.is_file():
            self._place, name = self._place.parent, self._place.name
            return [name]
        return [
            path.relative_to(self._place).as_posix()
            for path in self._place.rglob("*.json")
            if path.is_file() and not path.is_symlink()
        ]

    def json(self, name: str) -> Any:
        """The content of a file. Raises ValueError when it is not JSON, SourceError when it cannot be read."""
        inside = f"{self._top}/{name}" if self._top else name
        if self._packed is not None:
            raw = self._packed.read(inside, LARGEST_FILE)
        else:
            raw = (self._place / inside).read_bytes()
        try:
            return json.loads(raw.decode("utf-8-sig"))
        except RecursionError as error:
            raise ValueError(Sentence("nested too deeply")) from error


@contextmanager
def export_files(place: Path, marks: Collection[str] = ()) -> Iterator[ExportFiles]:
    """The files of the export at this place. Raises SourceError when there is none."""
    if place.is_dir() or (place.is_file() and place.suffix.lower() == ".json"):
        try:
            yield ExportFiles(place, None, marks)
        except OSError as error:
            raise SourceError(
                Sentence("%(place)s cannot be read: %(reason)s. Check the path.", place=place, reason=reason_of(error))
            ) from error
        return
    if not place.exists():
        raise SourceError(Sentence("%(place)s is not there. Check the path.", place=place))
    with archive(place) as packed:
        yield ExportFiles(place, packed, marks)
