"""A copy of the database for `kollega import --dry-run`, which goes away afterwards. The database is not written."""

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

from sqlalchemy.orm import Session, sessionmaker

from recommender.database.copying import copy_store, is_empty
from recommender.database.engine import open_database
from recommender.database.files import database_path, database_url, temporary_folder
from recommender.errors import SettingsError
from recommender.sentences.sentence import Sentence
from recommender.settings import Settings


@contextmanager
def temporary_copy(settings: Settings) -> Iterator[sessionmaker[Session]]:
    """Sessions in which everything can be tried: on a copy, a SQLite file in a folder that only its owner may read,
    beside the database or, when that is on a server, in the home directory.

    Raises SettingsError or DatabaseUnusable when the database cannot be used.
    """
    path = database_path(settings)
    on_server = database_url(settings).get_backend_name() != "sqlite"
    there = path is not None and path.is_file()
    if on_server:
        settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with temporary_folder(_folder_for(settings, path if there else None, on_server)) as folder:
        copied = replace(settings, home=folder, database="")
        if path and there:
            _copy(path, folder / "kollega.db")
        elif on_server and not is_empty(settings):
            copy_store(settings, copied)
        sessions = open_database(copied)
        try:
            yield sessions
        finally:
            sessions.kw["bind"].dispose()


def _folder_for(settings: Settings, path: Path | None, on_server: bool) -> Path:
    if on_server:
        return settings.home
    return path.absolute().parent if path else Path(tempfile.gettempdir())


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
        raise SettingsError(
            Sentence(
                "The database %(database)s cannot be copied for --dry-run: %(reason)s.", database=database, reason=error
            )
        ) from error
