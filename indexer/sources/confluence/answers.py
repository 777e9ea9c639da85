"""Saved answers of the REST interface of Confluence: JSON files with pages."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from indexer.sources.confluence.fields import Row, at, located, rows_at
from indexer.sources.confluence.options import ConfluenceOptions
from indexer.sources.confluence.readers import space_level
from indexer.sources.exported import exported
from indexer.sources.protocol import Abilities, WholeSource
from indexer.sources.records import DeletedRecord, Located, PersonRecord


class ConfluenceAnswers(WholeSource):
    """A file or folder of answers, read as a whole. Of a page that is there more than once the newest is taken."""

    abilities = Abilities(lists_all=True, audiences=True, people=True)

    def __init__(self, name: str, options: ConfluenceOptions) -> None:
        self.name, self._options, self._place = name, options, Path(options.place)
        self._told: set[PersonRecord] = set()

    def records(self) -> Iterator[Located]:
        """The pages that have a text, each behind who wrote it. Raises SourceError."""
        newest: dict[str, int] = {}
        for _file, _line, row in self._pages():
            newest[str(at(row, "id"))] = max(newest.get(str(at(row, "id")), 0), _version(row))
        for found in exported(self._place):
            if found.problem:
                yield Located(found.file, found.line, None, found.problem)
        for file, line, row in self._pages():
            if newest.get(str(at(row, "id"))) == _version(row):
                del newest[str(at(row, "id"))]
                yield from self._located(file, line, row)

    def _pages(self) -> Iterator[tuple[str, int, Row]]:
        for found in exported(self._place):
            for row in _rows(found.value):
                if at(row, "body") is not None:
                    yield found.file, found.line, row

    def _located(self, file: str, line: int, row: Row) -> Iterator[Located]:
        space = space_level(str(at(row, "space", "key") or ""))
        address = (self._options.address or "").rstrip("/")
        everyone = frozenset(self._options.everyone)
        for each in located(row, self.name, self._options.timezone, space, everyone, address, self._told):
            if not isinstance(each.record, DeletedRecord):
                yield Located(file, line, each.record, each.problem)


def _rows(value: Any) -> list[Row]:
    return rows_at(value, "results") or ([value] if at(value, "title") is not None else [])


def _version(row: Row) -> int:
    number = at(row, "version", "number")
    return number if isinstance(number, int) else 0
