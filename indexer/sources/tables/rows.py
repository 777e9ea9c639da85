"""What a table gives, whatever its file is: rows of texts, and places where a row cannot be read."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from indexer.sources.records import Change


@dataclass(frozen=True, slots=True)
class Row:
    """The cells of a row as texts, the line on which it begins, and what was changed to read it."""

    line: int
    cells: list[str]
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class Fault:
    """A place that cannot be read; `problem` says why and what to do."""

    line: int
    problem: str


class Table(Protocol):
    """A table in a file. `notes` say how it was read, for the person who checks a guess."""

    name: str
    notes: list[str]

    def rows(self) -> Iterator[Row | Fault]:
        """All rows from the first on, as often as asked. Raises SourceError when the file cannot be read further."""
        ...


def is_empty(cells: list[str]) -> bool:
    """True when a row has no text."""
    return not any(cell.strip() for cell in cells)
