"""sign_in/attempts.py: guessing is slow however the name is written and wherever it comes from, and nobody can lock a
colleague out."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session, sessionmaker

from recommender import accounts, audit
from recommender.accounts import passwords
from recommender.database.tables import Person
from recommender.errors import TooBusy
from tests.apps import minutes_pass
from web.limits import limiter
from web.sign_in import attempts

Sessions = sessionmaker[Session]
PASSWORD, WRONG = "correct horse battery", "wrong password"
Try = Callable[..., Any]


@pytest.fixture
def attempt(
    sessions: Sessions, add_person: Callable[..., int], open_client: Callable[[], FlaskClient]
) -> Iterator[Try]:
    """Tries to sign in with a name from an address behind a proxy; returns the response. aino has PASSWORD."""
    number = add_person("aino", "agent", "it")
    with sessions.begin() as session:
        accounts.set_password(session, session.get_one(Person, number), PASSWORD)
    client = open_client()
    client.application.config["WTF_CSRF_ENABLED"] = False

    def tried(
        handle: str, password: str = WRONG, address: str = "203.0.113.1", browser: FlaskClient | None = None
    ) -> Any:
        visitor = browser or client.application.test_client()
        data = {"handle": handle, "password": password}
        answer = visitor.post("/sign-in", data=data, headers={"X-Forwarded-For": address})
        answer.close()
        return answer

    tried.new_browser = client.application.test_client  # type: ignore[attr-defined]
    yield tried
    limiter.limiter.storage.reset()


def test_spaces_and_look_alikes_in_the_name_are_no_new_attempts(attempt: Try) -> None:
    spellings = ["aino", " aino", "aino  ", "\taino", "\u3000aino", "AINO", "Aino", "ａｉｎｏ", "aino\u2003", "aIno"]
    assert [attempt(name).status_code for name in spellings] == [401] * 10
    refused = attempt("  aino", PASSWORD)
    assert refused.status_code == 429 and 0 < int(refused.headers["Retry-After"]) <= 301
    assert "Wait 5 minutes and try again" in refused.text


def test_unknown_names_have_to_wait_as_known_ones_do(attempt: Try) -> None:
    for name in ("aino", "nobody"):
        spellings = [name, f" {name}", name.upper(), name.title()] * 2 + [name] * 3
        assert [attempt(spelling).status_code for spelling in spellings] == [401] * 10 + [429], name


def test_clients_behind_one_proxy_are_counted_apart(attempt: Try) -> None:
    assert [attempt("aino").status_code for _ in range(11)][-1] == 429
    assert attempt("aino", PASSWORD, address="203.0.113.2").status_code == 302
    assert attempt("aino", PASSWORD, address="198.51.100.7, 203.0.113.1").status_code == 429  # the first is made up


def test_signing_in_forgets_the_attempts_before(attempt: Try) -> None:
    for _ in range(3):
        assert [attempt("aino").status_code for _ in range(9)] == [401] * 9
        assert attempt("aino", PASSWORD).status_code == 302


def test_guessing_from_many_addresses_stops_and_the_colleague_goes_on_in_their_own_browser(
    attempt: Try, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = attempt.new_browser()  # type: ignore[attr-defined]
    assert attempt("aino", PASSWORD, browser=own).status_code == 302
    own.post("/sign-out")
    monkeypatch.setattr(attempts, "_BY_NAME", attempts.parse("20 per day"))
    statuses = [attempt("aino", address=f"203.0.113.{number}").status_code for number in range(10, 40)]
    assert statuses == [401] * 20 + [429] * 10
    assert attempt("aino", PASSWORD, address="198.51.100.99").status_code == 429  # an unknown browser
    assert attempt("aino", PASSWORD, browser=own, address="203.0.113.39").status_code == 302
    # who holds the cookie of a browser has no more attempts than others
    own.post("/sign-out")
    assert [attempt("aino", browser=own).status_code for _ in range(11)] == [401] * 10 + [429]


def test_one_address_cannot_use_up_the_attempts_of_a_day_for_all_others(attempt: Try) -> None:
    statuses = []
    for _ in range(12):
        minutes_pass()
        statuses += [attempt("aino").status_code for _ in range(10)]
    assert statuses == [401] * 50 + [429] * 70
    minutes_pass()
    refused = attempt("aino", PASSWORD)
    assert refused.status_code == 429 and "Wait 24 hours and try again" in refused.text
    assert attempt("aino", PASSWORD, address="198.51.100.7").status_code == 302


def test_a_new_password_begins_the_counts_anew(
    attempt: Try, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "_BY_NAME", attempts.parse("20 per day"))
    for number in range(10, 40):
        attempt("aino", address=f"203.0.113.{number}")
    assert attempt("aino", PASSWORD, address="198.51.100.7").status_code == 429
    with sessions.begin() as session:
        accounts.set_password(session, session.query(Person).filter_by(handle="aino").one(), "another horse battery")
    assert attempt("aino", "another horse battery", address="198.51.100.7").status_code == 302


def test_a_known_browser_is_one_however_its_cookie_is_written_and_has_a_limit_a_day(attempt: Try) -> None:
    own = attempt.new_browser()  # type: ignore[attr-defined]
    assert attempt("aino", PASSWORD, browser=own).status_code == 302
    cookie = own.get_cookie("known_browser")
    head, _, signature = cookie.value.rpartition(".")
    statuses = []
    for number in range(100):
        if number % 10 == 0 and number >= 20:
            minutes_pass()
        thief = attempt.new_browser()  # type: ignore[attr-defined]
        thief.set_cookie("known_browser", f"{head}.{signature[:5]}{'!' * (number % 20 * 4)}{signature[5:]}")
        statuses.append(attempt("aino", browser=thief).status_code)
    assert statuses == [401] * 10 + [429] * 10 + [401] * 40 + [429] * 40


def test_an_address_has_a_limit_for_wrong_passwords_whatever_the_names_and_a_known_browser_goes_on(
    attempt: Try,
) -> None:
    own = attempt.new_browser()  # type: ignore[attr-defined]
    assert attempt("aino", PASSWORD, browser=own).status_code == 302
    statuses = [attempt(f"name {number}").status_code for number in range(40)]
    assert statuses == [401] * 30 + [429] * 10
    assert attempt("aino", PASSWORD).status_code == 429
    assert attempt("aino", PASSWORD, browser=own).status_code == 302
    assert attempt("aino", PASSWORD, address="203.0.113.2").status_code == 302


@pytest.mark.parametrize("forged", ["", "x", "WyJhaW5vIiwxXQ.forged", '["aino", 1]'])
def test_a_made_up_cookie_makes_no_known_browser(attempt: Try, forged: str) -> None:
    browser = attempt.new_browser()  # type: ignore[attr-defined]
    browser.set_cookie("known_browser", forged)
    assert [attempt("aino").status_code for _ in range(10)] == [401] * 10
    assert attempt("aino", PASSWORD, browser=browser).status_code == 429


def test_the_cookie_of_one_person_is_none_of_another(
    attempt: Try, sessions: Sessions, add_person: Callable[..., int]
) -> None:
    number = add_person("matti")
    with sessions.begin() as session:
        accounts.set_password(session, session.get_one(Person, number), PASSWORD)
    browser = attempt.new_browser()  # type: ignore[attr-defined]
    assert attempt("matti", PASSWORD, browser=browser).status_code == 302
    assert [attempt("aino").status_code for _ in range(10)] == [401] * 10
    assert attempt("aino", PASSWORD, browser=browser).status_code == 429


def test_failures_of_known_people_are_in_the_audit_log_and_what_was_typed_is_not(
    attempt: Try, sessions: Sessions
) -> None:
    attempt("aino", "my secret typo")
    attempt("my-password-in-the-wrong-field")
    with sessions() as session:
        (entry,) = audit.entries(session, action="sign_in.failed")
        assert (entry.via, entry.actor_id, entry.details) == ("web", None, {})
        assert entry.subject == f"person:{session.query(Person).filter_by(handle='aino').one().id}"


def test_too_many_sign_ins_at_once_are_told_to_come_back(attempt: Try, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*_: object) -> None:
        raise TooBusy("busy")

    monkeypatch.setattr(passwords, "_in_turn", busy)
    answer = attempt("aino", PASSWORD)
    assert answer.status_code == 503 and int(answer.headers["Retry-After"]) > 0
    assert "Too many people at once" in answer.text
