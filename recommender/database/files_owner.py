"""Which installation a bucket of attached files belongs to: each database has a random name for that."""

import secrets
import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy.orm import Session

from recommender.database.replica_tables import SharedText
from recommender.database.storing import insert_or_update
from recommender.database.tables import utc_now

_NAME = "owner-of-files"  # of the shared text


def own_name(session: Session) -> str | None:
    """The name of this installation; None when it has none yet."""
    row = session.get(SharedText, _NAME, populate_existing=True)
    return row.text if row else None


def make_own_name(session: Session) -> str:
    """The name of this installation, a new one if it has none. The caller commits."""
    name = own_name(session) or secrets.token_hex(16)
    insert_or_update(session, SharedText, {"name": _NAME}, {"of_model": "", "text": name, "changed_at": utc_now()})
    return name


def forget_owner(database: Path) -> None:
    """Take the name out of a restored SQLite file: the installation that it is a copy of may go on."""
    with closing(sqlite3.connect(database)) as connection, connection:
        if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'shared_texts'").fetchone():
            connection.execute("DELETE FROM shared_texts WHERE name = ?", (_NAME,))
