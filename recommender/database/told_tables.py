"""The tables about telling people what concerns them: notifications, what they follow, and how they want to be
mailed."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, false
from sqlalchemy.orm import Mapped, mapped_column

from recommender.database import account_tables  # noqa: F401 - a notification refers to the mail that it went out with
from recommender.database.tables import Base, utc_now

_IDS_NEVER_REUSED = {"sqlite_autoincrement": True}  # pages that are still open name rows by their ids


class Notification(Base):
    """That something has happened which concerns a person: its `kind`, the request or document that it is about, and
    who did it (`actor_id`; None for nobody, or for what is not stored).

    Whether the person may read the item, and may know who the actor is, is asked again each time it is shown.

    `mail_at` is when it is to go into a mail at the earliest, None when that is done or not wanted. `mail_id` is the
    mail that it went out with, or will.
    """

    __tablename__ = "notifications"
    __table_args__ = (Index("ix_notifications_person_id_read_at", "person_id", "read_at"), _IDS_NEVER_REUSED)

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(24))
    request_id: Mapped[int | None] = mapped_column(ForeignKey("requests.id", ondelete="CASCADE"), index=True)
    document_id: Mapped[int | None] = mapped_column(ForeignKey("documents.id", ondelete="CASCADE"), index=True)
    reply_id: Mapped[int | None] = mapped_column(ForeignKey("replies.id", ondelete="CASCADE"), index=True)
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("people.id", ondelete="SET NULL"), index=True)
    at: Mapped[datetime] = mapped_column(default=utc_now)
    read_at: Mapped[datetime | None]
    mail_at: Mapped[datetime | None] = mapped_column(index=True)
    mail_id: Mapped[int | None] = mapped_column(ForeignKey("outgoing_mail.id", ondelete="SET NULL"), index=True)


class RequestFollow(Base):
    """That a person follows a request of somebody else (`follows`), or has the same problem (`me_too`)."""

    __tablename__ = "request_follows"

    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), primary_key=True)
    request_id: Mapped[int] = mapped_column(ForeignKey("requests.id", ondelete="CASCADE"), primary_key=True, index=True)
    follows: Mapped[bool] = mapped_column(default=False, server_default=false())
    me_too: Mapped[bool] = mapped_column(default=False, server_default=false())
    at: Mapped[datetime] = mapped_column(default=utc_now)


class MailSettings(Base):
    """How a person wants to be mailed: in which language, the hours without mail (`quiet_from`, `quiet_until`: 0 to 23
    in the organisation's time zone, both None for no such hours), the hour of the daily mail, and by kind of
    notification when (`kinds`; what is not in it is as usual). No row means that everything is as usual."""

    __tablename__ = "mail_settings"

    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), primary_key=True)
    language: Mapped[str | None] = mapped_column(String(8))
    quiet_from: Mapped[int | None]
    quiet_until: Mapped[int | None]
    daily_at: Mapped[int] = mapped_column(default=8)
    kinds: Mapped[dict[str, Any]] = mapped_column(default=dict)
