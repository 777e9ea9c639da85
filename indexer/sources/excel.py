"""Excel files: sheets as tables, with a mapping file that says what each column is. See docs/sources/csv.md."""

from collections.abc import Iterator
from pathlib import Path

from indexer.sources.tables.excel_table import ExcelTable
from indexer.sources.tables.mapping import Mapping
from indexer.sources.tables.rows import Table
from indexer.sources.tables.table_source import TableOptions, TableSource, write_guess

OPTIONS = TableOptions


def open_source(name: str, options: TableOptions) -> TableSource:
    """The file at `options.place`. Raises SourceError when it has no mapping."""
    return TableSource(name, options, "excel", open_table)


def guess_mapping(options: TableOptions) -> Iterator[str]:
    """Write a mapping for the file, and yield what was guessed and why. Raises SourceError."""
    yield from write_guess(options, "excel", open_table)


def open_table(path: Path, mapping: Mapping | None = None) -> Table:
    """The table of a file, of the sheet that its mapping names, if there is one. Raises SourceError."""
    return ExcelTable(path, mapping.sheet if mapping else "")
