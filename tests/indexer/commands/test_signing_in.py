"""commands/signing_in.py and sign_ins.py: sessions, tokens, second factors, addresses and mail on the command line."""

import os
from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result
from sqlalchemy.orm import Session, sessionmaker

from indexer.cli import main
from recommender import accounts, audit
from recommender.accounts import second_factor
from recommender.accounts import sessions as sign_in_sessions
from recommender.database.account_tables import Account, OutgoingMail
from recommender.database.tables import Person, utc_now
from recommender.settings import PREFIX, Settings

Sessions = sessionmaker[Session]
Run = Callable[..., Result]


@pytest.fixture
def run(settings: Settings, sessions: Sessions, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs `kollega user` on the database of `sessions`; fails on an exception."""
    for name in list(os.environ):
        if name.startswith(PREFIX):
            monkeypatch.delenv(name)
    monkeypatch.setenv("KOLLEGA_HOME", str(settings.home))
    monkeypatch.setenv("KOLLEGA_DATABASE", settings.database)

    def run(*arguments: str) -> Result:
        result = CliRunner().invoke(main, ["user", *arguments])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    return run


@pytest.fixture
def aino(add_person: Callable[..., int]) -> int:
    return add_person("aino")


def _begin(sessions: Sessions, number: int, browser: str = "") -> str:
    with sessions.begin() as session:
        person = session.get_one(Person, number)
        accounts.open_account(session, person)
        return sign_in_sessions.begin(session, person, "password", days=1, browser=browser)[1]


def _is_open(sessions: Sessions, identity: str) -> bool:
    with sessions() as session:
        return sign_in_sessions.find(session, identity, idle_days=7) is not None


def test_an_admin_lists_the_sessions_of_a_person_and_ends_them(
    run: Run, sessions: Sessions, aino: int, add_person: Callable[..., int]
) -> None:
    hers = [_begin(sessions, aino, "Firefox, Linux"), _begin(sessions, aino)]
    his = _begin(sessions, add_person("matti"))
    lines = run("sessions", "aino").stdout.splitlines()
    assert [line.split("\t")[0] for line in lines] == ["unknown browser", "Firefox, Linux"]
    assert lines[0].endswith("\tpassword") and f"{utc_now():%Y-%m-%d}" in lines[0]
    assert run("sign-out", "aino").stdout == "2 sessions of aino have ended\n"
    assert [_is_open(sessions, identity) for identity in (*hers, his)] == [False, False, True]
    assert run("sign-out", "--everybody").stdout == "1 sessions have ended; everybody has to sign in again\n"
    assert not _is_open(sessions, his)


@pytest.mark.parametrize("arguments", [(), ("aino", "--everybody")])
def test_signing_out_needs_one_person_or_everybody(run: Run, aino: int, arguments: tuple[str, ...]) -> None:
    result = run("sign-out", *arguments)
    assert result.exit_code == 2 and "Name one person, or give --everybody." in result.stderr


def test_tokens_are_listed_with_their_last_use_and_revoked(run: Run, sessions: Sessions, aino: int) -> None:
    token = run("token", "aino", "--name", "night job", "--days", "0").stdout.strip()
    run("token", "aino")
    first, second = run("tokens").stdout.splitlines()
    assert first == "1\taino\tnight job\tread\tnever expires\tnot used yet"
    assert second.startswith("2\taino\tAPI\tread\tuntil 20")
    assert run("tokens", "aino").stdout.splitlines() == [first, second]
    assert run("revoke", "1").stdout == "the token 1 (night job) no longer works\n"
    with sessions() as session:
        assert accounts.token_of(session, token, utc_now().date()) is None
        assert [(entry.via, entry.action) for entry in audit.entries(session, subject="token:1")] == [
            ("command", "token.made"),
            ("command", "token.revoked"),
        ]
    again = run("revoke", "1")
    assert again.exit_code == 1 and "There is no token 1." in again.stderr


def test_a_lost_second_factor_is_reset_and_sessions_end(run: Run, sessions: Sessions, aino: int) -> None:
    identity = _begin(sessions, aino)
    with sessions.begin() as session:
        person = session.get_one(Person, aino)
        app = second_factor.pyotp.TOTP(second_factor.secret(person.id, "nonce", "key"))
        assert second_factor.confirm(session, person, "key", "nonce", app.now(), keep_session=1) is not None
    assert "no password, second factor" in run("list").stdout
    assert "signs in without a second factor" in run("reset-second-factor", "aino").stdout
    assert not _is_open(sessions, identity)
    assert run("reset-second-factor", "aino").stdout == "aino has no second factor\n"
    with sessions() as session:
        assert not second_factor.is_on(session, aino)


def test_an_address_is_set_and_a_link_is_queued_once_mail_is_set_up(
    run: Run, sessions: Sessions, aino: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "KOLLEGA_MAIL_SERVER" in run("send-link", "aino").stderr
    monkeypatch.setenv("KOLLEGA_MAIL_SERVER", "smtp://127.0.0.1:1")
    monkeypatch.setenv("KOLLEGA_MAIL_FROM", "kollega@example.org")
    monkeypatch.setenv("KOLLEGA_PUBLIC_URL", "https://kollega.example")
    assert "kollega user email aino ADDRESS" in run("send-link", "aino").stderr
    assert run("email", "aino", "Aino@example.org").stdout == "mail for aino goes to aino@example.org\n"
    assert "a link for aino goes to aino@example.org" in run("send-link", "aino", "--language", "fi").stdout
    with sessions() as session:
        row = session.query(OutgoingMail).one()
        assert (row.person_id, row.kind, row.language, row.state) == (aino, "password_link", "fi", "waiting")
    assert run("mail").stdout.split("\t")[1:] == ["aino", "password link", "waiting", "0 attempts\n"]
    assert run("email", "aino").stdout == "aino gets no mail\n"
    with sessions() as session:
        assert session.get_one(Account, aino).email is None


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("MAIL_SERVER", "localhost:25", "KOLLEGA_MAIL_SERVER must be like smtp://HOST:PORT"),
        ("MAIL_SERVER", "smtp://localhost", "KOLLEGA_MAIL_FROM must be an address when there is a mail server"),
        ("SECOND_FACTOR_FOR", "all", "KOLLEGA_SECOND_FACTOR_FOR must be none, admins, agents, everybody"),
        ("SESSION_DAYS", "0", "KOLLEGA_SESSION_DAYS must be from 0.1 to 3650"),
        ("SESSION_IDLE_DAYS", "-1", "KOLLEGA_SESSION_IDLE_DAYS must be from 0.1 to 3650"),
    ],
)
def test_settings_that_cannot_be_used_are_named(
    run: Run, monkeypatch: pytest.MonkeyPatch, name: str, value: str, sentence: str
) -> None:
    monkeypatch.setenv(f"KOLLEGA_{name}", value)
    result = run("list")
    assert result.exit_code == 1 and sentence in result.stderr
