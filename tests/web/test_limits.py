"""limits.py and caller.py: how often one person may search and call the API, however they send it."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session, sessionmaker

from recommender import accounts
from recommender.database.tables import FirstSuggestion, Person
from recommender.recommender import Recommender
from recommender.settings import Settings
from tests.conftest import sign_in
from web.app import create_app

Sessions = sessionmaker[Session]
Serve = Callable[..., Flask]


@pytest.fixture
def serve(
    settings: Settings,
    open_recommender: Callable[[], Recommender],
    add_request: Callable[..., int],
    add_person: Callable[..., int],
) -> Iterator[Serve]:
    """Makes an application with other settings; request 1 is about a screen, matti and kaisa are staff."""
    add_request("Screen")
    add_person("matti")
    add_person("kaisa")
    apps = []

    def serving(**changes: Any) -> Flask:
        app = create_app(replace(settings, **changes), recommender=open_recommender())
        app.config["WTF_CSRF_ENABLED"] = False
        apps.append(app)
        return app

    yield serving
    for app in apps:
        app.extensions["kollega_sessions"].kw["bind"].dispose()


def _token(sessions: Sessions, handle: str) -> str:
    with sessions.begin() as session:
        person = session.query(Person).filter_by(handle=handle).one()
        return accounts.make_token(session, person, "test", ("read", "write"))


def _search(visitor: FlaskClient, times: int) -> list[int]:
    """The answers to searches on all pages that search, in turn."""
    ways: list[Callable[[], Any]] = [
        lambda: visitor.post("/suggest", data={"q": "screen"}),
        lambda: visitor.get("/?q=screen"),
        lambda: visitor.post("/", data={"q": "screen"}),
        lambda: visitor.post("/requests/new", data={"q": "screen"}),
    ]
    return [ways[number % len(ways)]().status_code for number in range(times)]


def test_a_person_who_searches_too_often_waits_and_others_do_not(serve: Serve) -> None:
    client = serve(search_rate="4 per minute", visitor_search_rate="2 per minute").test_client()
    matti = sign_in(client, "matti")
    assert _search(matti, 6) == [200] * 4 + [429] * 2
    assert _search(sign_in(client, "matti"), 1) == [429]  # another browser of the same person
    assert _search(sign_in(client, "kaisa"), 1) == [200]
    assert _search(client, 3) == [200, 200, 429]
    assert matti.get("/").status_code == 200  # the page itself searches for nothing
    assert "too often" in matti.get("/?q=screen").text


def test_typing_is_far_below_the_limit(serve: Serve) -> None:
    assert _search(sign_in(serve().test_client(), "matti"), 20) == [200] * 20


def test_all_tokens_of_a_person_count_together_however_the_header_is_written(serve: Serve, sessions: Sessions) -> None:
    client = serve(api_rate="4 per minute").test_client()
    first, second = _token(sessions, "matti"), _token(sessions, "matti")
    headers = [f"Bearer {first}", f"bearer {first}", f"BEARER   {first} ", f"Bearer {second}", f"Bearer {first}\t"]
    answers = [client.get("/api/v1/requests", headers={"Authorization": header}).status_code for header in headers]
    assert answers == [200, 200, 200, 200, 429]
    other = {"Authorization": f"Bearer {_token(sessions, 'kaisa')}"}
    assert client.get("/api/v1/requests", headers=other).status_code == 200


def test_wrong_tokens_are_limited_by_address_and_right_ones_go_on(serve: Serve, sessions: Sessions) -> None:
    client = serve(api_rate="1000 per minute").test_client()
    answers = [
        client.get("/api/v1/requests", headers={"Authorization": f"Bearer guess{number}"}).status_code
        for number in range(40)
    ]
    assert answers == [401] * 30 + [429] * 10
    right = {"Authorization": f"Bearer {_token(sessions, 'matti')}"}
    assert client.get("/api/v1/requests", headers=right).status_code == 200


def test_asking_again_and_again_does_not_use_up_a_colleague_s_week(serve: Serve, sessions: Sessions) -> None:
    client = serve().test_client()
    visitors = [sign_in(client, "matti"), sign_in(client, "kaisa")]
    for _ in range(6):
        for visitor in visitors:
            visitor.post("/asked", data={"q": "screen"})
    with sessions() as session:
        assert [row.count for row in session.query(FirstSuggestion)] == [6]
