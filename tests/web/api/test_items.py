"""web/api/items.py: programs send items, which only an admin's token with the scope `load` may do."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session, sessionmaker

from recommender import accounts, audit
from recommender.database.job_tables import Job
from recommender.database.tables import Person
from recommender.jobs import kinds, queue
from recommender.settings import Settings

Sessions = sessionmaker[Session]
ITEM = {"type": "request", "id": "17", "title": "VPN 809", "created_at": "2026-03-02T08:10:00"}
SENT = {"source": "crm", "items": [ITEM]}


@pytest.fixture
def call(open_client: Callable[[], FlaskClient], add_person: Callable[..., int], sessions: Sessions) -> Any:
    """`call(who, method, path, json)` with a token that may load, unless other scopes are given."""
    for handle, role in (("root", "admin"), ("other", "admin"), ("aino", "agent")):
        add_person(handle, role)
    client = open_client()

    def call(
        who: str, method: str, path: str, json: Any = None, scopes: Any = ("read", "write", "load"), **more: Any
    ) -> Any:
        headers: dict[str, str] = {}
        if who:
            with sessions.begin() as session:
                person = session.query(Person).filter_by(handle=who).one()
                headers["Authorization"] = f"Bearer {accounts.make_token(session, person, 'test', scopes)}"
        body = {key: more.pop(key) for key in ("data", "content_type") if key in more}
        return client.open(f"/api/v1{path}", method=method, json=json, headers={**headers, **more}, **body)

    return call


def test_items_become_a_job_whose_state_only_its_sender_sees(call: Any, sessions: Sessions) -> None:
    sent = call("root", "POST", "/items", SENT)
    assert sent.status_code == 202 and sent.json["state"] == "waiting" and sent.json["source"] == "crm"
    number = sent.json["job"]
    with sessions.begin() as session:
        job = session.get_one(Job, number)
        assert (job.kind, job.payload) == (kinds.LOAD, [ITEM])
        queue.finish(session, number, {"added": 1, "problems": ["items:1: title: too long"], "problem_count": 1})
        (entry,) = [entry for entry in audit.entries(session) if entry.action == "items.load"]
        assert entry.details == {"job": number, "n": 1} and entry.via == "api"
    shown = call("root", "GET", f"/jobs/{number}").json
    assert (shown["state"], shown["added"], shown["problems"]) == ("done", 1, ["items:1: title: too long"])
    assert call("other", "GET", f"/jobs/{number}").status_code == 404
    assert call("root", "GET", "/jobs/999").status_code == 404


def test_deletions_become_a_job_of_their_own_kind(call: Any, sessions: Sessions) -> None:
    sent = call("root", "POST", "/items/delete", {"source": "crm", "items": [{"type": "request", "id": "17"}]})
    assert sent.status_code == 202
    with sessions() as session:
        job = session.get_one(Job, sent.json["job"])
        assert (job.kind, job.payload) == (kinds.DELETE, [{"type": "request", "id": "17"}])


@pytest.mark.parametrize(
    ("who", "scopes", "status"),
    [
        ("", (), 401),
        ("root", ("read", "write"), 403),
        ("aino", ("read", "write", "load"), 403),
        ("root", ("load",), 202),
    ],
)
def test_only_an_admin_with_the_scope_may_send_items(
    call: Any, sessions: Sessions, who: str, scopes: tuple[str, ...], status: int
) -> None:
    assert call(who, "POST", "/items", SENT, scopes).status_code == status
    with sessions() as session:
        assert session.query(Job).count() == (status == 202)


def test_the_same_call_twice_is_one_job(call: Any, sessions: Sessions) -> None:
    first, second = (call("root", "POST", "/items", SENT, **{"Idempotency-Key": "k1"}).json["job"] for _ in range(2))
    assert first == second
    other = call("root", "POST", "/items", {**SENT, "source": "other"}, **{"Idempotency-Key": "k1"})
    assert other.status_code == 409
    with sessions() as session:
        assert session.query(Job).count() == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"source": "kollega", "items": [ITEM]},
        {"source": "demo", "items": [ITEM]},
        {"source": "Big Name", "items": [ITEM]},
        {"source": "crm", "items": []},
        {"source": "crm", "items": [ITEM] * 501},
        {"source": "crm", "items": ["text"]},
        {"items": [ITEM]},
    ],
)
def test_a_call_that_cannot_be_used_is_refused_with_the_field(call: Any, wrong: dict[str, Any]) -> None:
    answer = call("root", "POST", "/items", wrong)
    assert answer.status_code == 422
    assert answer.json["error"]["detail"].startswith(("source", "items"))


@pytest.mark.parametrize(("path", "items"), [("/items", [ITEM]), ("/items/delete", [{"type": "request", "id": "17"}])])
def test_the_name_of_a_source_that_sync_reads_is_refused_since_sync_would_delete_what_was_sent(
    call: Any, sessions: Sessions, settings: Settings, path: str, items: list[Any]
) -> None:
    settings.sources_file.write_text('[crm]\nkind = "jsonl"\nplace = "x.jsonl"\n', encoding="utf-8")
    answer = call("root", "POST", path, {"source": "crm", "items": items})
    assert answer.status_code == 409 and "Send these items under another name." in answer.json["error"]["detail"]
    assert call("root", "POST", path, {"source": "crm2", "items": items}).status_code == 202
    settings.sources_file.write_text("[broken", encoding="utf-8")
    assert call("root", "POST", path, {"source": "crm", "items": items}).status_code == 202
    with sessions() as session:
        assert [job.source for job in session.query(Job)] == ["crm2", "crm"]


def test_a_job_says_how_many_items_were_deleted(call: Any, sessions: Sessions) -> None:
    number = call("root", "POST", "/items/delete", {"source": "crm", "items": [{"type": "request", "id": "17"}]}).json[
        "job"
    ]
    with sessions.begin() as session:
        queue.finish(session, number, {"removed": 1})
    assert call("root", "GET", f"/jobs/{number}").json["deleted"] == 1


def test_a_body_that_is_no_json_is_told_as_such(call: Any) -> None:
    answer = call("root", "POST", "/items", None, data="x", content_type="application/json")
    assert answer.status_code == 400 and answer.json["error"]["detail"] == "The body is not JSON that can be read."
