"""password_links.py: a link to a new password works once, for an hour, and is stored as a digest."""

from datetime import timedelta

from sqlalchemy.orm import Session

from recommender import accounts
from recommender.accounts import password_links
from recommender.database.account_tables import PasswordLink
from recommender.database.tables import Person, utc_now


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


def test_a_link_ends_after_an_hour_and_with_the_account(session: Session, aino: Person) -> None:
    secret = password_links.make(session, aino.id)
    row = session.query(PasswordLink).one()
    assert secret not in row.digest and utc_now() < row.expires_at <= utc_now() + timedelta(hours=1)
    accounts.disable(session, aino)
    assert password_links.person_of(session, secret) is None
    accounts.enable(session, aino)
    assert password_links.person_of(session, secret) is aino
    row.expires_at = utc_now() - timedelta(seconds=1)
    assert password_links.person_of(session, secret) is None


def test_what_is_no_link_finds_nobody(session: Session, aino: Person) -> None:
    password_links.make(session, aino.id)
    for guess in ("", "x", session.query(PasswordLink).one().digest, "\ud800", "\0"):
        assert password_links.person_of(session, guess) is None
