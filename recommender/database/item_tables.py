"""The tables that say something about requests and documents alike, by their item key."""

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from recommender.database.tables import Base, Person, utc_now


class Replacement(Base):
    """The mark that another item (`by`) has replaced an item (`item`), who set it and when. Both are item keys. The
    mark stays when one of the two is hidden or deleted."""

    __tablename__ = "replacements"

    item: Mapped[str] = mapped_column(String(64), primary_key=True)
    by: Mapped[str] = mapped_column(String(64))
    marked_by_id: Mapped[int | None] = mapped_column(ForeignKey("people.id", ondelete="SET NULL"), index=True)
    marked_at: Mapped[datetime] = mapped_column(default=utc_now)

    marked_by: Mapped[Person | None] = relationship(lazy="joined")
