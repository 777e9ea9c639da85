"""Keeps a process whose tables were upgraded while it ran from reading or writing them as if they were the old ones.

A transaction that writes looks at the version once it has the lock for writing, which its dialect takes before the
first statement that writes, and which an upgrade holds too: nothing is written into tables of another version. One that
reads looks once a second.
"""

import re
import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Engine, event

from recommender.errors import DatabaseVersion

_WRITE = re.compile(r"\s*(?:INSERT|UPDATE|DELETE)\b", re.I)
_LOOKS_EVERY = 1.0  # seconds: a judgement
_SEEN = "kollega_version_seen"  # a mark of a connection
_QUERY = "SELECT version_num FROM alembic_version"


def guard_version(engine: Engine, wanted: str, sentence: Callable[[str], str]) -> None:
    """Raise DatabaseVersion, with the sentence about the version that was found, as soon as the tables are of another
    version than `wanted`."""
    looked_at = -_LOOKS_EVERY

    def look(connection: Connection, _cursor: Any, statement: str, *_rest: Any) -> None:
        nonlocal looked_at
        info, now = connection.info, time.monotonic()
        writes = _WRITE.match(statement) is not None and not info.get(_SEEN)
        if not writes and now < looked_at + _LOOKS_EVERY:
            return
        try:
            found = _read(connection)
        except engine.dialect.loaded_dbapi.Error:
            return  # the statement itself will fail, and says why
        if found != wanted:
            raise DatabaseVersion(sentence(found))
        looked_at = now
        if writes:
            info[_SEEN] = True

    def forget(connection: Connection) -> None:
        if not connection.invalidated:
            connection.info.pop(_SEEN, None)

    event.listen(engine, "before_cursor_execute", look)
    for end in ("commit", "rollback"):
        event.listen(engine, end, forget)


def _read(connection: Connection) -> str:
    """The version of the tables, in the present transaction."""
    cursor = connection.connection.cursor()
    try:
        cursor.execute(_QUERY)
        row = cursor.fetchone()
    finally:
        cursor.close()
    return str(row[0]) if row else "none"
