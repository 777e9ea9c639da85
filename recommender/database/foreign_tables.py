"""The tables of the ids and mail addresses by which other systems know the people who are here.

A mail address is stored as its digest only: it is there to find the person again, and nobody reads it from here.
"""

import hashlib

from sqlalchemy import ForeignKey, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from recommender.database.tables import Base, Person

_PERSON = "people.id"
ANY_SOURCE = ""
"""Stands for every source, and for signing in: a user name that somebody had before two accounts became one."""


class ForeignPerson(Base):
    """The person who is known by another id in a source than by their handle here."""

    __tablename__ = "foreign_people"

    source: Mapped[str] = mapped_column(String(64), primary_key=True)
    foreign_id: Mapped[str] = mapped_column(String(200), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey(_PERSON, ondelete="CASCADE"), index=True)


class PersonAddress(Base):
    """The digest of a mail address by which sources know a person; one address is one person's."""

    __tablename__ = "person_addresses"

    mail_digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey(_PERSON, ondelete="CASCADE"), index=True)


def person_named(session: Session, handle: str) -> Person | None:
    """The person with this user name, or who had it before two accounts became one; None when there is none."""
    person = session.scalar(select(Person).where(Person.handle == handle))
    known = session.get(ForeignPerson, (ANY_SOURCE, handle)) if person is None else None
    return session.get(Person, known.person_id) if known is not None else person


def address_digest(mail: str) -> str:
    """The digest of a mail address, in which small and capital letters are the same."""
    return hashlib.sha256(mail.strip().casefold().encode("utf-8", "surrogatepass")).hexdigest()
