"""Links with which a person sets a new password, once: one who has forgotten theirs within an hour of the mail, one who
was invited within some days."""

import hashlib
import secrets
from datetime import timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from recommender import audit
from recommender.database.account_tables import Account, PasswordLink
from recommender.database.days import current_day
from recommender.database.tables import Person, utc_now
from recommender.outbox import mail

VALID = timedelta(hours=1)
INVITATION_VALID = timedelta(days=7)
"""How long an invitation waits for somebody who is away: a judgement."""


def make(session: Session, person_id: int, valid: timedelta = VALID, by: int | None = None) -> str:
    """The secret of a new link; earlier links of the person are no longer valid. Only its digest is stored."""
    _end_links(session, person_id)
    secret = secrets.token_urlsafe(32)
    session.add(PasswordLink(digest=_digest(secret), person_id=person_id, expires_at=utc_now() + valid))
    session.flush()
    audit.record(session, audit.actor(session, by), "password_link.made", f"person:{person_id}")
    return secret


def person_of(session: Session, secret: str) -> Person | None:
    """The person who may set a new password with this link; None when it is unknown, used or too old, or they may not
    sign in."""
    row = session.scalar(select(PasswordLink).where(PasswordLink.digest == _digest(secret)))
    account = session.get(Account, row.person_id) if row and row.expires_at >= utc_now() else None
    return account.person if account and account.may_sign_in(current_day()) else None


def use(session: Session, secret: str) -> bool:
    """Use the link up; False when somebody else was faster."""
    used = session.execute(delete(PasswordLink).where(PasswordLink.digest == _digest(secret)))
    return bool(used.rowcount)  # type: ignore[attr-defined]


def end(session: Session, person_id: int) -> None:
    """End all links of a person, and those whose mail still waits."""
    _end_links(session, person_id)
    for kind in (mail.PASSWORD_LINK, mail.INVITATION):
        mail.call_off(session, person_id, kind)


def _end_links(session: Session, person_id: int) -> None:
    session.execute(delete(PasswordLink).where(PasswordLink.person_id == person_id))


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
