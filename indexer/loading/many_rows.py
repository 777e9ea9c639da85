"""Looks for many values at once, and inserts many rows at once, in less time than SQLAlchemy needs for each of them."""

from collections.abc import Callable, Collection, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Dialect, Table, insert, select
from sqlalchemy.orm import Session

Row = dict[str, Any]
_Convert = Callable[[Any], Any] | None


def among(session: Session, column: Any, where: ColumnElement[bool], values: Collection[str]) -> set[str]:
    """Those of the values that a column has in rows of which there are often none."""
    query = select(column).where(where)
    if session.scalar(query.limit(1)) is None:
        return set()
    return set(session.scalars(query.where(column.in_(values))))


def insert_with_ids(session: Session, table: Any, rows: Sequence[Row], name: str) -> list[int]:
    """Insert rows, all with the same columns, and return their ids in the same order. They are found by the column
    `name`, which differs among rows of one source; SQLAlchemy would insert them one by one to know their ids."""
    if not rows:
        return []
    insert_rows(session, table, rows)
    query = select(table.c[name], table.c.id).where(table.c[name].in_([row[name] for row in rows]))
    if "source" in rows[0]:
        query = query.where(table.c.source == rows[0]["source"])
    ids = {found: identifier for found, identifier in session.connection().execute(query)}
    return [ids[row[name]] for row in rows]


def insert_rows(session: Session, table: Any, rows: Sequence[Row]) -> None:
    """Insert rows, all with the same columns."""
    if not rows:
        return
    connection = session.connection()
    if not connection.dialect.positional:
        connection.execute(insert(table), list(rows))
        return
    statement_text, columns = _compiled(table, connection.dialect, tuple(rows[0]))
    values = [_values(rows, name, default, convert) for name, default, convert in columns]
    connection.exec_driver_sql(statement_text, list(zip(*values, strict=True)))


def _values(rows: Sequence[Row], name: str, default: Any, convert: _Convert) -> Sequence[Any]:
    """What the database gets for one column of each row. One without values has the same default in all rows."""
    if default is not None:
        value = default.arg(None) if default.is_callable else default.arg
        return [convert(value) if convert else value] * len(rows)
    values = [row[name] for row in rows]
    return list(map(convert, values)) if convert else values


@lru_cache(maxsize=32)
def _compiled(table: Table, dialect: Dialect, given: tuple[str, ...]) -> tuple[str, list[tuple[str, Any, _Convert]]]:
    """(the statement; for each of its values the name of the column, its default if rows do not give it, and what
    converts it for the database)"""
    compiled: Any = insert(table).compile(dialect=dialect, column_keys=list(given))
    columns = []
    for name in compiled.positiontup:
        column = table.c[name]
        convert = column.type.dialect_impl(dialect).bind_processor(dialect)
        columns.append((name, None if name in given else column.default, convert))
    return str(compiled), columns
