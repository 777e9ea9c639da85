"""The API as a client with a bearer token uses it, and as schemathesis tries to break it.

`KOLLEGA_FUZZ_EXAMPLES` says how many random requests each call gets: 10 unless it is set, and 100 in
`make test-long`, which is more than 2,000 for all calls together.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import schemathesis
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from schemathesis import Case
from sqlalchemy.orm import Session, sessionmaker

from recommender import accounts
from recommender.database.item_tables import Replacement
from recommender.database.tables import Event, HelpRequest, Person
from recommender.recommender import Recommender
from recommender.settings import Settings
from tests.apps import close_app
from web.api.schemas import NOT_EMPTY
from web.app import create_app
from web.limits import limiter

EXAMPLES = int(os.environ.get("KOLLEGA_FUZZ_EXAMPLES", "10"))
Sessions = sessionmaker[Session]
Call = Callable[..., Any]


@pytest.fixture
def call(
    open_client: Callable[[], FlaskClient],
    add_person: Callable[..., int],
    add_request: Callable[..., int],
    sessions: Sessions,
) -> Call:
    """`call(who, method, path, json)` with a token that may read and write; aino is agent of IT."""
    add_request("Screen is black after update", "Black screen", "Hold the power button", by="aino", team="it")
    add_request("Salary table", "x", "y", team="hr", audience=[])
    for handle, role, team in (("matti", "staff", ()), ("kaisa", "staff", ()), ("aino", "agent", ("it",))):
        add_person(handle, role, *team)
    client = open_client()

    def token(handle: str, scopes: tuple[str, ...]) -> str:
        with sessions.begin() as session:
            person = session.query(Person).filter_by(handle=handle).one()
            return accounts.make_token(session, person, "test", scopes)

    def call(who: str, method: str, path: str, json: Any = None, scopes: tuple[str, ...] = ("read", "write")) -> Any:
        headers = {"Authorization": f"Bearer {token(who, scopes)}"} if who else {}
        return client.open(f"/api/v1{path}", method=method, json=json, headers=headers)

    return call


def test_a_request_is_sent_answered_and_resolved(call: Call, sessions: Sessions) -> None:
    sent = {"title": "Black screen", "body": "since today", "team": "it", "shown": ["request:1", "request:2"]}
    filed = call("matti", "POST", "/requests", sent)
    assert filed.status_code == 201 and filed.json["everyone"] is True and filed.json["asked_by"] == "matti"
    number = filed.json["id"]
    with sessions() as session:  # the item that the asker may not read is left out
        assert [row.item for row in session.get_one(HelpRequest, number).attempts] == ["request:1"]
    similar = call("aino", "GET", f"/requests/{number}/similar?top_k=3").json
    assert [suggestion["item"] for suggestion in similar["suggestions"]] == ["request:1"]
    replied = call("aino", "POST", f"/requests/{number}/replies", {"body": "Hold the button"}).json
    solving = replied["replies"][0]["id"]
    assert call("kaisa", "POST", f"/requests/{number}/resolve", {"reply": solving}).status_code == 403
    assert call("matti", "POST", f"/requests/{number}/resolve", {"reply": solving}).json["status"] == "resolved"
    other = call("aino", "POST", f"/requests/{number}/replies", {"body": "Or wait"}).json["replies"][1]["id"]
    call("matti", "POST", f"/requests/{number}/resolve", {"reply": solving})  # the reply has opened it again
    assert call("matti", "POST", f"/requests/{number}/resolve", {"reply": solving}).json["status"] == "resolved"
    assert call("matti", "POST", f"/requests/{number}/resolve", {"reply": other}).status_code == 409
    assert call("matti", "POST", f"/requests/{number}/replies", {"body": "again"}).json["status"] == "open"


def test_lists_and_items_contain_only_what_the_reader_may_read(call: Call) -> None:
    assert [row["id"] for row in call("matti", "GET", "/requests").json["requests"]] == [1]
    assert call("matti", "GET", "/requests?team=hr").json == {"total": 0, "page": 1, "requests": []}
    assert call("matti", "GET", "/items/request:1").json["answer"] == "Hold the power button"
    unreadable, unknown = (call("matti", "GET", f"/items/request:{n}") for n in (2, 99))
    assert unreadable.status_code == 404 and unreadable.data == unknown.data


def test_an_item_names_what_has_replaced_it_to_those_who_may_read_that(
    call: Call, add_person: Callable[..., int], sessions: Sessions
) -> None:
    add_person("riikka", "agent", "hr")
    assert call("matti", "GET", "/items/request:1").json["replaced_by"] is None
    with sessions.begin() as session:
        session.add(Replacement(item="request:1", by="request:2"))
    named = {"item": "request:2", "title": "Salary table", "language": "en"}
    for who, shown in (("riikka", named), ("matti", None)):
        assert call(who, "GET", "/items/request:1").json["replaced_by"] == shown, who


def test_an_anonymous_asker_is_not_named_to_colleagues(call: Call) -> None:
    sent = {"title": "Shy question", "team": "it", "anonymous": True}
    number = call("matti", "POST", "/requests", sent).json["id"]
    call("matti", "POST", f"/requests/{number}/replies", {"body": "more"})
    for who, named in (("matti", "matti"), ("aino", "matti"), ("kaisa", None)):
        shown = call(who, "GET", f"/requests/{number}").json
        assert (shown["asked_by"], shown["replies"][0]["author"]) == (named, named), who
        rows = call(who, "GET", "/requests?status=open").json["requests"]
        assert [row["asked_by"] for row in rows] == [named], who
    assert call("kaisa", "GET", "/requests?mine=true").json["total"] == 0


def test_a_request_without_a_given_audience_gets_that_of_its_team(call: Call, sessions: Sessions) -> None:
    assert call("matti", "POST", "/requests", {"title": "To nobody in particular"}).json["everyone"] is False
    assert call("matti", "POST", "/requests", {"title": "t", "team": "it"}).json["everyone"] is True
    assert call("matti", "POST", "/requests", {"title": "t", "team": "nowhere"}).status_code == 404


@pytest.mark.parametrize("spaces", ["", " ", "\f", "\u2003\n", "\u0085", "\x1c", "\ufeff"])
def test_a_title_of_only_spaces_is_refused_as_the_openapi_document_says(call: Call, spaces: str) -> None:
    answer = call("matti", "POST", "/requests", {"title": spaces})
    assert (answer.status_code, answer.json["error"]["detail"]) == (422, "title: it should contain more than spaces")
    schemas = call("matti", "GET", "/openapi.json").json["components"]["schemas"]
    [title] = [schema["properties"]["title"] for name, schema in schemas.items() if name.startswith("NewRequest")]
    assert title["pattern"] == NOT_EMPTY


def test_feedback_is_counted_without_a_name(call: Call, sessions: Sessions) -> None:
    def send(who: str, **sent: Any) -> int:
        answer = call(who, "POST", "/feedback", {"item": "request:1", **sent})
        status: int = answer.status_code
        return status

    assert send("matti", kind="solved") == 201
    assert send("matti", kind="flagged") == 422
    assert send("matti", kind="flagged", note="outdated") == 201
    assert send("aino", kind="used") == 422
    assert send("matti", kind="used", request=1) == 403
    assert send("aino", kind="used", request=1) == 201
    assert send("matti", kind="solved", item="request:2") == 404
    assert send("matti", kind="not_my_topic") == 422
    with sessions() as session:
        assert [event.kind for event in session.query(Event).order_by(Event.id)] == ["solved", "flagged", "used"]
        assert all(event.subject_id is None for event in session.query(Event))


def test_what_somebody_said_of_an_item_can_be_taken_back_by_them_alone(call: Call, sessions: Sessions) -> None:
    said = {"kind": "unhelpful", "item": "request:1"}
    call("matti", "POST", "/feedback", said)
    assert call("kaisa", "POST", "/feedback/undo", said).json == {"taken_back": False}
    assert [call("matti", "POST", "/feedback/undo", said).json["taken_back"] for _ in range(2)] == [True, False]
    with sessions() as session:
        assert session.query(Event).count() == 0
    assert call("matti", "POST", "/feedback/undo", {**said, "item": "request:2"}).status_code == 404
    assert call("matti", "POST", "/feedback/undo", {**said, "kind": "flagged"}).status_code == 422
    assert call("matti", "POST", "/feedback/undo", said, scopes=("read",)).status_code == 403


def test_a_suggestion_says_what_its_card_says(call: Call, add_document: Call, sessions: Sessions) -> None:
    add_document("Screen guide", "Hold the power button.", verified_by="aino")
    call("matti", "POST", "/feedback", {"kind": "solved", "item": "request:1"})
    with sessions.begin() as session:
        session.add(Replacement(item="request:1", by="document:1"))
    found = call("kaisa", "GET", "/recommend?q=Screen+is+black+after+update").json["suggestions"]
    told = {each["item"]: (each["helped"], each["verified_on"], each["replaced_by"]) for each in found}
    assert told["request:1"] == (1, None, {"item": "document:1", "title": "Screen guide", "language": "en"})


def test_the_inbox_has_what_the_person_was_told_and_nobody_elses(call: Call, sessions: Sessions) -> None:
    number = call("matti", "POST", "/requests", {"title": "Screen flickers", "team": "it", "everyone": True}).json["id"]
    for body in ("Which one?", "Since when?"):
        call("aino", "POST", f"/requests/{number}/replies", {"body": body})
    page = call("matti", "GET", "/inbox").json
    assert (page["total"], page["unread"], page["page"]) == (2, 2, 1)
    newest = page["notifications"][0]
    at, reply = newest.pop("at"), newest.pop("reply")
    assert at.endswith("Z") and isinstance(reply, int)
    assert newest == {
        "id": 2, "kind": "reply", "item": f"request:{number}", "title": "Screen flickers", "actor": "aino",
        "read": False,
    }  # fmt: skip
    assert call("kaisa", "GET", "/inbox").json["notifications"] == []
    assert call("kaisa", "POST", "/inbox/read", {"notification": 1}).json == {"unread": 0}
    assert call("matti", "POST", "/inbox/read", {"notification": 1}).json == {"unread": 1}
    assert [each["read"] for each in call("matti", "GET", "/inbox").json["notifications"]] == [False, True]
    with sessions.begin() as session:
        session.get_one(HelpRequest, number).hidden = True
    assert call("matti", "GET", "/inbox").json["total"] == call("matti", "GET", "/inbox").json["unread"] == 0
    assert call("matti", "POST", "/inbox/read", {}).json == {"unread": 0}
    assert call("", "GET", "/inbox").status_code == 401


def test_a_token_can_be_used_only_for_its_scopes(call: Call) -> None:
    assert call("matti", "GET", "/recommend?q=screen", scopes=("write",)).status_code == 403
    assert call("matti", "POST", "/recommend", {"q": "screen"}, scopes=("read",)).status_code == 200
    refused = call("matti", "POST", "/requests", {"title": "t"}, scopes=("read",))
    assert refused.status_code == 403 and "'write'" in refused.json["error"]["detail"]


def test_nobody_writes_without_a_token_and_a_wrong_one_reads_nothing(
    call: Call, open_client: Callable[[], FlaskClient]
) -> None:
    refused = call("", "POST", "/requests", {"title": "t"})
    assert refused.status_code == 401 and refused.headers["WWW-Authenticate"] == "Bearer"
    client = open_client()
    for header in ("Bearer nonsense", "Basic YTpi", "Bearer ", "kollega_x"):
        assert client.get("/api/v1/recommend?q=x", headers={"Authorization": header}).status_code == 401


def test_the_api_ignores_session_cookies(call: Call, open_client: Callable[[], FlaskClient]) -> None:
    from tests.conftest import sign_in

    visitor = sign_in(open_client(), "matti")
    assert visitor.post("/api/v1/requests", json={"title": "forged"}).status_code == 401


def test_a_link_that_not_all_readers_may_follow_must_be_confirmed(call: Call, add_request: Call) -> None:
    secret = add_request("IT only", team="it", audience=[])
    number = call("matti", "POST", "/requests", {"title": "t", "team": "it"}).json["id"]
    body = {"body": f"see /requests/{secret}"}
    assert call("aino", "POST", f"/requests/{number}/replies", body).status_code == 409
    assert call("aino", "POST", f"/requests/{number}/replies", {**body, "sure": True}).status_code == 201


def test_too_many_calls_have_to_wait(
    settings: Settings, open_recommender: Callable[[], Recommender], add_request: Callable[..., int]
) -> None:
    from dataclasses import replace

    add_request("Screen")
    app = create_app(replace(settings, api_rate="3 per minute"), recommender=open_recommender())
    answers = [app.test_client().get("/api/v1/recommend?q=screen") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert int(answers[3].headers["Retry-After"]) > 0
    assert answers[3].json is not None and "Retry-After" in answers[3].json["error"]["detail"]
    assert app.test_client().get("/health").status_code == 200
    close_app(app)


@pytest.fixture
def api(
    request: pytest.FixtureRequest,
    settings: Settings,
    sessions: Sessions,
    open_recommender: Callable[[], Recommender],
    add_person: Callable[..., int],
    add_request: Callable[..., int],
    add_document: Callable[..., int],
) -> Iterator[tuple[Any, str]]:
    """The schema of an application where people have to sign in, and a token."""
    from dataclasses import replace

    add_request("Screen is black", "after update", "Hold the button", team="it", asked_by="matti")
    add_request("Still open", "x", "y", team="it", status="open")
    add_document("Guide", "text", team="it", owner="aino")
    number = add_person("aino", "agent", "it")
    with sessions.begin() as session:
        token = accounts.make_token(session, session.get_one(Person, number), "test", ("read", "write"))
    app = create_app(
        replace(settings, anonymous_reading=False, api_rate="1000000 per minute"), recommender=open_recommender()
    )
    yield schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app), token
    close_app(app)


def test_no_generated_call_breaks_the_api_or_its_schema(
    api: tuple[Any, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limiter, "enabled", False)
    schema, token = api
    answers: Counter[int] = Counter()
    for result in schema.get_all_operations():
        operation = result.ok()

        @hypothesis_settings(
            max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck)
        )
        @given(case=operation.as_strategy())
        def calls_are_answered_as_described(case: Case) -> None:
            answers[case.call_and_validate(headers={"Authorization": f"Bearer {token}"}).status_code] += 1

        calls_are_answered_as_described()
    with capsys.disabled():
        print(f"\n{answers.total()} calls of the API; answers: {dict(sorted(answers.items()))}")
    assert answers.total() >= min(EXAMPLES, 170) * 12 * 0.9 and max(answers) < 500


def test_every_operation_is_in_the_openapi_document(open_client: Callable[[], FlaskClient], add_request: Call) -> None:
    add_request("Screen")
    client = open_client()
    document = client.get("/api/v1/openapi.json").json
    assert document is not None
    described = {(path, method.upper()) for path, methods in document["paths"].items() for method in methods}
    routes = {
        (rule.rule.replace("<int(min=1, max=2147483647):", "{").replace("<", "{").replace(">", "}"), method)
        for rule in client.application.url_map.iter_rules()
        if rule.endpoint.startswith("api.")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    routes.remove(("/api/v1/openapi.json", "GET"))
    assert described == routes and len(routes) == 22


def test_schemas_are_named_by_their_class_whichever_module_it_is_in(open_client: Callable[[], FlaskClient]) -> None:
    document = open_client().get("/api/v1/openapi.json").json
    assert document is not None
    names = document["components"]["schemas"].keys()
    assert {"NewRequest", "Problem", "Recommended", "Recommended.SuggestedItem", "Similar.SuggestedItem"} <= names
