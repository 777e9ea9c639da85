"""security.py: a person sees and ends their sessions and tokens, changes their password, and has a second factor."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pyotp
import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from recommender import accounts, audit
from recommender.accounts import password_links, second_factor
from recommender.audit import Chosen
from recommender.database.account_tables import APIToken, SecondFactor, SignInSession
from recommender.database.tables import Person, utc_now
from tests.apps import minutes_pass
from web.limits import limiter

Sessions = sessionmaker[Session]
PASSWORD, NEW = "correct horse battery", "another horse battery"
PAGE = "/people/me/security"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
PHONE = (
    "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Mobile Safari/537.36"
)


@pytest.fixture
def enter(
    sessions: Sessions, add_person: Callable[..., int], open_client: Callable[[], FlaskClient]
) -> Iterator[Callable[..., FlaskClient]]:
    """Signs in with the password in a browser of this kind. aino and matti have PASSWORD."""
    for handle in ("aino", "matti"):
        number = add_person(handle, "agent", "it")
        with sessions.begin() as session:
            accounts.set_password(session, session.get_one(Person, number), PASSWORD)
    app = open_client().application
    app.config["WTF_CSRF_ENABLED"] = False

    def entered(handle: str = "aino", browser: str = FIREFOX) -> FlaskClient:
        client = app.test_client()
        client.environ_base["HTTP_USER_AGENT"] = browser
        assert client.post("/sign-in", data={"handle": handle, "password": PASSWORD}).status_code == 302
        return client

    yield entered
    limiter.limiter.storage.reset()


def _is_signed_in(client: FlaskClient) -> bool:
    return client.get("/requests/").status_code == 200


def _copy(client: FlaskClient) -> FlaskClient:
    """Another browser with a copy of the cookie."""
    cookie = client.get_cookie("session")
    assert cookie is not None
    copy = client.application.test_client()
    copy.set_cookie("session", cookie.value)
    return copy


def test_signing_out_ends_the_session_for_copies_of_its_cookie_too(enter: Callable[..., FlaskClient]) -> None:
    client, other = enter(), enter()
    copy = _copy(client)
    assert _is_signed_in(copy)
    client.post("/sign-out")
    assert not _is_signed_in(client) and not _is_signed_in(copy) and _is_signed_in(other)


def test_every_sign_in_has_a_new_id_and_ends_the_one_before_in_the_same_browser(
    enter: Callable[..., FlaskClient], sessions: Sessions
) -> None:
    client = enter()
    copy = _copy(client)
    client.post("/sign-in", data={"handle": "aino", "password": PASSWORD})
    assert _is_signed_in(client) and not _is_signed_in(copy)
    with sessions() as session:
        assert session.query(SignInSession).count() == 1


def test_a_person_sees_where_they_are_signed_in_and_ends_one_session_or_all_others(
    enter: Callable[..., FlaskClient], sessions: Sessions
) -> None:
    client, phone, third, matti = enter(), enter(browser=PHONE), enter(), enter("matti")
    page = client.get(PAGE).text
    assert "Firefox, Linux" in page and "Chrome, Android" in page and page.count("This browser") == 1
    numbers = re.findall(r'name="session" value="(\d+)"', page)
    with sessions() as session:
        (mattis,) = [row.id for row in session.query(SignInSession) if row.person.handle == "matti"]
        (phones,) = [row.id for row in session.query(SignInSession) if row.browser == "Chrome, Android"]
    assert str(mattis) not in numbers and str(phones) in numbers
    for wrong in (str(mattis), "0", "x", "", "9" * 30, "²"):
        assert client.post(f"{PAGE}/sessions/end", data={"session": wrong}).status_code == 404
    assert client.post(f"{PAGE}/sessions/end", data={"session": str(phones)}).status_code == 302
    assert [_is_signed_in(each) for each in (client, phone, third, matti)] == [True, False, True, True]
    client.post(f"{PAGE}/sessions/end", data={"session": "others"})
    assert [_is_signed_in(each) for each in (client, phone, third, matti)] == [True, False, False, True]


def test_a_session_that_ended_because_nobody_used_it_is_not_shown(
    enter: Callable[..., FlaskClient], sessions: Sessions
) -> None:
    idle, client = enter(browser=PHONE), enter()
    with sessions.begin() as session:
        row = session.query(SignInSession).filter_by(browser="Chrome, Android").one()
        row.last_seen_at -= timedelta(days=8)
    assert not _is_signed_in(idle) and "Chrome, Android" not in client.get(PAGE).text


def test_a_new_password_needs_the_present_one_and_ends_everything_else(
    enter: Callable[..., FlaskClient], sessions: Sessions
) -> None:
    client, other = enter(), enter()
    with sessions.begin() as session:
        token = accounts.make_token(session, session.query(Person).filter_by(handle="aino").one(), "t", ["read"])
    wrong = client.post(f"{PAGE}/password", data={"password": "wrong password", "new_password": NEW})
    assert wrong.status_code == 422 and "not your current password" in wrong.text and _is_signed_in(other)
    weak = client.post(f"{PAGE}/password", data={"password": PASSWORD, "new_password": "Aino123456"})
    assert weak.status_code == 422 and "easy to guess" in weak.text and PASSWORD not in weak.text
    copy = _copy(client)
    done = client.post(f"{PAGE}/password", data={"password": PASSWORD, "new_password": NEW})
    assert done.headers["Location"] == f"{PAGE}?done=password"
    assert [_is_signed_in(each) for each in (client, copy, other)] == [True, False, False]
    with sessions() as session:
        assert accounts.sign_in(session, "aino", NEW) is not None
        assert accounts.token_of(session, token, utc_now().date()) is None
        entry = next(iter(audit.chosen_entries(session, Chosen(action="account.password", actor_id=1))))
        assert (entry.via, entry.subject) == ("web", "person:1")


def test_a_link_from_before_is_of_no_use_after_a_new_password(
    enter: Callable[..., FlaskClient], sessions: Sessions
) -> None:
    client = enter()
    with sessions.begin() as session:
        secret = password_links.make(session, session.query(Person).filter_by(handle="aino").one().id)
    client.post(f"{PAGE}/password", data={"password": PASSWORD, "new_password": NEW})
    thief = client.application.test_client()
    answer = thief.post(f"/sign-in/new-password/{secret}", data={"password": "thief owns this account now"})
    assert answer.status_code == 404
    with sessions() as session:
        assert accounts.sign_in(session, "aino", NEW) is not None


def test_tokens_may_be_kept_with_a_new_password(enter: Callable[..., FlaskClient], sessions: Sessions) -> None:
    client = enter()
    with sessions.begin() as session:
        token = accounts.make_token(session, session.query(Person).filter_by(handle="aino").one(), "t", ["read"])
    wrong = client.post(f"{PAGE}/password", data={"password": "wrong", "new_password": NEW, "keep_tokens": "1"})
    assert re.search(r'name="keep_tokens" value="1" checked', wrong.text)  # the choice is not lost
    client.post(f"{PAGE}/password", data={"password": PASSWORD, "new_password": NEW, "keep_tokens": "1"})
    with sessions() as session:
        assert accounts.token_of(session, token, utc_now().date()) is not None


def test_the_present_password_cannot_be_guessed_on_this_page(
    enter: Callable[..., FlaskClient], sessions: Sessions
) -> None:
    client = enter()
    paths = ("password", "second-factor/set-up")
    for number in range(10):
        page = client.post(f"{PAGE}/{paths[number % 2]}", data={"password": "wrong password", "new_password": NEW})
        assert "not your current password" in page.text
    page = client.post(f"{PAGE}/password", data={"password": PASSWORD, "new_password": NEW})
    assert page.status_code == 422 and "Wait 5 minutes and try again" in page.text
    with sessions() as session:
        wrong = list(audit.entries(session, action="account.wrong_password"))
        assert len(wrong) == 10 and {(entry.actor_id, entry.subject) for entry in wrong} == {(1, "person:1")}
    for _ in range(5):
        minutes_pass()
        pages = [client.post(f"{PAGE}/password", data={"password": "wrong"}).text for _ in range(10)]
    assert "Wait 24 hours and try again" in pages[-1]


def test_a_password_that_was_typed_after_the_session_ended_is_not_shown_again(
    enter: Callable[..., FlaskClient],
) -> None:
    client = enter()
    client.post("/sign-out")
    page = client.post(f"{PAGE}/password", data={"password": PASSWORD, "new_password": NEW, "keep_tokens": "1"})
    assert page.status_code == 401 and PASSWORD not in page.text and NEW not in page.text


def test_a_person_sees_their_tokens_and_ends_them(enter: Callable[..., FlaskClient], sessions: Sessions) -> None:
    client = enter()
    with sessions.begin() as session:
        people = {row.handle: row for row in session.query(Person)}
        token = accounts.make_token(session, people["aino"], "night job", ["read", "write"], days=90)
        accounts.make_token(session, people["matti"], "of matti", ["read"])
        hers, his = (row.id for row in session.query(APIToken).order_by(APIToken.id))
    api = client.application.test_client()
    assert "not used yet" in client.get(PAGE).text
    assert api.get("/api/v1/requests/1", headers={"Authorization": f"Bearer {token}"}).status_code == 404
    page = client.get(PAGE).text
    assert "night job" in page and "of matti" not in page and "last used today" in page
    assert client.post(f"{PAGE}/tokens/revoke", data={"token": str(his)}).status_code == 404
    client.post(f"{PAGE}/tokens/revoke", data={"token": str(hers)})
    assert api.get("/api/v1/requests/1", headers={"Authorization": f"Bearer {token}"}).status_code == 401
    assert "night job" not in client.get(PAGE).text


def test_a_person_makes_a_token_of_their_own_with_their_password(
    enter: Callable[..., FlaskClient], sessions: Sessions
) -> None:
    client = enter()
    sent = {"token_name": "my script", "scopes": ["read", "load", "scim"], "days": "30", "password": PASSWORD}
    made = client.post(f"{PAGE}/tokens", data=sent)
    token = re.search(r"kollega_[\w-]{43}", made.text)
    assert made.status_code == 200 and token is not None and token[0] not in client.get(PAGE).text
    with sessions() as session:
        row = accounts.token_of(session, token[0], utc_now().date())
        assert row is not None and (row.scopes, row.person.handle) == (["read"], "aino")
        (entry,) = audit.entries(session, action="token.made")
        assert entry.actor_id == row.person_id and "widened" not in (entry.details or {})
    for wrong, said in (
        ({"password": "wrong horse"}, "not your current password"), ({"token_name": " "}, "Nothing was made"),
        ({"scopes": ["load"]}, "Nothing was made"), ({"days": "x"}, "Nothing was made"),
    ):  # fmt: skip
        refused = client.post(f"{PAGE}/tokens", data=sent | wrong)
        assert refused.status_code == 422 and said in refused.text
    with sessions() as session:
        assert session.query(APIToken).count() == 1


def _turn_on(client: FlaskClient) -> tuple[pyotp.TOTP, Any]:
    page = client.post(f"{PAGE}/second-factor/set-up", data={"password": PASSWORD}).text
    app = pyotp.TOTP("".join(re.findall(r"\b[A-Z2-7]{4}\b", page.partition('class="secret"')[2].partition("</")[0])))
    return app, client.post(f"{PAGE}/second-factor/confirm", data={"code": app.now()})


def test_a_second_factor_is_turned_on_shown_with_its_recovery_codes_and_turned_off(
    enter: Callable[..., FlaskClient], sessions: Sessions
) -> None:
    client = enter()
    app, page = _turn_on(client)
    codes = re.findall(r"<code>([a-z2-9-]{19})</code>", page.text)
    assert len(codes) == 10
    assert "10 recovery codes left" in client.get(PAGE).text and app.secret not in client.get(PAGE).text
    for path in ("codes", "off"):  # the password alone is not enough
        for data in ({}, {"code": "000000"}, {"code": "aaaa-bbbb-cccc-dddd"}):
            refused = client.post(f"{PAGE}/second-factor/{path}", data={"password": PASSWORD, **data})
            assert refused.status_code == 422 and "This code is not valid" in refused.text
    data = {"password": PASSWORD, "code": codes[0]}
    newer = re.findall(r"<code>([a-z2-9-]{19})</code>", client.post(f"{PAGE}/second-factor/codes", data=data).text)
    assert len(newer) == 10 and not set(codes) & set(newer)
    client.post(f"{PAGE}/second-factor/off", data={"password": "wrong password", "code": newer[0]})
    with sessions() as session:
        assert second_factor.is_on(session, 1)
    client.post(f"{PAGE}/second-factor/off", data={"password": PASSWORD, "code": newer[0]})
    with sessions() as session:
        assert not second_factor.is_on(session, 1)
        actions = [entry.action for entry in audit.chosen_entries(session, Chosen(action="second_factor", actor_id=1))]
        assert [action for action in actions if action != "second_factor.recovery_code"] == [
            "second_factor.on",
            "second_factor.new_codes",
            "second_factor.off",
        ]
        assert len(list(audit.entries(session, action="second_factor.failed"))) == 6


def test_the_secret_of_an_app_is_shown_only_after_the_password(
    enter: Callable[..., FlaskClient], sessions: Sessions
) -> None:
    client, thief = enter(), enter()
    client.post(f"{PAGE}/second-factor/set-up", data={"password": PASSWORD})  # begun, not finished
    answer = thief.post(f"{PAGE}/second-factor/confirm", data={"code": "000000"})
    assert answer.status_code == 302 and "secret" not in answer.text
    _turn_on(client)
    again = client.post(f"{PAGE}/second-factor/set-up", data={"password": PASSWORD})
    assert again.status_code == 302  # what is on is not shown either
    with sessions() as session:
        assert session.get_one(SecondFactor, 1).nonce not in again.text
    for _ in range(12):  # no page about too many attempts shows it either
        late = client.post(f"{PAGE}/second-factor/confirm", data={"code": "000000"})
        assert late.status_code == 302 and "secret" not in late.text


@pytest.mark.sqlite_only
def test_noting_the_last_use_does_not_wait_for_another_writer(
    enter: Callable[..., FlaskClient], sessions: Sessions
) -> None:
    client = enter()
    earlier = utc_now() - timedelta(hours=3)
    with sessions.begin() as session:
        session.query(SignInSession).update({"last_seen_at": earlier})
    with sessions() as writer:
        writer.execute(text("BEGIN IMMEDIATE"))
        before = utc_now()
        assert _is_signed_in(client)
        assert (utc_now() - before).total_seconds() < 5  # it would wait for ten
        assert writer.query(SignInSession).one().last_seen_at == earlier
        writer.rollback()
    assert client.application.extensions["kollega_counting"].flush()
    with sessions() as session:
        assert session.query(SignInSession).one().last_seen_at > utc_now() - timedelta(minutes=1)


def test_nobody_else_sees_the_page(enter: Callable[..., FlaskClient]) -> None:
    assert enter().application.test_client().get(PAGE).status_code == 401
