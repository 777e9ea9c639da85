"""passwords.py: who may sign in, which passwords can be used, how they are stored."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta

import pytest
from argon2 import PasswordHasher
from sqlalchemy.orm import Session, sessionmaker

from recommender import accounts
from recommender.accounts import passwords, sessions
from recommender.database.account_tables import Account
from recommender.database.tables import Person, utc_now
from recommender.errors import AccountError, TooBusy, UnusablePassword
from recommender.settings import Settings
from tests import timing
from tests.recommender.accounts.conftest import PASSWORD

LONG = "vihreä polkupyörä hyppää laiturilta " * 28  # of more than a thousand characters


@pytest.mark.parametrize("name", ["aino", " aino", "aino \t"])
def test_a_name_and_its_password_sign_in(session: Session, aino: Person, name: str) -> None:
    account = accounts.sign_in(session, name, PASSWORD)
    assert account is not None and account.person is aino


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("aino", "Correct-horse 8"),
        ("aino", PASSWORD.upper()),
        ("aino", PASSWORD + " "),
        ("aino", PASSWORD[:-1]),
        ("aino", ""),
        ("nobody", PASSWORD),
        ("AINO", PASSWORD),
        ("ai no", PASSWORD),
        ("", PASSWORD),
    ],
)
def test_a_wrong_password_or_an_unknown_name_does_not_sign_in(
    session: Session, aino: Person, name: str, password: str
) -> None:
    assert accounts.sign_in(session, name, password) is None


def test_a_person_without_a_password_cannot_sign_in_with_any(session: Session, add_person: Callable[..., int]) -> None:
    accounts.open_account(session, session.get_one(Person, add_person("aino")))
    assert accounts.sign_in(session, "aino", "") is None
    assert accounts.sign_in(session, "aino", PASSWORD) is None


def test_a_disabled_person_signs_in_again_only_once_enabled(session: Session, aino: Person) -> None:
    accounts.disable(session, aino)
    assert accounts.sign_in(session, "aino", PASSWORD) is None
    accounts.enable(session, aino)
    assert accounts.sign_in(session, "aino", PASSWORD) is not None


@pytest.mark.parametrize(("days", "may"), [(-1, False), (0, False), (1, True)])
def test_a_person_cannot_sign_in_from_the_day_they_left(session: Session, aino: Person, days: int, may: bool) -> None:
    session.get_one(Account, aino.id).subject = "idp|1"
    token = accounts.make_token(session, aino, "API", ["read"])
    _row, identity = sessions.begin(session, aino, sessions.PASSWORD, days=1)
    aino.left_on = utc_now().date() + timedelta(days=days)
    ways = (
        accounts.sign_in(session, "aino", PASSWORD),
        sessions.find(session, identity, idle_days=7),
        accounts.account_by_subject(session, "idp|1"),
        accounts.token_of(session, token, utc_now().date()),
    )
    assert [result is not None for result in ways] == [may] * 4


def test_an_over_long_password_does_not_sign_in(session: Session, aino: Person) -> None:
    assert accounts.sign_in(session, "aino", PASSWORD * 100_000) is None
    accounts.set_password(session, aino, LONG[:1_000])
    assert accounts.sign_in(session, "aino", LONG[:1_000]) is not None


def test_the_longest_password_with_another_character_does_not_sign_in(session: Session, aino: Person) -> None:
    accounts.set_password(session, aino, LONG[:1_000])
    assert accounts.sign_in(session, "aino", LONG[:1_001]) is None


@pytest.mark.parametrize("length", [12, 1_000])
def test_the_shortest_and_the_longest_password_can_be_used(session: Session, aino: Person, length: int) -> None:
    accounts.set_password(session, aino, LONG[:length])
    assert accounts.sign_in(session, "aino", LONG[:length]) is not None


@pytest.mark.parametrize(
    ("length", "sentence"),
    [(0, "at least 10 characters"), (9, "at least 10 characters"), (1_001, "at most 1000 characters")],
)
def test_a_password_too_short_or_too_long_is_refused_and_the_old_one_stays(
    session: Session, aino: Person, length: int, sentence: str
) -> None:
    _row, before = sessions.begin(session, aino, sessions.PASSWORD, days=1)
    with pytest.raises(AccountError, match=sentence):
        accounts.set_password(session, aino, LONG[:length])
    assert accounts.sign_in(session, "aino", PASSWORD) is not None
    assert sessions.find(session, before, idle_days=7) is not None


def test_a_refused_first_password_opens_no_account(session: Session, add_person: Callable[..., int]) -> None:
    with pytest.raises(AccountError):
        accounts.set_password(session, session.get_one(Person, add_person("aino")), "short")
    assert session.query(Account).count() == 0


@pytest.mark.sqlite_only
def test_neither_a_password_nor_a_token_is_anywhere_in_the_database(
    settings: Settings, session: Session, aino: Person
) -> None:
    token = accounts.make_token(session, aino, "night job", ["read"])
    session.commit()
    content = b"".join(path.read_bytes() for path in settings.home.glob("kollega.db*"))
    assert b"night job" in content and b"$argon2id$" in content
    assert PASSWORD.encode() not in content
    assert token.encode() not in content and token.removeprefix("kollega_").encode() not in content


def test_a_password_is_stored_as_argon2_with_its_own_salt(session: Session, aino: Person) -> None:
    first = session.get_one(Account, aino.id).password_hash
    second = accounts.set_password(session, aino, PASSWORD).password_hash
    assert first is not None and second is not None
    assert first.startswith("$argon2id$") and second.startswith("$argon2id$")
    assert first != second


# passwords that are easy to guess


@pytest.mark.parametrize(
    "password",
    [
        "aaaaaaaaaa", "kollega123", "aino.virtanen", "Aino Virtanen1", "ainovirtanen", "Virtanen2026", "salasana12",
        "qwertyuiop", "0123456789", "Syyskuu2026", "Helsinki2026", "esimerkki123", "ä" * 40,
    ],
)  # fmt: skip
def test_a_password_that_is_easy_to_guess_is_refused(session: Session, aino: Person, password: str) -> None:
    aino.handle, aino.name = "aino.virtanen", "Aino Virtanen"
    with pytest.raises(UnusablePassword, match="easy to guess") as raised:
        accounts.set_password(session, aino, password, words=["esimerkki"])
    assert raised.value.reason == "easy"


@pytest.mark.parametrize(
    "password", ["hernekeitto torstai 7", "Correct-horse 9", "t7#Kq2!mZw", "neljä sanaa vailla syytä"]
)
def test_a_password_that_is_hard_to_guess_is_accepted(session: Session, aino: Person, password: str) -> None:
    accounts.set_password(session, aino, password)
    assert accounts.sign_in(session, "aino", password) is not None


# what a new password ends


def test_a_new_password_ends_sessions_and_tokens_unless_they_are_to_stay(session: Session, aino: Person) -> None:
    token = accounts.make_token(session, aino, "t", ["read"])
    kept, first = sessions.begin(session, aino, sessions.PASSWORD, days=1)
    _row, second = sessions.begin(session, aino, sessions.PASSWORD, days=1)
    accounts.set_password(session, aino, "Another horse 7", keep_tokens=True, keep_session=kept.id)
    found = [sessions.find(session, identity, idle_days=7) is not None for identity in (first, second)]
    assert found == [True, False] and accounts.token_of(session, token, utc_now().date()) is not None
    accounts.set_password(session, aino, "Another horse 8")
    assert sessions.find(session, first, idle_days=7) is None
    assert accounts.token_of(session, token, utc_now().date()) is None
    assert accounts.sign_in(session, "aino", PASSWORD) is None


# how they are computed


def test_a_hash_with_other_parameters_is_replaced_at_the_next_sign_in(session: Session, aino: Person) -> None:
    account = session.get_one(Account, aino.id)
    account.password_hash = PasswordHasher(time_cost=2, memory_cost=16, parallelism=1).hash(PASSWORD)
    assert accounts.sign_in(session, "aino", "wrong password") is None
    assert account.password_hash is not None and "m=16,t=2" in account.password_hash
    assert accounts.sign_in(session, "aino", PASSWORD) is account
    assert "m=8,t=1" in account.password_hash  # what the hasher of the tests makes
    assert accounts.sign_in(session, "aino", PASSWORD) is account


def test_only_a_few_hashes_are_computed_at_the_same_time(
    sessions: sessionmaker[Session], aino: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    running, most, lock = 0, 0, threading.Lock()

    def slow_verify(_known: str | None, _password: str) -> bool:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.02)
        with lock:
            running -= 1
        return False

    def attempt(_: int) -> bool:
        try:
            return passwords.matches(None, "x")
        except TooBusy:
            return True

    monkeypatch.setattr(passwords, "_verified", slow_verify)
    with ThreadPoolExecutor(12) as pool:
        refused = list(pool.map(attempt, range(24)))
    assert most == passwords.AT_ONCE and 0 < refused.count(False) < 24


def test_one_waits_for_its_turn_and_all_others_are_sent_away_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "LONGEST_WAIT", 2 * timing.LONG)
    with ExitStack() as turns, ThreadPoolExecutor(6) as pool:
        for _ in range(passwords.AT_ONCE):
            turns.enter_context(passwords._turns)
        attempts = [pool.submit(passwords.matches, None, "x") for _ in range(6)]
        until = time.monotonic() + timing.LONG
        while sum(each.done() for each in attempts) < 5 and time.monotonic() < until:
            time.sleep(0.01)
        waiting = [each for each in attempts if not each.done()]
        assert len(waiting) == 1
        assert all(isinstance(each.exception(), TooBusy) for each in attempts if each not in waiting)
        turns.close()
        assert waiting[0].result(timeout=timing.LONG) is False


def test_whoever_would_wait_too_long_for_their_turn_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "LONGEST_WAIT", 0.01)
    for _ in range(passwords.AT_ONCE):
        assert passwords._turns.acquire(timeout=timing.LONG)
    try:
        with pytest.raises(TooBusy, match="Try again in a few seconds"):
            passwords.matches(None, "x")
    finally:
        for _ in range(passwords.AT_ONCE):
            passwords._turns.release()


# what counts as one name


@pytest.mark.parametrize("typed", ["aino", "  aino", "aino\t", "\u2003aino\u3000", "AINO", "ａｉｎｏ", " A\u0049NO "])
def test_ways_to_write_a_name_count_as_one_name(session: Session, aino: Person, typed: str) -> None:
    assert accounts.name_key(accounts.find(session, typed), typed) == "aino"
    assert accounts.name_key(None, typed) == "aino"  # also when nobody has this name, or the answer would tell
