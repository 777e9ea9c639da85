"""Says in one sentence why a file or the database could not be used, and what to do about it."""

import errno
import sqlite3
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from recommender.sentences.sentence import N_, Sentence, reason_of

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_REFUSED = (errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EISDIR, errno.EIO, errno.ENAMETOOLONG)
_SENTENCES = {
    "SQLITE_FULL": N_(
        "%(name)s cannot be written: the disk is full. Make room, then try again; what was saved before is still there."
    ),
    "SQLITE_READONLY": N_(
        "%(name)s can only be read. Check that the disk is not read-only, and that the account that runs "
        "this command owns the file and its directory."
    ),
    "SQLITE_CANTOPEN": N_(
        "%(name)s cannot be opened. Check that its directory exists, and that the account that runs this "
        "command may read and write there."
    ),
    "SQLITE_PERM": N_("%(name)s cannot be opened: this account may not."),
    "SQLITE_AUTH": N_("%(name)s cannot be opened: this account may not."),
    "SQLITE_NOTADB": N_("%(name)s is damaged, or it is not a database. Restore a backup with: kollega restore FILE"),
    "SQLITE_CORRUPT": N_("%(name)s is damaged. Restore a backup with: kollega restore FILE"),
    "SQLITE_BUSY": N_("%(name)s is locked by another process. Wait for that to end, then try again."),
    "SQLITE_LOCKED": N_("%(name)s is locked by another process. Wait for that to end, then try again."),
    "SQLITE_IOERR": N_(
        "%(name)s cannot be read or written: the disk reports an error, or it is full. Check the disk; what "
        "was saved before is still there."
    ),
}
"""By the name of SQLite's error code without what follows a second underscore."""
_AWAY = "57P01"  # stands for every way in which a server cannot be reached or ends a connection
_SERVER_SENTENCES = {
    "28": N_(
        "The database refuses the name or the password. Check them in KOLLEGA_DATABASE, or the password in "
        "PGPASSWORD or ~/.pgpass, and pg_hba.conf on the server."
    ),
    "3D": N_("The server has no database of this name. Make it, for example with createdb, or check KOLLEGA_DATABASE."),
    "TLS": N_(
        "The certificate of the database's server cannot be checked. Name the file of the authority that signed it "
        "in KOLLEGA_DATABASE, as ?sslmode=verify-full&sslrootcert=FILE."
    ),
    "parameter": N_(
        "A parameter in the address of the database is wrong. Correct what follows the question mark in "
        "KOLLEGA_DATABASE: the names and values are those of PostgreSQL."
    ),
    "42501": N_("This account of the database may not do that. Make it the owner of the database and of its tables."),
    "25006": N_(
        "The database can only be read: the server is a copy (standby), perhaps. Set KOLLEGA_DATABASE to the "
        "server that can be written."
    ),
    "53100": N_(
        "The database cannot be written: the disk of its server is full. Make room, then try again; what was "
        "saved before is still there."
    ),
    "53300": N_("The database takes no more connections. Raise max_connections on its server, or stop other programs."),
    "55P03": N_("The database is locked by another process. Wait for that to end, then try again."),
    "40P01": N_("The database is locked by another process. Wait for that to end, then try again."),
    "40001": N_("The database is locked by another process. Wait for that to end, then try again."),
    "XX001": N_("The database is damaged. Restore a backup into a new one."),
    "XX002": N_("An index of the database is damaged. Run on its server: REINDEX DATABASE"),
    _AWAY: N_(
        "The database cannot be reached. Check that its server runs and that KOLLEGA_DATABASE names it; Kollega "
        "goes on by itself when it is back."
    ),
}
"""By the SQLSTATE of PostgreSQL, or by the class of it, its first two characters."""
_LOCKED = ("SQLITE_BUSY", "SQLITE_LOCKED", "55P03", "40P01", "40001")
_AT_SIGN_IN = {
    "for connection option": "parameter",
    ' value: "': "parameter",
    "certificate": "TLS",
    "password authentication failed": "28",
    "no password supplied": "28",
    "authentication failed": "28",
    "pg_hba.conf": "28",
    'role "': "28",
    'database "': "3D",
    "too many ": "53300",
    "remaining connection slots": "53300",
}
"""Words of the message of a connection that was refused, which has no SQLSTATE."""


def explain(error: BaseException, database: Path | None) -> str | None:
    """A sentence about an error of the database, a file or the disk; None for any other error, such as a fault of
    Kollega. `database` is the path of the database, None when that has no file."""
    if isinstance(error, DBAPIError):
        name = Sentence("The database %(file)s", file=database) if database else Sentence("The database")
        return explain_sqlite(error.orig, name) or _explain_server(error.orig)
    if isinstance(error, sqlite3.Error):  # not through SQLAlchemy: a file that can be made again
        return explain_sqlite(error, Sentence("A file of the index"))
    if isinstance(error, OSError) and error.errno in (*_FULL, *_REFUSED):
        return _explain_file(error)
    if "No space left on device" in str(error):  # the libraries of the index have no error of their own for it
        return Sentence("The index cannot be written: the disk is full. Make room, then run: kollega reindex")
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
    damaged, name = _SENTENCES["SQLITE_CORRUPT"], Sentence("The database %(file)s", file=database)
    return Sentence(damaged, name=name)


def explain_sqlite(error: BaseException | None, name: str) -> str | None:
    """A sentence about an error of SQLite in the file called `name`; None for any other error."""
    sentence = _SENTENCES.get(_code(error))
    return Sentence(sentence, name=name) if sentence else None


def is_locked(error: BaseException) -> bool:
    """True when another writer was in the way: it passes by itself."""
    return _code(getattr(error, "orig", error)) in _LOCKED


def is_away(error: BaseException) -> bool:
    """True when the server of the database cannot be reached: it passes by itself."""
    return _server_code(getattr(error, "orig", error)) == _AWAY


def reason(error: BaseException) -> str:
    """Why a statement failed, without the values in it and without the password of the database."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
    if code := _server_code(cause):
        message = str(getattr(getattr(cause, "diag", None), "message_primary", None) or "")
        has_values = code.startswith("22") or not message
        return f"error {code} of PostgreSQL" if has_values else f"{message} (error {code} of PostgreSQL)"
    return str(cause)


def is_of_server(error: BaseException) -> bool:
    """True for an error that PostgreSQL or its driver has raised."""
    return bool(_server_code(error))


def code_of(error: BaseException | None) -> str:
    """What the database calls an error: like SQLITE_FULL, or the SQLSTATE of PostgreSQL; empty for other errors."""
    return _code(error)


def _code(error: BaseException | None) -> str:
    """SQLITE_IOERR for SQLITE_IOERR_WRITE, or the SQLSTATE of PostgreSQL; empty for an error without a code."""
    return "_".join(str(getattr(error, "sqlite_errorname", "")).split("_")[:2]) or _server_code(error)


def _server_code(error: BaseException | None) -> str:
    """The SQLSTATE of an error of PostgreSQL; empty for any other error."""
    if not type(error).__module__.startswith("psycopg"):
        return ""
    code = str(getattr(error, "sqlstate", None) or "")
    if code[:2] in ("08", "57"):  # 57P01 and its like: the server is stopped or starts
        return code if code == "57014" else _AWAY
    message = str(error).lower()
    if not code and message.startswith(("invalid connection option", "bad value for connect_timeout")):
        return "parameter"
    if code or type(error).__name__ not in ("OperationalError", "InterfaceError", "ConnectionTimeout"):
        return code or "unknown"
    return next((known for words, known in _AT_SIGN_IN.items() if words in message), _AWAY)


def _explain_server(error: BaseException | None) -> str | None:
    code = _server_code(error)
    sentence = _SERVER_SENTENCES.get(code) or _SERVER_SENTENCES.get(code[:2])
    return Sentence(sentence) if sentence else None


def _explain_file(error: OSError) -> str:
    name = error.filename if isinstance(error.filename, str) else Sentence("A file")
    if error.errno in _FULL:
        return Sentence(
            "%(name)s cannot be written: the disk is full. Make room, then try again; what was saved before is there.",
            name=name,
        )
    if error.errno == errno.EROFS:
        return Sentence("%(name)s cannot be written: the disk is read-only.", name=name)
    if error.errno in (errno.EACCES, errno.EPERM):
        return Sentence(
            "%(name)s cannot be used: the account that runs this command may not. Check who owns it.", name=name
        )
    return Sentence("%(name)s cannot be used: %(reason)s.", name=name, reason=reason_of(error))
