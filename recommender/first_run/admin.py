"""The first admin of an installation."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy.orm import Session

from recommender import accounts, audit
from recommender.accounts.last_admin import ADMIN
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
    """The new person, an admin who may sign in. The caller commits. `words` are no part of a good password.

    Raises AccountError, whose `reason` says of which field, and UnusablePassword.
    """
    if not new.name.strip():
        raise AccountError("Write the name of the admin.", "name")
    person = people.add(session, new.handle.strip(), new.name)
    people.set_role(session, person, ADMIN, by=person.id)
    people.give_account(session, person, new.email.strip(), by=person.id)
    if new.password or password_needed:
        accounts.set_password(session, person, new.password, words=words, by=person.id)
    audit.record(session, audit.actor(session, person.id), "set_up.admin", f"person:{person.id}")
    return person
