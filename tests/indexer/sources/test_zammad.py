"""What is special about Zammad: types of states, triggers, notes, merges, the knowledge base, and saved answers."""

import json
from pathlib import Path
from typing import Any

import pytest

from indexer.sources.records import DeletedRecord
from tests.indexer.sources.reading import read
from tests.indexer.sources.servers.desk import Desk
from tests.indexer.sources.servers.server import TOKEN, serving
from tests.indexer.sources.servers.zammad import ZammadServer


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KOLLEGA_ZAMMAD_TOKEN", TOKEN)


def test_the_type_of_a_state_counts_and_mail_of_triggers_does_not() -> None:
    desk = Desk(2)
    desk.hide(2)
    with serving(ZammadServer(desk)) as server:
        found = read("zammad", server.url)
    first = found.requests["1"]
    assert first.status == "resolved" and found.requests["2"].readers_there == ("Vain IT",)
    assert [reply.body for reply in first.replies] == ["Sisäinen huomio 1", "Käynnistä palvelu 1 uudelleen."]
    assert first.url == f"{server.url}/#ticket/zoom/1"
    assert (first.group, first.readers_there, first.properties["number"]) == ("Palvelu", ("Palvelu",), "91")
    assert found.people["zammad-3"].email == "person3@example.org"


def test_each_person_is_asked_for_once() -> None:
    with serving(ZammadServer(Desk(60))) as server:
        read("zammad", server.url)
        asked = [path for path in server.requests if "/users/" in path]
    assert len(asked) == len(set(asked)) == 7


def test_an_internal_first_message_is_no_question(tmp_path: Path) -> None:
    server = ZammadServer(Desk(1))
    ticket, articles = server.ticket(server.desk.tickets[1]), server.articles(server.desk.tickets[1])
    articles[0] |= {"internal": True, "attachments": [{"filename": "erottaminen.pdf"}]}
    articles[-1]["attachments"] = [{"filename": "ohje.pdf"}]
    (tmp_path / "tickets.json").write_text(json.dumps([ticket]), encoding="utf-8")
    (tmp_path / "articles.json").write_text(json.dumps(articles), encoding="utf-8")
    found = read("zammad", tmp_path)
    assert found.problems == [] and found.requests["1"].body == ""
    assert found.requests["1"].attachments == ("ohje.pdf",)
    assert [internal for _text, _accepted, internal in found.replies("1")] == [True, True, False]


def test_saved_answers_are_read_and_articles_without_their_ticket_told(tmp_path: Path) -> None:
    server = ZammadServer(Desk(2))
    assets = {"Ticket": {"1": server.ticket(server.desk.tickets[1])}}
    (tmp_path / "search.json").write_text(json.dumps({"tickets": [1], "assets": assets}), encoding="utf-8")
    both = [article for ticket in server.desk.tickets.values() for article in server.articles(ticket)]
    (tmp_path / "articles.json").write_text(json.dumps(both), encoding="utf-8")
    found = read("zammad", tmp_path)
    assert set(found.requests) == {"1"}
    assert len(found.problems) == 1 and "messages of 2 were left out" in found.problems[0]


def answer(number: int, **times: Any) -> dict[str, Any]:
    none = {"published_at": None, "internal_at": None, "archived_at": None}
    return {"id": number, "category_id": 1, "attachments": [{"filename": "ohje.pdf"}], **none, **times}


TIME = "2026-03-02T08:00:00Z"


def knowledge(*answers: dict[str, Any], **base: Any) -> dict[str, dict[str, Any]]:
    """A knowledge base with answers of one category each in one language."""
    translation = {"kb_locale_id": 1, "updated_by_id": 3, "updated_at": TIME}
    numbers = [row["id"] for row in answers]
    return {
        "KnowledgeBase": {"1": {"id": 1, "active": True, "permissions_effective": [], **base}},
        "KnowledgeBaseCategory": {"1": {"id": 1, "knowledge_base_id": 1, "permissions_effective": []}},
        "KnowledgeBaseCategoryTranslation": {"1": {"id": 1, "category_id": 1, "title": "Verkko"}},
        "KnowledgeBaseAnswer": {str(row["id"]): row for row in answers},
        "KnowledgeBaseAnswerTranslation": {
            str(each): {"id": each, "answer_id": each, "content_id": each, "title": f"Ohje {each}", **translation}
            for each in numbers
        },
        "KnowledgeBaseAnswerTranslationContent": {
            str(each): {"id": each, "body": f"<ul><li>vaihe {each}</li></ul>"} for each in numbers
        },
    }


def test_answers_of_the_knowledge_base_are_for_whom_they_are_published(tmp_path: Path) -> None:
    soon = "2099-03-02T08:00:00Z"
    planned = {"published_at": soon, "archived_at": soon}
    assets = knowledge(
        answer(1, published_at=TIME), answer(2, internal_at=TIME), answer(3),
        answer(4, published_at=TIME, archived_at=TIME), answer(5, internal_at=TIME, **planned),
    )  # fmt: skip
    (tmp_path / "kb.json").write_text(json.dumps(assets), encoding="utf-8")
    found = read("zammad", tmp_path)
    first = found.documents["1"]
    assert (first.title, first.body, first.group, first.attachments) == ("Ohje 1", "- vaihe 1", "Verkko", ("ohje.pdf",))
    assert first.readers_there == ("public",)
    assert found.documents["2"].readers_there == ("knowledge base (internal)",)
    assert found.documents["5"].readers_there == ("knowledge base (internal)",)
    assert found.deleted == [DeletedRecord(type="document", id="3"), DeletedRecord(type="document", id="4")]


def test_answers_come_over_the_network_with_their_roles_and_what_is_gone_is_removed() -> None:
    system = ZammadServer(Desk(2))
    rows = [answer(1, published_at=TIME), answer(2, internal_at=TIME), answer(3)]
    system.knowledge = knowledge(*rows, *(answer(n, internal_at=TIME) for n in range(10, 230)))
    with serving(system) as server:
        first = read("zammad", server.url)
        asked = [path for path in server.requests if path.endswith("/init")]
        system.knowledge = knowledge(*rows[1:], *(answer(n, internal_at=TIME) for n in range(11, 230)), active=False)
        rights = [(1, "editor"), (2, "reader"), (3, "none")]
        system.knowledge["KnowledgeBaseCategory"]["1"]["permissions_effective"] = [
            {"role_id": role, "access": access} for role, access in rights
        ]
        later = read("zammad", server.url, first.mark)
        again = read("zammad", server.url, later.mark)
        system.knowledge = {}
        nothing_there = read("zammad", server.url, later.mark)
    assert len(first.documents) == 222 and len(asked) == 4 and set(first.requests) == {"1", "2"}
    assert first.documents["1"].readers_there == ("public",) and first.people["zammad-3"].name == "Agentti 3"
    assert {record.id for record in later.deleted} == {"1", "3", "10"}
    wanted = ("knowledge base (role Admin)", "knowledge base (role Agent)")
    assert {record.readers_there for record in later.documents.values()} == {wanted}
    assert {record.id for record in again.deleted} == {"3"} and nothing_there.deleted == []


def test_what_is_published_in_a_knowledge_base_that_is_not_public_is_internal(tmp_path: Path) -> None:
    (tmp_path / "kb.json").write_text(
        json.dumps(knowledge(answer(1, published_at=TIME), active=False)), encoding="utf-8"
    )
    assert read("zammad", tmp_path).documents["1"].readers_there == ("knowledge base (internal)",)
