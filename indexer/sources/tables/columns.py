"""The columns of a table: where its headings are, and the cells of each row by what the mapping says they are."""

import re
from collections.abc import Iterator, Sequence
from itertools import islice

from indexer.sources.records import Change
from indexer.sources.tables.mapping import Mapping
from indexer.sources.tables.rows import Fault, Row, Table, is_empty
from indexer.sources.tables.words import is_total_word, plain_heading
from recommender.errors import SourceError
from recommender.sentences.sentence import Sentence

_LOOKED_AT = 50  # rows in which the headings are sought: a judgement
_SHORT = (Sentence("rows with fewer cells than the table has columns were filled up with empty ones"), "")
EMPTY, TOTAL = Sentence("empty rows were skipped"), Sentence("rows with totals were skipped")
_EXCEL_TEXT = re.compile(r'="((?:[^"]|"")*)"')
_CONTROL = re.compile(r"_x000[dD]_|[\x00-\x08\x0b\x0c\x0e-\x1f]")


class Columns:
    """The headings of a table, and the places of the columns that its mapping names. Raises SourceError."""

    def __init__(self, table: Table, mapping: Mapping, place: str) -> None:
        self.headings, self.line = find_headings(table, mapping.headings)
        self._mapping = mapping
        self.places = {
            role: tuple(place_ for column in columns for place_ in self._places(column, place))
            for role, columns in mapping.columns
            if columns
        }

    def _places(self, column: str | int, place: str) -> list[int]:
        if isinstance(column, int):
            if not 1 <= column <= len(self.headings):
                raise SourceError(
                    Sentence(
                        "%(place)s: there is no column %(column)s. The table has %(count)s columns.",
                        place=place,
                        column=column,
                        count=len(self.headings),
                    )
                )
            return [column - 1]
        found = [number for number, heading in enumerate(self.headings) if heading == column.strip()]
        wanted = plain_heading(column)
        found = found or [number for number, heading in enumerate(self.headings) if plain_heading(heading) == wanted]
        if not found:
            shown = ", ".join(heading for heading in self.headings if heading)[:600]
            raise SourceError(
                Sentence(
                    "%(place)s: there is no column %(column)s. The table has: %(shown)s. Correct the mapping, "
                    "or write a new one with --guess.",
                    place=place,
                    column=repr(column),
                    shown=shown,
                )
            )
        return found

    def rows(self, table: Table) -> Iterator[Row | Fault]:
        """The rows behind the headings, each with as many cells as there are headings. Empty rows and rows of totals
        are left out, and told with the next row."""
        skipped: list[Change] = []
        for row in table.rows():
            if isinstance(row, Fault):
                yield row
                continue
            if row.line <= self.line:
                continue
            if is_empty(row.cells):
                skipped.append((EMPTY, ""))
            elif is_total(row.cells, len(self.headings)):
                skipped.append((TOTAL, ""))
            else:
                found = self._even(row)
                if isinstance(found, Row):
                    found = Row(found.line, found.cells, (*skipped, *found.changes))
                    skipped = []
                yield found
        if skipped:
            yield Row(0, [], tuple(skipped))

    def _even(self, row: Row) -> Row | Fault:
        cells, wanted = [clean_cell(cell) for cell in row.cells], len(self.headings)
        if len(cells) > wanted and any(cell.strip() for cell in cells[wanted:]):
            return Fault(
                row.line,
                Sentence(
                    "%(count)s cells, and the table has %(wanted)s columns. Put texts that have a separator "
                    "into quotes",
                    count=len(cells),
                    wanted=wanted,
                ),
            )
        if len(cells) < wanted:
            return Row(row.line, cells + [""] * (wanted - len(cells)), (*row.changes, _SHORT))
        return Row(row.line, cells[:wanted], row.changes)

    def several(self, cells: Sequence[str], role: str) -> list[str]:
        """The texts of the columns of a role that are not empty."""
        return [text for place in self.places.get(role, ()) if (text := cells[place].strip())]

    def one(self, cells: Sequence[str], role: str) -> str:
        """The first text of the columns of a role; empty when there is none."""
        for place in self.places.get(role, ()):
            if text := cells[place].strip():
                return text
        return ""


def find_headings(table: Table, are_there: bool = True) -> tuple[list[str], int]:
    """(the headings, their line): the first row with nearly as many texts as most rows have, since a title may stand
    above. Without headings they are numbers, and the line is 0. Raises SourceError when the table is empty."""
    first = [row for row in islice(table.rows(), _LOOKED_AT) if isinstance(row, Row) and not is_empty(row.cells)]
    if not first:
        raise SourceError(Sentence("%(name)s has no rows. Export it again.", name=table.name))
    filled = [sum(1 for cell in row.cells if cell.strip()) for row in first]
    widths = sorted(filled)
    usual = widths[len(widths) // 2]
    if not are_there:
        return [str(number) for number in range(1, max(len(row.cells) for row in first) + 1)], 0
    for row, count in zip(first, filled, strict=True):
        if count >= min(2, usual) and count >= 0.6 * usual:
            return [" ".join(clean_cell(cell).split()) for cell in row.cells], row.line
    return [" ".join(clean_cell(cell).split()) for cell in first[0].cells], first[0].line


def is_total(cells: Sequence[str], columns: int) -> bool:
    """True for a row of totals: it begins with a word such as Total, and most of its cells are empty."""
    texts = [cell for cell in cells if cell.strip()]
    return 2 * len(texts) <= columns + 1 and is_total_word(next((c for c in cells[:3] if c.strip()), ""))


def clean_cell(cell: str) -> str:
    """A cell without what only programs meant: `="0042"` is 0042, and the line ends of Excel go."""
    if cell.startswith('="') and (text := _EXCEL_TEXT.fullmatch(cell.strip())):
        cell = text[1].replace('""', '"')
    return _CONTROL.sub("", cell) if not cell.isprintable() or "_x000" in cell else cell
