"""limits.py and caller.py: how often one person may search and call the API, however they send it."""

import re
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import create_engine
from sqlalchemy.orm import Session, sessionmaker

from recommender import accounts
from recommender.database.tables import FirstSuggestion, Person
from recommender.recommender import Recommender
from recommender.settings import Settings
from tests.apps import close_app
from tests.conftest import sign_in
from web.app import create_app
from web.limits import InMemory, attach, limiter

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
        close_app(app)


def _token(sessions: Sessions, handle: str) -> str:
    with sessions.begin() as session:
        person = session.query(Person).filter_by(handle=handle).one()
        return accounts.make_token(session, person, "test", ("read", "write"))


def _search(visitor: FlaskClient, times: int) -> list[int]:
    """The answers to searches on all pages that search, in turn."""
    ways: list[Callable[[], Any]] = [
        lambda: visitor.post("/suggest", data={"q": "screen"}),
        lambda: visitor.post("/suggest/people", data={"q": "screen"}),
        lambda: visitor.get("/?q=screen"),
        lambda: visitor.post("/", data={"q": "my screen and my pay"}),  # private: it is answered without an address
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
    assert "Too many attempts" in matti.get("/?q=screen").text


def test_pages_that_search_beside_what_was_asked_count_too_and_show_the_rest(
    serve: Serve, add_person: Callable[..., int]
) -> None:
    add_person("aino", "agent", "it")
    client = serve(search_rate="4 per minute").test_client()
    matti = sign_in(client, "matti")
    drafts = [matti.post("/requests/", data={"title": "screen"}) for _ in range(6)]  # no team: shown again
    assert [answer.status_code for answer in drafts] == [422] * 6  # what was typed is never lost
    assert ["/requests/1" in answer.text for answer in drafts] == [True] * 4 + [False] * 2
    assert 'value="screen"' in drafts[-1].text
    assert _search(matti, 1) == [429]
    aino = sign_in(client, "aino")
    pages = [aino.get("/requests/1").text for _ in range(3)]
    pages += [aino.post("/desk/1/insert", data={"insert": "link request:1", "body": "typed"}).text for _ in range(3)]
    assert ['class="panel"' in page for page in pages] == [True] * 4 + [False] * 2
    assert "typed" in pages[-1]


def test_the_box_of_other_pages_is_limited_as_visitors_are_and_not_by_the_minute(serve: Serve) -> None:
    origin = {"Origin": "https://intranet.example"}
    client = serve(embed_origins=origin["Origin"], visitor_search_rate="3 per minute").test_client()
    box = [client.post("/embed/suggest", data={"q": "screen"}, headers=origin).status_code for _ in range(2)]
    assert box == [200, 200] and _search(client, 2) == [200, 429]
    assert client.post("/embed/suggest", data={"q": "screen"}, headers=origin).status_code == 429
    assert client.post("/embed/suggest", data={"q": ""}, headers=origin).status_code == 200


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
            page = visitor.post("/suggest", data={"q": "screen"}).text
            visitor.post("/asked", data={"first": re.findall(r'data-first="([^"]+)"', page)[0]})
    with sessions() as session:
        assert [row.count for row in session.query(FirstSuggestion)] == [6]


def test_an_application_on_sqlite_counts_in_memory_also_after_one_on_postgresql_in_the_same_process() -> None:
    for address in ("postgresql+psycopg://nobody@localhost/none", "sqlite://"):  # neither is connected to
        app = Flask("limited")
        app.secret_key = "secret"
        attach(app, create_engine(address))
    assert isinstance(limiter.storage, InMemory)


def test_counts_in_memory_end_with_their_window_and_start_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    now, threads, counts = [1000.0], threading.active_count(), InMemory()
    monkeypatch.setattr("web.limits.time.time", lambda: now[0])
    assert [counts.incr("matti", 60), counts.incr("matti", 60, 2), counts.incr("kaisa", 600)] == [1, 3, 1]
    assert (counts.get("matti"), counts.get_expiry("matti")) == (3, 1060.0)
    now[0] = 1060.0
    assert (counts.get("matti"), counts.get_expiry("matti")) == (0, 1060.0)
    assert counts.incr("aino", 60) == 1 and counts.windows.keys() == {"aino", "kaisa"}  # what has ended is gone
    assert counts.incr("matti", 60) == 1 and counts.get("kaisa") == 1
    counts.clear("kaisa")
    assert counts.get("kaisa") == 0 and counts.reset() == 2 and not counts.windows
    assert threading.active_count() <= threads


def test_no_count_in_memory_is_lost_when_many_threads_count() -> None:
    counts, interval = InMemory(), sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # seconds: threads change places in the middle of everything
    try:
        with ThreadPoolExecutor(8) as threads:
            given = sorted(threads.map(lambda _number: counts.incr("matti", 600), range(2_000)))
    finally:
        sys.setswitchinterval(interval)
    assert given == list(range(1, 2_001)) and counts.get("matti") == 2_000
