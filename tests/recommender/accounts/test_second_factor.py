"""second_factor.py: codes of an authenticator app are accepted once, recovery codes once each."""

from collections.abc import Callable
from datetime import UTC, datetime

import pyotp
import pytest
from sqlalchemy.orm import Session, sessionmaker

from recommender import audit
from recommender.accounts import second_factor
from recommender.accounts import sessions as sign_in_sessions
from recommender.database.account_tables import RecoveryCode, SecondFactor
from recommender.database.tables import Person
from recommender.settings import Settings

KEY = "the secret key of a home"
NONCE = "5f4dcc3b5aa765d61d8327deb882cf99"
NOW = datetime(2026, 11, 28, 12, 0, 10, tzinfo=UTC).timestamp()


class Clock:
    """The time that the module sees, in seconds."""

    def __init__(self) -> None:
        self.now = NOW


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(second_factor, "_seconds", lambda: int(clock.now))
    return clock


@pytest.fixture
def app(session: Session, aino: Person, clock: Clock) -> pyotp.TOTP:
    """The authenticator app of aino, whose second factor is on since a minute."""
    nonce = second_factor.begin()
    app = pyotp.TOTP(second_factor.secret(aino.id, nonce, KEY))
    assert second_factor.confirm(session, aino, KEY, nonce, app.at(int(clock.now))) is not None
    clock.now += 60
    return app


def test_a_second_factor_counts_once_a_first_code_has_confirmed_it(
    session: Session, aino: Person, clock: Clock
) -> None:
    app = pyotp.TOTP(second_factor.secret(aino.id, NONCE, KEY))
    assert not second_factor.is_on(session, aino.id)
    assert not second_factor.check(session, aino.id, KEY, app.at(int(NOW)))
    assert second_factor.confirm(session, aino, KEY, NONCE, "000000") is None
    codes = second_factor.confirm(session, aino, KEY, NONCE, app.at(int(NOW)))
    assert codes is not None and len(set(codes)) == 10
    assert second_factor.is_on(session, aino.id)
    assert second_factor.confirm(session, aino, KEY, NONCE, app.at(int(NOW) + 30)) is None  # it is on already


def test_of_two_apps_that_are_set_up_at_once_the_first_one_confirmed_counts(
    session: Session, sessions: sessionmaker[Session], aino: Person, clock: Clock
) -> None:
    first, second = second_factor.begin(), second_factor.begin()
    codes = [pyotp.TOTP(second_factor.secret(aino.id, each, KEY)).at(int(NOW)) for each in (first, second)]
    assert second_factor.confirm(session, aino, KEY, first, codes[1]) is None  # a secret of its own each
    assert second_factor.confirm(session, aino, KEY, first, codes[0]) is not None
    session.commit()
    with sessions() as other:
        assert second_factor.confirm(other, other.get_one(Person, aino.id), KEY, second, codes[1]) is None
        assert second_factor.codes_left(other, aino.id) == 10
        assert second_factor.check(
            other, aino.id, KEY, pyotp.TOTP(second_factor.secret(aino.id, first, KEY)).at(int(NOW) + 30)
        )


def test_an_app_that_an_earlier_version_left_unconfirmed_is_replaced(
    session: Session, aino: Person, clock: Clock
) -> None:
    session.add(SecondFactor(person_id=aino.id, nonce="seen by others", last_step=0))
    session.flush()
    app = pyotp.TOTP(second_factor.secret(aino.id, NONCE, KEY))
    assert second_factor.confirm(session, aino, KEY, NONCE, app.at(int(NOW))) is not None
    assert session.get_one(SecondFactor, aino.id).nonce == NONCE and second_factor.is_on(session, aino.id)


def test_turning_it_on_ends_the_sessions_that_began_without_it(session: Session, aino: Person, clock: Clock) -> None:
    own, _ = sign_in_sessions.begin(session, aino, "password", days=1)
    _, identity = sign_in_sessions.begin(session, aino, "password", days=1)
    _, waiting = sign_in_sessions.begin(session, aino, "password", days=1, awaits=sign_in_sessions.SET_UP)
    code = pyotp.TOTP(second_factor.secret(aino.id, NONCE, KEY)).at(int(NOW))
    assert second_factor.confirm(session, aino, KEY, NONCE, code, keep_session=own.id)
    assert [sign_in_sessions.find(session, each, idle_days=7) for each in (identity, waiting)] == [None, None]
    assert sign_in_sessions.of(session, aino.id, idle_days=7) == [own]


@pytest.mark.parametrize(("seconds", "accepted"), [(-60, False), (-30, True), (0, True), (30, True), (60, False)])
def test_a_code_is_accepted_half_a_minute_early_or_late(
    session: Session, aino: Person, app: pyotp.TOTP, clock: Clock, seconds: int, accepted: bool
) -> None:
    clock.now += 300
    assert second_factor.check(session, aino.id, KEY, app.at(int(clock.now) + seconds)) is accepted


def test_no_code_is_accepted_twice_nor_one_that_is_older_than_the_last(
    session: Session, aino: Person, app: pyotp.TOTP, clock: Clock
) -> None:
    code, earlier = app.at(int(clock.now)), app.at(int(clock.now) - 30)
    assert second_factor.check(session, aino.id, KEY, f"{code[:3]} {code[3:]}")
    assert not second_factor.check(session, aino.id, KEY, code)
    assert not second_factor.check(session, aino.id, KEY, earlier)
    clock.now += 30
    assert second_factor.check(session, aino.id, KEY, app.at(int(clock.now)))


def test_of_two_browsers_that_send_the_same_code_at_once_one_is_accepted(
    session: Session, sessions: sessionmaker[Session], aino: Person, app: pyotp.TOTP, clock: Clock
) -> None:
    session.commit()
    code = app.at(int(clock.now))
    with sessions() as first, sessions() as second:
        assert first.get(SecondFactor, aino.id) and second.get(SecondFactor, aino.id)  # both have read the row
        accepted = second_factor.check(first, aino.id, KEY, code)
        first.commit()
        assert (accepted, second_factor.check(second, aino.id, KEY, code)) == (True, False)


@pytest.mark.parametrize("code", ["", "0", "x" * 1000, "١٢٣٤٥٦", "\ud800", "00000"])
def test_what_is_no_code_is_refused(session: Session, aino: Person, app: pyotp.TOTP, code: str) -> None:
    assert not second_factor.check(session, aino.id, KEY, code)
    assert not second_factor.use_recovery_code(session, aino.id, code)


@pytest.mark.sqlite_only
def test_the_secret_needs_the_key_of_the_home_and_is_not_in_the_database(
    settings: Settings, session: Session, aino: Person, app: pyotp.TOTP, clock: Clock
) -> None:
    session.commit()
    content = b"".join(path.read_bytes() for path in settings.home.glob("kollega.db*"))
    nonce = session.get_one(SecondFactor, aino.id).nonce
    assert nonce.encode() in content and app.secret.encode() not in content
    assert not second_factor.check(session, aino.id, "another key", app.at(int(clock.now)))


def test_a_recovery_code_works_once_for_its_person_however_it_is_typed(
    session: Session, aino: Person, app: pyotp.TOTP, add_person: Callable[..., int]
) -> None:
    session.commit()
    matti = add_person("matti")
    codes = second_factor.new_recovery_codes(session, aino.id)
    assert not second_factor.use_recovery_code(session, matti, codes[0])
    assert second_factor.use_recovery_code(session, aino.id, codes[0].upper().replace("-", " "))
    assert not second_factor.use_recovery_code(session, aino.id, codes[0])
    assert second_factor.codes_left(session, aino.id) == 9
    newer = second_factor.new_recovery_codes(session, aino.id)
    assert not second_factor.use_recovery_code(session, aino.id, codes[1])
    assert second_factor.use_recovery_code(session, aino.id, newer[1])
    session.flush()
    stored = {row.digest for row in session.query(RecoveryCode)}
    assert len(stored) == 9 and not stored & {code.replace("-", "") for code in newer}


def test_turning_off_removes_app_and_codes_and_a_new_app_has_another_secret(
    session: Session, aino: Person, app: pyotp.TOTP
) -> None:
    assert second_factor.turn_off(session, aino.id, by=aino.id)
    assert not second_factor.turn_off(session, aino.id)
    assert (second_factor.is_on(session, aino.id), second_factor.codes_left(session, aino.id)) == (False, 0)
    assert second_factor.secret(aino.id, second_factor.begin(), KEY) != app.secret
    actions = [entry.action for entry in audit.entries(session, action="second_factor")]
    assert actions == ["second_factor.on", "second_factor.off"]


@pytest.mark.parametrize(
    ("required_for", "roles"),
    [
        ("none", set()),
        ("admins", {"admin"}),
        ("agents", {"agent", "lead", "admin"}),
        ("everybody", {"staff", "agent", "lead", "admin"}),
    ],
)
def test_the_setting_says_whose_role_requires_it(required_for: str, roles: set[str]) -> None:
    found = {
        role
        for role in ("staff", "agent", "lead", "admin")
        if second_factor.is_required(Person(handle="a", name="A", role=role), required_for)
    }
    assert found == roles
