"""Which generation of an index in Milvus is live, kept in the database, so that all machines change over together."""

import io
import secrets
import zipfile
from collections.abc import Collection, Mapping
from functools import cached_property

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session, sessionmaker

from recommender.database.engine import open_database
from recommender.database.index_tables import IndexGeneration, IndexStore
from recommender.database.storing import insert_or_keep, insert_or_update
from recommender.settings import Settings


class IndexRegister:
    """The generations of one installation. Threads may share it. Without `sessions` the database of the settings is
    opened when it is first needed."""

    def __init__(self, settings: Settings, sessions: sessionmaker[Session] | None = None) -> None:
        self._settings, self._given = settings, sessions

    @cached_property
    def _sessions(self) -> sessionmaker[Session]:
        return self._given or open_database(self._settings)

    def store(self) -> str:
        """The beginning of the names of this installation's collections; drawn when it is first asked for."""
        with self._sessions() as session:
            name = session.scalar(select(IndexStore.name))
        if name is None:
            with self._sessions.begin() as session:
                drawn = f"kollega_{secrets.token_hex(4)}"
                name = insert_or_keep(session, IndexStore, {"id": 1}, {"name": drawn}).name
        return name

    def live(self) -> str | None:
        """The name of the live generation; None when there is none."""
        with self._sessions() as session:
            return session.scalar(select(IndexGeneration.name).where(IndexGeneration.live))

    def names(self) -> list[str]:
        """The names of all generations, oldest first."""
        with self._sessions() as session:
            return list(session.scalars(select(IndexGeneration.name).order_by(IndexGeneration.name)))

    def files(self, name: str) -> dict[str, bytes]:
        """The small files of a generation by name; none when it is gone."""
        with self._sessions() as session:
            packed = session.scalar(select(IndexGeneration.files).where(IndexGeneration.name == name))
        if packed is None:
            return {}
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            return {member: archive.read(member) for member in archive.namelist()}

    def publish(self, name: str, files: Mapping[str, bytes], kept: Collection[str]) -> None:
        """Make a new generation the live one, and forget all others but those `kept`, in one transaction."""
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for member, content in sorted(files.items()):
                archive.writestr(member, content)
        with self._sessions.begin() as session:
            session.execute(update(IndexGeneration).values(live=False))
            insert_or_update(session, IndexGeneration, {"name": name}, {"live": True, "files": packed.getvalue()})
            session.execute(delete(IndexGeneration).where(IndexGeneration.name.not_in([*kept, name])))

    def make_live(self, name: str) -> None:
        """Make another generation the live one; nothing when it is not known, as one of local files."""
        with self._sessions.begin() as session:
            session.execute(update(IndexGeneration).values(live=IndexGeneration.name == name))

    def forget(self, kept: Collection[str]) -> None:
        """Forget all generations but these."""
        with self._sessions.begin() as session:
            session.execute(delete(IndexGeneration).where(IndexGeneration.name.not_in(list(kept))))
