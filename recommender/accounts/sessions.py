"""Sessions: the browsers in which somebody has signed in. They are rows of the database, so that ending one takes
effect at once, whatever copies of its cookie exist."""

import hashlib
import secrets
from datetime import timedelta

from sqlalchemy import ColumnElement, bindparam, delete, select, update
from sqlalchemy.orm import Session, joinedload, lazyload

from recommender import audit
from recommender.database.account_tables import Account, SignInSession
from recommender.database.days import day_of
from recommender.database.tables import Person, utc_now
from recommender.errors import Conflict

PASSWORD, PROVIDER, DEMO = "password", "oidc", "demo"
"""The ways in which a session begins."""
CODE, SET_UP = "code", "set up"
"""What a session may still await: a code of the second factor, or that one is set up."""
_TIME_FOR_CODE = timedelta(minutes=15)  # from the password to the second factor: a judgement
_NOTED_EVERY = timedelta(hours=1)


def begin(
    session: Session, person: Person, way: str, days: float, *, browser: str = "", awaits: str = ""
) -> tuple[SignInSession, str]:
    """(row, id) of a new session, which ends after `days` at the latest. The id is random and belongs into the
    browser's cookie; only its digest is stored. A session that `awaits` something ends after a quarter of an hour."""
    now, identity = utc_now(), secrets.token_urlsafe(32)
    session.execute(delete(SignInSession).where(SignInSession.expires_at < now))
    lasts = _TIME_FOR_CODE if awaits else timedelta(days=days)
    row = SignInSession(
        digest=_digest(identity), person_id=person.id, person=person, way=way, awaits=awaits, browser=browser[:80],
        created_at=now, last_seen_at=now, expires_at=now + lasts,
    )  # fmt: skip
    session.add(row)
    session.flush()
    if not awaits:
        _record_sign_in(session, row)
    return row, identity


def complete(session: Session, row: SignInSession, days: float) -> str:
    """The new id of a session that has got what it awaited: its person is signed in now. Raises Conflict when it is no
    longer waiting, since its browser has sent several forms at once; what this one has used up is to be rolled back."""
    identity, now = secrets.token_urlsafe(32), utc_now()
    values = {"digest": _digest(identity), "awaits": "", "created_at": now, "last_seen_at": now}
    waiting = SignInSession.id == row.id, SignInSession.digest == row.digest, SignInSession.awaits != ""
    change = update(SignInSession).where(*waiting).values(**values, expires_at=now + timedelta(days=days))
    if not session.execute(change).rowcount:  # type: ignore[attr-defined]
        raise Conflict("You have signed in a moment ago.")
    session.refresh(row)
    _record_sign_in(session, row)
    return identity


def renew(session: Session, row: SignInSession) -> str:
    """A new id for a session; the earlier one opens nothing any more."""
    identity = secrets.token_urlsafe(32)
    row.digest = _digest(identity)
    session.flush()
    return identity


def find(session: Session, identity: str, idle_days: float) -> SignInSession | None:
    """The session with this id; None when it has ended, was not used for `idle_days`, or its person may not sign in any
    more. It may still await something."""
    found = session.execute(_WITH_ACCOUNT, {"digest": _digest(identity)}).unique().first()
    now = utc_now()
    if found is None:
        return None
    row, account = found
    if row.expires_at < now or row.last_seen_at + timedelta(days=idle_days) < now:
        return None
    return row if account.may_sign_in(day_of(now)) else None


_WITH_ACCOUNT = (
    select(SignInSession, Account)
    .join(Account, Account.person_id == SignInSession.person_id)
    .where(SignInSession.digest == bindparam("digest"))
    .options(joinedload(SignInSession.person).joinedload(Person.teams), lazyload(Account.person))
)
"""A session, its account, and its person with their teams, in one statement: each request of somebody who has signed in
asks for them. The account's person is the same one, and not read again."""


def is_to_be_noted(row: SignInSession) -> bool:
    """True when the session was last noted as used more than an hour ago."""
    return row.last_seen_at + _NOTED_EVERY < utc_now()


def note_use(session: Session, number: int) -> None:
    """Store that the session with this number is used now."""
    session.execute(update(SignInSession).where(SignInSession.id == number).values(last_seen_at=utc_now()))


def of(session: Session, person_id: int, idle_days: float) -> list[SignInSession]:
    """The sessions in which a person is signed in, the newest first; none that were not used for `idle_days`."""
    now, mine = utc_now(), select(SignInSession).where(SignInSession.person_id == person_id, SignInSession.awaits == "")
    used = SignInSession.last_seen_at >= now - timedelta(days=idle_days)
    return list(session.scalars(mine.where(used, SignInSession.expires_at >= now).order_by(SignInSession.id.desc())))


def end(session: Session, person_id: int, number: int, by: int | None = None) -> bool:
    """End one session of a person; False when they have none with this number."""
    mine = SignInSession.id == number, SignInSession.person_id == person_id
    return _delete(session, person_id, by, *mine) > 0


def end_all(session: Session, person_id: int, *, but: int | None = None, by: int | None = None) -> int:
    """End all sessions of a person, except the one with the number `but`. Returns how many."""
    mine = SignInSession.person_id == person_id
    return _delete(session, person_id, by, mine, SignInSession.id != (but or 0))


def end_everybodys(session: Session) -> int:
    """End all sessions of all people. Returns how many."""
    people = list(session.scalars(select(SignInSession.person_id).distinct()))
    return sum(end_all(session, number) for number in people)


def forget(session: Session, number: int) -> None:
    """Delete a session that only waited for the second factor; nobody was signed in with it."""
    session.execute(delete(SignInSession).where(SignInSession.id == number))


def _record_sign_in(session: Session, row: SignInSession) -> None:
    actor = audit.actor(session, row.person_id)
    audit.record(session, actor, "sign_in.done", f"person:{row.person_id}", {"way": row.way})


def _delete(session: Session, person_id: int, by: int | None, *chosen: ColumnElement[bool]) -> int:
    session.flush()
    ended = session.execute(delete(SignInSession).where(*chosen)).rowcount  # type: ignore[attr-defined]
    if ended:
        actor = audit.actor(session, by)
        audit.record(session, actor, "session.ended", f"person:{person_id}", {"sessions": ended})
    return int(ended)


def _digest(identity: str) -> str:
    return hashlib.sha256(identity.encode("utf-8", "replace")).hexdigest()
