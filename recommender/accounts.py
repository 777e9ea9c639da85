"""How people prove who they are: passwords (argon2) and bearer tokens of the API. Who may read what is access.py's."""

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
SHORTEST_PASSWORD = 10
LONGEST_PASSWORD = 1_000
_PREFIX = "kollega_"
PASSWORD_HASHER = PasswordHasher()
"""argon2id with the library's parameters (RFC 9106). Tests put a hasher that costs less in its place."""


def sign_in(session: Session, handle: str, password: str) -> Account | None:
    """The account of a name and a password; None, after the same time, when they do not go together."""
    account = session.scalar(select(Account).join(Person).where(Person.handle == handle.strip()))
    known = account.password_hash if account and not account.disabled else None
    nobody = _hash_of_nobody(PASSWORD_HASHER)  # an unknown name then takes as long as a wrong password
    try:
        PASSWORD_HASHER.verify(known or nobody, password[:LONGEST_PASSWORD])
    except (VerifyMismatchError, InvalidHashError):
        return None
    too_long = len(password) > LONGEST_PASSWORD
    return account if known and not too_long and not _has_left(account) else None


def account_by_session(session: Session, identity: str) -> Account | None:
    """The account that a session's `ID:KEY` names; None once it is disabled, or its key is not the newest."""
    number, _, key = identity.partition(":")
    account = session.get(Account, int(number)) if number.isdecimal() and len(number) < 10 else None
    if account is None or account.disabled or _has_left(account):
        return None
    return account if secrets.compare_digest(account.session_key.encode(), key.encode("utf-8", "replace")) else None


def account_by_subject(session: Session, subject: str) -> Account | None:
    """The account that an identity provider's subject has signed in to before."""
    account = session.scalar(select(Account).where(Account.subject == subject))
    return None if account is None or account.disabled or _has_left(account) else account


def unlink(session: Session, person: Person) -> Account:
    """Forget which identity provider's subject a person is, so that their next sign-in links anew, and end their
    sessions."""
    account = open_account(session, person)
    account.subject, account.session_key = None, secrets.token_hex(16)
    return account


def set_password(session: Session, person: Person, password: str) -> Account:
    """Give a person a password and end their sessions. Raises AccountError when it is too short."""
    if len(password) < SHORTEST_PASSWORD:
        raise AccountError(f"A password needs at least {SHORTEST_PASSWORD} characters.")
    if len(password) > LONGEST_PASSWORD:
        raise AccountError(f"A password has at most {LONGEST_PASSWORD} characters.")
    account = open_account(session, person)
    account.password_hash = PASSWORD_HASHER.hash(password)
    account.session_key = secrets.token_hex(16)
    return account


def open_account(session: Session, person: Person) -> Account:
    """The person's account, made without a password when there is none."""
    account = session.get(Account, person.id)
    if account is None:
        account = Account(person_id=person.id, person=person, session_key=secrets.token_hex(16), disabled=False)
        session.add(account)
    return account


def disable(session: Session, person: Person) -> None:
    """Close a person's account: every session and token of theirs ends at the next request."""
    account = open_account(session, person)
    account.disabled = True
    account.session_key = secrets.token_hex(16)
    for token in session.scalars(select(APIToken).where(APIToken.person_id == person.id)):
        session.delete(token)


def enable(session: Session, person: Person) -> None:
    """Open a closed account again."""
    open_account(session, person).disabled = False


def make_token(session: Session, person: Person, name: str, scopes: Collection[str], days: int | None = None) -> str:
    """A new bearer token, shown this once; only its digest is kept. Raises AccountError for an unknown scope."""
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
    """The row of a bearer token; None when it is unknown, has run out, or its person may not sign in any more."""
    row = session.scalar(select(APIToken).where(APIToken.digest == _digest(bearer)))
    if row is None or (row.expires_on and row.expires_on < today):
        return None
    account = session.get(Account, row.person_id)
    return None if account is None or account.disabled or _has_left(account) else row


@lru_cache(maxsize=1)
def _hash_of_nobody(hasher: PasswordHasher) -> str:
    """A hash of a password that nobody knows, as costly to verify as those that `hasher` makes."""
    return hasher.hash(secrets.token_hex(16))


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _has_left(account: Account | None) -> bool:
    left = account.person.left_on if account else None
    return bool(left and left <= utc_now().date())
