"""Locks that a process loses when it ends, however that happens: a file beside SQLite, a lock of the session on
PostgreSQL."""

import hashlib
from pathlib import Path
from typing import Any, Protocol

from filelock import FileLock, Timeout
from sqlalchemy import Engine

_PING = "SELECT 1"
_KEEP_ALIVE = (  # a machine that vanished loses its locks after 6 seconds; no use on a socket of the same machine
    "SET tcp_keepalives_idle = 2",
    "SET tcp_keepalives_interval = 2",
    "SET tcp_keepalives_count = 2",
    "SET tcp_user_timeout = 6000",
)
_HOLDER = """
    SELECT a.application_name FROM pg_locks l JOIN pg_stat_activity a USING (pid)
    WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND l.classid::bigint = %s AND l.objid::bigint = %s
"""


class Lock(Protocol):
    """A lock that this process has."""

    def is_held(self) -> bool:
        """False when it was lost."""

    def close(self) -> None:
        """Let others have it."""


class AdvisoryLock:
    """A lock of a session on PostgreSQL, which ends with its connection."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    @classmethod
    def take(cls, engine: Engine, name: str, holder: str) -> "AdvisoryLock | None":
        """The lock; None when another session has it. `holder` is what others are told."""
        connection = _session(engine)
        try:
            for statement in _KEEP_ALIVE:
                connection.execute(statement)
            connection.execute("SELECT set_config('application_name', %s, false)", (holder,))
            if connection.execute("SELECT pg_try_advisory_lock(%s)", (_key(name),)).fetchone()[0]:
                return cls(connection)
        except BaseException:
            connection.close()
            raise
        connection.close()
        return None

    def is_held(self) -> bool:
        """False when the connection was lost: the server has given the lock away then."""
        try:
            self._connection.execute(_PING)
        except Exception:  # the driver has no one class for it
            return False
        return True

    def close(self) -> None:
        """End the session, and with it the lock."""
        self._connection.close()


def advisory_holder(engine: Engine, name: str) -> str | None:
    """Who has a lock on PostgreSQL."""
    key = _key(name) % 2**64
    with engine.connect() as connection:
        row = connection.exec_driver_sql(_HOLDER, (key >> 32, key % 2**32)).first()
    return str(row[0]) if row else None


class LockFile:
    """A lock on a file, which the system takes from a process that ends."""

    def __init__(self, lock: FileLock) -> None:
        self._lock = lock

    @classmethod
    def take(cls, folder: Path, name: str, holder: str) -> "LockFile | None":
        """The lock; None when another process has it. `holder` is what others are told."""
        lock = _file(folder, name)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return None
        _named(folder, name).write_text(holder, encoding="utf-8")
        return cls(lock)

    def is_held(self) -> bool:
        """Always: nobody can take it away."""
        return True

    def close(self) -> None:
        """Release the lock."""
        self._lock.release()


def file_holder(folder: Path, name: str) -> str | None:
    """Who has a lock on a file."""
    if not _named(folder, name).is_file():
        return None
    try:
        with _file(folder, name).acquire(timeout=0):
            return None
    except Timeout:
        return _named(folder, name).read_text(encoding="utf-8", errors="replace")


def _session(engine: Engine) -> Any:
    """A connection of the driver that nothing else uses."""
    pooled = engine.raw_connection()
    connection: Any = pooled.driver_connection
    pooled.detach()
    connection.autocommit = True
    return connection


def _key(name: str) -> int:
    """The number of a lock: 64 bits with a sign."""
    return int.from_bytes(hashlib.sha256(f"kollega {name}".encode()).digest()[:8], signed=True)


def _file(folder: Path, name: str) -> FileLock:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return FileLock(folder / f"{name}.lock")


def _named(folder: Path, name: str) -> Path:
    return folder / f"{name}.holder"
