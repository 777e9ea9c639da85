"""What is sent twice has its effect once: forms, and calls of the API with a key."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session, sessionmaker

from recommender import accounts
from recommender.database.sent_tables import SentForm
from recommender.database.tables import Document, HelpRequest, Person, Reply, utc_now
from tests.conftest import sign_in
from tests.web.forms import forms_of

Sessions = sessionmaker[Session]


@pytest.fixture
def client(
    open_client: Callable[[], FlaskClient], add_person: Callable[..., int], add_request: Callable[..., int]
) -> FlaskClient:
    """Request 1 is open, of matti to IT; aino is the agent of IT."""
    add_request("Screen", team="it", status="open", asked_by="matti", source="kollega")
    add_person("aino", "agent", "it")
    return open_client()


def _form(visitor: FlaskClient, page: str, action: str, **changed: str) -> dict[str, str]:
    found = next(form for form in forms_of(visitor.get(page).text) if form.action == action)
    return {**dict(found.fields), **changed}


def _at_once(client: FlaskClient, handle: str, action: str, data: dict[str, str]) -> list[str]:
    """Send a form four times at the same moment, and return where the answers lead."""
    visitors = [sign_in(client, handle) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda visitor: visitor.post(action, data=data), visitors))
    assert [answer.status_code for answer in answers] == [302] * 4
    return [answer.headers["Location"] for answer in answers]


def test_a_request_that_is_sent_twice_is_stored_once_and_a_changed_one_is_another(
    client: FlaskClient, sessions: Sessions
) -> None:
    matti = sign_in(client, "matti")
    data = _form(matti, "/requests/new?q=Mouse", "/requests/", team="it", audience="team", title="Mouse")
    first, second = (matti.post("/requests/", data=data).headers["Location"] for _ in range(2))
    assert first == second
    assert len(set(_at_once(client, "matti", "/requests/", {**data, "title": "Keyboard"}))) == 1
    assert matti.post("/requests/", data={**data, "body": "more"}).headers["Location"] != first  # gone back, changed
    with sessions() as session:
        titles = [row.title for row in session.query(HelpRequest).order_by(HelpRequest.id)]
    assert titles == ["Screen", "Mouse", "Keyboard", "Mouse"]


@pytest.mark.parametrize("then", ["", "resolve"])
def test_a_reply_that_is_sent_twice_is_stored_once(client: FlaskClient, sessions: Sessions, then: str) -> None:
    aino = sign_in(client, "aino")
    data = _form(
        aino, "/requests/1", "/requests/1/replies", body="Press the button.", **({"then": then} if then else {})
    )
    assert len(set(_at_once(client, "aino", "/requests/1/replies", data))) == 1
    with sessions() as session:
        assert session.query(Reply).filter_by(body="Press the button.").count() == 1


def test_a_document_that_is_sent_twice_is_stored_once_and_edited_once(client: FlaskClient, sessions: Sessions) -> None:
    aino = sign_in(client, "aino")
    sent = {"title": "Guide", "body": "Press.", "audience": "team", "then": "publish"}
    data = _form(aino, "/documents/new", "/documents/", **sent)
    assert len(set(_at_once(client, "aino", "/documents/", data))) == 1
    with sessions() as session:
        number = session.query(Document).one().id
    changed = _form(aino, f"/documents/{number}/edit", f"/documents/{number}", body="Press twice.", then="publish")
    assert set(_at_once(client, "aino", f"/documents/{number}", changed)) == {f"/documents/{number}"}


def test_the_key_of_a_form_says_nothing_to_another_person_and_is_forgotten_after_a_day(
    client: FlaskClient, sessions: Sessions, add_person: Callable[..., int]
) -> None:
    add_person("kaisa")
    data = {"title": "Mouse", "team": "it", "audience": "team", "sent_as": "a" * 32}
    places = [sign_in(client, who).post("/requests/", data=data).headers["Location"] for who in ("matti", "kaisa")]
    assert places[0] != places[1]
    with sessions.begin() as session:
        for row in session.query(SentForm):
            row.at = utc_now() - timedelta(days=2)
    again = data | {"title": "Keyboard"}
    assert sign_in(client, "matti").post("/requests/", data=again).headers["Location"] not in places
    with sessions() as session:
        assert session.query(SentForm).count() == 1


@pytest.mark.parametrize("resolve", [False, True])
def test_calls_with_one_key_that_come_at_once_are_all_answered_with_the_same_reply(
    client: FlaskClient, sessions: Sessions, resolve: bool
) -> None:
    with sessions.begin() as session:
        token = accounts.make_token(session, session.query(Person).filter_by(handle="aino").one(), "t", ("write",))
    ready = Barrier(4)

    def call(key: str) -> Any:
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key}
        visitor = client.application.test_client()
        ready.wait()
        return visitor.post("/api/v1/requests/1/replies", json={"body": "Press.", "resolve": resolve}, headers=headers)

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(call, ["one"] * 4))
    assert [answer.status_code for answer in answers] == [201] * 4
    assert len({str(answer.json["replies"]) for answer in answers}) == 1
    with sessions() as session:
        assert session.query(Reply).filter_by(body="Press.").count() == 1
    with ThreadPoolExecutor(4) as pool:
        others = sorted(answer.status_code for answer in pool.map(call, ["two", "three", "four", "five"]))
    assert others == ([409] * 4 if resolve else [201] * 4)  # other calls were not sent before


def test_a_call_with_a_key_can_be_sent_again(client: FlaskClient, sessions: Sessions) -> None:
    with sessions.begin() as session:
        aino = session.query(Person).filter_by(handle="aino").one()
        token = accounts.make_token(session, aino, "test", ("read", "write"))

    def call(path: str, json: dict[str, Any], key: str) -> Any:
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key}
        return client.post(f"/api/v1{path}", json=json, headers=headers)

    first, again = (call("/requests", {"title": "Mouse"}, "one") for _ in range(2))
    assert (first.status_code, first.json["id"]) == (again.status_code, again.json["id"]) == (201, 2)
    assert call("/requests", {"title": "Mouse"}, "two").json["id"] == 3
    refused = call("/requests", {"title": "Keyboard"}, "one")
    assert refused.status_code == 409 and "Idempotency-Key" in refused.json["error"]["detail"]
    answers = [call("/requests/1/replies", {"body": "Press."}, "one") for _ in range(2)]
    assert [len(answer.json["replies"]) for answer in answers] == [2, 2]  # the fixture has added one
    answers = [call("/requests/1/replies", {"body": "Press.", "resolve": True}, "two") for _ in range(2)]
    assert [(answer.status_code, answer.json["status"]) for answer in answers] == [(201, "resolved")] * 2
