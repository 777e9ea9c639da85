"""sign_in/second_factor.py: after the password a code is asked for, and an app is set up where it is required."""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
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
from tests.apps import close_app
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
        close_app(app)


def _turn_on(client: FlaskClient, sessions: Sessions, handle: str = "aino") -> tuple[pyotp.TOTP, list[str]]:
    """The app and the recovery codes of a person whose second factor is on; the codes of now have not been used."""
    with sessions.begin() as session:
        person = session.query(Person).filter_by(handle=handle).one()
        key, nonce = str(client.application.secret_key), second_factor.begin()
        app = pyotp.TOTP(second_factor.secret(person.id, nonce, key))
        codes = second_factor.confirm(session, person, key, nonce, app.now())
        assert codes is not None
        session.get_one(SecondFactor, person.id).last_step = _OLD // 30
    return app, codes


def _give_password(client: FlaskClient, handle: str = "aino", **more: str) -> Any:
    return client.post("/sign-in", data={"handle": handle, "password": PASSWORD, **more})


def _secret(page: str) -> str:
    """The secret of the authenticator app that a page shows; empty when it shows none."""
    return "".join(re.findall(r"\b[A-Z2-7]{4}\b", page.partition('class="secret"')[2].partition("</code>")[0]))


def _at_once(client: FlaskClient, path: str, codes: list[str]) -> list[int]:
    """The statuses when a browser sends these codes at the same moment."""
    cookie, barrier = client.get_cookie("session"), Barrier(len(codes))
    assert cookie is not None

    def send(code: str) -> int:
        tab = client.application.test_client()
        tab.set_cookie("session", cookie.value)
        barrier.wait()
        return tab.post(path, data={"code": code}).status_code

    with ThreadPoolExecutor(len(codes)) as pool:
        return list(pool.map(send, codes))


def _is_signed_in(client: FlaskClient) -> bool:
    return client.get("/requests/").status_code == 200


def test_the_password_alone_opens_nothing_and_the_code_does(
    open_app: Callable[..., FlaskClient], sessions: Sessions
) -> None:
    client = open_app()
    app, _codes = _turn_on(client, sessions)
    page = _give_password(client, next="/requests/")
    assert page.status_code == 200 and "Enter your code" in page.text and not _is_signed_in(client)
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
    assert "Set up two-step sign-in" in page.text and "<svg" in page.text and not _is_signed_in(client)
    secret = _secret(page.text)
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


def test_whoever_knows_the_password_cannot_lock_its_person_out(
    open_app: Callable[..., FlaskClient], sessions: Sessions
) -> None:
    client = open_app()
    app, codes = _turn_on(client, sessions)
    _give_password(client)
    assert client.post("/sign-in/code", data={"code": codes[0]}).status_code == 302  # a known browser from now on
    client.post("/sign-out")
    thief = client.application.test_client()
    _give_password(thief)
    for number in range(11):
        thief.post("/sign-in/code", data={"code": f"aaaa-bbbb-cccc-{number:04}"})
        thief.post("/sign-in/code", data={"code": "000000"})
    assert thief.post("/sign-in/code", data={"code": app.now()}).status_code == 429
    assert thief.post("/sign-in/code", data={"code": codes[1]}).status_code == 302
    _give_password(client)
    assert client.post("/sign-in/code", data={"code": app.now()}).status_code == 302
    with sessions() as session:
        failed = list(audit.entries(session, action="second_factor.failed"))
        assert len(failed) == 21 and {(entry.subject, entry.actor_id, entry.via) for entry in failed} == {
            ("person:1", None, "web")
        }


# what somebody can do who knew the password earlier


def test_a_secret_that_was_seen_before_the_password_was_changed_is_of_no_use(
    open_app: Callable[..., FlaskClient], sessions: Sessions
) -> None:
    client = open_app()
    thief, path = client.application.test_client(), "/people/me/security/second-factor/set-up"
    for browser in (thief, client):
        _give_password(browser, "matti")
    seen = _secret(thief.post(path, data={"password": PASSWORD}).text)
    own = _secret(client.post(path, data={"password": PASSWORD}).text)
    assert len(seen) == len(own) == 32 and seen != own
    assert _secret(client.post(path, data={"password": PASSWORD}).text) != own  # begun anew, another one


def test_another_browser_that_waits_for_the_set_up_is_never_shown_the_confirmed_secret(
    open_app: Callable[..., FlaskClient], sessions: Sessions
) -> None:
    client = open_app(second_factor_for="admins")
    thief = client.application.test_client()
    theirs, own = _secret(_give_password(thief).text), _secret(_give_password(client).text)
    assert theirs != own
    assert client.post("/sign-in/set-up", data={"code": pyotp.TOTP(own).now()}).status_code == 200
    for answer in (
        thief.get("/sign-in/set-up"),
        thief.post("/sign-in/set-up", data={"code": pyotp.TOTP(theirs).now()}),
    ):
        assert (answer.status_code, answer.headers["Location"]) == (302, "/sign-in")
    assert _is_signed_in(client) and not _is_signed_in(thief)


def test_a_session_from_before_the_duty_opens_nothing_until_a_second_factor_is_set_up(
    open_app: Callable[..., FlaskClient],
) -> None:
    client = open_app()
    _give_password(client)
    assert _is_signed_in(client)
    app = client.application
    app.extensions["kollega_settings"] = replace(app.extensions["kollega_settings"], second_factor_for="admins")
    assert not _is_signed_in(client)
    page = _give_password(client)
    assert client.post("/sign-in/set-up", data={"code": pyotp.TOTP(_secret(page.text)).now()}).status_code == 200
    assert _is_signed_in(client)


# forms that are sent twice


def test_a_set_up_that_is_sent_twice_turns_it_on_once(open_app: Callable[..., FlaskClient], sessions: Sessions) -> None:
    client = open_app(second_factor_for="admins")
    code = pyotp.TOTP(_secret(_give_password(client).text)).now()
    assert sorted(_at_once(client, "/sign-in/set-up", [code] * 4)) == [200, 302, 302, 302]
    with sessions() as session:
        actions = [entry.action for entry in audit.entries(session, action="second_factor")]
        assert actions == ["second_factor.on"] and second_factor.codes_left(session, 1) == 10


def test_of_several_recovery_codes_at_once_one_is_used_up(
    open_app: Callable[..., FlaskClient], sessions: Sessions
) -> None:
    client = open_app()
    _app, codes = _turn_on(client, sessions)
    _give_password(client)
    assert _at_once(client, "/sign-in/code", codes[:4]) == [302] * 4
    with sessions() as session:
        assert second_factor.codes_left(session, 1) == 9
        assert len(list(audit.entries(session, action="sign_in.done"))) == 1
