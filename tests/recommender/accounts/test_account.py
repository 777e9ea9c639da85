"""account.py: disabled accounts, identity providers, e-mail addresses."""

from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session

from recommender import accounts, audit
from recommender.accounts import account
from recommender.database.account_tables import Account
from recommender.database.tables import Person
from recommender.errors import AccountError
from recommender.outbox import mail


def test_a_subject_finds_its_account_until_it_is_disabled(session: Session, aino: Person) -> None:
    session.get_one(Account, aino.id).subject = "idp|1"
    result = accounts.account_by_subject(session, "idp|1")
    assert result is not None and result.person is aino
    accounts.disable(session, aino)
    assert accounts.account_by_subject(session, "idp|1") is None


def test_an_account_without_a_subject_is_not_found_by_any(session: Session, aino: Person) -> None:
    assert [accounts.account_by_subject(session, subject) for subject in ("", "None", "idp|1", "aino")] == [None] * 4


@pytest.mark.parametrize("email", ["aino", "aino@", "@example.org", "a b@example.org", "a@b", "a@x.org\nBcc: b@x.org"])
def test_what_is_no_address_is_refused(session: Session, aino: Person, email: str) -> None:
    with pytest.raises(AccountError, match="is not an e-mail address"):
        accounts.set_email(session, aino, email)
    assert session.get_one(Account, aino.id).email is None


def test_an_address_belongs_to_one_person_and_can_be_removed(
    session: Session, aino: Person, add_person: Callable[..., int]
) -> None:
    matti = session.get_one(Person, add_person("matti"))
    assert accounts.set_email(session, aino, " Aino@Example.org ").email == "aino@example.org"
    with pytest.raises(AccountError, match="already the address of aino"):
        accounts.set_email(session, matti, "aino@example.org")
    assert accounts.set_email(session, aino, "").email is None
    accounts.set_email(session, matti, "aino@example.org")


def test_another_address_is_marked_and_the_one_before_is_told(session: Session, aino: Person) -> None:
    accounts.set_email(session, aino, "aino@example.org", by=aino.id, tell="fi")
    accounts.set_email(session, aino, "aino@example.org", tell="fi")  # changes nothing
    assert mail.latest(session) == []
    accounts.set_email(session, aino, "evil@example.com", tell="fi")
    accounts.set_email(session, aino, "", tell="fi")
    accounts.set_email(session, aino, "b@example.org")
    told = [(row.kind, row.address, row.language) for row in mail.latest(session)]
    assert told == [("address_changed", "evil@example.com", "fi"), ("address_changed", "aino@example.org", "fi")]
    entries = audit.entries(session, action="account.email", subject=f"person:{aino.id}")
    assert [entry.details for entry in entries] == [
        {"set": True}, {"set": True}, {"set": True, "widened": True}, {"set": False}, {"set": True, "widened": True},
    ]  # fmt: skip


@pytest.mark.parametrize("typed", ["aino", " aino ", "aino@example.org", "AINO@example.org "])
def test_a_person_to_write_to_is_found_by_name_or_address(session: Session, aino: Person, typed: str) -> None:
    assert account.find_by_name_or_email(session, typed) is None  # no address yet
    accounts.set_email(session, aino, "aino@example.org")
    session.flush()
    assert account.find_by_name_or_email(session, typed) == aino.id
    accounts.disable(session, aino)
    session.flush()
    assert account.find_by_name_or_email(session, typed) is None


def test_disabling_and_enabling_are_in_the_audit_log(session: Session, aino: Person) -> None:
    accounts.disable(session, aino)
    accounts.enable(session, aino)
    accounts.enable(session, aino)  # changes nothing
    actions = [entry.action for entry in audit.entries(session, subject=f"person:{aino.id}")]
    assert actions == ["account.password", "account.disabled", "account.enabled"]
