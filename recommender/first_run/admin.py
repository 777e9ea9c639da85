"""The first admin of an installation."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy.orm import Session

from recommender import accounts, audit
from recommender.accounts.last_admin import ADMIN
from recommender.database.days import current_day
from recommender.database.foreign_tables import person_named
from recommender.database.person_kind import SERVICE
from recommender.database.tables import Person
from recommender.errors import AccountError
from recommender.membership import people


@dataclass(frozen=True)
class NewAdmin:
    """Who is to be the first admin. Without a password they sign in through a proxy or an OpenID provider, which knows
    them by this user name."""

    handle: str
    name: str
    email: str = ""
    password: str = ""


def make(session: Session, new: NewAdmin, words: Collection[str] = (), password_needed: bool = True) -> Person:
    """The new person, or one who is known already, as of an import: an admin who may sign in. The caller commits.
    `words` are no part of a good password.

    Raises AccountError, whose `reason` says of which field, also for somebody who has left or is a service, and
    UnusablePassword.
    """
    if not new.name.strip():
        raise AccountError("Write the name of the admin.", "name")
    person = _known(session, new.handle.strip()) or people.add(session, new.handle.strip(), new.name)
    people.set_role(session, person, ADMIN, by=person.id)
    people.give_account(session, person, new.email.strip(), by=person.id)
    if new.password or password_needed:
        accounts.set_password(session, person, new.password, words=words, by=person.id)
    audit.record(session, audit.actor(session, person.id), "set_up.admin", f"person:{person.id}")
    return person


def _known(session: Session, handle: str) -> Person | None:
    """The person who has this user name and is here; None for a new one, and for whom `people.add` refuses it."""
    person = person_named(session, handle)
    gone = person is not None and person.has_left(current_day())
    return None if person is None or gone or person.kind == SERVICE or person.handle != handle else person
