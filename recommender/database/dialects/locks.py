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


class Contender(Protocol):
    """Tries to get a lock, again and again. `close` ends that."""

    def take(self) -> Lock | None:
        """The lock; None while another process has it. Raises DBAPIError when the database cannot be reached."""

    def close(self) -> None:
        """Try no more. A lock that was taken stays."""


class AdvisoryContender:
    """Tries to get a lock of PostgreSQL through one session, which becomes that of the lock. `holder` is what others
    are told of who has it."""

    def __init__(self, engine: Engine, name: str, holder: str) -> None:
        self._engine, self._name, self._holder = engine, name, holder
        self._connection: Any = None

    def take(self) -> "AdvisoryLock | None":
        """As in the protocol."""
        try:
            connection = self._connection = self._connection or self._connected()
            if not connection.execute("SELECT pg_try_advisory_lock(%s)", (_key(self._name),)).fetchone()[0]:
                return None
        except BaseException:
            self.close()
            raise
        self._connection = None
        return AdvisoryLock(connection)

    def close(self) -> None:
        """As in the protocol."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _connected(self) -> Any:
        connection = _session(self._engine)
        try:
            for statement in _KEEP_ALIVE:
                connection.execute(statement)
            connection.execute("SELECT set_config('application_name', %s, false)", (self._holder,))
        except BaseException:
            connection.close()
            raise
        return connection


class AdvisoryLock:
    """A lock of a session on PostgreSQL, which ends with its connection."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

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


class FileContender:
    """Tries to get a lock on a file. `holder` is what others are told of who has it."""

    def __init__(self, folder: Path, name: str, holder: str) -> None:
        self._folder, self._name, self._holder = folder, name, holder

    def take(self) -> "LockFile | None":
        """As in the protocol."""
        lock = _file(self._folder, self._name)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return None
        _named(self._folder, self._name).write_text(self._holder, encoding="utf-8")
        return LockFile(lock)

    def close(self) -> None:
        """Nothing is open while it waits."""


class LockFile:
    """A lock on a file, which the system takes from a process that ends."""

    def __init__(self, lock: FileLock) -> None:
        self._lock = lock

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
