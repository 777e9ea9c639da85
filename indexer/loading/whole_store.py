"""Loads what `kollega export` has written into an empty store, row by row as it was: all of it, or nothing.

Texts are stored as they are: they were mended when they first came.
"""

import gzip
import json
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Table, func, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from indexer.loading import store_format as form
from recommender.database import dialects
from recommender.database.engine import revisions
from recommender.database.failures import reason
from recommender.database.person_kind import guess_kind
from recommender.errors import SourceError

_BATCH = 500  # rows written at once: a judgement
Row = dict[str, Any]


def is_export(path: Path) -> bool:
    """True for a file that `kollega export` has written; False also for one that cannot be read, and for a pipe, of
    which nothing must be read before it is imported."""
    if not path.is_file():
        return False
    try:
        with _opened(path) as lines:
            return bool(json.loads(lines.readline(1_000_000)).get("type") == form.HEADER)
    except (OSError, EOFError, ValueError, AttributeError, zlib.error):
        return False


def load_store(session: Session, path: Path, progress: Callable[[int], None] = lambda _n: None) -> dict[str, int]:
    """Load an export in the transaction of the session, and return the number of lines by type.

    Raises SourceError when the store is not empty, or the file is damaged, cut short or of another version; the caller
    rolls the transaction back then.
    """
    _must_be_empty(session)
    dialects.of(session.get_bind()).defer_references(session.connection())  # a deputy may come later
    loader, counts = _Loader(session, path), dict[str, int]()
    for number, record in _lines(path):
        try:
            loader.put(record)
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise _bad(path, number, f"{error}") from error
        except IntegrityError as error:
            raise _bad(path, number, f"{reason(error)}") from error
        kind = record["type"]
        counts[kind] = counts.get(kind, 0) + 1
        progress(number)
    loader.finish()
    return counts


def _must_be_empty(session: Session) -> None:
    for name, table in form.ALL_TABLES.items():
        if name != "audit_log" and session.scalar(select(func.count()).select_from(table)):
            raise SourceError(
                f"This is an export of a whole store, and there are rows in {name} already. Set KOLLEGA_HOME to a new "
                "directory, then import it there."
            )


def _opened(path: Path) -> Any:
    with path.open("rb") as file:
        compressed = file.read(2) == b"\x1f\x8b"
    return gzip.open(path, "rb") if compressed else path.open("rb")


def _lines(path: Path) -> Iterator[tuple[int, Row]]:
    """(number of the line, its object). Raises SourceError for a line that is cut short or no object."""
    number = 0
    try:
        with _opened(path) as lines:
            for number, line in enumerate(lines, 1):
                record = json.loads(line.decode("utf-8", "surrogatepass"))
                if not isinstance(record, dict) or not line.endswith(b"\n"):
                    raise _bad(path, number, "not a whole object")
                yield number, record
    except (ValueError, RecursionError) as error:
        raise _bad(path, number + 1, "not JSON") from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise SourceError(f"{path} is cut short or damaged after line {number}. Nothing was loaded.") from error


def _bad(path: Path, number: int, problem: str) -> SourceError:
    return SourceError(f"{path}:{number}: {problem}. Nothing was loaded.")


class _Loader:
    """Collects rows by table and writes them in batches."""

    def __init__(self, session: Session, path: Path) -> None:
        self._session = session
        self._path = path
        self._rows: dict[Table, list[Row]] = {}
        self._ids: dict[Table, dict[str, int]] = {form.TEAMS: {}, form.PEOPLE: {}}
        self._last_rows: dict[str, int] = {}
        self._begun = False

    def put(self, record: Row) -> None:
        """Take one line. Raises ValueError, KeyError, TypeError and AttributeError for one that cannot be used."""
        values = dict(record)
        kind = values.pop("type")
        if (kind == form.HEADER) != (not self._begun):
            raise ValueError("the first line, and no other, says that this is an export")
        if kind == form.HEADER:
            self._begin(values)
        elif kind == "row":
            self._put_row(values)
        else:
            self._put_record(kind, values)

    def finish(self) -> None:
        """Write what is left, and the highest numbers of rows, so that none is used again. Raises SourceError when
        something does not fit together."""
        try:
            for table in list(self._rows):
                self._write(table)
            self._check_references()
        except IntegrityError as error:
            raise SourceError(f"{self._path} does not fit together: {reason(error)}. Nothing was loaded.") from error
        if not self._begun:
            raise SourceError(f"{self._path} is empty.")
        connection = self._session.connection()
        dialects.of(connection).set_last_ids(connection, self._last_rows)

    def _check_references(self) -> None:
        connection = self._session.connection()
        lost = dialects.of(connection).check_references(connection)
        if lost is not None:
            raise SourceError(f"{self._path} lacks lines: a row of {lost} refers to none. Nothing was loaded.")

    def _begin(self, header: Row) -> None:
        if header["format"] != form.FORMAT or header["revision"] not in revisions():
            raise ValueError("this export was made by a newer version of Kollega. Install that version")
        self._begun = True
        self._last_rows = {str(name): int(last) for name, last in header["last_rows"].items()}

    def _put_row(self, values: Row) -> None:
        name = values.pop("table")
        if name not in form.ROWS:
            raise ValueError(f"{name!r} is not a table that is exported")
        self._add(form.ALL_TABLES[name], values)

    def _put_record(self, kind: str, values: Row) -> None:
        table, number = form.RECORDS[kind], values["row"]
        disabled = kind == "person" and values.pop("disabled", False)
        inner = {name: values.pop(name) for name in _INNER[kind]}
        row = self._columns(table, values)
        if table in self._ids:
            self._ids[table][row["handle"]] = number
        if table is form.PEOPLE:
            row["kind"] = row["stated_kind"] or guess_kind(row["handle"], row["name"])
        self._add(table, row)
        if disabled:
            self._add(form.ACCOUNTS, {"person_id": number, "disabled": True})
        self._put_inner(kind, number, inner)

    def _put_inner(self, kind: str, number: int, inner: Row) -> None:
        for handle in inner.get("teams", ()):
            self._add(form.MEMBERS, {"team_id": self._ids[form.TEAMS][handle], "person_id": number})
        for reply in inner.get("replies", ()):
            self._add(form.REPLIES, {**self._columns(form.REPLIES, dict(reply)), "request_id": number})
        for attempt in inner.get("attempts", ()):
            self._add(form.ATTEMPTS, {**attempt, "request_id": number})
        if "audience" in inner:
            table = form.REQUEST_AUDIENCE if kind == "request" else form.DOCUMENT_AUDIENCE
            for token, at in zip(inner["audience"], inner["audience_changed_at"], strict=True):
                self._add(table, {f"{kind}_id": number, "token": self._token(token), "updated_at": at})

    def _columns(self, table: Table, values: Row) -> Row:
        """The values of a record by column, with people and teams by number."""
        row, fields = {}, form.fields_of(table)
        for name, value in values.items():
            column = fields[name]
            target = form.refers_to(column)
            row[column.name] = self._ids[target][value] if target is not None and value is not None else value
        return row

    def _token(self, token: str) -> str:
        kind, _, name = token.partition(":")
        if kind == form.ERASED:
            return f"person:{int(name)}"
        return f"person:{self._ids[form.PEOPLE][name]}" if kind == "person" else token

    def _add(self, table: Table, values: Row) -> None:
        row = {}
        for name, value in values.items():
            try:
                row[name] = form.from_json(value, table.c[name])
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from error
        rows = self._rows.setdefault(table, [])
        rows.append(row)
        if len(rows) >= _BATCH:
            self._write(table)

    def _write(self, table: Table) -> None:
        rows = self._rows.pop(table)
        self._session.execute(insert(table), rows)


_INNER = {
    "team": (),
    "person": ("teams",),
    "request": ("audience", "audience_changed_at", "replies", "attempts"),
    "document": ("audience", "audience_changed_at"),
}
