"""The tables of what several web and watch processes share that is no record: counts of what may not be done too often,
and small files of which each machine has a copy."""

from datetime import datetime

from sqlalchemy import Double, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from recommender.database.tables import Base, utc_now


class RateCount(Base):
    """How often something was done in a window of time. `digest` is made of who and what with the key of the
    installation; `ends_at` is when the window ends, in seconds since 1970, and the row is deleted after that. On
    PostgreSQL the table is empty after a crash."""

    __tablename__ = "rate_counts"
    __table_args__ = (Index("ix_rate_counts_ends_at", "ends_at"),)

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    times: Mapped[int]
    ends_at: Mapped[float] = mapped_column(Double)


class SharedText(Base):
    """A small text file that all machines have: synonyms, and what was learned with a model (`of_model`: its name,
    revision and dimension; empty for what fits every model). A text of None means that there is no such file any
    more."""

    __tablename__ = "shared_texts"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    of_model: Mapped[str] = mapped_column(String(300), default="")
    text: Mapped[str | None] = mapped_column(Text)
    changed_at: Mapped[datetime] = mapped_column(default=utc_now)
