"""Tables as CSV files that spreadsheets open as they are."""

import csv
import io
from collections.abc import Iterable

from flask import Response


def csv_file(rows: Iterable[Iterable[object]], name: str) -> Response:
    """Rows as a CSV file: with a byte order mark, and no cell that a spreadsheet would take for a formula."""
    text = io.StringIO()
    csv.writer(text).writerows([_no_formula(cell) for cell in row] for row in rows)
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response("\ufeff" + text.getvalue(), mimetype="text/csv", headers=headers)


def _no_formula(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in "=+-@\t\r" and cell else cell
