"""What the kinds `csv` and `excel` share: their options, the source, and writing a mapping."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from pydantic import Field

from indexer.sources.protocol import Options, WholeSource
from indexer.sources.records import Located
from indexer.sources.tables.guess import guess
from indexer.sources.tables.mapping import Mapping, read_mapping, toml_of
from indexer.sources.tables.row_reader import TIMES, RowReader
from indexer.sources.tables.rows import Table
from indexer.sources.tables.table_records import records_of
from recommender.errors import SourceError
from recommender.sentences.sentence import Sentence, reason_of

OpenTable = Callable[[Path, Mapping | None], Table]


class TableOptions(Options):
    """Options of a table in a file."""

    mapping: Path | None = Field(None, description="File that says what each column is; FILE.toml by default.")


class TableSource(WholeSource):
    """A table in a file, with its mapping."""

    def __init__(self, name: str, options: TableOptions, kind: str, open_table: OpenTable) -> None:
        self.name = name
        self._path, self._zone, self._open = Path(options.place), ZoneInfo(options.timezone), open_table
        self._mapping_path = mapping_path(options)
        named = "" if options.mapping is None else f" --mapping {options.mapping}"
        if not self._path.is_file():
            raise SourceError(Sentence("%(file)s cannot be read: it is no file. Check the path.", file=self._path))
        if not self._mapping_path.is_file():
            raise SourceError(
                Sentence(
                    "%(name)s has no mapping, which says what each of its columns is: %(mapping)s is missing. "
                    "Run: kollega import %(kind)s %(file)s --guess%(named)s",
                    name=self._path.name,
                    mapping=self._mapping_path,
                    kind=kind,
                    file=self._path,
                    named=named,
                )
            )
        self._mapping = read_mapping(self._mapping_path)

    def records(self) -> Iterator[Located]:
        """People, then requests or documents. Raises SourceError."""
        table = self._open(self._path, self._mapping)
        reader = RowReader(table, self._mapping, self.name, self._zone, _changed_at(self._path))
        yield from records_of(reader)


def mapping_path(options: TableOptions) -> Path:
    """The file that has the mapping; a path that is not absolute may begin at the folder of the table."""
    place = Path(options.place)
    if options.mapping is None:
        return place.with_name(f"{place.name}.toml")
    beside = place.parent / options.mapping
    return beside if beside.is_file() and not options.mapping.is_file() else options.mapping


def write_guess(options: TableOptions, kind: str, open_table: OpenTable) -> Iterator[str]:
    """Write a mapping for a table, and yield what was guessed and why. Raises SourceError, also when there is one."""
    path, place = mapping_path(options), Path(options.place)
    if path.exists():
        raise SourceError(
            Sentence(
                "%(file)s is there already. Correct it, remove it, or name another file with --mapping.", file=path
            )
        )
    named = "" if options.mapping is None else f" --mapping {path}"
    table = open_table(place, None)
    guessed = guess(table)
    about = f"How `kollega import {kind} {place.name}` reads this table. docs/sources/csv.md describes it."
    try:
        path.write_text(toml_of(guessed.mapping, about, guessed.reasons), encoding="utf-8")
    except OSError as error:
        raise SourceError(
            Sentence(
                "%(file)s cannot be written: %(reason)s. Name another file with --mapping.",
                file=path,
                reason=reason_of(error),
            )
        ) from error
    yield f"{table.name}: {guessed.rows} rows; {'; '.join(table.notes)}."
    yield from guessed.lines()
    if options.timezone == "UTC" and any(getattr(guessed.mapping.columns, role) for role in TIMES):
        yield "Times that have no zone are read as UTC. If they are local, add --timezone, such as Europe/Helsinki."
    yield f"This was written to {path}. Correct what is wrong, then run: kollega import {kind} {place} --dry-run{named}"


def _changed_at(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC).replace(tzinfo=None, microsecond=0)
