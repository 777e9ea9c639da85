"""The queue of outgoing mail. A row says whom to write to and about what; the text is written when it is sent."""

from datetime import timedelta
from email.utils import make_msgid

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from recommender.database.account_tables import OutgoingMail
from recommender.database.storing import take
from recommender.database.tables import utc_now

PASSWORD_LINK, PASSWORD_CHANGED, SECOND_FACTOR_OFF = "password_link", "password_changed", "second_factor_off"
ADDRESS_CHANGED = "address_changed"  # goes to the address before, which the row has
INVITATION = "invitation"  # somebody new is to set their first password
PLAN = "plan"  # once a week to leads: what is worth doing: `recommender/insights/risk/digest.py`
NEWS = "news"  # what has happened in requests and documents: `recommender/notifications/`
WAITING, SENT, FAILED = "waiting", "sent", "failed"
MOST_ATTEMPTS = 8
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(seconds=30), timedelta(minutes=30)  # doubled each time: about two hours in all
_NEWS_TRIED = timedelta(days=5)  # how long news is tried: what RFC 5321 (4.5.4.1) asks of those who send mail
_AT_WORK = timedelta(minutes=3)  # for one sender to send one mail, more than the mail server may take: a judgement
_A_ROUND = 50  # mails at most, so that a link to a new password does not wait for a long list: a judgement
_KEPT = timedelta(days=30)  # how long one can see what became of a mail; judgements


def queue(session: Session, person_id: int | None, kind: str, language: str) -> OutgoingMail:
    """Queue a mail to a person. Without a person the row is deleted instead of sent."""
    row = OutgoingMail(person_id=person_id, kind=kind, language=language)
    session.add(row)
    session.flush()
    return row


def call_off(session: Session, person_id: int, kind: str) -> None:
    """Do not send the mails of this kind that still wait for a person."""
    waiting = OutgoingMail.person_id == person_id, OutgoingMail.kind == kind, OutgoingMail.state == WAITING
    problem = "Called off: the password, the address or the account has been changed since."
    session.execute(update(OutgoingMail).where(*waiting).values(state=FAILED, problem=problem))


def due(session: Session) -> list[int]:
    """The numbers of some mails to send now: news last, else oldest first."""
    now = utc_now()
    session.execute(delete(OutgoingMail).where(OutgoingMail.created_at < now - _KEPT))
    session.execute(delete(OutgoingMail).where(OutgoingMail.person_id.is_(None)))
    waiting = select(OutgoingMail.id).where(OutgoingMail.state == WAITING, OutgoingMail.next_attempt_at <= now)
    return list(session.scalars(waiting.order_by(OutgoingMail.kind == NEWS, OutgoingMail.id).limit(_A_ROUND)))


def claim(session: Session, number: int, domain: str) -> OutgoingMail | None:
    """Take a mail that is due, for a few minutes in which nobody else sends it; None when another sender was faster, or
    it is not to be sent any more. Commit before it is sent.

    Its Message-ID is stored with that, made with the name of a `domain`. A mail that is sent again, because the sender
    was killed or the connection broke before the server's answer was stored, has the same one, by which the reader's
    mail program knows it. Only a link to a new password gets another, since an earlier link no longer works.
    """
    now = utc_now()
    free = OutgoingMail.id == number, OutgoingMail.state == WAITING, OutgoingMail.next_attempt_at <= now
    if not take(session, OutgoingMail, *free, next_attempt_at=now + _AT_WORK):
        return None
    row = session.get_one(OutgoingMail, number, populate_existing=True)
    if row.message_id is None or row.kind in (PASSWORD_LINK, INVITATION):
        row.message_id = make_msgid(domain=domain)
    return row


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
    """Store what went wrong, and when to try again: never when it is `for_good` or was tried long enough, which is two
    hours, or five days for news."""
    mail.attempts += 1
    mail.problem = problem[:500]
    tried = mail.created_at < utc_now() - _NEWS_TRIED if mail.kind == NEWS else mail.attempts >= MOST_ATTEMPTS
    mail.state = FAILED if for_good or tried else WAITING
    mail.next_attempt_at = utc_now() + min(_FIRST_PAUSE * 2 ** min(mail.attempts - 1, 10), _LONGEST_PAUSE)


def latest(session: Session, most: int = 50) -> list[OutgoingMail]:
    """The newest mails, whatever became of them."""
    return list(session.scalars(select(OutgoingMail).order_by(OutgoingMail.id.desc()).limit(most)))


def queue_lengths(session: Session) -> dict[str, int]:
    """{WAITING: mails that are not sent yet, FAILED: those that were given up}."""
    query = select(OutgoingMail.state, func.count()).group_by(OutgoingMail.state)
    found = {state: count for state, count in session.execute(query)}
    return {state: found.get(state, 0) for state in (WAITING, FAILED)}
