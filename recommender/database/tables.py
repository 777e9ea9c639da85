"""The tables of the database, from which the index is derived."""

from datetime import UTC, date, datetime
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    ForeignKey,
    Index,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    or_,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from recommender.database.anonymity import MayBeAnonymous
from recommender.database.person_kind import HasKind
from recommender.database.team_contact import HasContact

OPEN, RESOLVED = "open", "resolved"
SENT_HERE = "kollega"  # the source of rows that were written in Kollega, not imported
TAKEN_NAMES = (SENT_HERE, "demo")  # no source of an organisation can be called so: the second is the demo organisation
MUTED, STATED = "muted", "stated"


def utc_now() -> datetime:
    """The present time in UTC, without a time zone: the form of every time in the database."""
    return datetime.now(UTC).replace(tzinfo=None)


class Base(DeclarativeBase):
    """Base of all tables."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {dict[str, Any]: JSON, list[str]: JSON}


# The id of a deleted row is never used again, since the index or an audience may still contain it.
_IDS_NEVER_REUSED = {"sqlite_autoincrement": True}

team_members = Table(
    "team_members",
    Base.metadata,
    Column("team_id", ForeignKey("teams.id", ondelete="CASCADE"), primary_key=True),
    Column("person_id", ForeignKey("people.id", ondelete="CASCADE"), primary_key=True),
)


class Team(HasContact, Base):
    """A team that handles requests. Only the asker and the team may read a request to a restricted team, unless the
    asker shares it. Resolved requests are erased after `keep_days`, if set."""

    __tablename__ = "teams"
    __table_args__ = _IDS_NEVER_REUSED

    id: Mapped[int] = mapped_column(primary_key=True)
    handle: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    name_fi: Mapped[str | None] = mapped_column(String(200))
    name_sv: Mapped[str | None] = mapped_column(String(200))
    restricted: Mapped[bool] = mapped_column(default=False, server_default=false())
    keep_days: Mapped[int | None]
    members: Mapped[list["Person"]] = relationship(secondary=team_members, back_populates="teams")


class Person(HasKind, Base):
    """A colleague or a service (`kind`). Services and people who have left are never suggested; who is away is last."""

    __tablename__ = "people"
    __table_args__ = _IDS_NEVER_REUSED

    id: Mapped[int] = mapped_column(primary_key=True)
    handle: Mapped[str] = mapped_column(String(120), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    role: Mapped[str] = mapped_column(String(16), default="staff")
    languages: Mapped[list[str]] = mapped_column(default=list)
    left_on: Mapped[date | None]
    away_until: Mapped[date | None]
    updated_at: Mapped[datetime] = mapped_column(default=utc_now, onupdate=utc_now)
    teams: Mapped[list[Team]] = relationship(
        secondary=team_members, back_populates="members", lazy="selectin", order_by=Team.handle
    )

    def has_left(self, today: date) -> bool:
        """True from the day on which the person leaves the organisation."""
        return self.left_on is not None and self.left_on <= today

    @classmethod
    def here_on(cls, today: date) -> ColumnElement[bool]:
        """The condition of a query for people who have not left."""
        return or_(cls.left_on.is_(None), cls.left_on > today)


class PersonSettings(Base):
    """How a person wants to be suggested; only they see it. They are not suggested while `paused`, and at most
    `capacity` times a week in the first place; when they cannot be suggested, their deputy is. No row means no
    preference."""

    __tablename__ = "person_settings"

    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), primary_key=True)
    paused: Mapped[bool] = mapped_column(default=False)
    capacity: Mapped[int | None]
    deputy_id: Mapped[int | None] = mapped_column(ForeignKey("people.id", ondelete="SET NULL"))


class PersonTopic(Base):
    """A topic that a person has written; only they see it. It is `muted` (they are not suggested for questions about
    it) or `stated` (they say that they know it, which counts once there is evidence)."""

    __tablename__ = "person_topics"
    __table_args__ = (UniqueConstraint("person_id", "kind", "topic"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(8))
    topic: Mapped[str] = mapped_column(String(100))
    created_on: Mapped[date]


class FirstSuggestion(Base):
    """How many times a person was suggested first on a day. Neither the reader nor the question is stored."""

    __tablename__ = "first_suggestions"

    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    count: Mapped[int]


class HelpRequest(MayBeAnonymous, Base):
    """A request to a team, open or resolved."""

    __tablename__ = "requests"
    __table_args__ = (
        UniqueConstraint("source", "external_id"),
        Index("ix_requests_team_status", "team_id", "status"),
        Index("ix_requests_updated_at", "updated_at"),
        _IDS_NEVER_REUSED,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(500))
    body: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(String(16), default="open")
    hidden: Mapped[bool] = mapped_column(default=False)
    language: Mapped[str] = mapped_column(String(8))
    tags: Mapped[list[str]] = mapped_column(default=list)
    team_id: Mapped[int | None] = mapped_column(ForeignKey("teams.id"))
    asked_by_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"), index=True)
    assigned_to_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"), index=True)
    created_at: Mapped[datetime]
    resolved_at: Mapped[datetime | None]
    resolution: Mapped[str | None] = mapped_column(Text)
    source: Mapped[str] = mapped_column(String(64), default=SENT_HERE)
    external_id: Mapped[str | None] = mapped_column(String(200))
    accepted_external_id: Mapped[str | None] = mapped_column(String(200))
    url: Mapped[str | None] = mapped_column(Text)
    updated_at: Mapped[datetime] = mapped_column(default=utc_now, onupdate=utc_now)

    team: Mapped[Team | None] = relationship(lazy="joined")
    asked_by: Mapped[Person | None] = relationship(foreign_keys=[asked_by_id])
    assigned_to: Mapped[Person | None] = relationship(foreign_keys=[assigned_to_id])
    replies: Mapped[list["Reply"]] = relationship(
        back_populates="request", cascade="all, delete-orphan", order_by="(Reply.created_at, Reply.id)"
    )
    audience: Mapped[list["RequestAudience"]] = relationship(cascade="all, delete-orphan")
    attempts: Mapped[list["RequestAttempt"]] = relationship(
        cascade="all, delete-orphan", order_by="RequestAttempt.position"
    )


class Reply(Base):
    """One reply to a request; `accepted` marks the one that solved it."""

    __tablename__ = "replies"
    __table_args__ = (UniqueConstraint("request_id", "external_id"), _IDS_NEVER_REUSED)

    id: Mapped[int] = mapped_column(primary_key=True)
    request_id: Mapped[int] = mapped_column(ForeignKey("requests.id", ondelete="CASCADE"), index=True)
    author_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"), index=True)
    body: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
    accepted: Mapped[bool] = mapped_column(default=False)
    score: Mapped[int] = mapped_column(default=0)
    external_id: Mapped[str | None] = mapped_column(String(200))
    updated_at: Mapped[datetime] = mapped_column(default=utc_now, onupdate=utc_now)

    request: Mapped[HelpRequest] = relationship(back_populates="replies")
    author: Mapped[Person | None] = relationship()


class RequestLink(Base):
    """A link between two requests: a duplicate, or related."""

    __tablename__ = "request_links"

    from_id: Mapped[int] = mapped_column(ForeignKey("requests.id", ondelete="CASCADE"), primary_key=True)
    to_id: Mapped[int] = mapped_column(ForeignKey("requests.id", ondelete="CASCADE"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16), primary_key=True)


class RequestAttempt(Base):
    """An item that was shown to the asker before they filed the request, and whether they opened it."""

    __tablename__ = "request_attempts"

    request_id: Mapped[int] = mapped_column(ForeignKey("requests.id", ondelete="CASCADE"), primary_key=True)
    item: Mapped[str] = mapped_column(String(64), primary_key=True)
    position: Mapped[int]
    opened: Mapped[bool]


class Document(Base):
    """A guide or policy in Markdown. Only its owner and team may read a draft."""

    __tablename__ = "documents"
    __table_args__ = (
        UniqueConstraint("source", "external_id"),
        Index("ix_documents_updated_at", "updated_at"),
        _IDS_NEVER_REUSED,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(500))
    body: Mapped[str] = mapped_column(Text)
    language: Mapped[str] = mapped_column(String(8))
    hidden: Mapped[bool] = mapped_column(default=False)
    team_id: Mapped[int | None] = mapped_column(ForeignKey("teams.id"))
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"), index=True)
    written_at: Mapped[datetime]
    verified_on: Mapped[date | None]
    verified_by_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    review_days: Mapped[int | None]
    draft: Mapped[bool] = mapped_column(default=False, server_default=false())
    drafted_from_id: Mapped[int | None] = mapped_column(ForeignKey("requests.id"))
    source: Mapped[str] = mapped_column(String(64), default=SENT_HERE)
    external_id: Mapped[str | None] = mapped_column(String(200))
    url: Mapped[str | None] = mapped_column(Text)
    updated_at: Mapped[datetime] = mapped_column(default=utc_now, onupdate=utc_now)

    team: Mapped[Team | None] = relationship(lazy="joined")
    owner: Mapped[Person | None] = relationship(foreign_keys=[owner_id])
    verified_by: Mapped[Person | None] = relationship(foreign_keys=[verified_by_id])
    audience: Mapped[list["DocumentAudience"]] = relationship(cascade="all, delete-orphan")


class RequestAudience(Base):
    """One token (`everyone`, `team:hr`, `person:42`) that may read a request."""

    __tablename__ = "request_audience"

    request_id: Mapped[int] = mapped_column(ForeignKey("requests.id", ondelete="CASCADE"), primary_key=True)
    token: Mapped[str] = mapped_column(String(120), primary_key=True)
    updated_at: Mapped[datetime] = mapped_column(default=utc_now)


class DocumentAudience(Base):
    """One token (`everyone`, `team:hr`, `person:42`) that may read a document."""

    __tablename__ = "document_audience"

    document_id: Mapped[int] = mapped_column(ForeignKey("documents.id", ondelete="CASCADE"), primary_key=True)
    token: Mapped[str] = mapped_column(String(120), primary_key=True)
    updated_at: Mapped[datetime] = mapped_column(default=utc_now)


class Event(Base):
    """An outcome of an item: solved, used, flagged ... Who searched is not stored, and the time is only a day, so that
    a server log does not reveal it either.

    `subject_id` is the person that the event is about ("not my topic"), never the person who caused it.
    """

    __tablename__ = "events"
    __table_args__ = (Index("ix_events_item_kind", "item", "kind"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(24))
    item: Mapped[str | None] = mapped_column(String(64))
    day: Mapped[date]
    request_id: Mapped[int | None] = mapped_column(ForeignKey("requests.id", ondelete="CASCADE"), index=True)
    subject_id: Mapped[int | None] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), index=True)
    note: Mapped[str | None] = mapped_column(Text)
    settled: Mapped[bool] = mapped_column(default=False)
