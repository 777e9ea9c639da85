"""The tables of what admins teach the search: the organisation's synonyms, and answers that are shown first."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from recommender.database.tables import Base, Team, utc_now

LONGEST_PHRASE = 200


class WordList(Base):
    """A version of the synonyms that were written in the admin area. The newest one is in force; the ones before are
    kept for going back. `text` is in the format of `recommender/language/synonyms.py`."""

    __tablename__ = "word_lists"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str] = mapped_column(Text)
    made_by_id: Mapped[int | None] = mapped_column(ForeignKey("people.id", ondelete="SET NULL"), index=True)
    made_at: Mapped[datetime] = mapped_column(default=utc_now)


class Pin(Base):
    """An item that is shown first for questions with all words of a phrase, up to and including the day `until`, to
    readers with the token `audience` who may read the item. `team` has chosen it; None means the organisation."""

    __tablename__ = "pins"
    __table_args__ = (Index("ix_pins_until", "until"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    phrase: Mapped[str] = mapped_column(String(LONGEST_PHRASE))
    item: Mapped[str] = mapped_column(String(64), index=True)
    audience: Mapped[str] = mapped_column(String(80))
    until: Mapped[date]
    team_id: Mapped[int | None] = mapped_column(ForeignKey("teams.id", ondelete="SET NULL"), index=True)
    made_by_id: Mapped[int | None] = mapped_column(ForeignKey("people.id", ondelete="SET NULL"), index=True)
    made_at: Mapped[datetime] = mapped_column(default=utc_now)

    team: Mapped[Team | None] = relationship(lazy="joined")
