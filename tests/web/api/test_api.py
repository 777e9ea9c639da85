"""web/api: what the pages show, as JSON, and one form for all errors."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from typing import Any, get_args

import pytest
from flask.testing import FlaskClient
from pydantic import BaseModel
from sqlalchemy.orm import Session, sessionmaker

from recommender.access import ANYONE
from recommender.database.tables import Document, DocumentAudience, HelpRequest, Person
from recommender.recommender import Recommender
from recommender.render import SuggestedItem, as_json, suggestion_json
from recommender.settings import Settings
from tests.paths import ROOT
from tests.web.conftest import make_item, make_suggestion
from web.api import schemas

OpenClient = Callable[[], FlaskClient]
AddRequest = Callable[..., int]
PATH = "/api/v1/recommend"
QUESTION = "VPN client drops at home"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Settings with which everything near a question counts as an answer, so that more than three are shown."""
    return replace(settings, answer_from=0.0, maybe_from=0.0)


@pytest.fixture
def client(open_client: OpenClient, add_request: AddRequest) -> FlaskClient:
    """Five requests about a VPN, one about coffee, one that only HR may read."""
    for number in range(5):
        add_request(f"VPN client drops at home {number}", f"variant{number} router", "Use port 443", by="matti")
    add_request("Coffee machine is empty", "No beans", "Call facilities")
    add_request("VPN client drops at home for HR", "VPN client drops at home", "Secret", audience=["team:hr"])
    return open_client()


_NAMES = {
    "job_id": "ID",
    "request_id": "ID",
    "document_id": "ID",
    "attachment_id": "ID",
    "key": "KEY",
    "handle": "HANDLE",
}


def _kinds(model: type[BaseModel]) -> tuple[str, ...]:
    """The values of the field `kind` of a model."""
    return get_args(model.model_fields["kind"].annotation)


def _json(answer: Any) -> dict[str, Any]:
    assert answer.content_type == "application/json"
    values: dict[str, Any] = answer.json
    return values


def test_a_response_has_the_answer_of_the_recommender(
    client: FlaskClient, open_recommender: Callable[[], Recommender], sessions: sessionmaker[Session]
) -> None:
    with sessions() as session:
        expected = as_json(open_recommender().recommend(QUESTION, ANYONE, session, 10))
    assert expected["verdict"] == "answer"
    assert sorted(suggestion["title"] for suggestion in expected["suggestions"]) == [
        f"{QUESTION} {n}" for n in range(5)
    ]
    answer = _json(client.get(PATH, query_string={"q": QUESTION}))
    assert answer == expected
    assert [expert["handle"] for expert in answer["experts"]] == ["matti"]


def test_a_suggestion_says_when_its_document_was_verified() -> None:
    guide = replace(make_item("document:1"), verified_on=date(2026, 3, 4))
    told = suggestion_json(make_suggestion(guide, helped=6))
    assert (told["helped"], told["verified_on"], told["replaced_by"]) == (6, "2026-03-04", None)


def test_the_page_about_the_api_names_every_call_and_every_field_that_is_sent(client: FlaskClient) -> None:
    page, document = (ROOT / "docs" / "api.md").read_text(encoding="utf-8"), _json(client.get("/api/v1/openapi.json"))
    calls = {
        (method.upper(), re.sub(r"{(\w+)}", lambda name: _NAMES[name.group(1)], path.removeprefix("/api/v1")))
        for path, methods in document["paths"].items()
        for method in methods
    }
    assert [call for call in sorted(calls) if f"`{' '.join(call)}`" not in page] == []
    sent = {name for model in (schemas.Question, schemas.RequestFilter) for name in model.model_fields}
    kinds = {kind for model in (schemas.Helped, schemas.Used, schemas.Flagged) for kind in _kinds(model)}
    shown = set(SuggestedItem.model_fields) | {name for name in schemas.NewRequest.model_fields}
    assert [name for name in sorted(sent | kinds | shown) if f"`{name}`" not in page] == []


def test_a_question_in_the_address_and_one_in_json_give_the_same(client: FlaskClient) -> None:
    got = _json(client.get(PATH, query_string={"q": "VPN client", "body": "drops at home", "top_k": "2"}))
    sent = _json(client.post(PATH, json={"q": "VPN client", "body": "drops at home", "top_k": 2}))
    assert got["question"] == sent["question"] == "VPN client\ndrops at home"
    assert got["suggestions"] == sent["suggestions"]
    assert (len(got["suggestions"]), got["more"]) == (2, 3)


@pytest.mark.parametrize(
    ("values", "detail"),
    [
        ({}, "q: it is missing"),
        ({"q": "  "}, "q: it should contain more than spaces"),
        ({"q": "vpn", "top_k": "many"}, "top_k: it should be a whole number"),
        ({"q": "vpn", "top_k": "-1"}, "top_k: it should be at least 1"),
        ({"q": "vpn", "top_k": "51"}, "top_k: it should be at most 50"),
        ({"q": "vpn", "k": "3"}, "k: it is not known. Check how it is spelt"),
    ],
)
def test_the_error_for_a_wrong_value_names_the_field(client: FlaskClient, values: dict[str, str], detail: str) -> None:
    wanted = {"error": {"status": 422, "title": "Unprocessable Entity", "detail": detail}}
    for answer in (client.get(PATH, query_string=values), client.post(PATH, json=values)):
        assert (answer.status_code, _json(answer)) == (422, wanted)


@pytest.mark.parametrize("top_k", ["0", "1e999", "[3]", '{"a": 1}', "-3", "Infinity", "NaN"])
def test_a_top_k_in_json_that_is_not_a_number_from_1_to_50_is_refused(client: FlaskClient, top_k: str) -> None:
    answer = client.post(PATH, data=f'{{"q": "vpn", "top_k": {top_k}}}', content_type="application/json")
    assert answer.status_code == 422
    assert _json(answer)["error"]["detail"].startswith("top_k: it should be ")


@pytest.mark.parametrize(
    ("method", "path", "options", "status", "title"),
    [
        ("POST", PATH, {"data": "{", "content_type": "application/json"}, 400, "Bad Request"),
        ("POST", PATH, {"json": ["vpn"]}, 422, "Unprocessable Entity"),
        ("POST", PATH, {"data": "null", "content_type": "application/json"}, 422, "Unprocessable Entity"),
        ("POST", PATH, {"data": "q=vpn"}, 415, "Unsupported Media Type"),
        ("DELETE", PATH, {}, 405, "Method Not Allowed"),
        ("POST", PATH, {"data": "x" * 1_100_000, "content_type": "application/json"}, 413, "Request Entity Too Large"),
        ("GET", "/api/v1/nothing", {}, 404, "Not Found"),
        ("GET", "/api/v1/requests/4040", {}, 404, "Not Found"),
        ("GET", "/api/v1/requests/7", {}, 404, "Not Found"),  # this request exists, but only HR may read it
        ("GET", "/api/v1/requests/seven", {}, 404, "Not Found"),
        ("GET", "/api/v1/documents/4040", {}, 404, "Not Found"),
        ("GET", "/api/v1/people/nobody", {}, 404, "Not Found"),
    ],
)
def test_all_errors_have_the_same_shape(
    client: FlaskClient, method: str, path: str, options: dict[str, Any], status: int, title: str
) -> None:
    answer = client.open(path, method=method, **options)
    assert answer.status_code == status
    error = _json(answer)
    assert list(error) == ["error"] and sorted(error["error"]) == ["detail", "status", "title"]
    assert (error["error"]["status"], error["error"]["title"]) == (status, title)
    assert error["error"]["detail"]


def test_unknown_and_unreadable_requests_have_the_same_body(client: FlaskClient) -> None:
    assert client.get("/api/v1/requests/7").data == client.get("/api/v1/requests/4040").data


def test_a_request_is_returned_as_json(client: FlaskClient) -> None:
    assert _json(client.get("/api/v1/requests/1")) == {
        "id": 1,
        "title": "VPN client drops at home 0",
        "body": "variant0 router",
        "status": "resolved",
        "language": "en",
        "team": None,
        "asked_by": None,
        "assigned_to": None,
        "everyone": True,
        "created_at": "2026-01-01T00:00:00Z",
        "resolved_at": "2026-01-01T00:00:00Z",
        "resolution": None,
        "tags": [],
        "url": None,
        "replies": [
            {
                "id": 1,
                "author": "matti",
                "body": "Use port 443",
                "created_at": "2026-01-01T00:00:00Z",
                "accepted": True,
            }
        ],
    }


def test_a_document_is_returned_as_json(client: FlaskClient, sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        row = Document(
            title="Guide",
            body="# One",
            language="en",
            written_at=datetime(2026, 1, 5),
            verified_on=date(2026, 2, 1),
            audience=[DocumentAudience(token="everyone")],
            owner=session.query(Person).filter_by(handle="matti").one(),
        )
        session.add(row)
    assert _json(client.get("/api/v1/documents/1")) == {
        "id": 1,
        "title": "Guide",
        "body": "# One",
        "language": "en",
        "team": None,
        "owner": "matti",
        "written_at": "2026-01-05T00:00:00Z",
        "verified_on": "2026-02-01",
        "draft": False,
        "url": None,
    }


def test_a_person_as_json_lists_only_what_everyone_may_read(
    client: FlaskClient, add_request: AddRequest, sessions: sessionmaker[Session]
) -> None:
    add_request("For HR alone", by="matti", audience=["team:hr"])
    with sessions.begin() as session:
        session.get_one(HelpRequest, 5).hidden = True
    person = _json(client.get("/api/v1/people/matti"))
    assert sorted(row["id"] for row in person.pop("resolved")) == [1, 2, 3, 4]
    assert person == {
        "handle": "matti",
        "name": "Matti",
        "teams": [],
        "languages": [],
        "left": False,
        "away_until": None,
        "documents": [],
    }
