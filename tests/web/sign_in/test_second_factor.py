"""sign_in/second_factor.py: after the password a code is asked for, and an app is set up where it is required."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pyotp
import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session, sessionmaker

from recommender import accounts, audit
from recommender.accounts import second_factor
from recommender.database.account_tables import SecondFactor
from recommender.database.tables import HelpRequest, Person
from recommender.recommender import Recommender
from recommender.settings import Settings
from web.app import create_app
from web.limits import limiter

Sessions = sessionmaker[Session]
PASSWORD = "correct horse battery"
_OLD = 1_700_000_000  # seconds; before every code that the tests use


@pytest.fixture
def open_app(
    settings: Settings, sessions: Sessions, add_person: Callable[..., int], open_recommender: Callable[[], Recommender]
) -> Iterator[Callable[..., FlaskClient]]:
    """Opens a browser on an application with these settings; the admin aino and matti of staff have PASSWORD."""
    for handle, role in (("aino", "admin"), ("matti", "staff")):
        number = add_person(handle, role, "it")
        with sessions.begin() as session:
            accounts.set_password(session, session.get_one(Person, number), PASSWORD)
    apps = []

    def opened(**changes: Any) -> FlaskClient:
        app = create_app(replace(settings, **changes), recommender=open_recommender())
        app.config["WTF_CSRF_ENABLED"] = False
        apps.append(app)
        return app.test_client()

    yield opened
    limiter.limiter.storage.reset()
    for app in apps:
        app.extensions["kollega_sessions"].kw["bind"].dispose()


def _turn_on(client: FlaskClient, sessions: Sessions, handle: str = "aino") -> tuple[pyotp.TOTP, list[str]]:
    """The app and the recovery codes of a person whose second factor is on; the codes of now have not been used."""
    with sessions.begin() as session:
        person = session.query(Person).filter_by(handle=handle).one()
        app = pyotp.TOTP(second_factor.set_up(session, person, str(client.application.secret_key)))
        codes = second_factor.confirm(session, person, str(client.application.secret_key), app.now())
        assert codes is not None
        session.get_one(SecondFactor, person.id).last_step = _OLD // 30
    return app, codes


def _give_password(client: FlaskClient, handle: str = "aino", **more: str) -> Any:
    return client.post("/sign-in", data={"handle": handle, "password": PASSWORD, **more})


def _is_signed_in(client: FlaskClient) -> bool:
    return client.get("/requests/").status_code == 200


def test_the_password_alone_opens_nothing_and_the_code_does(
    open_app: Callable[..., FlaskClient], sessions: Sessions
) -> None:
    client = open_app()
    app, _codes = _turn_on(client, sessions)
    page = _give_password(client, next="/requests/")
    assert page.status_code == 200 and "Your code" in page.text and not _is_signed_in(client)
    assert client.get("/people/me/security").status_code == 401
    assert "known_browser" not in str(page.headers)
    wrong = client.post("/sign-in/code", data={"code": "000000", "next": "/requests/"})
    assert wrong.status_code == 401 and "is not valid" in wrong.text and not _is_signed_in(client)
    before = client.get_cookie("session")
    entered = client.post("/sign-in/code", data={"code": app.now(), "next": "/requests/"})
    assert (entered.status_code, entered.headers["Location"]) == (302, "/requests/") and _is_signed_in(client)
    assert before is not None
    thief = client.application.test_client()
    thief.set_cookie("session", before.value)
    assert not _is_signed_in(thief)  # the id of before the code opens nothing


def test_a_code_that_was_seen_is_of_no_use_to_another_browser(
    open_app: Callable[..., FlaskClient], sessions: Sessions
) -> None:
    client = open_app()
    app, _codes = _turn_on(client, sessions)
    code = app.now()
    _give_password(client)
    assert client.post("/sign-in/code", data={"code": code}).status_code == 302
    other = client.application.test_client()
    _give_password(other)
    assert other.post("/sign-in/code", data={"code": code}).status_code == 401


def test_a_recovery_code_stands_in_once(open_app: Callable[..., FlaskClient], sessions: Sessions) -> None:
    client = open_app()
    _app, codes = _turn_on(client, sessions)
    _give_password(client)
    assert client.post("/sign-in/code", data={"code": codes[3].upper()}).status_code == 302 and _is_signed_in(client)
    client.post("/sign-out")
    _give_password(client)
    assert client.post("/sign-in/code", data={"code": codes[3]}).status_code == 401


def test_codes_cannot_be_guessed_and_a_recovery_code_still_works(
    open_app: Callable[..., FlaskClient], sessions: Sessions
) -> None:
    client = open_app()
    app, codes = _turn_on(client, sessions)
    statuses = []
    for _ in range(6):  # also when the password is given again between the guesses
        _give_password(client)
        statuses += [client.post("/sign-in/code", data={"code": "000000"}).status_code for _ in range(2)]
    assert statuses == [401] * 10 + [429] * 2
    refused = client.post("/sign-in/code", data={"code": app.now()})
    assert refused.status_code == 429 and int(refused.headers["Retry-After"]) > 0
    assert client.post("/sign-in/code", data={"code": codes[0]}).status_code == 302


@pytest.mark.parametrize("path", ["/sign-in/code", "/sign-in/set-up"])
def test_without_a_password_before_there_is_nothing_to_do(open_app: Callable[..., FlaskClient], path: str) -> None:
    client = open_app(second_factor_for="everybody")
    for answer in (client.get(path), client.post(path, data={"code": "123456"})):
        assert (answer.status_code, answer.headers["Location"]) == (302, "/sign-in")


def test_who_must_have_a_second_factor_sets_it_up_before_anything_else(
    open_app: Callable[..., FlaskClient], sessions: Sessions
) -> None:
    client = open_app(second_factor_for="admins")
    page = _give_password(client, next="/requests/")
    assert "Set up a second factor" in page.text and "<svg" in page.text and not _is_signed_in(client)
    secret = "".join(re.findall(r"\b[A-Z2-7]{4}\b", page.text.partition('class="secret"')[2].partition("</code>")[0]))
    wrong = client.post("/sign-in/set-up", data={"code": "000000"})
    assert wrong.status_code == 401 and not _is_signed_in(client)
    done = client.post("/sign-in/set-up", data={"code": pyotp.TOTP(secret).now(), "next": "/requests/"})
    assert done.status_code == 200 and len(re.findall(r"<code>[a-z2-9-]{19}</code>", done.text)) == 10
    assert 'name="next" value="/requests/"' in done.text and _is_signed_in(client)
    with sessions() as session:
        assert [entry.action for entry in audit.entries(session, action="second_factor")] == ["second_factor.on"]
    assert client.post("/sign-in/done", data={"next": "/requests/"}).headers["Location"] == "/requests/"


def test_who_need_not_have_one_signs_in_as_before(open_app: Callable[..., FlaskClient]) -> None:
    client = open_app(second_factor_for="agents")
    assert _give_password(client, "matti").status_code == 302 and _is_signed_in(client)


def test_an_interrupted_form_is_kept_through_the_code(open_app: Callable[..., FlaskClient], sessions: Sessions) -> None:
    client = open_app()
    app, _codes = _turn_on(client, sessions)
    draft = {"draft:title": "Screen <black>", "draft:body": "line one\r\nline two", "next": "/requests/"}
    page = _give_password(client, **draft).text
    kept = dict(re.findall(r'name="(draft:[^"]+)" value="([^"]*)"', page))
    assert kept["draft:title"] == "Screen &lt;black&gt;"
    again = client.post("/sign-in/code", data={"code": app.now(), **draft})
    assert again.status_code == 200 and "Screen &lt;black&gt;" in again.text and "line two" in again.text
    with sessions() as session:
        assert session.query(HelpRequest).filter_by(status="open").count() == 0


def test_the_people_of_the_demo_are_not_asked_for_a_code(open_app: Callable[..., FlaskClient]) -> None:
    client = open_app(demo=True, second_factor_for="everybody")
    assert client.post("/sign-in/demo", data={"handle": "aino"}).status_code == 302 and _is_signed_in(client)
