"""The tables that say where questions to a team go, and what became of each that was sent on."""

from datetime import datetime

from sqlalchemy import JSON, ForeignKey, Index, String, Text, false
from sqlalchemy.orm import Mapped, mapped_column, relationship

from recommender.database.tables import Base, HelpRequest, Reply, utc_now


class TeamDestination(Base):
    """Where questions to a team go on to. No row: they stay here.

    `target` is `mailto:ADDRESS`, the `https://` address of a webhook, or the name of a source in sources.toml, whose
    system then gets a ticket. `options` are what that system needs to know, such as the project.
    """

    __tablename__ = "team_destinations"

    team_id: Mapped[int] = mapped_column(ForeignKey("teams.id", ondelete="CASCADE"), primary_key=True)
    target: Mapped[str] = mapped_column(String(500))
    options: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)


class Handover(Base):
    """A request that was sent on, or waits for it.

    `key` goes with it each time, so that the other side can recognise what it has taken already. `source`,
    `external_id`, `number` and `url` are those of the ticket there, once it is known. `was_solved` says that it was
    solved there when its source was last read. `team_handle` is the team whose place it was sent to: a request that
    was moved since is no longer theirs. `readers_there` are the groups that could read it there at first, and
    `is_private_there` says that others than these may not, now.
    """

    __tablename__ = "handovers"
    __table_args__ = (
        Index("ix_handovers_state", "state", "next_attempt_at"),
        Index("ix_handovers_ticket", "source", "external_id"),
    )

    request_id: Mapped[int] = mapped_column(ForeignKey("requests.id", ondelete="CASCADE"), primary_key=True)
    target: Mapped[str] = mapped_column(String(500))
    options: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    key: Mapped[str] = mapped_column(String(64), unique=True)
    state: Mapped[str] = mapped_column(String(8))
    attempts: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    next_attempt_at: Mapped[datetime] = mapped_column(default=utc_now)
    sent_at: Mapped[datetime | None]
    problem: Mapped[str | None] = mapped_column(Text)
    source: Mapped[str | None] = mapped_column(String(64))
    external_id: Mapped[str | None] = mapped_column(String(200))
    number: Mapped[str | None] = mapped_column(String(100))
    url: Mapped[str | None] = mapped_column(Text)
    was_solved: Mapped[bool] = mapped_column(default=False, server_default=false())
    team_handle: Mapped[str | None] = mapped_column(String(64))
    readers_there: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    is_private_there: Mapped[bool] = mapped_column(default=False, server_default=false())

    request: Mapped[HelpRequest] = relationship()


class HandoverReply(Base):
    """A reply that was written here to a request that was sent on: it goes there too. `external_id` is its id there."""

    __tablename__ = "handover_replies"
    __table_args__ = (Index("ix_handover_replies_request", "request_id", "state"),)

    reply_id: Mapped[int] = mapped_column(ForeignKey("replies.id", ondelete="CASCADE"), primary_key=True)
    request_id: Mapped[int] = mapped_column(ForeignKey("handovers.request_id", ondelete="CASCADE"))
    state: Mapped[str] = mapped_column(String(8))
    attempts: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    next_attempt_at: Mapped[datetime] = mapped_column(default=utc_now)
    problem: Mapped[str | None] = mapped_column(Text)
    external_id: Mapped[str | None] = mapped_column(String(200))

    reply: Mapped[Reply] = relationship()
    handover: Mapped[Handover] = relationship()
