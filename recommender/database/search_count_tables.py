"""The tables of how many people have searched for something about a topic, by week. Neither the words nor who searched
is in them."""

from datetime import date

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from recommender.database.tables import Base

_TOPIC = "topics.id"


class SearchKey(Base):
    """The random key with which the marks of a week are made (SearchMark); `week` is its Monday. It is destroyed when
    the week has ended; from then on nobody can find out who was counted, not even with the key of the installation."""

    __tablename__ = "search_keys"

    week: Mapped[date] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(64))


class SearchMark(Base):
    """The mark that somebody has searched for something about a topic in the present week, so that they count once.
    `digest` is made with the key of the week and that of the installation. `topic_id` is None for what no topic is
    about. Marks are deleted when the week has ended."""

    __tablename__ = "search_marks"
    __table_args__ = (Index("ix_search_marks_week", "week"),)

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    week: Mapped[date]
    topic_id: Mapped[int | None] = mapped_column(ForeignKey(_TOPIC, ondelete="CASCADE"), index=True)
    verdict: Mapped[str] = mapped_column(String(8))


class SearchCount(Base):
    """That at least `people` different people have searched for something about a topic in a week that has ended, with
    this verdict: `answer`, `maybe` or `unknown`. There is no row for fewer than `searched_topics.LEAST_SHOWN`."""

    __tablename__ = "search_counts"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(primary_key=True)
    topic_id: Mapped[int | None] = mapped_column(ForeignKey(_TOPIC, ondelete="CASCADE"), index=True)
    week: Mapped[date]
    verdict: Mapped[str] = mapped_column(String(8))
    people: Mapped[int]
