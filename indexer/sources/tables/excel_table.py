"""The rows of a sheet of an Excel file, which another process reads."""

from collections.abc import Iterator
from pathlib import Path

from indexer.sources.office.reader import OfficeReader
from indexer.sources.tables.rows import Fault, Row
from recommender.errors import SourceError
from recommender.sentences.sentence import Sentence


class ExcelTable:
    """A sheet of an Excel file: the one of this name, else the one with the most rows. Raises SourceError."""

    def __init__(self, path: Path, sheet: str = "") -> None:
        self.name = path.name
        self._path, self._sheet = path, sheet
        if not path.is_file():
            raise SourceError(Sentence("%(file)s cannot be read: it is no file. Check the path.", file=path))
        with OfficeReader() as reader:
            first = next(reader.rows(path, sheet))
        self.sheet = first["sheet"]
        others = [name for name in first["sheets"] if name != self.sheet]
        self.notes = [f"sheet {self.sheet!r}" + (f"; not read: {', '.join(others)[:300]}" if others else "")]

    def rows(self) -> Iterator[Row | Fault]:
        """All rows that have text, from the first on. Raises SourceError."""
        with OfficeReader() as reader:
            for answer in reader.rows(self._path, self.sheet):
                if "cells" in answer:
                    yield Row(answer["row"], answer["cells"])
