"""Reads every row of a database, to compare two of them."""

import sqlite3
from collections.abc import Collection
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import MetaData, select

from recommender.database.engine import open_engine
from recommender.settings import Settings


def all_rows(database: Path, leave_out: Collection[str] = ("alembic_version", "audit_log")) -> dict[str, list[Any]]:
    """The rows of each table, sorted, each as (column, value) pairs."""
    with closing(sqlite3.connect(database)) as connection:
        connection.row_factory = sqlite3.Row
        query = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        names = [name for (name,) in connection.execute(query) if name not in leave_out]
        return {
            name: sorted(([*dict(row).items()] for row in connection.execute(f'SELECT * FROM "{name}"')), key=repr)  # noqa: S608
            for name in names
        }


def rows_of_store(
    settings: Settings, leave_out: Collection[str] = ("alembic_version", "audit_log")
) -> dict[str, list[Any]]:
    """The rows of each table of the store, sorted, as they can be compared with those read at another time."""
    engine, found = open_engine(settings), MetaData()
    with engine.connect() as connection:
        found.reflect(connection)
        tables = [table for table in found.sorted_tables if table.name not in leave_out]
        rows = {table.name: sorted(connection.execute(select(table)).all(), key=repr) for table in tables}
    engine.dispose()
    return rows
