"""Writes the whole store as JSON lines in our import format, in an order that depends only on what is stored.

Rows are read in chunks within one transaction, so that the file is of one moment and memory does not grow with the
store. `loading/whole_store.py` reads the file.
"""

import contextlib
import gzip
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from sqlalchemy import Table, select
from sqlalchemy.orm import Session

from indexer.loading import store_format as form
from recommender.database import dialects
from recommender.database.engine import newest_revision
from recommender.errors import ExportError
from recommender.sentences.sentence import Sentence, reason_of

_CHUNK = 500  # rows per query: a judgement
Row = dict[str, Any]


def export(
    session: Session,
    path: Path,
    progress: Callable[[int], None] = lambda _n: None,
    ready: Callable[[dict[str, int]], None] = lambda _counts: None,
) -> dict[str, int]:
    """Write everything except passwords, sessions, tokens and the audit log into the new file `path`, compressed when
    its name ends with .gz, and readable only by its owner. Returns the number of lines by type. `ready` is called
    with that before the file is put in place, and may prevent it with an exception.

    Raises ExportError when there is a file at `path` already or none can be written.
    """
    if path.exists() or path.is_symlink():
        raise ExportError(Sentence("%(file)s exists already and is left as it is. Name another file.", file=path))
    try:
        return _write(session, path, progress, ready)
    except OSError as error:
        raise ExportError(
            Sentence(
                "%(file)s cannot be written: %(reason)s. Nothing was exported.", file=path, reason=reason_of(error)
            )
        ) from error


def _write(
    session: Session, path: Path, progress: Callable[[int], None], ready: Callable[[dict[str, int]], None]
) -> dict[str, int]:
    counts: dict[str, int] = {}
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.absolute().parent)  # mode 0600
    try:
        with os.fdopen(descriptor, "wb") as raw:
            with _writer(raw, path) as file:
                for number, record in enumerate(_records(session)):
                    file.write((json.dumps(record, ensure_ascii=False) + "\n").encode("utf-8", "surrogatepass"))
                    counts[record["type"]] = counts.get(record["type"], 0) + 1
                    progress(number)
            raw.flush()
            os.fsync(raw.fileno())
        ready(dict(counts))
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
    return counts


@contextlib.contextmanager
def _writer(raw: IO[bytes], path: Path) -> Iterator[Any]:
    """The file itself or, for a name with .gz, a compressing one without name and time, so that equal stores give equal
    files."""
    if path.suffix != ".gz":
        yield raw
        return
    with gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0, compresslevel=6) as file:
        yield file


def _records(session: Session) -> Iterator[Row]:
    """All lines of the file."""
    connection = session.connection()
    dialects.of(connection).begin_snapshot(connection)
    yield {
        "type": form.HEADER,
        "format": form.FORMAT,
        "revision": newest_revision(),
        "last_rows": _last_rows(session),
    }
    writer = _Writer(session)
    for kind, table in form.RECORDS.items():
        for rows in _chunks(session, table):
            yield from writer.lines(kind, table, rows)
    for name in form.ROWS:
        for rows in _chunks(session, form.ALL_TABLES[name]):
            for row in rows:
                yield {"type": "row", "table": name, **{key: form.as_json(value) for key, value in row.items()}}


def _last_rows(session: Session) -> dict[str, int]:
    """The highest number that each table has ever given to a row, also to one that was deleted."""
    connection = session.connection()
    last = dialects.of(connection).last_ids(connection)
    tables = {name: table for name, table in form.ALL_TABLES.items() if name not in form.NOT_EXPORTED}
    return {name: last[name] for name in sorted(last) if name in tables and dialects.never_reuses_ids(tables[name])}


def _chunks(session: Session, table: Table) -> Iterator[list[Row]]:
    """The rows of a table in the order of its primary key."""
    keys = list(table.primary_key.columns)
    if len(keys) > 1:  # small rows; SQLite reads them in the order of the key
        result = session.execute(select(table).order_by(*keys).execution_options(yield_per=_CHUNK))
        for chunk in result.mappings().partitions():
            yield [dict(row) for row in chunk]
        return
    last: Any = None
    while True:
        query = select(table).order_by(keys[0]).limit(_CHUNK)
        rows = session.execute(query if last is None else query.where(keys[0] > last)).mappings().all()
        if not rows:
            return
        last = rows[-1][keys[0].name]
        yield [dict(row) for row in rows]


class _Writer:
    """Makes records of rows. Keeps the handles of people and teams in memory, and nothing else."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._handles = {
            table: {number: handle for number, handle in session.execute(select(table.c.id, table.c.handle))}
            for table in (form.TEAMS, form.PEOPLE)
        }

    def lines(self, kind: str, table: Table, rows: Sequence[Row]) -> Iterator[Row]:
        """The records of some rows, with what is written inside of them."""
        ids = [row["id"] for row in rows]
        inner = {name: self._nested(name, ids) for name in _INNER[kind]}
        disabled = self._disabled(ids) if kind == "person" else set()
        for row in rows:
            record = {"type": kind, **self._fields(table, row)}
            if row["id"] in disabled:
                record["disabled"] = True
            for name, by_id in inner.items():
                record |= self._inner(name, by_id.get(row["id"], []))
            yield record

    def _fields(self, table: Table, row: Row) -> Row:
        fields = {}
        for name, column in form.fields_of(table).items():
            value, target = row[column.name], form.refers_to(column)
            fields[name] = self._handles[target].get(value) if target is not None else form.as_json(value)
        return fields

    def _nested(self, name: str, ids: Sequence[int]) -> dict[int, list[Row]]:
        """The rows of an inner table by the id of the row that they belong to."""
        table, owner, order = _TABLES[name]
        query = select(table).where(table.c[owner].in_(ids)).order_by(*(table.c[column] for column in order))
        found: dict[int, list[Row]] = {}
        for row in self._session.execute(query).mappings():
            found.setdefault(row[owner], []).append(dict(row))
        return found

    def _inner(self, name: str, rows: list[Row]) -> Row:
        if name == "teams":
            return {"teams": sorted(self._handles[form.TEAMS][row["team_id"]] for row in rows)}
        if name == "replies":
            return {"replies": [self._fields(form.REPLIES, row) for row in rows]}
        if name == "attempts":
            return {"attempts": [{key: row[key] for key in ("item", "position", "opened")} for row in rows]}
        return {
            "audience": [self._token(row["token"]) for row in rows],
            "audience_changed_at": [form.as_json(row["updated_at"]) for row in rows],
        }

    def _token(self, token: str) -> str:
        """The token with the handle of its person; of a person who was erased it has the number, as `erased:7`."""
        kind, _, number = token.partition(":")
        if kind != "person":
            return token
        handle = self._handles[form.PEOPLE].get(int(number))
        return f"{form.ERASED}:{number}" if handle is None else f"person:{handle}"

    def _disabled(self, ids: Sequence[int]) -> set[int]:
        accounts = form.ACCOUNTS.c
        query = select(accounts.person_id).where(accounts.person_id.in_(ids), accounts.disabled)
        return set(self._session.scalars(query))


_INNER: dict[str, tuple[str, ...]] = {
    "team": (),
    "person": ("teams",),
    "request": ("request_audience", "replies", "attempts"),
    "document": ("document_audience",),
}
_TABLES: dict[str, tuple[Table, str, tuple[str, ...]]] = {
    "teams": (form.MEMBERS, "person_id", ("team_id",)),
    "request_audience": (form.REQUEST_AUDIENCE, "request_id", ("token",)),
    "document_audience": (form.DOCUMENT_AUDIENCE, "document_id", ("token",)),
    "replies": (form.REPLIES, "request_id", ("id",)),
    "attempts": (form.ATTEMPTS, "request_id", ("item",)),
}
