"""The tables that say which generation of an index in Milvus is live, for all machines that search it."""

from datetime import datetime

from sqlalchemy import LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from recommender.database.tables import Base, utc_now


class IndexStore(Base):
    """The beginning of the names of this installation's collections, drawn once."""

    __tablename__ = "index_stores"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(32))


class IndexGeneration(Base):
    """A finished generation: the small files of its directory, packed, from which every machine makes its own."""

    __tablename__ = "index_generations"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    live: Mapped[bool] = mapped_column(default=False)
    files: Mapped[bytes] = mapped_column(LargeBinary)
    published_at: Mapped[datetime] = mapped_column(default=utc_now)
