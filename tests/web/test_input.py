"""Whatever an address, a form or a stored link contains, a page is shown; and nobody learns what exists."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session, sessionmaker

from recommender.database.tables import Document, HelpRequest
from recommender.recommender import Recommender
from recommender.settings import Settings
from tests.apps import close_app
from tests.conftest import sign_in
from tests.routes import values_of
from web.app import create_app
from web.input import clean_json, parts_of

Sessions = sessionmaker[Session]
BAD_ADDRESSES = ("http://[x", "//[", "http://[::1", "https://\u2100.example/", "/\\[", "http://a:99999999/", "\0", "[")


@pytest.mark.parametrize("bad", BAD_ADDRESSES)
def test_a_bad_address_in_next_leads_to_the_first_page(
    open_client: Callable[[], FlaskClient], add_person: Callable[..., int], add_request: Callable[..., int], bad: str
) -> None:
    add_request("Screen")
    client = open_client()
    assert client.get("/sign-in", query_string={"next": bad}).status_code == 200
    client.application.config["WTF_CSRF_ENABLED"] = False
    assert client.post("/sign-in", data={"next": bad, "handle": "x", "password": "y"}).status_code == 401
    assert (
        client.get(
            "/?q=screen", headers={"Referer": bad.replace("\0", "").encode("ascii", "replace").decode()}
        ).status_code
        == 200
    )


@pytest.mark.parametrize("bad", BAD_ADDRESSES)
def test_a_bad_link_of_an_imported_item_is_not_shown_and_breaks_no_page(
    open_client: Callable[[], FlaskClient],
    add_person: Callable[..., int],
    add_request: Callable[..., int],
    add_document: Callable[..., int],
    sessions: Sessions,
    bad: str,
) -> None:
    add_request("Screen", team="it")
    add_document("Screen guide", "Press.")
    add_person("aino", "agent", "it")
    with sessions.begin() as session:
        session.get_one(HelpRequest, 1).url = session.get_one(Document, 1).url = bad
    aino = sign_in(open_client(), "aino")
    for path in ("/requests/1", "/documents/1", "/?q=screen", "/desk/?state=all", "/documents/new?from=1"):
        answer = aino.get(path)
        assert (
            answer.status_code == 200 and ">Original<" not in answer.text.replace(f'href="{bad}"', "")
        ) or bad.startswith("http://a")
    assert aino.post("/items/request:1/replaced", data={"by": bad}).status_code == 422


def test_characters_that_cannot_be_stored_become_the_sign_for_a_missing_one(
    open_client: Callable[[], FlaskClient], add_person: Callable[..., int], sessions: Sessions
) -> None:
    add_person("matti")
    sent = {"title": "A log\0line", "body": "before\0after", "team": "unknown", "audience": "team"}
    assert sign_in(open_client(), "matti").post("/requests/", data=sent).status_code == 302
    with sessions() as session:
        row = session.query(HelpRequest).one()
        assert (row.title, row.body) == ("A log\ufffdline", "before\ufffdafter")
    assert clean_json({"a\0": ["\ud800", 1, None]}) == {"a\ufffd": ["\ufffd", 1, None]}
    assert parts_of("http://[x").scheme == ""


def test_an_address_with_bytes_that_are_no_text_is_refused(open_client: Callable[[], FlaskClient]) -> None:
    client = open_client()
    for environ in ({"QUERY_STRING": "q=\xff\xfe"}, {"PATH_INFO": "/people/\0"}, {"HTTP_COOKIE": "lang=\xff"}):
        assert client.get("/", environ_overrides=environ).status_code in (200, 400, 404)


def test_somebody_who_may_read_nothing_gets_the_same_answer_for_what_exists_and_what_does_not(
    settings: Settings,
    open_recommender: Callable[[], Recommender],
    add_person: Callable[..., int],
    add_request: Callable[..., int],
    add_document: Callable[..., int],
) -> None:
    add_request("Screen", team="it")
    add_document("Guide", "Press.")
    add_person("aino", "agent", "it")
    app = create_app(replace(settings, anonymous_reading=False), recommender=open_recommender())
    app.config["WTF_CSRF_ENABLED"] = False
    client = app.test_client()
    keys = {"handle": ("aino", "nobody"), "key": ("request:1", "request:2")}
    tried = 0
    for rule in app.url_map.iter_rules():
        if not rule.arguments or rule.endpoint == "static" or {"secret", "token", "source"} & rule.arguments:
            continue
        for method in (rule.methods or set()) - {"OPTIONS"}:
            answers = []
            for place, number in enumerate((1, 2)):  # what exists, and what does not
                values = values_of(rule, number, f"name-{number}")
                values |= {name: both[place] for name, both in keys.items() if name in values}
                path = app.url_map.bind("localhost").build(rule.endpoint, values, method)
                answer: Any = client.open(path, method=method)
                text = re.sub(r'(name="csrf_token"[^>]* value=)"[^"]*"', r"\1", answer.text)  # it has the time in it
                answers.append((answer.status_code, text.replace(path, "PATH")))
            assert answers[0] == answers[1], (rule.rule, method)
            assert answers[0][0] in (401, 415), (rule.rule, method)
            tried += 1
    assert tried > 30
    close_app(app)


def test_a_field_without_a_name_breaks_nothing(open_client: Callable[[], FlaskClient]) -> None:
    unnamed, named = b"Content-Disposition: form-data", b'Content-Disposition: form-data; name="q"'
    part = b"--b\r\n%b\r\n\r\nx\r\n--b\r\n%b\r\n\r\ny\r\n--b--\r\n" % (unnamed, named)
    answer = open_client().post("/suggest", data=part, content_type="multipart/form-data; boundary=b")
    assert answer.status_code == 200
