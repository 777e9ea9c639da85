"""Backups: one zip file with the database, the attached files, the key of the sign-in cookies and the synonyms, and
their checksums.

The database in it is a SQLite file, also of a store on PostgreSQL, which is copied into one: so a backup of the one can
be restored into the other, and no tool of PostgreSQL is needed. The index is not in it, since it can be built from the
database. A backup holds everything that is restricted.
"""

import hashlib
import json
import os
import re
import shutil
import sqlite3
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from recommender.database.copying import copy_store, is_empty, require_tables_of
from recommender.database.engine import other_version, revisions
from recommender.database.failures import damage, explain_sqlite
from recommender.database.files import database_path, database_url, temporary_folder
from recommender.database.files_owner import forget_owner
from recommender.errors import BackupError, DatabaseUnusable, DatabaseVersion
from recommender.files.places import store_of
from recommender.sentences.sentence import N_, Sentence, reason_of
from recommender.settings import Settings

FORMAT, _KNOWN_FORMATS = 2, (1, 2)  # 1 had no attached files
_DATABASE, _MANIFEST, _ATTACHED = "kollega.db", "manifest.json", "attachments"
_BESIDE = ("secret_key", "synonyms.txt")  # files of the home that go along with the database
_FILE = re.compile(r"attachments/([0-9a-f]{2})/\1[0-9a-f]{62}")  # an attached file: nothing else is put into the home
_CHUNK = 1_000_000  # bytes read at once
_UNREADABLE = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, KeyError, NotImplementedError, RuntimeError, OSError
)  # fmt: skip
"""What reading a damaged zip file may raise."""


@dataclass(frozen=True)
class Backup:
    """What the manifest of a backup says: the revision of the tables, when it was made, and for each file its length in
    bytes and its SHA-256 digest."""

    format: int
    made_at: str
    revision: str
    files: dict[str, tuple[int, str]]


def back_up(
    settings: Settings, path: Path, ready: Callable[[Backup], None] = lambda _backup: None, with_files: bool = True
) -> Backup:
    """Write a backup to `path`, also while others read and write; it holds the state of one moment.

    The attached files are in it unless `with_files` is False. A file that is missing is left out: `kollega verify`
    names it. It is written beside `path`, checked, and then renamed, readable only by its owner. `ready` is called
    before that, and may prevent it with an exception.

    Raises BackupError when there is a file at `path` already or nothing to back up, DatabaseUnusable when the database
    is damaged or cannot be reached.
    """
    database = _database(settings)
    if database is not None and (not database.is_file() or database.stat().st_size == 0):
        raise BackupError(Sentence("There is no database %(file)s to back up. Check KOLLEGA_HOME.", file=database))
    if path.exists() or path.is_symlink():
        raise BackupError(Sentence("%(file)s exists already and is left as it is. Name another file.", file=path))
    try:
        with temporary_folder(path.absolute().parent) as folder:
            found = _copy(database, folder / _DATABASE) if database else _copy_from_server(settings, folder)
            sources = {_DATABASE: folder / _DATABASE}
            sources |= {name: settings.home / name for name in _BESIDE if (settings.home / name).is_file()}
            if with_files:
                sources |= attached_files(settings, folder / _DATABASE, folder)
            backup = _write(folder / "backup.zip", sources, found)
            with _opened(folder / "backup.zip") as archive:
                _check(archive, read(archive, path), path)
            _sync(folder / "backup.zip")
            ready(backup)
            os.replace(folder / "backup.zip", path)
            _sync(path.absolute().parent)
    except OSError as error:
        said = N_("%(file)s cannot be written: %(reason)s. No backup was made.")
        raise BackupError(Sentence(said, file=path, reason=reason_of(error))) from error
    return backup


def restore(settings: Settings, path: Path) -> Backup:
    """Put the files of a backup into an empty home. All are checked before the first one is put in place, and the
    database is the last one.

    Raises BackupError when the backup is damaged, or the home or the database on a server is not empty, DatabaseVersion
    when a newer version of Kollega has made it. One of an older version is restored; `kollega upgrade` upgrades it.
    """
    database, home = _database(settings), settings.home
    left = [*(home / name for name in _BESIDE), settings.index_dir, settings.attachments_dir]
    left += [database, Path(f"{database}-wal")] if database else []
    if present := [found for found in left if found.exists()]:
        raise BackupError(f"The home is not empty: there is {present[0]}. Set KOLLEGA_HOME to a new directory.")
    if database is None and not is_empty(settings):
        raise BackupError("The database that KOLLEGA_DATABASE names is not empty. Make a new one, and name that.")
    with _opened(path) as archive:
        backup = read(archive, path)
        if backup.revision not in revisions():
            raise DatabaseVersion(other_version(backup.revision))
        if database is None:
            require_tables_of(settings, backup.revision)
        _check(archive, backup, path)
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        with temporary_folder(database.absolute().parent if database else home) as folder:
            for name in backup.files:
                _make_folders(folder, name)
                descriptor = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                with archive.open(name) as source, os.fdopen(descriptor, "wb") as target:
                    shutil.copyfileobj(source, target, _CHUNK)
                _sync(folder / name)
            _check_database(folder / _DATABASE)
            forget_owner(folder / _DATABASE)
            for name in sorted(backup.files, key=lambda each: each == _DATABASE):  # the database last
                if settings.files and name.startswith(f"{_ATTACHED}/"):
                    store_of(settings).write((folder / name).read_bytes())
                    continue
                _make_folders(home, name)
                if name != _DATABASE:
                    os.replace(folder / name, home / name)
                elif database:
                    os.replace(folder / name, database)
                else:
                    _restore_on_server(settings, folder)
            _sync(database.absolute().parent if database else home)
    return backup


def _restore_on_server(settings: Settings, folder: Path) -> None:
    """Copy the database of a backup to the server. When that fails, the home is left as empty as it was."""
    try:
        copy_store(_beside(settings, folder), settings)
    except BaseException:
        for name in _BESIDE:
            (settings.home / name).unlink(missing_ok=True)
        shutil.rmtree(settings.attachments_dir, ignore_errors=True)
        raise


def attached_files(settings: Settings, database: Path, folder: Path) -> dict[str, Path]:
    """The files that the rows of a copy of the database name, by their names in a backup, those of a bucket copied into
    `folder`. What is missing is left out."""
    with closing(sqlite3.connect(database)) as connection:
        tables = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'attachments'").fetchone()
        rows = connection.execute("SELECT DISTINCT digest FROM attachments").fetchall() if tables else []
    names = sorted(f"{_ATTACHED}/{digest[:2]}/{digest}" for (digest,) in rows)
    names, store = [name for name in names if _FILE.fullmatch(name)], store_of(settings)
    for name in names if store.shared else ():
        with suppress(FileNotFoundError):
            _make_folders(folder, name)
            (folder / name).write_bytes(store.read(Path(name).name))
    root = folder if store.shared else settings.home
    return {name: root / name for name in names if (root / name).is_file()}


def _make_folders(folder: Path, name: str) -> None:
    """Make the folders in which a file of a backup lies."""
    for inner in reversed(Path(name).parents[:-1]):
        (folder / inner).mkdir(mode=0o700, exist_ok=True)


def read(archive: zipfile.ZipFile, path: Path) -> Backup:
    """The manifest of a backup. Raises BackupError when there is none, or it is of a newer format."""
    try:
        values = json.loads(archive.read(_MANIFEST))
        if values["format"] not in _KNOWN_FORMATS:
            raise BackupError(f"{path} was made by another version of Kollega. Restore it with that version.")
        files = {str(name): (int(length), str(digest)) for name, (length, digest) in values["files"].items()}
        backup = Backup(int(values["format"]), str(values["made_at"]), str(values["revision"]), files)
    except (*_UNREADABLE, ValueError, TypeError, AttributeError) as error:
        raise _not_a_backup(path) from error
    if _DATABASE not in files or any(name not in (_DATABASE, *_BESIDE) and not _FILE.fullmatch(name) for name in files):
        raise _not_a_backup(path)
    return backup


def _copy(database: Path, copy: Path) -> str:
    """Copy the database as it is now, check the copy, and return the revision of its tables."""
    copy.touch(mode=0o600)
    try:
        with closing(sqlite3.connect(database, timeout=10)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
            target.execute("PRAGMA journal_mode = DELETE")  # one file
    except sqlite3.Error as error:
        full = error.sqlite_errorname == "SQLITE_FULL"
        name = f"The copy in {copy.parent.parent}" if full else f"The database {database}"
        raise DatabaseUnusable(explain_sqlite(error, name) or f"{name}: {error}") from error
    _check_database(copy, database)
    with closing(sqlite3.connect(copy)) as connection:
        try:
            return str(connection.execute("SELECT version_num FROM alembic_version").fetchone()[0])
        except (sqlite3.OperationalError, TypeError) as error:
            raise BackupError(f"{database} has no tables of Kollega, so there is nothing to back up.") from error


def _copy_from_server(settings: Settings, folder: Path) -> str:
    """Copy the database on a server into a file in the folder, and return the revision of its tables."""
    copied = copy_store(settings, _beside(settings, folder))
    with closing(sqlite3.connect(folder / _DATABASE)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")  # one file
    return copied.revision


def _beside(settings: Settings, folder: Path) -> Settings:
    """The settings with the SQLite database of a backup in this folder."""
    return replace(settings, home=folder, database="")


def _check_database(path: Path, name: Path | None = None) -> None:
    """Raise DatabaseUnusable when the file is damaged; `name` is what the message calls it."""
    with closing(sqlite3.connect(path)) as connection:
        try:
            sound = connection.execute("PRAGMA integrity_check(1)").fetchone()[0] == "ok"
        except sqlite3.DatabaseError:
            sound = False
    if not sound:
        raise DatabaseUnusable(damage(name or path))


def _write(path: Path, sources: dict[str, Path], found: str) -> Backup:
    files: dict[str, tuple[int, str]] = {}
    path.touch(mode=0o600)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, source in sources.items():
            is_attached = _FILE.fullmatch(name) is not None
            try:
                size, digest = source.stat().st_size, _digest(source)
                # pictures and PDFs do not become smaller
                archive.write(source, name, zipfile.ZIP_STORED if is_attached else zipfile.ZIP_DEFLATED)
            except FileNotFoundError:
                if not is_attached:
                    raise
                continue  # somebody has removed it meanwhile, or it is lost
            files[name] = (size, digest)
        backup = Backup(FORMAT, datetime.now(UTC).isoformat(timespec="seconds"), found, files)
        archive.writestr(_MANIFEST, json.dumps(asdict(backup), indent=1))
    return backup


def _check(archive: zipfile.ZipFile, backup: Backup, path: Path) -> None:
    """Read all files of a backup, and raise BackupError when one of them is not what the manifest says."""
    for name, (length, expected) in backup.files.items():
        digest, read_bytes = hashlib.sha256(), 0
        try:
            with archive.open(name) as file:
                while chunk := file.read(_CHUNK):
                    digest.update(chunk)
                    read_bytes += len(chunk)
        except _UNREADABLE as error:
            raise BackupError(f"The backup {path} is damaged: {name} cannot be read. Use another one.") from error
        if (read_bytes, digest.hexdigest()) != (length, expected):
            raise BackupError(f"The backup {path} is damaged: {name} is not as it was. Use another one.")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _database(settings: Settings) -> Path | None:
    """The file of the database; None when it is on a server."""
    path = database_path(settings)
    if path is None and database_url(settings).get_backend_name() == "sqlite":
        raise BackupError(Sentence("KOLLEGA_DATABASE names no file, so it cannot be backed up or restored."))
    return path


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        archive = zipfile.ZipFile(path)
    except (*_UNREADABLE, ValueError, IsADirectoryError) as error:
        if isinstance(error, FileNotFoundError):
            raise BackupError(f"There is no file {path}.") from error
        raise _not_a_backup(path) from error
    with archive:
        yield archive


def _not_a_backup(path: Path) -> BackupError:
    return BackupError(f"{path} is damaged, or it is no backup of Kollega. Use another one.")


def _sync(path: Path) -> None:
    """Write a file or directory to disk, so that a power failure cannot take it away."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
