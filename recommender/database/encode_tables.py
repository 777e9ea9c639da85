"""The table of texts that wait to be encoded by whoever is free."""

from datetime import datetime

from sqlalchemy import Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from recommender.database.tables import Base, utc_now


class EncodeBatch(Base):
    """Some texts for one index, to be encoded by a model (`of_model`, the key of its card). `vectors` is what came of
    it: 32-bit numbers, text by text; None until then. Who encodes it has locked the row, so that it is free again when
    that process dies."""

    __tablename__ = "encode_batches"
    __table_args__ = (Index("ix_encode_batches_of_model", "of_model", "id"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    of_index: Mapped[str] = mapped_column(String(64))
    of_model: Mapped[str] = mapped_column(String(300))
    texts: Mapped[list[str]]
    vectors: Mapped[bytes | None] = mapped_column(LargeBinary)
    made_at: Mapped[datetime] = mapped_column(default=utc_now)
