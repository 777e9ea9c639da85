"""Puts notifications into the queue of outgoing mail when they are due: one mail for each person, with all that is due
for them."""

from datetime import datetime, timedelta
from itertools import groupby

from sqlalchemy import select
from sqlalchemy.orm import Session

from recommender.database.account_tables import Account
from recommender.database.tables import Person
from recommender.database.told_tables import Notification
from recommender.notifications.kinds import NEVER
from recommender.notifications.mail_settings import load_mail_preferences, mail_language
from recommender.outbox import mail
from recommender.settings import Settings

_TOO_OLD = timedelta(days=7)  # a judgement: when mail is set up or goes on after a long time, nobody gets old news
_AT_ONCE = 1_000  # notifications in one transaction: a judgement


def is_anything_due(session: Session, now: datetime) -> bool:
    """True when there may be something to mail; reads only."""
    return session.scalar(select(Notification.id).where(Notification.mail_at <= now).limit(1)) is not None


def queue_due(session: Session, settings: Settings, now: datetime) -> int:
    """Queue the mails that are due, and return how many. Of what is not wanted, was read, or is a week old, nothing is
    mailed. The caller commits."""
    due = select(Notification).where(Notification.mail_at <= now)
    rows = session.scalars(due.order_by(Notification.person_id, Notification.id).limit(_AT_ONCE)).all()
    return sum(
        _queue_for(session, settings, now, number, list(group))
        for number, group in groupby(rows, key=lambda row: row.person_id)
    )


def _queue_for(session: Session, settings: Settings, now: datetime, person_id: int, rows: list[Notification]) -> bool:
    preferences, account = load_mail_preferences(session, person_id), session.get(Account, person_id)
    ready = []
    for row in rows:
        unwanted = preferences.when(row.kind) == NEVER or row.read_at is not None
        if account is None or not account.email or unwanted or row.at < now - _TOO_OLD:
            row.mail_at = None
            continue
        row.mail_at = preferences.due(row.kind, row.mail_at or now, settings.zone)
        if row.mail_at <= now:  # it may be later than that, and quiet by now
            row.mail_at = preferences.after_quiet(now, settings.zone)
        if row.mail_at <= now:
            ready.append(row)
    if not ready:
        return False
    person = session.get_one(Person, person_id)
    queued = mail.queue(session, person_id, mail.NEWS, mail_language(person, preferences, settings.language))
    for row in ready:
        row.mail_at, row.mail_id = None, queued.id
    session.flush()
    return True
