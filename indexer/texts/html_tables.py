"""Tables of HTML: which of them are only there for the layout, and the others as tables of Markdown."""

import re
from collections.abc import Callable, Iterator
from typing import Any

from indexer.texts.html_shown import is_hidden

_MOST_CELLS = 20_000  # of a table, with those that one cell stands for: a judgement
_MOST_COLUMNS = 100  # a judgement


def rows_of(table: Any) -> Iterator[Any]:
    """The rows of a table, not those of a table in it."""
    for child in table:
        if child.tag == "tr":
            yield child
        elif child.tag in ("thead", "tbody", "tfoot"):
            yield from (row for row in child if row.tag == "tr")


def cells_of(table: Any) -> Iterator[list[Any]]:
    """The cells of each row that are shown."""
    for row in rows_of(table):
        yield [cell for cell in row if cell.tag in ("td", "th") and not is_hidden(cell, cell.tag)]


def is_layout(table: Any) -> bool:
    """True for a table that only arranges a page or a mail: it has another one in it, or one cell a row, or says so."""
    if (table.get("role") or "").lower() in ("presentation", "none"):
        return True
    return all(len(row) <= 1 for row in cells_of(table)) or table.find(".//table") is not None


def table_lines(table: Any, text_of: Callable[[Any], str]) -> list[str]:
    """One text with the lines of a table of Markdown; none when the table is empty. A cell over several rows is
    repeated in each, so that every row can be read alone."""
    rows, names = _grid(table, text_of)
    rows = [row for row in rows if any(row)]
    if not rows:
        return []
    width = max(len(row) for row in rows)
    lines = [row + [""] * (width - len(row)) for row in rows]
    if not names:
        lines.insert(0, [""] * width)
    lines.insert(1, ["---"] * width)
    return ["\n".join(f"| {' | '.join(line)} |" for line in lines)]


def _grid(table: Any, text_of: Callable[[Any], str]) -> tuple[list[list[str]], bool]:
    """(the texts by row and column, whether the first row has the names of the columns)."""
    rows: list[list[str]] = []
    below: dict[int, tuple[int, str]] = {}  # column: (in how many more rows, text)
    count, names = 0, True
    for cells in cells_of(table):
        row: list[str] = []
        for cell in cells:
            _take_from_above(row, below)
            text, wide, high = text_of(cell), _span(cell, "colspan"), _span(cell, "rowspan")
            for part in range(wide):
                row.append(text if part == 0 else "")
                if high > 1:
                    below[len(row) - 1] = (high - 1, row[-1])
        _take_from_above(row, below)
        count += len(row)
        if not rows:
            names = not (len(cells) > 1 and cells[0].tag == "th" and all(cell.tag == "td" for cell in cells[1:]))
        rows.append(row)
        if count > _MOST_CELLS:
            break
    return rows, names


def _take_from_above(row: list[str], below: dict[int, tuple[int, str]]) -> None:
    while len(row) in below:
        left, text = below.pop(len(row))
        if left > 1:
            below[len(row)] = (left - 1, text)
        row.append(text)


def _span(cell: Any, name: str) -> int:
    digits = re.match(r"\s*(\d{1,5})", cell.get(name) or "")
    return min(max(int(digits[1]) if digits else 1, 1), _MOST_COLUMNS)
