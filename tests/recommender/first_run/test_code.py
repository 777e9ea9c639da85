"""The code with which a new installation is set up."""

from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy.orm import Session

from recommender import accounts
from recommender.database.tables import Person
from recommender.errors import SetUpRefused
from recommender.first_run import code
from recommender.settings import Settings


def _printed(session: Session, settings: Settings) -> str:
    printed = code.code_to_print(session, settings)
    assert printed is not None
    return printed


def test_processes_of_one_home_print_the_same_code_and_only_its_owner_can_read_it(
    session: Session, settings: Settings
) -> None:
    printed = _printed(session, settings)
    assert _printed(session, settings) == printed
    assert (settings.home / "set_up_code").stat().st_mode & 0o777 == 0o600
    assert code.is_valid(session, code.check(session, f" {printed.lower().replace('-', ' ')} "))


def test_another_home_of_the_same_database_prints_a_newer_code_that_ends_the_old_one(
    session: Session, settings: Settings
) -> None:
    old = _printed(session, settings)
    digest = code.check(session, old)
    new = _printed(session, replace(settings, home=settings.home / "other"))
    assert new != old
    with pytest.raises(SetUpRefused) as refused:
        code.check(session, old)
    assert refused.value.reason == "wrong" and not code.is_valid(session, digest)
    assert code.check(session, new)


def test_wrong_codes_do_not_end_the_right_one_and_the_next_start_makes_another(
    session: Session, settings: Settings
) -> None:
    printed = _printed(session, settings)
    for _try in range(code.MOST_FAILURES):
        with pytest.raises(SetUpRefused) as refused:
            code.check(session, "AAAA-BBBB-CCCC")
        assert refused.value.reason == "wrong"
    assert code.is_valid(session, code.check(session, printed))
    again = _printed(session, settings)
    assert again != printed and code.check(session, again)


def test_a_code_is_used_once(session: Session, settings: Settings) -> None:
    digest = code.check(session, _printed(session, settings))
    code.use_up(session, digest)
    assert not code.is_valid(session, digest)
    code.end(session, settings)
    for attempt in (lambda: code.use_up(session, digest), lambda: code.check(session, "x")):
        with pytest.raises(SetUpRefused) as refused:
            attempt()
        assert refused.value.reason == "none"


def test_it_is_needed_until_an_admin_can_sign_in(session: Session, settings: Settings) -> None:
    person = Person(handle="aino", name="Aino", role="staff", languages=[])
    session.add(person)
    session.flush()
    proxied = replace(settings, proxy_header="X-User")
    account = accounts.open_account(session, person)
    assert code.nobody_can_sign_in(session, settings)  # no password yet
    assert not code.nobody_can_sign_in(session, proxied)  # the proxy knows her
    account.email = "aino@example.org"
    assert not code.nobody_can_sign_in(session, settings)
    assert code.is_needed(session, settings) and code.is_needed(session, proxied)  # she is no admin
    person.role = "admin"
    assert not code.is_needed(session, settings) and not code.is_needed(session, proxied)
    person.left_on = date(2020, 1, 1)
    assert code.is_needed(session, settings) and code.is_needed(session, proxied)
    assert code.nobody_can_sign_in(session, settings)


def test_nothing_is_printed_once_it_is_set_up(session: Session, settings: Settings) -> None:
    _printed(session, settings)
    person = Person(handle="aino", name="Aino", role="admin", languages=[])
    session.add(person)
    accounts.open_account(session, person).email = "aino@example.org"
    session.flush()
    assert code.code_to_print(session, settings) is None
    assert not (settings.home / "set_up_code").exists()
