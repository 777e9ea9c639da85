"""A copy of the database for `kollega import --dry-run`, which goes away afterwards. The database is not written."""

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

from sqlalchemy.orm import Session, sessionmaker

from recommender.database.engine import open_database, open_engine
from recommender.database.files import database_path, database_url, temporary_folder
from recommender.errors import SettingsError
from recommender.settings import Settings


@contextmanager
def temporary_copy(settings: Settings) -> Iterator[sessionmaker[Session]]:
    """Sessions in which everything can be tried: on SQLite on a copy in a folder beside the database that only its
    owner may read, elsewhere in one transaction that is rolled back.

    Raises SettingsError when the database cannot be used.
    """
    if database_url(settings).get_backend_name() != "sqlite":
        with _rolled_back(settings) as sessions:
            yield sessions
        return
    path = database_path(settings)
    there = path is not None and path.is_file()
    with temporary_folder(path.absolute().parent if path and there else Path(tempfile.gettempdir())) as folder:
        copied = replace(settings, home=folder, database="")
        if path and there:
            _copy(path, folder / "kollega.db")
        sessions = open_database(copied)
        try:
            yield sessions
        finally:
            sessions.kw["bind"].dispose()


def _copy(database: Path, copy: Path) -> None:
    """Copy a database that others may be writing to. It is opened as if for writing, because a connection that may only
    read leaves its files -wal and -shm behind."""
    try:
        with (
            closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=rw", uri=True)) as source,
            closing(sqlite3.connect(copy)) as target,
        ):
            source.backup(target)
    except sqlite3.Error as error:
        raise SettingsError(f"The database {database} cannot be copied for --dry-run: {error}.") from error


@contextmanager
def _rolled_back(settings: Settings) -> Iterator[sessionmaker[Session]]:
    engine = open_engine(settings)
    try:
        with engine.connect() as connection, connection.begin() as transaction:
            yield sessionmaker(connection, expire_on_commit=False, join_transaction_mode="create_savepoint")
            transaction.rollback()
    finally:
        engine.dispose()
