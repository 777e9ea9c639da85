"""Where the database is, and that only the account that runs Kollega can read it and the index."""

import logging
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from recommender.errors import DatabaseUnusable, SettingsError
from recommender.settings import Settings

log = logging.getLogger(__name__)
_OTHERS = 0o077  # the rights of the group and of everybody else
_NO_URL = (
    "KOLLEGA_DATABASE is not a database URL that can be used here. It is empty (SQLite in the home directory), or like "
    "sqlite:////var/lib/kollega/kollega.db or postgresql+psycopg://USER@HOST:5432/DATABASE."
)
_TEMPORARY, _A_DAY = ".kollega-copy-", 24 * 3600.0


def database_url(settings: Settings) -> URL:
    """The address of the database. Raises SettingsError when KOLLEGA_DATABASE is no URL of a database that Kollega can
    use; the message does not repeat the URL, which may have a password."""
    if not settings.database:
        return URL.create("sqlite", database=str(settings.home / "kollega.db"))  # so that `?` is part of the name
    try:
        url = make_url(settings.database)
    except (ArgumentError, ValueError) as error:
        raise SettingsError(_NO_URL) from error
    if url.get_backend_name() == "postgresql":
        return url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() != "sqlite":
        raise SettingsError(_NO_URL)
    return url


def shown(url: URL) -> str:
    """The address of a database for messages: without the password, and without the parameters of a server, which may
    have one too."""
    return repr(url if url.get_backend_name() == "sqlite" else url.set(query={}))


def database_path(settings: Settings) -> Path | None:
    """The file of a SQLite database; None when the database is another one or has no file."""
    url = database_url(settings)
    is_file = url.get_backend_name() == "sqlite" and url.database and url.database != ":memory:"
    return Path(str(url.database)) if is_file else None


def make_private(settings: Settings) -> None:
    """Make the home directory and an empty database file where there is none, so that only their owner can read them.
    Existing files that others can read are closed to them, if this account owns them, and the log says so.

    A home directory that exists keeps its mode: what is confidential in it is closed. Raises SettingsError when the
    home cannot be used, DatabaseUnusable when the database file cannot be.
    """
    try:
        settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"KOLLEGA_HOME={settings.home} cannot be used: {error.strerror}.") from error
    path = database_path(settings)
    if path is not None:
        _make(path)
    closed = [found for found in _confidential(settings, path) if _close(found)]
    if closed:
        more = f" and {len(closed) - 1} more" if len(closed) > 1 else ""
        log.warning("Other accounts could read %s%s; now only the account that runs Kollega can.", closed[0], more)


@contextmanager
def temporary_folder(directory: Path) -> Iterator[Path]:
    """A folder in this directory that only its owner can look into, removed at the end: files can be renamed out of
    it. What a run that was killed has left there is removed after a day."""
    for left in directory.glob(f"{_TEMPORARY}*"):
        if time.time() - left.lstat().st_mtime > _A_DAY:
            shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=_TEMPORARY, dir=directory) as folder:
        yield Path(folder)


def _make(path: Path) -> None:
    """An empty file that SQLite makes a database of. Its other files (-wal, -shm) get the same mode."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        if path.is_dir():
            raise DatabaseUnusable(f"The database {path} is a directory. Move it away, then try again.") from None
    except OSError as error:
        raise DatabaseUnusable(f"The database {path} cannot be opened: {error.strerror}.") from error


def _confidential(settings: Settings, database: Path | None) -> Iterator[Path]:
    """The files and directories in the home that hold what is confidential; all that is in a directory only when others
    could look into that."""
    if database is not None:
        yield from (database, Path(f"{database}-wal"), Path(f"{database}-shm"))
    yield settings.home / "secret_key"
    own = settings.index_dir, settings.backups_dir, settings.exports_dir, settings.attachments_dir
    for directory in (*own, settings.home / "evaluation"):
        if _is_open(directory):
            for folder, _folders, files in os.walk(directory):
                yield from (Path(folder), *(Path(folder) / name for name in files))


def _is_open(path: Path) -> bool:
    """True when another account may read this file or directory, which this account owns."""
    try:
        found = path.lstat()
    except OSError:
        return False
    return not stat.S_ISLNK(found.st_mode) and found.st_uid == os.geteuid() and bool(found.st_mode & _OTHERS)


def _close(path: Path) -> bool:
    """Take the rights of others away; True when they had some and it could be done."""
    if not _is_open(path):
        return False
    try:
        path.chmod(stat.S_IMODE(path.stat().st_mode) & ~_OTHERS)
    except OSError:  # removed meanwhile, or on a disk that is read-only
        return False
    return True
