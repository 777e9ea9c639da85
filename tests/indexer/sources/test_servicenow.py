"""What is special about ServiceNow: close notes, the journal as rows or as one text, display values, and tables."""

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from indexer.sources.servicenow_journal import Clock, entries
from tests.indexer.sources.reading import read
from tests.indexer.sources.servers.desk import Desk
from tests.indexer.sources.servers.server import TOKEN, serving
from tests.indexer.sources.servers.servicenow import USER, ServiceNowServer, identifier


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KOLLEGA_SERVICENOW_TOKEN", TOKEN)


def test_close_notes_that_say_something_are_the_answer() -> None:
    system = ServiceNowServer(Desk(1))
    with serving(system) as server:
        by_comment = read("servicenow", server.url, user=USER).requests[identifier(1)]
        system.close_notes = "Jono tyhjennettiin ja ajuri päivitettiin."
        by_notes = read("servicenow", server.url, user=USER).requests[identifier(1)]
    assert by_comment.resolution is None and by_comment.replies[1].accepted
    assert by_notes.resolution == "Jono tyhjennettiin ja ajuri päivitettiin."
    assert not any(reply.accepted for reply in by_notes.replies)


@pytest.mark.parametrize("hides_journal", [False, True])
def test_without_the_right_to_read_the_journal_its_text_is_read(hides_journal: bool) -> None:
    desk = Desk(4)
    desk.hide(2)
    desk.end(4, "unanswered")
    system = ServiceNowServer(desk)
    system.hides_journal = hides_journal
    with serving(system) as server:
        found = read("servicenow", server.url, user=USER)
    first = found.requests[identifier(1)]
    assert found.replies(identifier(1)) == [
        ("Sisäinen huomio 1", False, True),
        ("Käynnistä palvelu 1 uudelleen.", True, False),
    ]
    assert [reply.created_at for reply in first.replies] == [
        note.at.replace(tzinfo=None) for note in desk.tickets[1].notes
    ]
    assert (first.group, first.readers_there) == ("Palvelu", ("Palvelu",))
    assert found.requests[identifier(2)].readers_there == ("Vain IT",)
    assert found.requests[identifier(4)].status == "closed"
    assert first.properties["number"] == "INC0000001"
    assert found.people[str(first.replies[1].author)].name == "Agentti 3"


def test_saved_answers_with_display_values_are_read(tmp_path: Path) -> None:
    server = ServiceNowServer(Desk(1))
    row = server.incident(server.desk.tickets[1])
    (tmp_path / "incident.json").write_text(json.dumps({"result": [row]}), encoding="utf-8")
    plain = {name: field["value"] for name, field in row.items()}
    plain |= {"sys_id": "b" * 32, "close_notes": "[code]<ul><li>Vaihda <b>kaapeli</b></li></ul>[/code]"}
    (tmp_path / "plain.json").write_text(json.dumps({"records": [plain]}), encoding="utf-8")
    found = read("servicenow", tmp_path)
    assert found.problems == [] and found.replies(identifier(1))[1][1]
    assert found.requests["b" * 32].resolution == "- Vaihda kaapeli"
    assert found.requests["b" * 32].created_at == datetime(2026, 3, 2, 8, 0, 7)


def test_tables_whose_rows_are_in_two_parts_are_read(tmp_path: Path) -> None:
    (tmp_path / "task.csv").write_text(
        "sys_id,short_description,description,opened_at,state,number,assignment_group_value,close_notes\n"
        "aa,Verkko hidas,Sivut latautuvat hitaasti,2026-03-02 08:00:00,7,INC1,gg,Kytkin vaihdettiin aulassa.\n",
        encoding="utf-8",
    )
    (tmp_path / "incident.csv").write_text(
        "sys_id,incident_state,caller_id_value,resolved_at\naa,7,uu,2026-03-02 09:00:00\n", encoding="utf-8"
    )
    (tmp_path / "user.csv").write_text("sys_id,user_name,name,email\nuu,kai,Kai,kai@example.org\n", encoding="utf-8")
    (tmp_path / "group.csv").write_text("sys_id,name,include_members\ngg,Verkkotiimi,false\n", encoding="utf-8")
    found = read("servicenow", tmp_path)
    record = found.requests["aa"]
    assert (record.title, record.status, record.resolution) == (
        "Verkko hidas",
        "resolved",
        "Kytkin vaihdettiin aulassa.",
    )
    assert record.asked_by == "servicenow-uu" and record.group == "Verkkotiimi"
    assert found.people["servicenow-uu"].email == "kai@example.org"


@pytest.mark.parametrize(
    ("shown", "time"),
    [
        ("02.03.2026 10:00:00", "02.03.2026 09:40:00"),
        ("2026-03-02 10:00:00", "2026-03-02 09:40:00"),
        ("03/02/2026 10:00:00 AM", "03/02/2026 09:40:00 AM"),
        ("02/03/2026 10:00:00", "02/03/2026 09:40:00"),
    ],
)
def test_the_form_and_zone_of_times_are_found_from_those_that_are_given_twice(shown: str, time: str) -> None:
    clock = Clock.of([(shown, "2026-03-02 08:00:00")], "UTC")
    assert clock.offset == timedelta(hours=2)
    found = list(entries(f"{time} - Ella Esimerkki (Lisätiedot)\nEnsimmäinen\n\nrivi - toinen (kolmas)\n\n"))
    assert found == [(time, "Ella Esimerkki", "Ensimmäinen\n\nrivi - toinen (kolmas)")]
    assert clock.read(time).isoformat() == "2026-03-02T07:40:00+00:00"


def test_pages_of_which_the_account_may_see_nothing_end_no_read() -> None:
    system = ServiceNowServer(Desk(330, timedelta()))
    system.hidden = set(range(20, 280))
    with serving(system) as server:
        found = read("servicenow", server.url, user=USER)
    assert len(found.requests) == 330 - 260


def articles(**more: dict[str, str]) -> list[dict[str, str]]:
    """Published articles of the knowledge base IT by their ids, with what is special about each."""
    plain = {"kb_knowledge_base": "kb1", "workflow_state": "published", "article_type": "text", "language": "fi"}
    plain |= {"can_read_user_criteria": "", "cannot_read_user_criteria": "", "roles": "", "valid_to": "2099-01-01"}
    plain |= {
        "text": "<p>Avaa <b>asetukset</b>.</p>",
        "sys_updated_on": "2026-03-02 08:00:00",
        "author": "aa" + "3".zfill(30),
    }
    return [
        {"sys_id": name, "number": name, "short_description": f"Ohje {name}", **plain, **own}
        for name, own in more.items()
    ]


def test_knowledge_articles_are_guides_for_whom_all_their_criteria_name() -> None:
    system = ServiceNowServer(Desk(1))
    system.tables = {
        "kb_knowledge_base": [{"sys_id": "kb1", "title": "IT"}, {"sys_id": "kb2", "title": "HR"}],
        "kb_uc_can_read_mtom": [{"kb_knowledge_base": "kb2", "user_criteria": name} for name in ("c1", "c2")],
        "kb_uc_cannot_read_mtom": [],
        "user_criteria": [{"sys_id": f"c{n}", "name": name} for n, name in enumerate(("Henkilöstö", "Esihenkilöt"), 1)],
        "kb_knowledge": articles(
            a={}, b={"kb_knowledge_base": "kb2"}, c={"kb_knowledge_base": "kb2", "can_read_user_criteria": "c2,c9"},
            d={"roles": "itil,public"}, e={"cannot_read_user_criteria": "c1"}, f={"workflow_state": "draft"},
            g={"valid_to": "2025-01-01"}, h={"article_type": "wiki", "wiki": "== Vika ==\n'''Käynnistä''' uudelleen."},
        ),
        "deleted articles": [{"documentkey": "b"}],
    }  # fmt: skip
    managers, staff = "Esihenkilöt (user criterion)", "Henkilöstö (user criterion)"
    with serving(system) as server:
        found = read("servicenow", server.url, user=USER)
        later = read("servicenow", server.url, found.mark, user=USER)
        system.tables["kb_uc_cannot_read_mtom"] = [{"kb_knowledge_base": "kb1", "user_criteria": "c1"}]
        narrower = read("servicenow", server.url, later.mark, user=USER)
    assert {name: record.readers_there for name, record in found.documents.items()} == {
        "a": ("IT (knowledge base)",),
        "b": (managers, staff),
        "c": (
            managers,
            f"{managers} and c9 (user criterion)",
            f"{staff} and {managers}",
            f"{staff} and c9 (user criterion)",
        ),
        "d": ("IT (knowledge base) and role itil",),
        "e": (f"IT (knowledge base) without {staff}",),
        "h": ("IT (knowledge base)",),
    }
    first = found.documents["a"]
    assert (first.title, first.body, first.language, first.group) == ("Ohje a", "Avaa asetukset.", "fi", "IT")
    assert first.owner == "servicenow-aa" + "3".zfill(30) and first.url == f"{server.url}/kb_view.do?sys_kb_id=a"
    assert found.documents["h"].body == "## Vika\n\nKäynnistä uudelleen."
    assert [record.id for record in found.deleted] == ["f", "g"] and set(found.requests) == {identifier(1)}
    assert [(record.type, record.id) for record in later.deleted if record.id == "b"] == [("document", "b")]
    assert narrower.documents["a"].readers_there == (f"IT (knowledge base) without {staff}",)


def test_an_article_in_a_file_is_for_the_team_only_as_its_criteria_are_not_known(tmp_path: Path) -> None:
    system = ServiceNowServer(Desk(0))
    (tmp_path / "kb.json").write_text(json.dumps({"result": articles(a={})}), encoding="utf-8")
    assert read("servicenow", tmp_path).documents["a"].readers_there is None
    assert system.desk.tickets == {}
