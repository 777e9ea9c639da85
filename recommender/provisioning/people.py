"""People as an identity provider manages them. Each change is recorded in the audit log, and the caller commits."""

import json
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Select, Text, cast, exists, func, or_, select
from sqlalchemy.orm import Session

from recommender import accounts, audit
from recommender.accounts import last_admin
from recommender.database.account_tables import Account
from recommender.database.provisioning_tables import ProvisionedPerson
from recommender.database.storing import insert_or_keep
from recommender.database.tables import Person
from recommender.errors import AccountError
from recommender.membership import people

_ENDED = "endedByProvider"
"""In `said`: the account was disabled by the provider, which may thus enable it."""


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
    """That a person has this address, or may have it among the others that the provider has said."""
    written = json.dumps(address.lower())
    said = func.lower(cast(ProvisionedPerson.said, Text)).contains(written, autoescape=True)
    return or_(
        exists().where(Account.person_id == Person.id, Account.email == address.lower()),
        exists().where(ProvisionedPerson.person_id == Person.id, said),
    )


def known(session: Session, found: list[Person]) -> list[Known]:
    """These people as the provider sees them, with two queries."""
    numbers = [person.id for person in found]
    rows = session.scalars(select(ProvisionedPerson).where(ProvisionedPerson.person_id.in_(numbers)))
    provisioned = {row.person_id: row for row in rows}
    opened = {row.person_id: row for row in session.scalars(select(Account).where(Account.person_id.in_(numbers)))}
    result = []
    for person in found:
        row, account = provisioned.get(person.id), opened.get(person.id)
        active = people.is_here(person, account)
        email, external_id = account.email if account else None, row.external_id if row else None
        result.append(Known(person, active, email, external_id, row.said if row else None))
    return result


def create(session: Session, provided: Provided, by: int, tell: str | None = None) -> Person:
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
    change(session, person, provided, by, tell)
    return person


def change(session: Session, person: Person, provided: Provided, by: int, tell: str | None = None) -> None:
    """Make a person what the provider says; who gets another address is told at the one before, in the language `tell`.
    Who was disabled here, or has left, stays so: the provider enables only whom it has disabled itself. Raises
    AccountError for what cannot be used, for the last admin, and for another name or address of an admin, by which
    somebody else could become one."""
    row, account = _row(session, person), accounts.open_account(session, person)
    ended_by_it = bool(row.said.get(_ENDED))
    _require_same_admin(person, account, row, provided)
    if provided.user_name != person.handle and person.role != last_admin.ADMIN:
        _set_handle(session, person, provided.user_name, by)
    people.rename(session, person, provided.name, by)
    if (account.email or "") != _email(provided) and person.role != last_admin.ADMIN:
        accounts.set_email(session, person, provided.email, by, tell)
    if provided.active and account.disabled and ended_by_it:
        accounts.enable(session, person, by)
    ends = not provided.active and not account.disabled
    if ends:
        accounts.disable(session, person, by)
    row.external_id = provided.external_id
    row.said = provided.said | ({_ENDED: True} if account.disabled and (ends or ended_by_it) else {})
    session.flush()


def remove(session: Session, person: Person, by: int) -> None:
    """Disable somebody whom the provider has deleted, and hide them from it. Raises AccountError for the last
    admin."""
    row = _row(session, person)
    ends = not accounts.open_account(session, person).disabled
    if ends:
        accounts.disable(session, person, by)
    row.removed, row.external_id = True, None
    row.said = {_ENDED: True} if ends or row.said.get(_ENDED) else {}
    session.flush()
    audit.record(session, audit.actor(session, by), "person.unprovisioned", f"person:{person.id}")


def _row(session: Session, person: Person) -> ProvisionedPerson:
    session.flush()
    row = session.get(ProvisionedPerson, person.id)
    return row or insert_or_keep(session, ProvisionedPerson, {"person_id": person.id}, {"said": {}, "removed": False})


def _require_same_admin(person: Person, account: Account, row: ProvisionedPerson, provided: Provided) -> None:
    """Raise AccountError for another user name or address of an admin, unless the provider disables them, or says again
    what it has said before."""
    if person.role != last_admin.ADMIN or not provided.active:
        return
    same_email = _email(provided) == (account.email or "") or row.said.get("emails") == provided.said.get("emails")
    if provided.user_name.lower() != person.handle.lower() or not same_email:
        raise AccountError(
            f"{person.handle} is an admin, whose user name and address are not changed by the provider: somebody else "
            "could sign in as an admin then. Change them on the page of the person, or make them no admin first.",
            "admin",
        )


def _email(provided: Provided) -> str:
    return provided.email.strip().lower()


def _set_handle(session: Session, person: Person, handle: str, by: int) -> None:
    people.check_handle(handle)
    if session.scalar(select(Person.id).where(by_user_name(handle), Person.id != person.id)) is not None:
        raise AccountError(f"Somebody has the user name {handle} already.", "handle_taken")
    before, person.handle = person.handle, handle
    session.flush()
    audit.record_change(session, audit.actor(session, by), "person.handle", f"person:{person.id}", before, handle)
