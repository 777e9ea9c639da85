"""Copies a whole store from one database into another empty one, row by row, and compares the two before it commits.

The tables are read from the databases, not from the code, so that a store of an older version can be copied too. Texts
that wait to be encoded are left out: they are copies of others, and an erasure would not find them.
"""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path
from typing import Any

from sqlalchemy import JSON, Connection, Engine, MetaData, Select, Table, Text, bindparam, cast, func, insert, select
from sqlalchemy.exc import DBAPIError, IntegrityError

from recommender.database import dialects
from recommender.database.dialects import marks
from recommender.database.encode_tables import EncodeBatch
from recommender.database.engine import migrate, open_engine, other_version, revision, revisions, unusable
from recommender.database.failures import explain, reason
from recommender.database.files import database_path, shown
from recommender.errors import DatabaseUnusable, DatabaseVersion
from recommender.settings import Settings

_BATCH = 1_000  # rows written at once: a judgement
_VERSION = "alembic_version"
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Copied:
    """What was copied: the revision of the tables, and the rows of each table that has some."""

    revision: str
    rows: dict[str, int]


def copy_store(source: Settings, target: Settings, progress: Progress = lambda _table, _done, _total: None) -> Copied:
    """Copy every row of the source's database into the target's, which must be empty; its tables are made when there
    are none. It is one transaction, committed after every row was read again and compared, so an abort leaves the
    target empty. `progress` is called with (table, rows done, rows in all).

    Raises DatabaseUnusable when there is no store to copy, the target is not empty, or the copy cannot be made or
    is not equal; DatabaseVersion when the databases are of different versions.
    """
    path = database_path(source)
    if path is not None and not path.is_file():
        raise DatabaseUnusable(f"There is no database at {path} to copy.")
    with _opened(source) as engine_from, _opened(target) as engine_to:
        found = _revision(engine_from, source)
        _prepare(engine_to, target, found)
        try:
            with engine_from.connect() as reading, engine_to.begin() as writing:
                dialects.of(reading).begin_snapshot(reading)
                rows = _copy(reading, writing, progress)
        except IntegrityError as error:
            raise DatabaseUnusable(
                f"The store does not fit together: {reason(error)}. Nothing was copied. Run: kollega verify"
            ) from error
        except DBAPIError as error:
            said = explain(error, None) or f"{reason(error)}."
            raise DatabaseUnusable(f"The store cannot be copied. {said} Nothing was copied.") from error
    return Copied(found, rows)


def is_empty(settings: Settings) -> bool:
    """True when the database has no row, or no tables yet. Raises DatabaseUnusable when it cannot be used."""
    with _opened(settings) as engine:
        return _row(engine, settings) is None


def require_tables_of(settings: Settings, wanted: str) -> None:
    """Raises DatabaseVersion when the database has tables of another revision than this one, DatabaseUnusable when it
    cannot be used. No tables yet are right."""
    with _opened(settings) as engine:
        try:
            found = revision(engine)
        except DBAPIError as error:
            raise unusable(error, settings) from error
        _require_revision(engine, found, wanted)


class _opened:
    """The engine of a database, disposed of at the end."""

    def __init__(self, settings: Settings) -> None:
        self._engine = open_engine(settings)

    def __enter__(self) -> Engine:
        return self._engine

    def __exit__(self, *_error: object) -> None:
        self._engine.dispose()


def _revision(engine: Engine, settings: Settings) -> str:
    try:
        found = revision(engine)
    except DBAPIError as error:
        raise unusable(error, settings) from error
    if found is None:
        raise DatabaseUnusable(f"The database {shown(engine.url)} is empty: there is nothing to copy.")
    if found not in revisions():
        raise DatabaseVersion(other_version(found))
    return found


def _prepare(engine: Engine, settings: Settings, wanted: str) -> None:
    """Make the tables of the target, or see that they are there and empty."""
    try:
        found = revision(engine)
        if found is None:
            migrate(engine, wanted)
        _require_revision(engine, found, wanted)
        table = _row(engine, settings)
    except DBAPIError as error:
        raise unusable(error, settings) from error
    if table is not None:
        raise DatabaseUnusable(
            f"The database {shown(engine.url)} is not empty: there are rows in {table}. Nothing was copied. Make a "
            "new, empty database, and copy into that."
        )


def _require_revision(engine: Engine, found: str | None, wanted: str) -> None:
    if found not in (None, wanted):
        raise DatabaseVersion(
            f"The database {shown(engine.url)} has tables of another version ({found}) than the one to copy "
            f"({wanted}). Upgrade the older one with kollega upgrade, or make a new, empty database."
        )


def _row(engine: Engine, settings: Settings) -> str | None:
    """The name of a table that has a row; None when there is none."""
    try:
        with engine.connect() as connection:
            for table in _tables(connection):
                if connection.execute(select(table).limit(1)).first() is not None:
                    return table.name
    except DBAPIError as error:
        raise unusable(error, settings) from error
    return None


_LEFT = (_VERSION, EncodeBatch.__tablename__, marks.TABLE)  # tables of a database that are not content of a store


def _tables(connection: Connection) -> list[Table]:
    found = MetaData()
    found.reflect(connection)
    return [table for table in found.sorted_tables if table.name not in _LEFT]


def _copy(reading: Connection, writing: Connection, progress: Progress) -> dict[str, int]:
    targets = {table.name: table for table in _tables(writing)}
    sources = [table for table in _tables(reading) if table.name in targets]  # others are of another program
    dialect = dialects.of(writing)
    counts = {table.name: _count(reading, table) for table in sources}
    dialect.defer_references(writing)
    for table in sources:
        for done in _copy_table(reading, writing, table, targets[table.name]):
            progress(f"copying {table.name}", done, counts[table.name])
    lost = dialect.check_references(writing)
    if lost is not None:
        raise DatabaseUnusable(f"A row of {lost} refers to none. Nothing was copied. Run: kollega verify")
    last = dialects.of(reading).last_ids(reading)
    dialect.set_last_ids(writing, {name: number for name, number in last.items() if name in targets})
    for table in sources:
        for done in _compare(reading, writing, table, targets[table.name]):
            progress(f"comparing {table.name}", done, counts[table.name])
    return {name: count for name, count in counts.items() if count}


def _count(connection: Connection, table: Table) -> int:
    return connection.scalar(select(func.count()).select_from(table)) or 0


def _copy_table(reading: Connection, writing: Connection, source: Table, target: Table) -> Iterator[int]:
    """Yields how many rows are written."""
    done, dialect = 0, dialects.of(writing)
    values = {
        column.name: dialect.as_json(bindparam(column.name, type_=Text()))
        if isinstance(column.type, JSON)
        else bindparam(column.name, type_=column.type)
        for column in target.columns
    }
    statement = insert(target).values(values)
    for rows in _batches(reading, source):
        texts = [row for row in rows if any(isinstance(value, str) and "\0" in value for value in row.values())]
        if texts and not dialect.stores_nul:
            key = ", ".join(str(texts[0][column.name]) for column in source.primary_key)
            raise DatabaseUnusable(
                f"The row {key} of {source.name} has a text with a character NUL, which PostgreSQL cannot store. "
                "Nothing was copied. Take that character out of it, then try again."
            )
        writing.execute(statement, rows)
        done += len(rows)
        yield done


def _compare(reading: Connection, writing: Connection, source: Table, target: Table) -> Iterator[int]:
    """Yields how many rows have been found equal. Raises DatabaseUnusable when one is not."""
    done = 0
    nothing: list[dict[str, Any]] = []
    for before, after in zip_longest(_batches(reading, source), _batches(writing, target), fillvalue=nothing):
        if before != after:
            raise DatabaseUnusable(
                f"The copy of {source.name} is not equal to the original, near its row {done + 1}. Nothing was copied. "
                "Please report this."
            )
        done += len(before)
        yield done


def _batches(connection: Connection, table: Table) -> Iterator[list[dict[str, Any]]]:
    """The rows of a table in the order of its primary key, JSON as the text that is stored."""
    with closing(connection.execute(_query(table), execution_options={"yield_per": _BATCH})) as result:
        for rows in result.mappings().partitions():
            yield [dict(row) for row in rows]


def _query(table: Table) -> Select[Any]:
    columns = [
        cast(column, Text).label(column.name) if isinstance(column.type, JSON) else column for column in table.columns
    ]
    return select(*columns).order_by(*table.primary_key.columns)


def at(settings: Settings, place: str) -> Settings:
    """The settings with the database at this place: a database URL, a SQLite file, or the home directory of one."""
    if "://" in place:
        return replace(settings, database=place)
    path = Path(place).absolute()
    return (
        replace(settings, home=path, database="") if path.is_dir() else replace(settings, database=f"sqlite:///{path}")
    )
