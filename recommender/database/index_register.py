"""Which generation of an index in Milvus is live, kept in the database, so that all machines change over together."""

import io
import secrets
import zipfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session, sessionmaker

from recommender.database.dialects import Lock
from recommender.database.engine import open_database
from recommender.database.index_tables import IndexGeneration, IndexStore
from recommender.database.leading import leader, take_lock
from recommender.database.storing import insert_or_keep, insert_or_update
from recommender.errors import IndexLocked, IndexNotFound
from recommender.sentences.sentence import Sentence
from recommender.settings import Settings

_WRITING = "index-in-milvus-writing"


class IndexRegister:
    """The generations of one installation. Threads may share it. Without `sessions` the database of the settings is
    opened for each call, and closed again: a process that asks again and again should give them."""

    def __init__(self, settings: Settings, sessions: sessionmaker[Session] | None = None) -> None:
        self._settings, self._given = settings, sessions
        self._lock: Lock | None = None

    @contextmanager
    def _sessions(self) -> Iterator[sessionmaker[Session]]:
        if self._given is not None:
            yield self._given
            return
        opened = open_database(self._settings)
        try:
            yield opened
        finally:
            opened.kw["bind"].dispose()

    @contextmanager
    def _reading(self) -> Iterator[Session]:
        with self._sessions() as sessions, sessions() as session:
            yield session

    @contextmanager
    def _writing(self) -> Iterator[Session]:
        """A transaction that is committed at the end."""
        with self._sessions() as sessions, sessions.begin() as session:
            yield session

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep all other processes of this database, on any machine, from writing the index. Raises IndexLocked when
        another one does."""
        with self._sessions() as sessions:  # the lock has a connection of its own
            engine = sessions.kw["bind"]
            lock = take_lock(engine, _WRITING)
            holder = (leader(engine, _WRITING) if lock is None else None) or Sentence("another process")
        if lock is None:
            raise IndexLocked(
                Sentence(
                    "The index is being written (%(holder)s). Wait for it to end, or stop it, then try again.",
                    holder=holder,
                )
            )
        self._lock = lock
        try:
            yield
        finally:
            self._lock = None
            lock.close()

    def store(self) -> str:
        """The beginning of the names of this installation's collections; drawn when it is first asked for."""
        with self._reading() as session:
            name = session.scalar(select(IndexStore.name))
        if name is None:
            with self._writing() as session:
                drawn = f"kollega_{secrets.token_hex(4)}"
                name = insert_or_keep(session, IndexStore, {"id": 1}, {"name": drawn}).name
        return name

    def live(self) -> str | None:
        """The name of the live generation; None when there is none."""
        with self._reading() as session:
            return session.scalar(select(IndexGeneration.name).where(IndexGeneration.live))

    def names(self) -> list[str]:
        """The names of all generations, oldest first."""
        with self._reading() as session:
            return list(session.scalars(select(IndexGeneration.name).order_by(IndexGeneration.name)))

    def files(self, name: str) -> dict[str, bytes]:
        """The small files of a generation by name; none when it is gone."""
        with self._reading() as session:
            packed = session.scalar(select(IndexGeneration.files).where(IndexGeneration.name == name))
        if packed is None:
            return {}
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            return {member: archive.read(member) for member in archive.namelist()}

    def publish(self, name: str, files: Mapping[str, bytes], kept: Collection[str]) -> None:
        """Make a new generation the live one, and forget all others but the one before and those `kept`, in one
        transaction. Raises IndexLocked when the lock of `locked` was lost, as with the connection: another process may
        have written meanwhile."""
        if self._lock is not None and not self._lock.is_held():
            raise IndexLocked(
                Sentence("The connection to the database was lost while the index was written. Run it again.")
            )
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for member, content in sorted(files.items()):
                archive.writestr(member, content)
        with self._writing() as session:
            before = session.scalars(select(IndexGeneration.name).where(IndexGeneration.live)).all()
            session.execute(update(IndexGeneration).values(live=False))
            insert_or_update(session, IndexGeneration, {"name": name}, {"live": True, "files": packed.getvalue()})
            session.execute(delete(IndexGeneration).where(IndexGeneration.name.not_in([*kept, *before, name])))

    def make_live(self, name: str) -> None:
        """Make another generation the live one. Raises IndexNotFound, and changes nothing, when it is not known."""
        with self._writing() as session:
            if session.get(IndexGeneration, name) is None:
                raise IndexNotFound(
                    Sentence("%(name)s is no index of this database. See: kollega generations", name=name)
                )
            session.execute(update(IndexGeneration).values(live=IndexGeneration.name == name))

    def forget_others(self) -> None:
        """Forget all generations but the live one."""
        with self._writing() as session:
            session.execute(delete(IndexGeneration).where(IndexGeneration.live.is_(False)))

    def forget_all(self) -> None:
        """Forget all generations: there is no index in Milvus any more."""
        with self._writing() as session:
            session.execute(delete(IndexGeneration))
