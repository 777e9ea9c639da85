"""delivery/: mail goes from the outbox to a real mail server with a link that works, and is tried again if it fails."""

import re
import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy.orm import Session, sessionmaker

from indexer.delivery.deliver import deliver, delivering
from indexer.delivery.mail_server import MailServer
from recommender import accounts, audit
from recommender.accounts import password_links
from recommender.database.account_tables import OutgoingMail, PasswordLink
from recommender.database.tables import Person
from recommender.errors import SettingsError
from recommender.outbox import mail
from recommender.settings import Settings
from tests.indexer.delivery.smtp_server import MailBox, mail_box
from tests.timing import LONG

Sessions = sessionmaker[Session]


@pytest.fixture
def aino(sessions: Sessions, add_person: Callable[..., int]) -> int:
    number = add_person("aino")
    with sessions.begin() as session:
        accounts.set_email(session, session.get_one(Person, number), "aino@example.org")
    return number


def _settings(settings: Settings, box: MailBox) -> Settings:
    return replace(
        settings, mail_server=box.address, mail_from="kollega@example.org", public_url="https://kollega.example",
        watch_seconds=0.05,
    )  # fmt: skip


def _queue(sessions: Sessions, person_id: int | None, language: str = "en", kind: str = mail.PASSWORD_LINK) -> None:
    with sessions.begin() as session:
        mail.queue(session, person_id, kind, language)


@pytest.mark.parametrize("language", ["en", "fi", "sv"])
def test_who_gets_another_address_is_told_at_the_one_before_also_when_disabled_meanwhile(
    settings: Settings, sessions: Sessions, aino: int, language: str
) -> None:
    with sessions.begin() as session:
        person = session.get_one(Person, aino)
        accounts.set_email(session, person, "other@example.com", tell=language)
        accounts.disable(session, person)
    with mail_box() as box:
        assert deliver(_settings(settings, box), sessions) == 1
    (message,) = box.mails
    assert message["To"] == "aino@example.org"
    assert "aino" in message.get_content() and "other@example.com" not in message.get_content()


def _state(sessions: Sessions) -> tuple[str, int, str | None]:
    with sessions() as session:
        row = session.query(OutgoingMail).one()
        return row.state, row.attempts, row.problem


@pytest.mark.parametrize(
    ("language", "subject"),
    [("en", "A new password"), ("fi", "Uusi salasana"), ("sv", "Ett nytt lösenord"), ("de", "A new")],
)
def test_a_link_to_a_new_password_arrives_and_opens_for_its_person(
    settings: Settings, sessions: Sessions, aino: int, language: str, subject: str
) -> None:
    _queue(sessions, aino, language)
    with mail_box() as box:
        assert deliver(_settings(settings, box), sessions) == 1
        assert deliver(_settings(settings, box), sessions) == 0
    (message,) = box.mails
    assert message["To"] == "aino@example.org" and message["From"] == "kollega@example.org"
    assert message["Subject"].startswith(subject)
    found = re.search(r"https://kollega\.example/sign-in/new-password/(\S+)", message.get_content())
    assert found is not None
    with sessions() as session:
        person = password_links.person_of(session, found[1])
        assert person is not None and person.handle == "aino"
    assert _state(sessions) == ("sent", 1, None)
    content = b"".join(path.read_bytes() for path in settings.home.glob("kollega.db*"))
    assert found[1].encode() not in content  # not even while the mail was sent


def test_a_mail_waits_while_there_is_no_server_and_goes_out_once_there_is(
    settings: Settings, sessions: Sessions, aino: int
) -> None:
    _queue(sessions, aino)
    with mail_box() as box:
        gone = _settings(settings, box)
    assert deliver(gone, sessions) == 0
    state, attempts, problem = _state(sessions)
    assert (state, attempts) == ("waiting", 1) and "cannot be used: ConnectionRefusedError" in str(problem)
    with sessions.begin() as session:
        row = session.query(OutgoingMail).one()
        row.next_attempt_at = row.created_at
    with mail_box() as box:
        assert deliver(_settings(settings, box), sessions) == 1
    assert len(box.mails) == 1 and _state(sessions) == ("sent", 2, None)


@pytest.mark.parametrize(
    ("refuse", "state"),
    [({"RCPT": "550 no such user"}, "failed"), ({"RCPT": "450 later"}, "waiting"), ({"MAIL": "451 later"}, "waiting")],
)
def test_an_address_that_is_refused_for_good_is_not_tried_again(
    settings: Settings, sessions: Sessions, aino: int, refuse: dict[str, str], state: str
) -> None:
    _queue(sessions, aino)
    with mail_box(**refuse) as box:
        assert deliver(_settings(settings, box), sessions) == 0
    found = _state(sessions)
    assert found[0] == state and found[2] is not None and "aino" not in found[2]


def test_nobody_gets_mail_who_may_not_sign_in_or_has_no_address(
    settings: Settings, sessions: Sessions, aino: int, add_person: Callable[..., int]
) -> None:
    matti = add_person("matti")
    for number in (aino, matti, None):
        _queue(sessions, number)
    with sessions.begin() as session:
        accounts.disable(session, session.get_one(Person, aino))
    with mail_box() as box:
        assert deliver(_settings(settings, box), sessions) == 0
    with sessions() as session:
        assert [row.state for row in session.query(OutgoingMail)] == ["failed", "failed"]
        assert session.query(PasswordLink).count() == 0
    assert box.mails == []


def test_mail_goes_out_beside_the_work_of_watch(settings: Settings, sessions: Sessions, aino: int) -> None:
    with mail_box() as box, delivering(_settings(settings, box), sessions):
        _queue(sessions, aino, kind=mail.PASSWORD_CHANGED)
        until = time.monotonic() + LONG
        while not box.mails and time.monotonic() < until:
            time.sleep(0.02)
    (message,) = box.mails
    assert message["Subject"] == "Your password for Kollega was changed"
    assert "new-password" not in message.get_content()


def test_without_a_mail_server_nothing_is_sent_or_changed(settings: Settings, sessions: Sessions, aino: int) -> None:
    _queue(sessions, aino)
    assert deliver(settings, sessions) == 0
    assert _state(sessions) == ("waiting", 0, None)


def test_a_password_is_not_sent_to_a_server_without_encryption(
    settings: Settings, sessions: Sessions, aino: int
) -> None:
    _queue(sessions, aino)
    with mail_box() as box:
        address = box.address.replace("smtp://", "smtp://kollega:secret%20word@")
        assert deliver(replace(_settings(settings, box), mail_server=address), sessions) == 0
    state, _attempts, problem = _state(sessions)
    assert state == "waiting" and "SMTPNotSupportedError" in str(problem) and "secret" not in str(problem)
    assert not any(command.startswith("AUTH") for command in box.commands)


@pytest.mark.parametrize("address", ["smtp://", "smtp://host:port", "smtp://:25"])
def test_an_address_of_a_server_that_cannot_be_used_is_named(address: str) -> None:
    with pytest.raises(SettingsError, match="KOLLEGA_MAIL_SERVER must be like"):
        MailServer(address)


def test_a_mail_that_is_called_off_while_it_is_sent_is_not_tried_again(
    settings: Settings, sessions: Sessions, aino: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    _queue(sessions, aino)

    def refuse(_server: MailServer, _message: object) -> tuple[str, bool]:
        with sessions.begin() as session:
            accounts.set_password(session, session.get_one(Person, aino), "violet tractor sings at noon")
        return "The mail server answers with code 451.", False

    monkeypatch.setattr(MailServer, "send", refuse)
    with mail_box() as box:
        assert deliver(_settings(settings, box), sessions) == 0
    assert _state(sessions)[0] == "failed"


def test_a_server_that_cannot_be_one_makes_no_links(settings: Settings, sessions: Sessions, aino: int) -> None:
    _queue(sessions, aino)
    with mail_box() as box:
        wrong = _settings(settings, box)
    object.__setattr__(wrong, "mail_server", "smtp://mail.example.org:99999")  # the settings themselves refuse it
    for _ in range(3):
        with pytest.raises(SettingsError):
            deliver(wrong, sessions)
    with sessions() as session:
        assert session.query(PasswordLink).count() == 0 and list(audit.entries(session, action="password_link")) == []
    assert _state(sessions) == ("waiting", 0, None)


def test_a_mail_that_cannot_be_written_stops_no_other_one(settings: Settings, sessions: Sessions, aino: int) -> None:
    _queue(sessions, aino, kind="of a later version")
    _queue(sessions, aino, kind=mail.PASSWORD_CHANGED)
    with mail_box() as box:
        assert deliver(_settings(settings, box), sessions) == 1
    assert len(box.mails) == 1
    with sessions() as session:
        states = [(row.state, row.attempts, row.problem) for row in session.query(OutgoingMail)]
    assert states == [("waiting", 1, "It could not be written or sent: KeyError."), ("sent", 1, None)]
