"""Says in one sentence why a file or the database could not be used, and what to do about it."""

import errno
import sqlite3
from pathlib import Path

from sqlalchemy.exc import DBAPIError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_REFUSED = (errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EISDIR, errno.EIO, errno.ENAMETOOLONG)
_RESTORE = "Restore a backup with: kollega restore FILE"
_SENTENCES = {
    "SQLITE_FULL": "{name} cannot be written: the disk is full. Make room, then try again; what was saved before is "
    "still there.",
    "SQLITE_READONLY": "{name} can only be read. Check that the disk is not read-only, and that the account that runs "
    "this command owns the file and its directory.",
    "SQLITE_CANTOPEN": "{name} cannot be opened. Check that its directory exists, and that the account that runs this "
    "command may read and write there.",
    "SQLITE_PERM": "{name} cannot be opened: this account may not.",
    "SQLITE_AUTH": "{name} cannot be opened: this account may not.",
    "SQLITE_NOTADB": "{name} is damaged, or it is not a database. " + _RESTORE,
    "SQLITE_CORRUPT": "{name} is damaged. " + _RESTORE,
    "SQLITE_BUSY": "{name} is locked by another process. Wait for that to end, then try again.",
    "SQLITE_LOCKED": "{name} is locked by another process. Wait for that to end, then try again.",
    "SQLITE_IOERR": "{name} cannot be read or written: the disk reports an error, or it is full. Check the disk; what "
    "was saved before is still there.",
}
"""By the name of SQLite's error code without what follows a second underscore."""


def explain(error: BaseException, database: Path | None) -> str | None:
    """A sentence about an error of the database, a file or the disk; None for any other error, such as a fault of
    Kollega. `database` is the path of the database, None when that has no file."""
    if isinstance(error, DBAPIError):
        return explain_sqlite(error.orig, f"The database {database}" if database else "The database")
    if isinstance(error, sqlite3.Error):  # not through SQLAlchemy: a file that can be made again
        return explain_sqlite(error, "A file of the index")
    if isinstance(error, OSError) and error.errno in (*_FULL, *_REFUSED):
        return _explain_file(error)
    if "No space left on device" in str(error):  # the libraries of the index have no error of their own for it
        return "The index cannot be written: the disk is full. Make room, then run: kollega reindex"
    return None


def is_damaged(database: Path | None) -> bool:
    """True when SQLite finds that the file of the database is damaged. Reads all of it."""
    if database is None or not database.is_file():
        return False
    try:
        connection = sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)
        try:
            return bool(connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok")
        finally:
            connection.close()
    except sqlite3.DatabaseError as error:
        return _code(error) in ("SQLITE_CORRUPT", "SQLITE_NOTADB")


def damage(database: Path | None) -> str:
    """The sentence about a damaged database."""
    return _SENTENCES["SQLITE_CORRUPT"].format(name=f"The database {database}")


def explain_sqlite(error: BaseException | None, name: str) -> str | None:
    """A sentence about an error of SQLite in the file called `name`; None for any other error."""
    sentence = _SENTENCES.get(_code(error))
    return sentence.format(name=name) if sentence else None


def _code(error: BaseException | None) -> str:
    """SQLITE_IOERR for SQLITE_IOERR_WRITE; empty for an error without a code."""
    return "_".join(str(getattr(error, "sqlite_errorname", "")).split("_")[:2])


def _explain_file(error: OSError) -> str:
    name = error.filename if isinstance(error.filename, str) else "A file"
    if error.errno in _FULL:
        return f"{name} cannot be written: the disk is full. Make room, then try again; what was saved before is there."
    if error.errno == errno.EROFS:
        return f"{name} cannot be written: the disk is read-only."
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"{name} cannot be used: the account that runs this command may not. Check who owns it."
    return f"{name} cannot be used: {error.strerror}."
