"""Excel files, of old and new formats: their sheets as tables of Markdown, and the rows of one sheet."""

import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from python_calamine import CalamineWorkbook, PasswordError, SheetVisibleEnum

from indexer.sources.office.package import check_package, has_password
from indexer.sources.office.tables import markdown_table
from recommender.errors import SourceError
from recommender.sentences.sentence import Sentence

_MOST_ROWS = 2_000  # of a sheet that is read as a document: a judgement


def markdown_of(path: Path) -> dict[str, str]:
    """The sheets that are shown, each with its name as a heading. Raises SourceError."""
    book, parts = _opened(path), []
    for name in _shown(book):
        rows = [[_text(cell) for cell in row] for row in book.get_sheet_by_name(name).to_python()[:_MOST_ROWS]]
        used = [place for place in range(max(map(len, rows), default=0)) if any(row[place] for row in rows)]
        table = markdown_table([[row[place] for place in used] for row in rows])
        parts += [f"## {name}\n\n{table}"] if table else []
    return {"text": "\n\n".join(parts)}


def rows_of(path: Path, wanted: str) -> Iterator[dict[str, Any]]:
    """The names of the sheets, then the rows of the one that is wanted; of the one with the most rows when none is.
    Raises SourceError."""
    book = _opened(path)
    names = _shown(book)
    if wanted and wanted not in book.sheet_names:
        raise SourceError(
            Sentence(
                "%(name)s has no sheet %(wanted)s. Its sheets: %(names)s.",
                name=path.name,
                wanted=repr(wanted),
                names=", ".join(names)[:500],
            )
        )
    if not names:
        raise SourceError(Sentence("%(name)s has no sheet that is shown. Save it with one.", name=path.name))
    name = wanted or max(names, key=lambda each: book.get_sheet_by_name(each).height)
    yield {"sheets": names, "sheet": name}
    for number, row in enumerate(book.get_sheet_by_name(name).to_python(skip_empty_area=False), 1):
        cells = [_text(cell) for cell in row]
        if any(cells):
            yield {"row": number, "cells": cells}


def _opened(path: Path) -> CalamineWorkbook:
    if zipfile.is_zipfile(path):
        check_package(path)
    elif has_password(path):
        raise SourceError(
            Sentence("%(name)s has a password. Save it without one, then import it again.", name=path.name)
        )
    try:
        return CalamineWorkbook.from_path(str(path))
    except PasswordError as error:
        raise SourceError(
            Sentence("%(name)s has a password. Save it without one, then import it again.", name=path.name)
        ) from error


def _shown(book: CalamineWorkbook) -> list[str]:
    return [sheet.name for sheet in book.sheets_metadata if sheet.visible == SheetVisibleEnum.Visible]


def _text(cell: Any) -> str:
    """A cell as text: times in ISO 8601, whole numbers without a fraction."""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, datetime):
        return cell.isoformat(" ") if cell.time() != time() else cell.date().isoformat()
    if isinstance(cell, date | time | timedelta):
        return str(cell)
    return str(cell).strip()
