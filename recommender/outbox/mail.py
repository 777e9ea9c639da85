"""The queue of outgoing mail. A row says whom to write to and about what; the text is written when it is sent."""

from datetime import timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from recommender.database.account_tables import OutgoingMail
from recommender.database.tables import utc_now

PASSWORD_LINK, PASSWORD_CHANGED, SECOND_FACTOR_OFF = "password_link", "password_changed", "second_factor_off"
WAITING, SENT, FAILED = "waiting", "sent", "failed"
MOST_ATTEMPTS = 8
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(seconds=30), timedelta(minutes=30)  # doubled each time: about two hours in all
_KEPT = timedelta(days=30)  # how long one can see what became of a mail; judgements


def queue(session: Session, person_id: int | None, kind: str, language: str) -> None:
    """Queue a mail to a person. Without a person the row is deleted instead of sent."""
    session.add(OutgoingMail(person_id=person_id, kind=kind, language=language))


def call_off(session: Session, person_id: int, kind: str) -> None:
    """Do not send the mails of this kind that still wait for a person."""
    waiting = OutgoingMail.person_id == person_id, OutgoingMail.kind == kind, OutgoingMail.state == WAITING
    problem = "Called off: the password, the address or the account has been changed since."
    session.execute(update(OutgoingMail).where(*waiting).values(state=FAILED, problem=problem))


def due(session: Session) -> list[int]:
    """The numbers of the mails to send now, oldest first."""
    now = utc_now()
    session.execute(delete(OutgoingMail).where(OutgoingMail.created_at < now - _KEPT))
    session.execute(delete(OutgoingMail).where(OutgoingMail.person_id.is_(None)))
    waiting = select(OutgoingMail.id).where(OutgoingMail.state == WAITING, OutgoingMail.next_attempt_at <= now)
    return list(session.scalars(waiting.order_by(OutgoingMail.id)))


def is_anything_due(session: Session) -> bool:
    """True when there is something to send or to delete; reads only."""
    now = utc_now()
    waiting = (OutgoingMail.state == WAITING) & (OutgoingMail.next_attempt_at <= now)
    query = select(OutgoingMail.id).where(waiting | OutgoingMail.person_id.is_(None)).limit(1)
    return session.scalar(query) is not None


def succeed(mail: OutgoingMail) -> None:
    """Store that a mail was handed over to the mail server."""
    mail.attempts += 1
    mail.state, mail.problem = SENT, None


def fail(mail: OutgoingMail, problem: str, *, for_good: bool = False) -> None:
    """Store what went wrong, and when to try again: never when it is `for_good` or was tried often enough."""
    mail.attempts += 1
    mail.problem = problem[:500]
    mail.state = FAILED if for_good or mail.attempts >= MOST_ATTEMPTS else WAITING
    mail.next_attempt_at = utc_now() + min(_FIRST_PAUSE * 2 ** (mail.attempts - 1), _LONGEST_PAUSE)


def latest(session: Session, most: int = 50) -> list[OutgoingMail]:
    """The newest mails, whatever became of them."""
    return list(session.scalars(select(OutgoingMail).order_by(OutgoingMail.id.desc()).limit(most)))


def queue_lengths(session: Session) -> dict[str, int]:
    """{WAITING: mails that are not sent yet, FAILED: those that were given up}."""
    query = select(OutgoingMail.state, func.count()).group_by(OutgoingMail.state)
    found = {state: count for state, count in session.execute(query)}
    return {state: found.get(state, 0) for state in (WAITING, FAILED)}
