"""tokens.py: bearer tokens are digests, expire, and can be listed and revoked."""

import hashlib
from collections.abc import Callable
from datetime import date, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from recommender import accounts, audit
from recommender.accounts import tokens
from recommender.database.account_tables import Account, APIToken
from recommender.database.tables import Person, utc_now
from recommender.errors import AccountError


def test_a_token_finds_its_person_and_is_stored_as_a_digest(session: Session, aino: Person) -> None:
    token = accounts.make_token(session, aino, "night job", ["read"])
    row = accounts.token_of(session, token, utc_now().date())
    assert row is not None and row.person is aino
    assert (row.name, row.scopes, row.expires_on) == ("night job", ["read"], None)
    assert token.startswith("kollega_") and row.digest == hashlib.sha256(token.encode()).hexdigest()


def test_a_token_s_scopes_are_sorted_and_without_repetition(session: Session, aino: Person) -> None:
    row = accounts.token_of(
        session, accounts.make_token(session, aino, "t", ["write", "read", "write"]), utc_now().date()
    )
    assert row is not None and row.scopes == ["read", "write"]


@pytest.mark.parametrize(
    ("scopes", "named"), [(["admin"], "admin"), (["sudo", "read", "all"], "all, sudo"), ([], "none")]
)
def test_a_token_with_unknown_or_no_scopes_is_refused(
    session: Session, aino: Person, scopes: list[str], named: str
) -> None:
    with pytest.raises(AccountError, match=f"Scopes are read, write, load, scim, not {named}\\."):
        accounts.make_token(session, aino, "t", scopes)
    assert session.query(APIToken).count() == 0


def test_a_token_can_be_used_on_its_last_day(session: Session, aino: Person) -> None:
    token = accounts.make_token(session, aino, "t", ["read"], days=3)
    last = utc_now().date() + timedelta(days=3)
    assert accounts.token_of(session, token, last) is not None
    assert accounts.token_of(session, token, last + timedelta(days=1)) is None


def test_a_token_without_an_expiry_date_never_expires(session: Session, aino: Person) -> None:
    token = accounts.make_token(session, aino, "t", ["read"])
    assert accounts.token_of(session, token, date.max) is not None


def test_a_token_of_zero_days_is_expired_tomorrow(session: Session, aino: Person) -> None:
    token = accounts.make_token(session, aino, "t", ["read"], days=0)
    assert accounts.token_of(session, token, utc_now().date() + timedelta(days=1)) is None


def test_an_invalid_token_finds_nobody(session: Session, aino: Person) -> None:
    token = accounts.make_token(session, aino, "t", ["read"])
    digest = session.scalars(select(APIToken.digest)).one()
    garbage = ["", "kollega_", f"{token} ", f"{token}x", token.removeprefix("kollega_"), digest, "ä", "\ud800", "\0"]
    assert {bearer: accounts.token_of(session, bearer, utc_now().date()) for bearer in garbage} == dict.fromkeys(
        garbage
    )


def test_disabling_an_account_deletes_its_tokens_and_no_others(
    session: Session, aino: Person, add_person: Callable[..., int]
) -> None:
    matti = session.get_one(Person, add_person("matti"))
    hers = [accounts.make_token(session, aino, name, ["read"]) for name in ("a", "b")]
    his = accounts.make_token(session, matti, "c", ["read"])
    accounts.disable(session, aino)
    accounts.enable(session, aino)
    assert [accounts.token_of(session, token, utc_now().date()) for token in hers] == [None, None]
    assert [row.name for row in session.scalars(select(APIToken))] == ["c"]
    assert accounts.token_of(session, his, utc_now().date()) is not None


def test_a_token_of_a_disabled_account_works_only_after_enabling(session: Session, aino: Person) -> None:
    accounts.disable(session, aino)
    token = accounts.make_token(session, aino, "t", ["read"])
    assert accounts.token_of(session, token, utc_now().date()) is None
    accounts.enable(session, aino)
    assert accounts.token_of(session, token, utc_now().date()) is not None


def test_making_a_token_makes_an_account_without_a_password(session: Session, add_person: Callable[..., int]) -> None:
    person = session.get_one(Person, add_person("robot"))
    token = accounts.make_token(session, person, "t", ["read"])
    assert accounts.token_of(session, token, utc_now().date()) is not None
    assert session.get_one(Account, person.id).password_hash is None


def test_tokens_are_listed_and_revoked_one_by_one(
    session: Session, aino: Person, add_person: Callable[..., int]
) -> None:
    matti = session.get_one(Person, add_person("matti"))
    hers = accounts.make_token(session, aino, "night job", ["read"], days=3)
    accounts.make_token(session, matti, "other", ["read"])
    (row,) = tokens.of(session, aino.id)
    assert [each.name for each in tokens.of(session)] == ["night job", "other"]
    assert tokens.revoke(session, row.id, matti.id) is None  # it is not his
    assert accounts.token_of(session, hers, utc_now().date()) is not None
    assert tokens.revoke(session, row.id, aino.id) == "night job"
    assert accounts.token_of(session, hers, utc_now().date()) is None
    assert tokens.revoke(session, row.id) is None


def test_making_and_revoking_a_token_is_in_the_audit_log_without_the_token(session: Session, aino: Person) -> None:
    token = accounts.make_token(session, aino, "night job", ["read"], days=3)
    (row,) = tokens.of(session)
    tokens.revoke(session, row.id, aino.id, by=aino.id)
    made, revoked = audit.entries(session, subject=f"token:{row.id}")
    assert (made.action, made.actor_id, made.details["person"]) == ("token.made", None, aino.id)
    assert (revoked.action, revoked.actor_id) == ("token.revoked", aino.id)
    assert token not in str(made.details) and row.digest not in str(made.details)
