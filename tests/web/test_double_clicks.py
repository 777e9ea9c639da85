"""A button that is clicked twice: both clicks are answered as one is, and what they store is stored once.

The two clicks of a test meet at the moment that matters: each has looked whether the row is there, and none has
written it.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, BrokenBarrierError
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event, text
from sqlalchemy.orm import Session, sessionmaker

from tests.conftest import sign_in

Sessions = sessionmaker[Session]
_WAIT = 0.5  # seconds that a click waits for the other before it writes


@pytest.fixture
def client(
    open_client: Callable[[], FlaskClient],
    add_person: Callable[..., int],
    add_request: Callable[..., int],
    add_document: Callable[..., int],
) -> FlaskClient:
    """Requests 1 and 2 are open, of matti to IT, 3 is resolved; document 1 is of IT. Aino is the agent of IT."""
    for title in ("Screen", "Screen is black"):
        add_request(title, team="it", status="open", asked_by="matti", source="kollega")
    add_request("Mouse", team="it", asked_by="matti", source="kollega")
    add_document("Mouse guide", "Change the battery.", team="it")
    add_person("aino", "agent", "it")
    add_person("kaisa")
    return open_client()


def _click_twice(client: FlaskClient, handle: str, action: str, data: dict[str, Any]) -> list[Any]:
    """The answers to a form that is sent twice. Each waits before its first INSERT until the other is there too."""
    visitors = [sign_in(client, handle) for _ in range(2)]
    engine = client.application.extensions["kollega_sessions"].kw["bind"]
    both = Barrier(2, timeout=_WAIT)

    def wait(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if statement.startswith("INSERT") and "audit_log" not in statement:
            try:
                both.wait()
            except BrokenBarrierError:
                return  # the other one had to wait for this one's lock, or has no INSERT

    event.listen(engine, "before_cursor_execute", wait)
    try:
        with ThreadPoolExecutor(2) as pool:
            return list(pool.map(lambda visitor: visitor.post(action, data=data), visitors))
    finally:
        event.remove(engine, "before_cursor_execute", wait)


@pytest.mark.parametrize(
    ("handle", "action", "data", "table", "rows"),
    [
        ("kaisa", "/inbox/follow/1", {"what": "follow", "on": "1"}, "request_follows", 1),
        ("kaisa", "/inbox/follow/1", {"what": "me_too", "on": "1"}, "request_follows", 1),
        ("kaisa", "/inbox/settings", {"daily_at": "9"}, "mail_settings", 1),
        ("kaisa", "/people/me/settings", {"muted": "printers\nkeys", "paused": "1"}, "person_settings", 1),
        ("kaisa", "/people/me/settings", {"muted": "printers\nkeys", "paused": "1"}, "person_topics", 2),
        ("aino", "/desk/1/same", {"number": "2"}, "request_links", 1),
        ("aino", "/desk/1/snooze", {"until": "week"}, "snoozed_requests", 1),
        ("aino", "/items/request:3/replaced", {"by": "document:1"}, "replacements", 1),
        ("matti", "/requests/1/withdraw", {}, "withdrawn_requests", 1),
    ],
)
def test_two_clicks_at_the_same_moment_are_answered_alike(
    client: FlaskClient, sessions: Sessions, handle: str, action: str, data: dict[str, str], table: str, rows: int
) -> None:
    answers = _click_twice(client, handle, action, data)
    assert [answer.status_code for answer in answers] == [302, 302]
    assert len({answer.location for answer in answers}) == 1
    with sessions() as session:
        assert session.execute(text(f"SELECT count(*) FROM {table}")).scalar() == rows  # noqa: S608


@pytest.mark.parametrize(
    ("handle", "action", "data"),
    [
        ("matti", "/requests/1/withdraw", {}),
        ("matti", "/requests/1/send-again", {}),
        ("kaisa", "/inbox/follow/1", {"what": "follow"}),
        ("aino", "/desk/1/take", {}),
        ("aino", "/desk/1/snooze", {"until": "week"}),
        ("aino", "/desk/1/same", {"number": "2"}),
        ("matti", "/requests/3/reopen", {}),
        ("aino", "/items/request:3/replaced", {"by": "document:1"}),
        ("aino", "/items/request:3/current", {}),
    ],
)
def test_the_second_of_two_clicks_leads_where_the_first_did(
    client: FlaskClient, handle: str, action: str, data: dict[str, str]
) -> None:
    visitor = sign_in(client, handle)
    if action.endswith("/send-again"):
        visitor.post("/requests/1/withdraw")
    answers = [visitor.post(action, data=data) for _ in range(2)]
    assert [(answer.status_code, answer.location) for answer in answers] == [(302, answers[0].location)] * 2
