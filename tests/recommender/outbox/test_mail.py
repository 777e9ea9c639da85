"""outbox/mail.py: what waits, when it is tried again, and what becomes of it."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session, sessionmaker

from recommender.database.account_tables import OutgoingMail
from recommender.database.tables import utc_now
from recommender.outbox import mail


@pytest.fixture
def session(sessions: sessionmaker[Session]) -> Iterator[Session]:
    with sessions() as opened:
        yield opened


@pytest.fixture
def row(session: Session, add_person: Callable[..., int]) -> OutgoingMail:
    """A mail that waits."""
    mail.queue(session, add_person("aino"), mail.PASSWORD_LINK, "fi")
    session.flush()
    return session.query(OutgoingMail).one()


def test_a_queued_mail_is_due_at_once_and_not_again_once_it_was_sent(session: Session, row: OutgoingMail) -> None:
    assert mail.is_anything_due(session) and mail.due(session) == [row.id]
    mail.succeed(row)
    assert not mail.is_anything_due(session) and mail.due(session) == []


def test_a_mail_that_fails_waits_longer_each_time_and_is_given_up_after_two_hours(
    session: Session, row: OutgoingMail
) -> None:
    waited = timedelta(0)
    while row.state == mail.WAITING:
        before = utc_now()
        mail.fail(row, "The mail server cannot be used.")
        waited += row.next_attempt_at - before
        assert mail.due(session) == []
    assert (row.state, row.attempts, row.problem) == ("failed", 8, "The mail server cannot be used.")
    assert timedelta(hours=1) < waited < timedelta(hours=3)


def test_a_mail_that_can_never_be_sent_is_not_tried_again(session: Session, row: OutgoingMail) -> None:
    mail.fail(row, "The mail server refuses the address.", for_good=True)
    assert (row.state, row.attempts) == ("failed", 1)


def test_mail_to_nobody_and_old_mail_is_deleted(session: Session, row: OutgoingMail) -> None:
    mail.succeed(row)
    row.created_at -= timedelta(days=31)
    mail.queue(session, None, mail.PASSWORD_LINK, "fi")
    session.flush()
    assert mail.is_anything_due(session)
    assert mail.due(session) == [] and session.query(OutgoingMail).count() == 0
