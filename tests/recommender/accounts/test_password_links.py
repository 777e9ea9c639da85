"""password_links.py: a link to a new password works once, for an hour, and is stored as a digest."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from recommender import accounts
from recommender.accounts import password_links
from recommender.database.account_tables import OutgoingMail, PasswordLink
from recommender.database.tables import Person, utc_now
from recommender.errors import Conflict
from recommender.outbox import mail


def test_a_link_works_once(session: Session, aino: Person) -> None:
    secret = password_links.make(session, aino.id)
    assert password_links.person_of(session, secret) is aino
    assert password_links.use(session, secret)
    assert not password_links.use(session, secret)
    assert password_links.person_of(session, secret) is None


def test_a_newer_link_replaces_the_earlier_one(session: Session, aino: Person) -> None:
    first, second = password_links.make(session, aino.id), password_links.make(session, aino.id)
    assert password_links.person_of(session, first) is None
    assert password_links.person_of(session, second) is aino


def test_a_link_ends_after_an_hour(session: Session, aino: Person) -> None:
    secret = password_links.make(session, aino.id)
    row = session.query(PasswordLink).one()
    assert secret not in row.digest and utc_now() < row.expires_at <= utc_now() + timedelta(hours=1)
    row.expires_at = utc_now() - timedelta(seconds=1)
    assert password_links.person_of(session, secret) is None


def _disable_and_enable(session: Session, person: Person) -> None:
    accounts.disable(session, person)
    accounts.enable(session, person)


@pytest.mark.parametrize(
    "change",
    [
        lambda session, person: accounts.set_password(session, person, "violet tractor sings at noon"),
        lambda session, person: accounts.set_email(session, person, "new@example.org"),
        lambda session, person: accounts.set_email(session, person, ""),
        _disable_and_enable,
    ],
    ids=["new password", "new address", "no address", "disabled and enabled"],
)
def test_links_and_those_whose_mail_still_waits_end_with_what_they_were_made_for(
    session: Session, aino: Person, change: Callable[[Session, Person], object]
) -> None:
    accounts.set_email(session, aino, "old@example.org")
    secret = password_links.make(session, aino.id)
    mail.queue(session, aino.id, mail.PASSWORD_LINK, "en")
    mail.queue(session, aino.id, mail.PASSWORD_CHANGED, "en")
    change(session, aino)
    assert password_links.person_of(session, secret) is None
    states = {row.kind: row.state for row in session.query(OutgoingMail)}
    assert states == {mail.PASSWORD_LINK: mail.FAILED, mail.PASSWORD_CHANGED: mail.WAITING}


def test_of_two_browsers_that_use_a_link_at_once_one_sets_the_password(session: Session, aino: Person) -> None:
    secret = password_links.make(session, aino.id)
    accounts.set_password(session, aino, "violet tractor sings at noon", link=secret)
    with pytest.raises(Conflict):
        accounts.set_password(session, aino, "another horse battery", link=secret)


def test_what_is_no_link_finds_nobody(session: Session, aino: Person) -> None:
    password_links.make(session, aino.id)
    for guess in ("", "x", session.query(PasswordLink).one().digest, "\ud800", "\0"):
        assert password_links.person_of(session, guess) is None
