"""The rows of a CSV file, read record by record, so that memory does not grow with the file.

A quote that is opened and never closed would swallow all that follows. It is found by what comes of it: the file ends
in a text, a text goes on behind its closing quote, or a record over several lines has the wrong number of cells while
its lines alone have the right one. The line where it was opened is reported, and reading goes on with the next line.
"""

import csv
import io
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from indexer.sources.tables.csv_form import Form, form_of
from indexer.sources.tables.encoding import MIXED, encoding_of, opened
from indexer.sources.tables.rows import Fault, Row
from recommender.errors import SourceError
from recommender.sentences.sentence import Sentence

LONGEST_LINE = 20_000_000  # characters of a line, and of a record: a judgement
_MOST_LINES = 20_000  # of a record: a judgement
_MOST_READ_AGAIN = 500_000_000  # characters of lines that may be read again after unclosed quotes: a judgement
_SAMPLE = 200_000  # characters by which the form is found: a judgement
_LITERAL = (Sentence("quotes within texts of rows were kept as they are"), "")
_UNCLOSED = Sentence(
    "a quote is opened in this line that is not closed where its text ends. The row was not "
    "loaded. Close the quote, or write it twice"
)


class CSVTable:
    """A CSV file. Encoding, separator and quote are found when they are not given. Raises SourceError."""

    def __init__(self, path: Path, encoding: str = "", separator: str = "", quote: str = "") -> None:
        self.name = path.name
        self._path = path
        self.encoding = encoding or encoding_of(path)
        self.form = self._form(separator, quote)
        shown = {"\t": "the tab", " ": "the space"}.get(self.form.separator, self.form.separator)
        self.notes = [f"encoding {self.encoding}", f"separator {shown}, since {self.form.why}"]
        if self.form.quote != '"':
            self.notes.append(f"quote {self.form.quote}")

    def rows(self) -> Iterator[Row | Fault]:
        """All rows from the first on."""
        with _opened_text(self._path, self.encoding) as text:
            lines = _Lines(text)
            for _skipped in range(self.form.first_line):
                lines.next()
            yield from _Records(lines, self.form, self._path).read()

    def _form(self, separator: str, quote: str) -> Form:
        try:
            with _opened_text(self._path, self.encoding) as text:
                return form_of(text.read(_SAMPLE), separator, quote)
        except LookupError as error:
            message = Sentence(
                "%(file)s: %(encoding)s is no encoding. Write one such as utf-8 or windows-1252.",
                file=self._path,
                encoding=repr(self.encoding),
            )
            raise SourceError(message) from error


@contextmanager
def _opened_text(path: Path, encoding: str) -> Iterator[io.TextIOWrapper]:
    with opened(path) as file:
        mixed = encoding == MIXED
        text = io.TextIOWrapper(file, "utf-8" if mixed else encoding, "as-windows-1252" if mixed else "replace")
        try:
            yield text
        finally:
            text.detach()  # the file is closed by what opened it


class _Lines:
    """Lines that can be given back, each with its number from 1."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self._again: deque[tuple[int, str]] = deque()
        self._number = 0

    def next(self) -> tuple[int, str] | None:
        """(number, line with its end); None at the end. A line that is too long is cut after `LONGEST_LINE`."""
        if self._again:
            return self._again.popleft()
        line = self._text.readline(LONGEST_LINE + 1)
        if not line:
            return None
        self._number += 1
        if len(line) > LONGEST_LINE and not line.endswith("\n"):
            while (part := self._text.readline(1 << 20)) and not part.endswith("\n"):
                pass
        return self._number, line

    def give_back(self, lines: list[tuple[int, str]]) -> None:
        """The lines come again."""
        self._again.extendleft(reversed(lines))


class _TooLong(Exception):
    """A record has more lines than any real one."""


class _Records:
    """Makes rows of lines."""

    def __init__(self, lines: _Lines, form: Form, path: Path) -> None:
        csv.field_size_limit(2 * LONGEST_LINE)
        self._lines, self._options, self._path = lines, form.reader_options(), path
        self._taken: list[tuple[int, str]] = []
        self._columns, self._read_again = 0, 0

    def read(self) -> Iterator[Row | Fault]:
        """All rows and faults, in the order of the file."""
        reader = self._reader()
        while True:
            self._taken.clear()
            try:
                cells = next(reader, None)
                if cells is None:
                    return
                found: Row | Fault = self._checked(cells)
            except (csv.Error, _TooLong):
                found = self._after_error()
                reader = self._reader()
            if isinstance(found, Row) and not self._columns and len(found.cells) > 1:
                self._columns = len(found.cells)
            yield found

    def _reader(self) -> Any:
        return csv.reader(self._feed(), strict=True, **self._options)

    def _feed(self) -> Iterator[str]:
        """The lines, each noted as taken."""
        size = 0
        while (line := self._lines.next()) is not None:
            if not self._taken:
                size = 0
            self._taken.append(line)
            size += len(line[1])
            if len(self._taken) > _MOST_LINES or (size > LONGEST_LINE and len(self._taken) > 1):
                raise _TooLong
            yield line[1].replace("\0", "")

    def _checked(self, cells: list[str]) -> Row | Fault:
        """The record that was read; a fault when it is one only because a quote was not closed."""
        number, line = self._taken[0]
        if len(line) > LONGEST_LINE:
            return Fault(number, Sentence("longer than %(mb)s MB. Shorten it", mb=LONGEST_LINE // 1_000_000))
        if len(self._taken) > 1 and self._columns and self._swallows_rows(cells):
            return self._unclosed()
        return Row(number, cells)

    def _swallows_rows(self, cells: list[str]) -> bool:
        """True when lines within the record are themselves rows with the right number of cells: one of them when the
        record has the wrong number, all of them when it has the right one, and a line of text seldom would."""
        if len(cells) != self._columns:
            return any(self._is_row(line) for _number, line in self._taken[1:])
        inner = self._taken[1:-1]
        return self._columns > 2 and bool(inner) and all(self._is_row(line) for _number, line in inner)

    def _is_row(self, line: str) -> bool:
        """True when a line alone is a row: it has as many cells as usual, and every quote in a cell is closed in it."""
        separator, quote = str(self._options["delimiter"]), str(self._options["quotechar"])
        cells = line.rstrip("\r\n").split(separator)
        return len(cells) == self._columns and all(cell.count(quote) % 2 == 0 for cell in cells)

    def _literal(self, line: str) -> list[str] | None:
        """The cells of a line alone, whose quotes are only around whole cells; None when there are not as many cells as
        usual, or when a quote is opened and not closed in it."""
        separator, quote = str(self._options["delimiter"]), str(self._options["quotechar"])
        cells = line.rstrip("\r\n").split(separator)
        if len(cells) != self._columns:
            return None
        for place, cell in enumerate(cells):
            if len(cell) > 1 and cell[0] == cell[-1] == quote:
                cells[place] = cell[1:-1].replace(quote * 2, quote)
            elif cell.startswith(quote) and cell.count(quote) % 2:
                return None
        return cells

    def _after_error(self) -> Row | Fault:
        number, line = self._taken[0]
        if len(line) > LONGEST_LINE:
            self._lines.give_back(self._taken[1:])
            return Fault(number, Sentence("longer than %(mb)s MB. Shorten it", mb=LONGEST_LINE // 1_000_000))
        cells = self._literal(line)
        if cells is None:
            return self._unclosed()
        self._lines.give_back(self._taken[1:])
        return Row(number, cells, (_LITERAL,))

    def _unclosed(self) -> Fault:
        """Go on with the line after the one where the quote was opened."""
        number, again = self._taken[0][0], self._taken[1:]
        self._read_again += sum(len(line) for _number, line in again)
        if self._read_again > _MOST_READ_AGAIN:
            raise SourceError(
                Sentence(
                    "%(file)s has too many quotes that are never closed, the last one in line %(number)s; the "
                    "rows before were loaded. Check how the file was exported.",
                    file=self._path,
                    number=number,
                )
            )
        self._lines.give_back(again)
        return Fault(number, _UNCLOSED)
