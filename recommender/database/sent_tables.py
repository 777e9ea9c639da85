"""The tables that keep what is sent twice from counting twice: outcomes of suggestions, and forms."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from recommender.database.tables import Base, utc_now


class CountedOutcome(Base):
    """The mark that somebody has caused an outcome of an item, so that it counts once. `digest` is made with the key of
    the item (OutcomeKey) and that of the installation: without both nobody can tell whom or what it is about. Marks are
    deleted after 30 days. `event_id` is the flag, for flags only."""

    __tablename__ = "counted_outcomes"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    day: Mapped[date] = mapped_column(index=True)
    event_id: Mapped[int | None] = mapped_column(ForeignKey("events.id", ondelete="SET NULL"), index=True)


class OutcomeKey(Base):
    """The random key with which the marks of an item's outcomes are made (CountedOutcome). It is destroyed 30 days
    after it was made; from then on nobody can find out who had caused an outcome, not even with the key of the
    installation."""

    __tablename__ = "outcome_keys"

    item: Mapped[str] = mapped_column(String(64), primary_key=True)
    key: Mapped[str] = mapped_column(String(64))
    made_on: Mapped[date] = mapped_column(index=True)


class SentForm(Base):
    """The mark that a form or an API call with a key has been answered, and with what: a second one gets the same
    `result` (the path of a page, or the key of an item). `content` is the digest of what was sent. Marks are deleted
    after a day."""

    __tablename__ = "sent_forms"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    content: Mapped[str] = mapped_column(String(64))
    result: Mapped[str] = mapped_column(String(200))
    at: Mapped[datetime] = mapped_column(default=utc_now, index=True)
