"""People as an identity provider manages them. Each change is recorded in the audit log, and the caller commits."""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, func, or_, select
from sqlalchemy.orm import Session

from recommender import accounts, audit
from recommender.database.account_tables import Account
from recommender.database.days import current_day
from recommender.database.handles import LONGEST_HANDLES, RULE, is_usable
from recommender.database.provisioning_tables import ProvisionedPerson
from recommender.database.storing import insert_or_keep
from recommender.database.tables import Person
from recommender.errors import AccountError
from recommender.membership import people


@dataclass(frozen=True)
class Provided:
    """What the provider says of a person. `said` is kept as it is, to be given back."""

    user_name: str
    name: str
    email: str
    active: bool
    external_id: str | None
    said: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Known:
    """A person as the provider sees them."""

    person: Person
    active: bool
    email: str | None
    external_id: str | None
    said: dict[str, Any] | None


def visible() -> Select[Person]:
    """The people whom the provider sees, by id: all but those whom it has removed."""
    gone = exists().where(ProvisionedPerson.person_id == Person.id, ProvisionedPerson.removed.is_(True))
    return select(Person).where(~gone).order_by(Person.id)


def by_user_name(name: str) -> ColumnElement[bool]:
    """That a person has this user name; upper and lower case are the same, as SCIM has it."""
    return or_(Person.handle == name, func.lower(Person.handle) == name.lower())


def by_external_id(identifier: str) -> ColumnElement[bool]:
    """That a person has this id at the provider."""
    return exists().where(ProvisionedPerson.person_id == Person.id, ProvisionedPerson.external_id == identifier)


def by_email(address: str) -> ColumnElement[bool]:
    """That a person has this address."""
    return exists().where(Account.person_id == Person.id, Account.email == address.lower())


def known(session: Session, found: list[Person]) -> list[Known]:
    """These people as the provider sees them, with two queries."""
    numbers = [person.id for person in found]
    rows = session.scalars(select(ProvisionedPerson).where(ProvisionedPerson.person_id.in_(numbers)))
    provisioned = {row.person_id: row for row in rows}
    opened = {row.person_id: row for row in session.scalars(select(Account).where(Account.person_id.in_(numbers)))}
    today, result = current_day(), []
    for person in found:
        row, account = provisioned.get(person.id), opened.get(person.id)
        active = not (account and account.disabled) and not person.has_left(today)
        email, external_id = account.email if account else None, row.external_id if row else None
        result.append(Known(person, active, email, external_id, row.said if row else None))
    return result


def create(session: Session, provided: Provided, by: int) -> Person:
    """Add a person, or bring back one whom the provider had removed. Raises AccountError, with the reason
    "handle_taken" for a user name that somebody has."""
    person = session.scalar(select(Person).where(by_user_name(provided.user_name)))
    if person is None:
        person = people.add(session, provided.user_name, provided.name, by)
        accounts.open_account(session, person)
    elif not _row(session, person).removed:
        raise AccountError(f"Somebody has the user name {provided.user_name} already.", "handle_taken")
    _row(session, person).removed = False
    audit.record(session, audit.actor(session, by), "person.provisioned", f"person:{person.id}")
    change(session, person, provided, by)
    return person


def change(session: Session, person: Person, provided: Provided, by: int) -> None:
    """Make a person what the provider says. Raises AccountError for what cannot be used, and for the last admin."""
    if provided.user_name != person.handle:
        _set_handle(session, person, provided.user_name, by)
    people.rename(session, person, provided.name, by)
    row, account = _row(session, person), accounts.open_account(session, person)
    if (account.email or "") != provided.email.strip().lower():
        accounts.set_email(session, person, provided.email, by)
    row.external_id, row.said = provided.external_id, provided.said
    session.flush()
    is_active = not account.disabled and not person.has_left(current_day())
    if provided.active and not is_active:
        if person.has_left(current_day()):
            people.set_left(session, person, None, by)
        accounts.enable(session, person, by)
    elif not provided.active and not account.disabled:
        accounts.disable(session, person, by)


def remove(session: Session, person: Person, by: int) -> None:
    """Disable somebody whom the provider has deleted, and hide them from it. Raises AccountError for the last
    admin."""
    row = _row(session, person)
    if not accounts.open_account(session, person).disabled:
        accounts.disable(session, person, by)
    row.removed, row.external_id, row.said = True, None, {}
    session.flush()
    audit.record(session, audit.actor(session, by), "person.unprovisioned", f"person:{person.id}")


def _row(session: Session, person: Person) -> ProvisionedPerson:
    session.flush()
    row = session.get(ProvisionedPerson, person.id)
    return row or insert_or_keep(session, ProvisionedPerson, {"person_id": person.id}, {"said": {}, "removed": False})


def _set_handle(session: Session, person: Person, handle: str, by: int) -> None:
    if not is_usable(handle):
        raise AccountError(
            f"A user name has 1 to {LONGEST_HANDLES['person']} characters, {RULE}. Choose another one.", "handle"
        )
    if session.scalar(select(Person.id).where(by_user_name(handle), Person.id != person.id)) is not None:
        raise AccountError(f"Somebody has the user name {handle} already.", "handle_taken")
    before, person.handle = person.handle, handle
    session.flush()
    audit.record_change(session, audit.actor(session, by), "person.handle", f"person:{person.id}", before, handle)
