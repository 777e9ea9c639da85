"""Sends what waits in the outbox, beside `kollega watch`, so that a mail waits neither for the index nor the other way
round."""

import logging
from contextlib import AbstractContextManager
from email.message import EmailMessage

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from indexer.background import repeating
from indexer.delivery.mail_server import MailServer
from indexer.delivery.mail_texts import compose
from indexer.delivery.news_mail import compose_news
from indexer.delivery.plan_mail import compose_plan
from recommender.accounts.account import may_sign_in
from recommender.accounts.secret_key import load_secret_key
from recommender.database import dialects
from recommender.database.account_tables import Account, OutgoingMail
from recommender.database.tables import utc_now
from recommender.insights.risk import digest
from recommender.notifications import mailing
from recommender.organisation.values import Organisation
from recommender.outbox import mail
from recommender.settings import Settings

log = logging.getLogger(__name__)
_FAILURES = 3  # in a row, after which a round ends: the server is not to be had; a judgement


def delivering(settings: Settings, sessions: sessionmaker[Session]) -> AbstractContextManager[None]:
    """Look for mail every few seconds, in a thread that ends with this context."""
    problem = "Mail could not be sent; trying again"
    return repeating("delivery", settings.watch_seconds, lambda _stop: deliver(settings, sessions), problem, log)


def deliver(settings: Settings, sessions: sessionmaker[Session]) -> int:
    """Send some of the mails that are due, one after the other; returns how many the server has taken. What fails is
    tried again later: news for five days, the rest up to eight times in about two hours. Raises SettingsError, before
    anything is written, when the mail server of the settings cannot be one."""
    if not settings.mail_server:
        return 0
    server = MailServer(settings.mail_server)
    with sessions() as session:
        settings = Organisation.read(session, settings).settings  # its time zone, which may have been set a moment ago
        news, waiting = mailing.is_anything_due(session, utc_now()), mail.is_anything_due(session)
        plans = digest.is_anything_due(session, settings, utc_now())
    if news or plans:
        with sessions.begin() as session:
            # first of all: another process must not queue the same mails between what is read here and what is written
            dialects.of(session.get_bind()).begin_writing(session.connection())
            mailing.queue_due(session, settings, utc_now())
            digest.queue_weekly(session, settings, utc_now())
    if not (news or plans or waiting):
        return 0
    with sessions.begin() as session:
        numbers = mail.due(session)
    sent, failures = 0, 0
    for number in numbers:
        done = _deliver_one(server, settings, sessions, number)
        sent, failures = sent + bool(done), failures + 1 if done is False else 0
        if failures == _FAILURES:
            break
    return sent


def _deliver_one(server: MailServer, settings: Settings, sessions: sessionmaker[Session], number: int) -> bool | None:
    """Write one mail and send it: True when the server has taken it, None when there was nothing to send. Whatever goes
    wrong is stored with this mail and stops no other one."""
    try:
        message = _written(settings, sessions, number)
        if message is None:
            return None
        problem, for_good = server.send(message)
    except SQLAlchemyError:
        raise
    except Exception as error:
        log.exception("A mail could not be written or sent")
        problem, for_good = f"It could not be written or sent: {type(error).__name__}.", False
    with sessions.begin() as session:
        row = session.get(OutgoingMail, number)
        if row is None:  # its person was erased meanwhile
            return not problem
        if not problem:
            mail.succeed(row)
        elif row.state == mail.WAITING:  # it was not called off meanwhile
            log.warning("A mail could not be sent: %s", problem)
            mail.fail(row, problem, for_good=for_good)
    return not problem


def _written(settings: Settings, sessions: sessionmaker[Session], number: int) -> EmailMessage | None:
    """The mail of a row that is still to be sent; None when it is not. Its Message-ID, and the digest of a secret in
    it, are stored before it is sent."""
    with sessions.begin() as session:
        row = mail.claim(session, number, settings.mail_from.rpartition("@")[2].rstrip(">"))
        if row is None:
            return None
        if row.address:
            return compose(session, settings, row, row.address)
        account = session.get(Account, row.person_id) if row.person_id else None
        if account is None or not account.email or not may_sign_in(account):
            mail.fail(row, "This person has no e-mail address, or may not sign in.", for_good=True)
            return None
        if row.kind == mail.PLAN:
            plan = compose_plan(
                session, settings, row, account.email, load_secret_key(settings.home, settings.secret_key)
            )
            if plan is None:  # it stays, so that no other one is queued this week
                mail.fail(row, "Nothing is worth telling any more.", for_good=True)
            return plan
        if row.kind != mail.NEWS:
            return compose(session, settings, row, account.email)
        message = compose_news(
            session, settings, row, account.email, load_secret_key(settings.home, settings.secret_key)
        )
        if message is None:  # what it would have told was read meanwhile, is not wanted, or may not be read any more
            session.delete(row)
        return message
