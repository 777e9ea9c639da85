"""Accounts: passwords (argon2), sessions and the bearer tokens of the API. Who may read what is decided in
access.py."""

import hashlib
import secrets
from collections.abc import Collection
from datetime import date, timedelta
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from sqlalchemy import select
from sqlalchemy.orm import Session

from recommender.database.tables import Account, APIToken, Person, utc_now
from recommender.errors import AccountError

ROLES = ("staff", "agent", "lead", "admin")
SCOPES = ("read", "write")
SHORTEST_PASSWORD, LONGEST_PASSWORD = 10, 1_000  # characters; a judgement
_PREFIX = "kollega_"
PASSWORD_HASHER = PasswordHasher()
"""argon2id with the library's parameters (RFC 9106). Tests replace it by a faster one."""


def sign_in(session: Session, handle: str, password: str) -> Account | None:
    """The account with this handle and password. None when there is no such account or the password is wrong; both take
    the same time, so that nobody can find out which names exist."""
    account = session.scalar(select(Account).join(Person).where(Person.handle == handle.strip()))
    known = account.password_hash if account and not account.disabled else None
    nobody = _hash_of_nobody(PASSWORD_HASHER)
    try:
        PASSWORD_HASHER.verify(known or nobody, password[:LONGEST_PASSWORD])
    except (VerifyMismatchError, InvalidHashError):
        return None
    too_long = len(password) > LONGEST_PASSWORD
    return account if known and not too_long and not _has_left(account) else None


def account_by_session(session: Session, identity: str) -> Account | None:
    """The account of a session's identity `ID:KEY`; None when it is disabled or a newer key has replaced this one."""
    number, _, key = identity.partition(":")
    account = session.get(Account, int(number)) if number.isdecimal() and len(number) < 10 else None
    if account is None or account.disabled or _has_left(account):
        return None
    return account if secrets.compare_digest(account.session_key.encode(), key.encode("utf-8", "replace")) else None


def account_by_subject(session: Session, subject: str) -> Account | None:
    """The account that is linked to an identity provider's subject; None when there is none, or it is disabled."""
    account = session.scalar(select(Account).where(Account.subject == subject))
    return None if account is None or account.disabled or _has_left(account) else account


def unlink(session: Session, person: Person) -> Account:
    """Remove the link between a person and an identity provider's subject, and end their sessions. Their next sign-in
    links them again."""
    account = open_account(session, person)
    account.subject, account.session_key = None, secrets.token_hex(16)
    return account


def set_password(session: Session, person: Person, password: str) -> Account:
    """Give a person a password and end their sessions. Raises AccountError when it is too short or too long."""
    if len(password) < SHORTEST_PASSWORD:
        raise AccountError(f"A password needs at least {SHORTEST_PASSWORD} characters.")
    if len(password) > LONGEST_PASSWORD:
        raise AccountError(f"A password has at most {LONGEST_PASSWORD} characters.")
    account = open_account(session, person)
    account.password_hash = PASSWORD_HASHER.hash(password)
    account.session_key = secrets.token_hex(16)
    return account


def open_account(session: Session, person: Person) -> Account:
    """The person's account; a new one without a password when there is none yet."""
    account = session.get(Account, person.id)
    if account is None:
        account = Account(person_id=person.id, person=person, session_key=secrets.token_hex(16), disabled=False)
        session.add(account)
    return account


def disable(session: Session, person: Person) -> None:
    """Disable a person's account: their sessions and tokens stop working at the next request."""
    account = open_account(session, person)
    account.disabled = True
    account.session_key = secrets.token_hex(16)
    for token in session.scalars(select(APIToken).where(APIToken.person_id == person.id)):
        session.delete(token)


def enable(session: Session, person: Person) -> None:
    """Enable a disabled account again."""
    open_account(session, person).disabled = False


def make_token(session: Session, person: Person, name: str, scopes: Collection[str], days: int | None = None) -> str:
    """A new bearer token that expires after `days`, or never. Only its digest is stored, so it cannot be shown again.

    Raises AccountError when there is no scope or an unknown one.
    """
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not scopes:
        raise AccountError(f"Scopes are {' and '.join(SCOPES)}, not {', '.join(unknown) or 'none'}.")
    token = _PREFIX + secrets.token_urlsafe(32)
    expires = utc_now().date() + timedelta(days=days) if days is not None else None
    row = APIToken(
        person_id=person.id, name=name, digest=_digest(token), scopes=sorted(set(scopes)), expires_on=expires
    )
    open_account(session, person)
    session.add(row)
    return token


def token_of(session: Session, bearer: str, today: date) -> APIToken | None:
    """The row of a bearer token; None when it is unknown or has expired, or its person may not sign in any more."""
    row = session.scalar(select(APIToken).where(APIToken.digest == _digest(bearer)))
    if row is None or (row.expires_on and row.expires_on < today):
        return None
    account = session.get(Account, row.person_id)
    return None if account is None or account.disabled or _has_left(account) else row


@lru_cache(maxsize=1)
def _hash_of_nobody(hasher: PasswordHasher) -> str:
    """The hash of a random password that nobody has. Verifying it takes as long as verifying a real one."""
    return hasher.hash(secrets.token_hex(16))


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _has_left(account: Account | None) -> bool:
    return account is not None and account.person.has_left(utc_now().date())
