"""The tables of what an organisation is asked about: topics, and the items that belong to them."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from recommender.database.tables import Base, utc_now


class TopicRow(Base):
    """A topic: a group of items about the same thing. It is made from the items with the token `audience` in their
    audience, and from no others, so that it can be shown to everybody who has that token.

    `name_fi` and `name_en` are computed; `given_fi` and `given_en` were written by a lead and are shown instead.
    `ended_on` is set when its items went to other topics, of which `merged_into_id` has most or was chosen by a lead.
    """

    __tablename__ = "topics"
    __table_args__ = (Index("ix_topics_audience", "audience"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    audience: Mapped[str] = mapped_column(String(120))
    name_fi: Mapped[str] = mapped_column(String(200), default="")
    name_en: Mapped[str] = mapped_column(String(200), default="")
    given_fi: Mapped[str | None] = mapped_column(String(200))
    given_en: Mapped[str | None] = mapped_column(String(200))
    made_on: Mapped[date]
    ended_on: Mapped[date | None]
    merged_into_id: Mapped[int | None] = mapped_column(ForeignKey("topics.id", ondelete="SET NULL"))
    updated_at: Mapped[datetime] = mapped_column(default=utc_now, onupdate=utc_now)


class TopicItem(Base):
    """An item of a topic. `chosen` says that a lead has put it there, so that it stays."""

    __tablename__ = "topic_items"
    __table_args__ = (Index("ix_topic_items_item", "item"),)

    topic_id: Mapped[int] = mapped_column(ForeignKey("topics.id", ondelete="CASCADE"), primary_key=True)
    item: Mapped[str] = mapped_column(String(64), primary_key=True)
    chosen: Mapped[bool] = mapped_column(default=False)
