"""Accounts: who may sign in at all, their e-mail address, and their link to an identity provider."""

import re

from sqlalchemy import select
from sqlalchemy.orm import Session

from recommender import audit
from recommender.accounts import last_admin, password_links, sessions, tokens
from recommender.database.account_tables import Account
from recommender.database.days import current_day
from recommender.database.foreign_tables import person_named
from recommender.database.storing import insert_or_keep
from recommender.database.tables import Person
from recommender.errors import AccountError
from recommender.outbox import mail

ROLES = ("staff", "agent", "lead", "admin")
_EMAIL = re.compile(r"[^@\s<>,;:\"\\()\[\]]+@[^@\s<>,;:\"\\()\[\]]+\.[^@\s<>,;:\"\\()\[\].]+")
_LONGEST_EMAIL = 254  # RFC 5321


def find(session: Session, name: str) -> Account | None:
    """The account of the person with this user name, spaces around it aside; also by one they had before two accounts
    became one."""
    person = person_named(session, name.strip())
    return session.get(Account, person.id) if person is not None else None


def find_by_name_or_email(session: Session, typed: str) -> int | None:
    """The id of the person with this user name or this e-mail address, who may sign in and has an address to write to;
    None when there is none."""
    typed = typed.strip()
    named = (Person.handle == typed) | (Account.email == typed.lower())
    able = Account.email.is_not(None), Account.disabled.is_(False), Person.here_on(current_day())
    found = session.scalars(select(Account.person_id).join(Person).where(named, *able).limit(2)).all()
    return found[0] if len(found) == 1 else None


def may_sign_in(account: Account | None) -> bool:
    """True for an account that is not disabled, of a person who has not left."""
    return account is not None and account.may_sign_in(current_day())


def by_subject(session: Session, subject: str) -> Account | None:
    """The account that is linked to an identity provider's subject; None when there is none, or it is disabled."""
    account = session.scalar(select(Account).where(Account.subject == subject))
    return account if may_sign_in(account) else None


def open_account(session: Session, person: Person) -> Account:
    """The person's account; a new one without a password when there is none yet."""
    session.flush()  # a new person has an id afterwards
    account = session.get(Account, person.id)
    return account or insert_or_keep(session, Account, {"person_id": person.id}, {"disabled": False})


def link(session: Session, account: Account, subject: str) -> None:
    """Link an account to an identity provider's subject."""
    account.subject = subject
    session.flush()
    _record(session, account.person_id, "account.linked", account.person_id)


def unlink(session: Session, person: Person, by: int | None = None) -> Account:
    """Remove the link between a person and an identity provider's subject, and end their sessions. Their next sign-in
    links them again."""
    account = open_account(session, person)
    account.subject = None
    sessions.end_all(session, person.id, by=by)
    _record(session, person.id, "account.unlinked", by)
    return account


def disable(session: Session, person: Person, by: int | None = None) -> None:
    """Disable a person's account: their sessions, tokens and links to a new password end at once. Raises AccountError
    for the last admin."""
    last_admin.require_another(session, person)
    open_account(session, person).disabled = True
    sessions.end_all(session, person.id, by=by)
    tokens.revoke_all(session, person.id, by)
    password_links.end(session, person.id)
    _record(session, person.id, "account.disabled", by)


def enable(session: Session, person: Person, by: int | None = None) -> None:
    """Let a person with a disabled account sign in again."""
    account = open_account(session, person)
    if account.disabled:
        account.disabled = False
        session.flush()
        _record(session, person.id, "account.enabled", by, {"widened": True})


def set_email(session: Session, person: Person, email: str, by: int | None = None, tell: str | None = None) -> Account:
    """Set where links to a new password are sent, or nowhere when it is empty; links that were sent elsewhere end.
    `tell` is the language in which the address before is told by mail, None where no mail can be sent. The audit log
    marks another address: whoever reads its mail can set a password. Raises AccountError for what is no address, or is
    the address of somebody else."""
    email = checked_address(email)
    other = session.scalar(select(Account).where(Account.email == email, Account.person_id != person.id))
    if email and other is not None:
        raise address_taken(email, other.person.handle)
    account = open_account(session, person)
    before, account.email = account.email, email or None
    details = {"set": bool(email)}  # the address itself is personal
    if before != account.email:
        password_links.end(session, person.id)
        if before and tell:
            mail.queue(session, person.id, mail.ADDRESS_CHANGED, tell).address = before
        if email and by != person.id:
            details["widened"] = True
    session.flush()
    _record(session, person.id, "account.email", by, {**details})
    return account


def checked_address(email: str) -> str:
    """An address as it is stored; empty for none. Raises AccountError for what is no address."""
    email = email.strip().lower()
    if email and (len(email) > _LONGEST_EMAIL or not email.isprintable() or not _EMAIL.fullmatch(email)):
        raise AccountError(f"{email!r} is not an e-mail address such as aino@example.org.", "email")
    return email


def address_taken(email: str, handle: str) -> AccountError:
    """The error that says whose address this is already."""
    return AccountError(f"{email} is already the address of {handle}; an address has one person.", "email_taken")


def _record(
    session: Session, person_id: int, action: str, by: int | None = None, details: dict[str, object] | None = None
) -> None:
    audit.record(session, audit.actor(session, by), action, f"person:{person_id}", details)
