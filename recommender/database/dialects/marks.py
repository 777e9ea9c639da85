"""Triggers that mark in SQLite which items were changed, by blocks of their ids, so that nobody has to look at whole
tables to find out.

Each change of a row gives the block of its item another mark, a random number: two states of a block with the same mark
are the same, also after a backup was restored. The triggers are made by who writes the index, and marks of all blocks
with them; a migration removes them, since it makes some tables anew. Where one is missing, no mark is used.

A row that "INSERT OR REPLACE" removes because another one takes its place under another id is not marked: SQLite fires
no trigger for it. Kollega never writes so.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import Connection

BLOCK = 512  # ids that have one mark: a judgement
TABLE, _NAME = "changed_blocks", "changed_block_of_"  # begins the names of triggers
_REQUEST, _DOCUMENT, PERSON = "request", "document", "person"
_MARKED = (  # (table, the column with the id of an item or person, its kind, whether rows have a time of their change)
    ("requests", "id", _REQUEST, True),
    ("replies", "request_id", _REQUEST, True),
    ("request_audience", "request_id", _REQUEST, True),
    ("attachments", "request_id", _REQUEST, True),
    ("request_details", "request_id", _REQUEST, False),
    ("documents", "id", _DOCUMENT, True),
    ("document_audience", "document_id", _DOCUMENT, True),
    ("attachments", "document_id", _DOCUMENT, True),
    ("document_details", "document_id", _DOCUMENT, False),
    ("people", "id", PERSON, True),
)
_MAKE = f"""
    CREATE TABLE {TABLE} (
        kind TEXT NOT NULL, block INTEGER NOT NULL, mark INTEGER NOT NULL, latest TEXT NOT NULL,
        PRIMARY KEY (kind, block)
    ) WITHOUT ROWID
"""


class Marks(NamedTuple):
    """The mark of each block that was ever changed, by the kind of its items (or PERSON) and its number, and the times
    of the last changes in blocks."""

    of_blocks: dict[tuple[str, int], int]
    times: list[datetime]


def marks(connection: Connection) -> Marks | None:
    """The marks of now; None when a trigger is missing, or is another one than this version makes."""
    if _triggers(connection) != dict(_wanted()):
        return None
    rows = connection.exec_driver_sql(f"SELECT kind, block, mark, latest FROM {TABLE} ORDER BY kind, block").all()  # noqa: S608
    of_blocks = {(kind, block): mark for kind, block, mark, _latest in rows}
    return Marks(of_blocks, [time for row in rows for time in _time(row.latest)])


def make_triggers(connection: Connection) -> None:
    """Have changes marked from now on, if they are not yet, and all blocks marked as changed. Commits."""
    wanted = dict(_wanted())
    if _triggers(connection) == wanted:
        return
    connection.exec_driver_sql("BEGIN IMMEDIATE")
    drop_triggers(connection)
    connection.exec_driver_sql(f"DROP TABLE IF EXISTS {TABLE}")
    connection.exec_driver_sql(_MAKE)
    with_times = sorted({table for table, _column, _kind, has_time in _MARKED if has_time})
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")  # as times are stored; one to come is no last change
    queries = [f"SELECT max(updated_at) FROM {table} WHERE updated_at <= ?" for table in with_times]  # noqa: S608
    newest = [connection.exec_driver_sql(query, (now,)).scalar() for query in queries]
    latest = max((time for time in newest if time), default="")
    for table, column, kind, _has_time in _MARKED:
        if column == "id":
            blocks = f"SELECT DISTINCT id / {BLOCK} AS block FROM {table}"  # noqa: S608
            rows = f"SELECT '{kind}', block, random(), ? FROM ({blocks})"  # noqa: S608
            connection.exec_driver_sql(f"INSERT INTO {TABLE} {rows}", (latest,))
    for sql in wanted.values():
        connection.exec_driver_sql(sql)
    connection.commit()


def drop_triggers(connection: Connection) -> None:
    """Have changes not marked any more."""
    for name in _triggers(connection):
        connection.exec_driver_sql(f'DROP TRIGGER "{name}"')


def _triggers(connection: Connection) -> dict[str, str]:
    """How each trigger of these was made, by name."""
    query = f"SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND substr(name, 1, {len(_NAME)}) = '{_NAME}'"  # noqa: S608
    return {name: sql for name, sql in connection.exec_driver_sql(query)}


def _time(text: str) -> list[datetime]:
    """A time as the database has it; none where there is none, or something else by an edit by hand."""
    try:
        return [datetime.fromisoformat(text)]
    except ValueError:
        return []


def _wanted() -> Iterator[tuple[str, str]]:
    """(name, how it is made) of each trigger."""
    for table, column, kind, has_time in _MARKED:
        for event, rows in (("INSERT", ["NEW"]), ("UPDATE", ["NEW", "OLD"]), ("DELETE", ["OLD"])):
            name = f"{_NAME}{table}_{column}_{event.lower()}"
            marked = "; ".join(sql for row in rows for sql in _marked(row, column, kind, has_time and row == "NEW"))
            yield name, f"CREATE TRIGGER {name} AFTER {event} ON {table} BEGIN {marked}; END"


def _marked(row: str, column: str, kind: str, has_time: bool) -> Iterator[str]:
    """The statements that mark the block of a row. None of them meets a mark that is there already: what happens then
    is decided by the statement that changes the row ("INSERT OR IGNORE")."""
    latest, new_time = (f"{row}.updated_at", f", latest = {row}.updated_at") if has_time else ("''", "")
    block = f"kind = '{kind}' AND block = {row}.{column} / {BLOCK}"
    yield f"UPDATE {TABLE} SET mark = random(){new_time} WHERE {block}"  # noqa: S608
    is_first = f"changes() = 0 AND {row}.{column} IS NOT NULL"  # nothing was there to update
    yield f"INSERT INTO {TABLE} SELECT '{kind}', {row}.{column} / {BLOCK}, random(), {latest} WHERE {is_first}"
