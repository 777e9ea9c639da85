"""Lets several processes be ready to do the same work, of which one does it: the one that has a lock, which it loses
when it ends, is killed, or is cut off from the database. The others then take over within seconds.

For a moment there may be two: one that was cut off goes on until it notices, which takes seconds, or ends what it is
at. So nothing may depend on there being only one. What is done under a lead is safe without it: work is claimed in one
statement of the database (mail, jobs, requests that are sent on), a source is read and an index is written under a lock
of its own, and the rest gives the same result when it is done twice.
"""

import logging
import os
import secrets
import socket
import threading
from collections.abc import Generator
from contextlib import closing
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from recommender.database import dialects
from recommender.database.dialects.locks import Lock
from recommender.database.failures import is_away, reason
from recommender.errors import DatabaseVersion
from recommender.settings import Settings

log = logging.getLogger(__name__)
LOOKS_EVERY = 1.0
"""Seconds between two tries to lead, and between two looks whether this process still does: a judgement."""
SHARED_WORK = "work"
"""The lead in what is done once for a database: mail, jobs, sources, files, topics, what is to be erased."""
ONE_INDEX = "index-in-milvus"
"""The lead in bringing an index up to date that all machines of a database share."""
_IDENTITY = "identity"
_MOST_CHANGES = 5  # of the name of a folder, of which each copy is one: a judgement


def index_lead(settings: Settings) -> str:
    """The lead in bringing one index up to date. An index of local files has its own, since machines may have their own
    indexes; those who share the files of one share its lead. In Milvus the machines of a database write one index."""
    return ONE_INDEX if settings.index == "milvus" else f"index-{_identity_of(settings)}"


def files_lead(settings: Settings) -> str:
    """The lead in keeping the small files of one home like those of the others (synonyms, what was learned)."""
    return f"files-{_identity_of(settings)}"


def index_leader(engine: Engine, settings: Settings) -> str | None:
    """Who leads in `index_lead`; None when nobody does. Writes nothing."""
    if settings.index != "milvus" and _read_identity(settings.index_dir / _IDENTITY) is None:
        return None
    return leader(engine, index_lead(settings))


def _identity_of(settings: Settings) -> str:
    """A random name of the folder of the index; made when it is first asked for, and for a copy of the folder, whose
    index is another one."""
    path = settings.index_dir / _IDENTITY
    while (name := _read_identity(path)) is None:
        _make_identity(path)
    return name


def _read_identity(path: Path) -> str | None:
    """The name in a file that was written for it, which its number on the disk tells; None for a copy, and without a
    file. Machines that share the folder see the same number; where they do not, or it is another one each time, as in
    some network file systems, the name stays as it is after some changes."""
    written, number = _identity_file(path)
    is_own = len(written) > 1 and written[1] == number
    return written[0] if is_own or _changes(written) >= _MOST_CHANGES else None


def _identity_file(path: Path) -> tuple[list[str], str]:
    """(what stands in the file: the name, the number of the file it was written for, how often the name was changed;
    the number of this file). Nothing without a file."""
    try:
        with path.open(encoding="ascii") as file:
            return file.read().split(), str(os.fstat(file.fileno()).st_ino)
    except FileNotFoundError:
        return [], ""


def _changes(written: list[str]) -> int:
    return int(written[2]) if len(written) > 2 and written[2].isdecimal() else 0


def leader(engine: Engine, name: str) -> str | None:
    """The process that leads, like "machine, process 4711"; None when none does."""
    return dialects.of(engine).holder(engine, name)


def take_lock(engine: Engine, name: str) -> Lock | None:
    """A lock that no other process of this database has, on any machine; None when another one has it, which `leader`
    names. Raises DBAPIError when the database cannot be reached."""
    contender = _contender(engine, name)
    try:
        return contender.take()
    finally:
        contender.close()


def _contender(engine: Engine, name: str) -> dialects.Contender:
    return dialects.of(engine).contender(engine, name, _this_process())


class Lead:
    """A wish to lead in the work called `name`, of a process that ends when `stopping` is set."""

    def __init__(self, engine: Engine, name: str, stopping: threading.Event) -> None:
        self._engine = engine
        self._name = name
        self._stopping = stopping
        self._said = ""
        self._waits = False
        self._upgraded: DatabaseVersion | None = None

    def terms(self) -> Generator[threading.Event]:
        """Each time in which this process leads, as an event that is set when it does no more. Waits for the next one;
        ends when the process is to stop. Close the iterator when you leave it before. Raises DatabaseVersion when the
        database was upgraded meanwhile, also while this waits."""
        contender = _contender(self._engine, self._name)
        with closing(contender):  # a session of its own, which a process that waits goes on using
            yield from self._terms(contender)

    def _terms(self, contender: dialects.Contender) -> Generator[threading.Event]:
        while not self._stopping.is_set():
            self._look_at_version()
            lock = self._take(contender)
            if lock is None:
                self._stopping.wait(LOOKS_EVERY)
                continue
            self._waits = False
            ended = threading.Event()
            watching = threading.Thread(target=self._guard, args=(lock, ended), name=f"lead {self._name}", daemon=True)
            watching.start()
            try:
                yield ended
            finally:
                ended.set()
                watching.join()
                lock.close()
            if self._upgraded is not None:
                raise self._upgraded

    def _take(self, contender: dialects.Contender) -> Lock | None:
        try:
            lock = contender.take()
        except (DBAPIError, OSError, self._engine.dialect.loaded_dbapi.Error) as error:
            if not is_away(error) and str(error) != self._said:  # told once, not every second
                self._said = str(error)
                log.error("This process cannot lead: %s", reason(error))
            return None
        if lock is None and not self._waits:
            self._waits = True
            log.info("Another process leads; this one waits to take over (%s)", self._name)
        return lock

    def _guard(self, lock: Lock, ended: threading.Event) -> None:
        """Set `ended` when the process is to stop or has lost the lock."""
        while not ended.is_set() and not self._stopping.wait(LOOKS_EVERY):
            if not lock.is_held():
                log.warning("This process leads no more (%s): it has lost its connection to the database", self._name)
                break
            try:
                self._look_at_version()
            except DatabaseVersion as error:
                self._upgraded = error
                break
        ended.set()

    def _look_at_version(self) -> None:
        """Raises DatabaseVersion when another version of Kollega has upgraded the tables."""
        try:
            with self._engine.connect() as connection:
                connection.exec_driver_sql("SELECT 1")  # before each statement the engine looks: see version_guard.py
        except SQLAlchemyError:
            pass  # who tries to lead, or leads, notices that the database is away


def _this_process() -> str:
    """This process as others are told of it, like "machine, process 4711"."""
    return f"{socket.gethostname()[:40]}, process {os.getpid()}"


def _make_identity(path: Path) -> None:
    """Write a random name, unless another process is faster. One that came with a copy of the folder is replaced."""
    path.parent.mkdir(parents=True, exist_ok=True)
    written, _number = _identity_file(path)
    changes = _changes(written) + 1 if written else 0
    temporary = path.with_name(f".{_IDENTITY}-{os.getpid()}-{secrets.token_hex(4)}")
    with temporary.open("w", encoding="ascii") as file:
        file.write(f"{secrets.token_hex(8)} {os.fstat(file.fileno()).st_ino} {changes}")
    try:
        if path.exists():
            log.info("%s is a copy of another folder, and gets a name of its own", path.parent)
            os.replace(temporary, path)
        else:
            os.link(temporary, path)
    except FileExistsError:
        pass
    finally:
        temporary.unlink(missing_ok=True)
