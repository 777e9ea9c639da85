"""The tables of what agents keep beside a request, and of what people have changed or withdrawn.

None of it is read by the search, the API or the mail: only the page of a request and the queue read these tables.
"""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from recommender.database.tables import Base, HelpRequest, Person, utc_now

_REQUEST, _PERSON = "requests.id", "people.id"


class InternalNote(Base):
    """What an agent has written beside a request for the agents of its team; `knowledge.notes` says who may read it.
    `external_id` is its id in the request's source, None for a note that was written here."""

    __tablename__ = "internal_notes"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(primary_key=True)
    request_id: Mapped[int] = mapped_column(ForeignKey(_REQUEST, ondelete="CASCADE"), index=True)
    team_id: Mapped[int | None] = mapped_column(ForeignKey("teams.id", ondelete="CASCADE"), index=True)
    author_id: Mapped[int | None] = mapped_column(ForeignKey(_PERSON, ondelete="SET NULL"), index=True)
    body: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    external_id: Mapped[str | None] = mapped_column(String(200))

    author: Mapped[Person | None] = relationship(lazy="joined")
    request: Mapped[HelpRequest] = relationship()


class CannedReply(Base):
    """A text that the agents of a team put into their replies."""

    __tablename__ = "canned_replies"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(primary_key=True)
    team_id: Mapped[int] = mapped_column(ForeignKey("teams.id", ondelete="CASCADE"), index=True)
    title: Mapped[str] = mapped_column(String(100))
    body: Mapped[str] = mapped_column(Text)


class SeenRequest(Base):
    """When an agent last looked at a request that they handle, so that the queue marks what is new to them."""

    __tablename__ = "seen_requests"

    person_id: Mapped[int] = mapped_column(ForeignKey(_PERSON, ondelete="CASCADE"), primary_key=True)
    request_id: Mapped[int] = mapped_column(ForeignKey(_REQUEST, ondelete="CASCADE"), primary_key=True, index=True)
    seen_at: Mapped[datetime]


class SnoozedRequest(Base):
    """A request that the queue leaves out until a time, unless something happens to it earlier."""

    __tablename__ = "snoozed_requests"

    request_id: Mapped[int] = mapped_column(ForeignKey(_REQUEST, ondelete="CASCADE"), primary_key=True)
    until: Mapped[datetime]
    snoozed_at: Mapped[datetime] = mapped_column(default=utc_now)


class EarlierText(Base):
    """What a request or a reply said before its author changed or withdrew it. `reply_id` is None for the request
    itself, and names no row any more when the reply was withdrawn."""

    __tablename__ = "earlier_texts"
    __table_args__ = (Index("ix_earlier_texts_request_id", "request_id"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    request_id: Mapped[int] = mapped_column(ForeignKey(_REQUEST, ondelete="CASCADE"))
    reply_id: Mapped[int | None]
    author_id: Mapped[int | None] = mapped_column(ForeignKey(_PERSON, ondelete="SET NULL"), index=True)
    title: Mapped[str | None] = mapped_column(String(500))
    body: Mapped[str] = mapped_column(Text)
    withdrawn: Mapped[bool] = mapped_column(default=False)
    changed_at: Mapped[datetime] = mapped_column(default=utc_now)


class WithdrawnRequest(Base):
    """A request that its asker has withdrawn. It is hidden; only the asker and those who handle it read its page."""

    __tablename__ = "withdrawn_requests"

    request_id: Mapped[int] = mapped_column(ForeignKey(_REQUEST, ondelete="CASCADE"), primary_key=True)
    withdrawn_at: Mapped[datetime] = mapped_column(default=utc_now)
