"""Bearer tokens of the API: made, listed, revoked. Only the digest of a token is stored."""

import hashlib
import secrets
from collections.abc import Collection
from datetime import date, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from recommender import audit
from recommender.database.account_tables import Account, APIToken
from recommender.database.days import current_day
from recommender.database.person_kind import SERVICE
from recommender.database.storing import insert_or_keep
from recommender.database.tables import Person
from recommender.errors import AccountError

SCOPES = ("read", "write", "load", "scim")
_PREFIX = "kollega_"


def make_token(
    session: Session, person: Person, name: str, scopes: Collection[str], days: int | None = None, by: int | None = None
) -> str:
    """A new bearer token that expires after `days`, or never. Only its digest is stored, so it cannot be shown again.
    The audit log marks one that somebody else than the person has made: whoever has it reads what the person may.

    Raises AccountError when there is no scope or an unknown one.
    """
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not scopes:
        raise AccountError(f"Scopes are {', '.join(SCOPES)}, not {', '.join(unknown) or 'none'}.")
    session.flush()
    insert_or_keep(session, Account, {"person_id": person.id}, {"disabled": False})
    token = _PREFIX + secrets.token_urlsafe(32)
    expires = current_day() + timedelta(days=days) if days is not None else None
    row = APIToken(
        person_id=person.id, name=name, digest=_digest(token), scopes=sorted(set(scopes)), expires_on=expires
    )
    session.add(row)
    session.flush()
    details = {"person": person.id, "scopes": row.scopes, "expires": expires.isoformat() if expires else None}
    if by != person.id:
        details["widened"] = True
    audit.record(session, audit.actor(session, by), "token.made", f"token:{row.id}", details)
    return token


def is_for_programs(session: Session, person: Person) -> bool:
    """True for a service as which nobody signs in: an admin makes its tokens. Those of anybody else open what only they
    may read, so they make them themselves."""
    account = session.get(Account, person.id)
    return person.kind == SERVICE and not (account and (account.password_hash or account.subject))


def token_of(session: Session, bearer: str, today: date) -> APIToken | None:
    """The row of a bearer token; None when it is unknown or has expired, or its person may not sign in any more."""
    row = session.scalar(select(APIToken).where(APIToken.digest == _digest(bearer)))
    if row is None or (row.expires_on and row.expires_on < today):
        return None
    account = session.get(Account, row.person_id)
    return None if account is None or account.disabled or row.person.has_left(current_day()) else row


def note_use(session: Session, number: int) -> None:
    """Store that the token with this number is used today."""
    session.execute(update(APIToken).where(APIToken.id == number).values(last_used_on=current_day()))


def of(session: Session, person_id: int | None = None) -> list[APIToken]:
    """The tokens of a person, or of everybody when it is None, oldest first; those that have expired too."""
    query = select(APIToken).order_by(APIToken.id)
    return list(session.scalars(query if person_id is None else query.where(APIToken.person_id == person_id)))


def revoke(session: Session, number: int, person_id: int | None = None, by: int | None = None) -> str | None:
    """End a token; with a person, only when it is theirs. Returns its name; None when there is no such token."""
    row = session.get(APIToken, number)
    if row is None or person_id not in (None, row.person_id):
        return None
    session.delete(row)
    session.flush()
    details = {"person": row.person_id}
    audit.record(session, audit.actor(session, by), "token.revoked", f"token:{number}", details)
    return row.name


def revoke_all(session: Session, person_id: int, by: int | None = None) -> int:
    """End all tokens of a person. Returns how many."""
    ended = session.execute(delete(APIToken).where(APIToken.person_id == person_id)).rowcount  # type: ignore[attr-defined]
    if ended:
        details = {"tokens": ended}
        audit.record(session, audit.actor(session, by), "token.revoked", f"person:{person_id}", details)
    return int(ended)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
