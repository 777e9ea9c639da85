"""sign_in/forgotten.py: a new password by mail, whose answer tells nobody who is known."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pyotp
import pytest
from flask.testing import FlaskClient
from sqlalchemy import event
from sqlalchemy.orm import Session, sessionmaker

from recommender import accounts
from recommender.accounts import password_links, second_factor
from recommender.accounts import sessions as sign_in_sessions
from recommender.database.account_tables import OutgoingMail, PasswordLink
from recommender.database.tables import Person, utc_now
from recommender.recommender import Recommender
from recommender.settings import Settings
from tests.apps import close_app
from web.app import create_app
from web.limits import limiter

Sessions = sessionmaker[Session]
PASSWORD, NEW = "correct horse battery", "another horse battery"


@pytest.fixture
def client(
    settings: Settings, sessions: Sessions, add_person: Callable[..., int], open_recommender: Callable[[], Recommender]
) -> Iterator[FlaskClient]:
    """A browser on an application with a mail server; aino has PASSWORD and an address, matti neither."""
    number = add_person("aino", "agent", "it")
    add_person("matti")
    with sessions.begin() as session:
        person = session.get_one(Person, number)
        accounts.set_password(session, person, PASSWORD)
        accounts.set_email(session, person, "aino@example.org")
    with_mail = replace(
        settings, mail_server="smtp://127.0.0.1:1", mail_from="kollega@example.org", public_url="http://localhost"
    )
    app = create_app(with_mail, recommender=open_recommender())
    app.config["WTF_CSRF_ENABLED"] = False
    yield app.test_client()
    limiter.limiter.storage.reset()
    close_app(app)


def _link(sessions: Sessions) -> str:
    with sessions.begin() as session:
        return password_links.make(session, session.query(Person).filter_by(handle="aino").one().id)


def _queued(sessions: Sessions) -> list[tuple[str, str | None]]:
    with sessions() as session:
        return [(row.kind, row.person.handle if row.person else None) for row in session.query(OutgoingMail)]


def test_known_and_unknown_people_get_the_same_answer_after_the_same_work(
    client: FlaskClient, sessions: Sessions
) -> None:
    engine = client.application.extensions["kollega_sessions"].kw["bind"]
    answers, statements = [], []

    def note(*args: Any) -> None:
        sometimes = args[2].startswith("DELETE FROM rate_counts") or "FROM organisation_values" in args[2]
        if not sometimes:  # whoever asks
            statements[-1].append(args[2])

    event.listen(engine, "before_cursor_execute", note)
    for who in ("aino", "AINO@example.org", "nobody", "matti", "x@example.org", "", "\0"):
        statements.append([])
        answer = client.post("/sign-in/forgotten", data={"who": who})
        answers.append((answer.status_code, answer.text, answer.headers.getlist("Set-Cookie")))
    assert answers[0][0] == 200 and "an e-mail with a link" in answers[0][1]
    assert all(answer == answers[0] for answer in answers)
    assert all(each == statements[0] for each in statements) and len(statements[0]) >= 2
    assert [person for _kind, person in _queued(sessions)] == ["aino", "aino", None, None, None, None, None]


def test_nobody_is_flooded_with_mail_and_the_answer_does_not_tell(client: FlaskClient, sessions: Sessions) -> None:
    pages = {client.post("/sign-in/forgotten", data={"who": who}).text for who in ["aino", " AINO"] * 3}
    assert len(pages) == 1
    assert [person for _kind, person in _queued(sessions)].count("aino") == 2


def test_a_link_sets_a_password_once_and_ends_sessions_and_tokens(client: FlaskClient, sessions: Sessions) -> None:
    with sessions.begin() as session:
        person = session.query(Person).filter_by(handle="aino").one()
        _row, identity = sign_in_sessions.begin(session, person, "password", days=1)
        token = accounts.make_token(session, person, "t", ["read"])
    secret = _link(sessions)
    path = f"/sign-in/new-password/{secret}"
    assert "New password" in client.get(path).text
    weak = client.post(path, data={"password": "Aino123456"})
    assert weak.status_code == 422 and "easy to guess" in weak.text and 'aria-invalid="true"' in weak.text
    done = client.post(path, data={"password": NEW})
    assert (done.status_code, done.headers["Location"]) == (302, "/sign-in")
    pages = [client.get("/sign-in").text, client.get("/sign-in?changed=1").text]
    assert ["Your new password is set" in page for page in pages] == [True, False]
    assert client.get("/requests/").status_code == 401  # the link alone signs nobody in
    for again in (client.get(path), client.post(path, data={"password": "yet another battery"})):
        assert again.status_code == 404 and "no longer valid" in again.text
    with sessions() as session:
        assert accounts.sign_in(session, "aino", NEW) is not None
        assert sign_in_sessions.find(session, identity, idle_days=7) is None
        assert accounts.token_of(session, token, utc_now().date()) is None
        assert session.query(PasswordLink).count() == 0
    assert _queued(sessions) == [("password_changed", "aino")]


def test_a_link_does_not_bypass_the_second_factor(client: FlaskClient, sessions: Sessions) -> None:
    key = str(client.application.secret_key)
    with sessions.begin() as session:
        person = session.query(Person).filter_by(handle="aino").one()
        app = pyotp.TOTP(second_factor.secret(person.id, "nonce", key))
        assert second_factor.confirm(session, person, key, "nonce", app.now()) is not None
    client.post(f"/sign-in/new-password/{_link(sessions)}", data={"password": NEW})
    assert "Enter your code" in client.post("/sign-in", data={"handle": "aino", "password": NEW}).text
    assert client.get("/requests/").status_code == 401


def test_without_a_mail_server_nothing_is_offered(
    settings: Settings, client: FlaskClient, open_client: Callable[[], FlaskClient]
) -> None:
    assert re.search(r'href="/sign-in/forgotten"', client.get("/sign-in").text)
    without = open_client()
    assert "/sign-in/forgotten" not in without.get("/sign-in").text
    assert without.get("/sign-in/forgotten").status_code == 404
