"""accounts.py: who may sign in, how long sessions and tokens are valid, and that secrets are stored only as digests."""

import hashlib
from collections.abc import Callable, Iterator
from datetime import date, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from recommender import accounts
from recommender.database.tables import Account, APIToken, Person, utc_now
from recommender.errors import AccountError
from recommender.settings import Settings

PASSWORD = "Correct-horse 9"


@pytest.fixture
def session(sessions: sessionmaker[Session]) -> Iterator[Session]:
    with sessions() as opened:
        yield opened


@pytest.fixture
def aino(session: Session, add_person: Callable[..., int]) -> Person:
    """A person who may sign in with PASSWORD."""
    person = session.get_one(Person, add_person("aino"))
    accounts.set_password(session, person, PASSWORD)
    session.commit()
    return person


def _identity(session: Session, person: Person) -> str:
    return f"{person.id}:{session.get_one(Account, person.id).session_key}"


def _today() -> date:
    return utc_now().date()


# signing in


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
    aino.left_on = _today() + timedelta(days=days)
    ways = (
        accounts.sign_in(session, "aino", PASSWORD),
        accounts.account_by_session(session, _identity(session, aino)),
        accounts.account_by_subject(session, "idp|1"),
        accounts.token_of(session, token, _today()),
    )
    assert [result is not None for result in ways] == [may] * 4


def test_an_over_long_password_does_not_sign_in(session: Session, aino: Person) -> None:
    assert accounts.sign_in(session, "aino", PASSWORD * 100_000) is None
    accounts.set_password(session, aino, "x" * 1_000)
    assert accounts.sign_in(session, "aino", "x" * 1_000) is not None


def test_the_longest_password_with_another_character_does_not_sign_in(session: Session, aino: Person) -> None:
    accounts.set_password(session, aino, "x" * 1_000)
    assert accounts.sign_in(session, "aino", "x" * 1_001) is None


# sessions


def test_a_session_identity_finds_its_account(session: Session, aino: Person) -> None:
    result = accounts.account_by_session(session, _identity(session, aino))
    assert result is not None and result.person is aino


def test_a_new_password_ends_earlier_sessions(session: Session, aino: Person) -> None:
    before = _identity(session, aino)
    accounts.set_password(session, aino, "Another horse 7")
    assert accounts.account_by_session(session, before) is None
    assert accounts.account_by_session(session, _identity(session, aino)) is not None
    assert accounts.sign_in(session, "aino", PASSWORD) is None


def test_disabling_an_account_ends_every_session_permanently(session: Session, aino: Person) -> None:
    before = _identity(session, aino)
    accounts.disable(session, aino)
    assert accounts.account_by_session(session, before) is None
    assert accounts.account_by_session(session, _identity(session, aino)) is None
    accounts.enable(session, aino)
    assert accounts.account_by_session(session, before) is None
    assert accounts.account_by_session(session, _identity(session, aino)) is not None


def test_an_invalid_identity_finds_no_account(session: Session, aino: Person) -> None:
    number, _, key = _identity(session, aino).partition(":")
    garbage = [
        "",
        "x",
        ":",
        number,
        f"{number}:",
        "99:abc",
        f"99:{key}",
        f":{key}",
        f"-{number}:{key}",
        f"x{number}:{key}",
    ]
    garbage += [
        f"{number}:{key}x",
        f"{number}:ä",
        f"{number}:{key}ä",
        f"{key}:{number}",
        f"{number}::{key}",
        f"1.0:{key}",
    ]
    result = {identity: accounts.account_by_session(session, identity) for identity in garbage}
    assert result == dict.fromkeys(garbage)


@pytest.mark.parametrize("identity", ["²:abc", "9" * 30 + ":abc", "9" * 5_000 + ":abc", "{id}:\ud800"])
def test_an_identity_with_an_impossible_number_or_key_finds_no_account(
    session: Session, aino: Person, identity: str
) -> None:
    assert accounts.account_by_session(session, identity.format(id=aino.id)) is None


def test_the_key_of_another_person_does_not_open_an_account(
    session: Session, aino: Person, add_person: Callable[..., int]
) -> None:
    other = session.get_one(Person, add_person("matti"))
    key = accounts.open_account(session, other).session_key
    assert accounts.account_by_session(session, f"{aino.id}:{key}") is None


def test_an_account_is_made_once_and_keeps_its_key(session: Session, aino: Person) -> None:
    before = _identity(session, aino)
    assert accounts.open_account(session, aino) is accounts.open_account(session, aino)
    assert _identity(session, aino) == before


# passwords


@pytest.mark.parametrize("length", [10, 1_000])
def test_the_shortest_and_the_longest_password_can_be_used(session: Session, aino: Person, length: int) -> None:
    accounts.set_password(session, aino, "ä" * length)
    assert accounts.sign_in(session, "aino", "ä" * length) is not None


@pytest.mark.parametrize(
    ("length", "sentence"),
    [(0, "at least 10 characters"), (9, "at least 10 characters"), (1_001, "at most 1000 characters")],
)
def test_a_password_too_short_or_too_long_is_refused_and_the_old_one_stays(
    session: Session, aino: Person, length: int, sentence: str
) -> None:
    before = _identity(session, aino)
    with pytest.raises(AccountError, match=sentence):
        accounts.set_password(session, aino, "x" * length)
    assert accounts.sign_in(session, "aino", PASSWORD) is not None
    assert _identity(session, aino) == before


def test_a_refused_first_password_opens_no_account(session: Session, add_person: Callable[..., int]) -> None:
    with pytest.raises(AccountError):
        accounts.set_password(session, session.get_one(Person, add_person("aino")), "short")
    assert session.query(Account).count() == 0


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


# tokens


def test_a_token_finds_its_person_and_is_stored_as_a_digest(session: Session, aino: Person) -> None:
    token = accounts.make_token(session, aino, "night job", ["read"])
    row = accounts.token_of(session, token, _today())
    assert row is not None and row.person is aino
    assert (row.name, row.scopes, row.expires_on) == ("night job", ["read"], None)
    assert token.startswith("kollega_") and row.digest == hashlib.sha256(token.encode()).hexdigest()


def test_a_token_s_scopes_are_sorted_and_without_repetition(session: Session, aino: Person) -> None:
    row = accounts.token_of(session, accounts.make_token(session, aino, "t", ["write", "read", "write"]), _today())
    assert row is not None and row.scopes == ["read", "write"]


@pytest.mark.parametrize(
    ("scopes", "named"), [(["admin"], "admin"), (["sudo", "read", "all"], "all, sudo"), ([], "none")]
)
def test_a_token_with_unknown_or_no_scopes_is_refused(
    session: Session, aino: Person, scopes: list[str], named: str
) -> None:
    with pytest.raises(AccountError, match=f"Scopes are read and write, not {named}\\."):
        accounts.make_token(session, aino, "t", scopes)
    assert session.query(APIToken).count() == 0


def test_a_token_can_be_used_on_its_last_day(session: Session, aino: Person) -> None:
    token = accounts.make_token(session, aino, "t", ["read"], days=3)
    last = _today() + timedelta(days=3)
    assert accounts.token_of(session, token, last) is not None
    assert accounts.token_of(session, token, last + timedelta(days=1)) is None


def test_a_token_without_an_expiry_date_never_expires(session: Session, aino: Person) -> None:
    token = accounts.make_token(session, aino, "t", ["read"])
    assert accounts.token_of(session, token, date.max) is not None


def test_a_token_of_zero_days_is_expired_tomorrow(session: Session, aino: Person) -> None:
    token = accounts.make_token(session, aino, "t", ["read"], days=0)
    assert accounts.token_of(session, token, _today() + timedelta(days=1)) is None


def test_an_invalid_token_finds_nobody(session: Session, aino: Person) -> None:
    token = accounts.make_token(session, aino, "t", ["read"])
    digest = session.scalars(select(APIToken.digest)).one()
    garbage = ["", "kollega_", f"{token} ", f"{token}x", token.removeprefix("kollega_"), digest, "ä", "\ud800", "\0"]
    assert {bearer: accounts.token_of(session, bearer, _today()) for bearer in garbage} == dict.fromkeys(garbage)


def test_disabling_an_account_deletes_its_tokens_and_no_others(
    session: Session, aino: Person, add_person: Callable[..., int]
) -> None:
    matti = session.get_one(Person, add_person("matti"))
    hers = [accounts.make_token(session, aino, name, ["read"]) for name in ("a", "b")]
    his = accounts.make_token(session, matti, "c", ["read"])
    accounts.disable(session, aino)
    accounts.enable(session, aino)
    assert [accounts.token_of(session, token, _today()) for token in hers] == [None, None]
    assert [row.name for row in session.scalars(select(APIToken))] == ["c"]
    assert accounts.token_of(session, his, _today()) is not None


def test_a_token_of_a_disabled_account_works_only_after_enabling(session: Session, aino: Person) -> None:
    accounts.disable(session, aino)
    token = accounts.make_token(session, aino, "t", ["read"])
    assert accounts.token_of(session, token, _today()) is None
    accounts.enable(session, aino)
    assert accounts.token_of(session, token, _today()) is not None


def test_making_a_token_makes_an_account_without_a_password(session: Session, add_person: Callable[..., int]) -> None:
    person = session.get_one(Person, add_person("robot"))
    token = accounts.make_token(session, person, "t", ["read"])
    assert accounts.token_of(session, token, _today()) is not None
    assert session.get_one(Account, person.id).password_hash is None


# identity providers


def test_a_subject_finds_its_account_until_it_is_disabled(session: Session, aino: Person) -> None:
    session.get_one(Account, aino.id).subject = "idp|1"
    result = accounts.account_by_subject(session, "idp|1")
    assert result is not None and result.person is aino
    accounts.disable(session, aino)
    assert accounts.account_by_subject(session, "idp|1") is None


def test_an_account_without_a_subject_is_not_found_by_any(session: Session, aino: Person) -> None:
    assert [accounts.account_by_subject(session, subject) for subject in ("", "None", "idp|1", "aino")] == [None] * 4
