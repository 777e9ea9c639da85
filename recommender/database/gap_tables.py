"""The tables of what is missing in what an organisation has written down. They are computed anew from the items."""

from datetime import date
from typing import Any

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from recommender.database.tables import Base


class GapRow(Base):
    """A gap of a topic, as in `insights.gap.Gap`. `team_id` is the team that most of the topic's items belong to,
    `counts` its numbers by name, and `said` what its items say, each part with the key of what it says."""

    __tablename__ = "gaps"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(primary_key=True)
    topic_id: Mapped[int] = mapped_column(ForeignKey("topics.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(16))
    team_id: Mapped[int | None] = mapped_column(ForeignKey("teams.id", ondelete="SET NULL"), index=True)
    counts: Mapped[dict[str, Any]]
    said: Mapped[dict[str, Any]]


class GapItem(Base):
    """An item that a gap was found in. When it is gone or may not be read any more, the gap is not shown. `listed` says
    that the page names it; others only count."""

    __tablename__ = "gap_items"
    __table_args__ = (Index("ix_gap_items_item", "item"),)

    gap_id: Mapped[int] = mapped_column(ForeignKey("gaps.id", ondelete="CASCADE"), primary_key=True)
    item: Mapped[str] = mapped_column(String(64), primary_key=True)
    position: Mapped[int]
    listed: Mapped[bool]


class TopicAge(Base):
    """How long the answers of a topic stay right, as in `insights.half_life.Ageing`, and when it was computed.
    `team_id` is the team that most of its items belong to."""

    __tablename__ = "topic_ages"

    topic_id: Mapped[int] = mapped_column(ForeignKey("topics.id", ondelete="CASCADE"), primary_key=True)
    team_id: Mapped[int | None] = mapped_column(ForeignKey("teams.id", ondelete="SET NULL"), index=True)
    changes: Mapped[int]
    answers: Mapped[int]
    half_life_days: Mapped[float | None]
    computed_on: Mapped[date]
