"""The tables that say more about documents: what they said before, and which one is a translation of which."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from recommender.database.tables import Base, Person, utc_now

# Addresses name versions by their ids.
_IDS_NEVER_REUSED = {"sqlite_autoincrement": True}


class DocumentVersion(Base):
    """What a document said after somebody saved it, who that was (None for what was imported, or when the person was
    erased), and the tokens that could read it then. Only who is in this audience may read the version. `text_digest` is
    the SHA-256 of title and body, so that a list need not load the texts."""

    __tablename__ = "document_versions"
    __table_args__ = _IDS_NEVER_REUSED

    id: Mapped[int] = mapped_column(primary_key=True)
    document_id: Mapped[int] = mapped_column(ForeignKey("documents.id", ondelete="CASCADE"), index=True)
    saved_at: Mapped[datetime] = mapped_column(default=utc_now)
    saved_by_id: Mapped[int | None] = mapped_column(ForeignKey("people.id", ondelete="SET NULL"), index=True)
    title: Mapped[str] = mapped_column(String(500))
    body: Mapped[str] = mapped_column(Text, deferred=True)
    text_digest: Mapped[str] = mapped_column(String(64))
    audience: Mapped[list[str]]

    saved_by: Mapped[Person | None] = relationship(lazy="joined")


class DocumentTranslation(Base):
    """The mark that a document is a translation of another one, which is itself no translation."""

    __tablename__ = "document_translations"

    document_id: Mapped[int] = mapped_column(ForeignKey("documents.id", ondelete="CASCADE"), primary_key=True)
    original_id: Mapped[int] = mapped_column(ForeignKey("documents.id", ondelete="CASCADE"), index=True)
