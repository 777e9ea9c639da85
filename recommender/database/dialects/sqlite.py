"""SQLite: a file with a write-ahead log, in which one connection writes at a time."""

import re
import sqlite3
from pathlib import Path
from typing import Any, ClassVar

from sqlalchemy import Connection, Engine, Integer, cast, event, func, text
from sqlalchemy.dialects import sqlite
from sqlalchemy.orm import Session

from recommender.database.dialects.commits import Commits
from recommender.database.dialects.locks import FileContender, file_holder
from recommender.database.dialects.marks import Marks, drop_triggers, make_triggers, marks

_WRITE = re.compile(r"\s*(?:INSERT|UPDATE|DELETE)\b", re.I)
_IS_QUICK = sqlite3.sqlite_version_info >= (3, 38)  # has a function that gives a time as a number in half the time
_LAST = "UPDATE sqlite_sequence SET seq = :last WHERE name = :name"
_FIRST = "INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :last)"


class SQLite:
    """How SQLite does what `Dialect` names."""

    options: ClassVar[dict[str, Any]] = {}
    serves_in_order: ClassVar[bool] = False
    stores_nul: ClassVar[bool] = True

    def configure(self, engine: Engine, wait: float, durable: bool) -> None:
        pragmas = (
            f"busy_timeout={round(1000 * wait)}",
            "journal_mode=WAL",
            "foreign_keys=ON",
            "secure_delete=ON",  # also what is deleted in other ways than `kollega erase` is overwritten
            f"synchronous={'FULL' if durable else 'NORMAL'}",
        )
        event.listen(engine, "connect", lambda connection, _record: _set(connection, pragmas))
        event.listen(engine, "before_cursor_execute", _before)

    def make_read_only(self, engine: Engine) -> None:
        event.listen(engine, "connect", lambda connection, _record: _set(connection, ("query_only=ON",)))

    def begin_migration(self, connection: Connection) -> None:
        self.begin_writing(connection)  # one process at a time, all or nothing
        drop_triggers(connection)

    def end_migration(self, connection: Connection) -> None:
        """Nothing is left to do: migrations say all of it."""

    def begin_snapshot(self, connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")  # otherwise each query would see another moment

    def begin_writing(self, connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    def defer_references(self, connection: Connection) -> None:
        connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")

    def check_references(self, connection: Connection) -> str | None:
        lost = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
        return None if lost is None else str(lost[0])

    def last_ids(self, connection: Connection) -> dict[str, int]:
        rows = connection.exec_driver_sql("SELECT name, seq FROM sqlite_sequence ORDER BY name")
        return {name: last for name, last in rows}

    def set_last_ids(self, connection: Connection, last: dict[str, int]) -> None:
        keeping = connection.exec_driver_sql(
            "SELECT name FROM sqlite_master WHERE sql LIKE '%AUTOINCREMENT%'"
        ).scalars()
        for name in set(keeping) & last.keys():
            values = {"last": last[name], "name": name}
            if not connection.execute(text(_LAST), values).rowcount:
                connection.execute(text(_FIRST), values)

    def insert(self, table: Any) -> sqlite.Insert:
        return sqlite.insert(table)

    def as_json(self, text: Any) -> Any:
        return text

    def microseconds(self, column: Any) -> Any:
        """Without the days beyond the last eleven: their sum stays below the largest integer of SQLite."""
        whole = func.unixepoch(column) if _IS_QUICK else cast(func.strftime("%s", column), Integer)
        seconds = whole % 1_000_000
        return seconds * 1_000_000 + cast(func.substr(column, 21, 6), Integer)

    def mark_changes(self, engine: Engine) -> None:
        with engine.connect() as connection:
            make_triggers(connection)

    def marks(self, connection: Connection) -> Marks | None:
        return marks(connection)

    def listen(self, engine: Engine, seconds: float) -> Commits | None:
        return Commits(Path(engine.url.database or ""), seconds) if self.is_there(engine) else None

    def commits(self, engine: Engine) -> Commits | None:
        return self.listen(engine, 0.0)

    def contender(self, engine: Engine, name: str, holder: str) -> FileContender:
        return FileContender(*_lock_of(engine, name), holder)

    def holder(self, engine: Engine, name: str) -> str | None:
        return file_holder(*_lock_of(engine, name))

    def forget_pages(self, session: Session) -> None:
        """Empties the write-ahead log; it waits for others who are reading."""
        session.connection().exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")

    def problems(self, session: Session, most: int) -> list[str]:
        found = []
        for (line,) in session.execute(text(f"PRAGMA integrity_check({most})")):
            if line != "ok":
                found.append(f"The database is damaged: {' '.join(line.split())}. Stop Kollega and restore a backup.")
        rows = session.execute(text("PRAGMA foreign_key_check")).all()
        for table, row, other, _number in rows[:most]:
            found.append(
                f"Row {row} of the table {table} names a row of {other} that does not exist. Restore a backup."
            )
        return found

    def is_there(self, engine: Engine) -> bool:
        file = engine.url.database
        return bool(file and Path(file).is_file() and Path(file).stat().st_size)


def _before(connection: Connection, _cursor: Any, statement: str, _values: Any, _context: Any, _many: bool) -> None:
    """Take the lock before the first write of a transaction, so that what is looked at then, such as the version of the
    tables, stays so until its end."""
    if _WRITE.match(statement) and not connection.connection.driver_connection.in_transaction:  # type: ignore[union-attr]
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _lock_of(engine: Engine, name: str) -> tuple[Path, str]:
    """(the folder of a lock, beside the file of the database; its name, which names that file too, since others may
    be in the same folder)."""
    file = Path(engine.url.database or "").absolute()
    return file.parent / "locks", f"{file.name}-{name}"


def _set(connection: Any, pragmas: tuple[str, ...]) -> None:
    cursor = connection.cursor()
    for pragma in pragmas:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
