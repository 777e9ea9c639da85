"""What is special about Freshdesk: states by number, spam, merges, the older interface, and the XML export."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from indexer.sources.records import DeletedRecord
from recommender.errors import SourceError
from tests.indexer.sources.reading import nothing, read
from tests.indexer.sources.servers.desk import Desk
from tests.indexer.sources.servers.freshdesk import FreshdeskServer
from tests.indexer.sources.servers.server import TOKEN, serving

XML = """<?xml version="1.0" encoding="UTF-8"?>
<helpdesk-tickets type="array"><helpdesk-ticket><display-id type="integer">7</display-id>
<id type="integer">150</id><subject>Avain hukassa &amp; ovi kiinni</subject><description>Hei,&#13;
missä avain?</description><description-html>&lt;p&gt;Hei,&lt;/p&gt;&lt;p&gt;miss&amp;auml; avain?&lt;/p&gt;
</description-html>
<status type="integer">5</status><priority type="integer">3</priority>
<created-at type="datetime">2026-03-02T10:00:00+02:00</created-at><deleted type="boolean">false</deleted>
<spam type="boolean">false</spam><requester-id type="integer">90</requester-id><requester-name>Kai</requester-name>
<responder-id type="integer">80</responder-id><responder-name>Ella</responder-name><notes type="array"><helpdesk-note>
<id type="integer">1</id><body>Vara-avain on aulassa.</body><private type="boolean">false</private>
<incoming type="boolean">false</incoming><user-id type="integer">80</user-id>
<created-at type="datetime">2026-03-02T10:30:00+02:00</created-at></helpdesk-note></notes></helpdesk-ticket>
<helpdesk-ticket><display-id type="integer">8</display-id><subject>Roskaa</subject><description nil="true"/>
<status type="integer">2</status><spam type="boolean">true</spam><requester-id type="integer">90</requester-id>
<created-at type="datetime">2026-03-02T10:00:00+02:00</created-at></helpdesk-ticket></helpdesk-tickets>
"""


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KOLLEGA_FRESHDESK_TOKEN", TOKEN)


def test_groups_priorities_and_people_are_named() -> None:
    desk = Desk(2)
    desk.hide(2)
    with serving(FreshdeskServer(desk)) as server:
        found = read("freshdesk", server.url)
    first = found.requests["1"]
    assert (first.group, first.readers_there, first.properties["priority"]) == ("Palvelu", ("Palvelu",), "medium")
    assert found.requests["2"].readers_there == ("Vain IT",)
    assert first.url == f"{server.url}/a/tickets/1"
    assert found.people["freshdesk-3"].email == "person3@example.org"


def test_a_private_note_says_into_which_ticket_one_was_merged() -> None:
    desk = Desk(3)
    desk.note(3, "This ticket is closed and merged into ticket 1", public=False)
    desk.end(3, "merged")
    with serving(FreshdeskServer(desk)) as server:
        found = read("freshdesk", server.url)
    assert found.requests["3"].merged_into == "1"


def test_the_xml_export_is_read(tmp_path: Path) -> None:
    file = tmp_path / "tickets.xml"
    file.write_text(XML, encoding="utf-8")
    found = read("freshdesk", file)
    first = found.requests["7"]
    assert (first.title, first.body) == ("Avain hukassa & ovi kiinni", "Hei,\n\nmissä avain?")
    assert first.created_at == datetime(2026, 3, 2, 8, 0)
    assert found.replies("7") == [("Vara-avain on aulassa.", True, False)]
    assert found.people["freshdesk-80"].name == "Ella"
    assert found.deleted == [DeletedRecord(type="request", id="8")]


def test_of_a_file_that_is_cut_short_the_tickets_before_are_loaded(tmp_path: Path) -> None:
    file, found = tmp_path / "tickets.xml", nothing()
    file.write_text(XML[:-90], encoding="utf-8")
    with pytest.raises(
        SourceError, match=r"tickets\.xml is cut short .* after ticket 1; the tickets before were loaded"
    ):
        read("freshdesk", file, found=found)
    assert set(found.requests) == {"7"}
    file.write_text("text", encoding="utf-8")
    with pytest.raises(SourceError, match=r"no XML that can be read, after ticket 0.*Export it again"):
        read("freshdesk", file)


def test_answers_of_the_older_and_the_newer_interface_are_read(tmp_path: Path) -> None:
    note = {"id": 5, "body": "Avain löytyi.", "private": False, "incoming": False, "user_id": 80}
    old = {"display_id": 7, "id": 150, "subject": "Avain", "description": "Missä?", "status": 4, "requester_id": 90}
    old["created_at"] = note["created_at"] = "2026-03-02T10:00:00+02:00"
    ticket = {"helpdesk_ticket": {**old, "requester_name": "Kai", "notes": [{"note": note}]}}
    (tmp_path / "old.json").write_text(json.dumps(ticket), encoding="utf-8")
    new = FreshdeskServer(Desk(1))
    (tmp_path / "new.json").write_text(json.dumps([new.ticket(new.desk.tickets[1])]), encoding="utf-8")
    private = {
        "id": 6,
        "ticket_id": 1,
        "body": "<p>Salaa</p>",
        "body_text": "Salaa",
        "private": True,
        "incoming": False,
    }
    (tmp_path / "note.json").write_text(
        json.dumps({**private, "user_id": 3, "created_at": "2026-03-02T10:00:00Z"}), encoding="utf-8"
    )
    found = read("freshdesk", tmp_path)
    assert found.problems == []
    assert found.replies("7") == [("Avain löytyi.", True, False)]
    assert found.replies("1") == [("Salaa", False, True)] and found.requests["1"].status == "closed"
    assert found.people["freshdesk-90"].name == "Kai"


def folder(number: int, visibility: int, **more: Any) -> dict[str, Any]:
    return {"id": number, "name": f"Kansio {number}", "visibility": visibility, "sub_folders_count": 0, **more}


def article(number: int, folder_id: int, **more: Any) -> dict[str, Any]:
    texts = {"title": f"Ohje {number}", "description": "<ol><li>avaa</li><li>sulje</li></ol>", "agent_id": 3}
    return {"id": number, "folder_id": folder_id, "status": 2, "updated_at": "2026-03-02T08:00:00Z", **texts, **more}


def test_solution_articles_are_guides_for_whom_their_folders_are_visible() -> None:
    system = FreshdeskServer(Desk(1))
    system.folders = [folder(n, n) for n in (1, 2, 3, 4, 6, 9)] + [folder(20, 3, sub_folders_count=1)]
    system.folders.append(folder(21, 1, parent_folder_id=20))
    system.articles = [article(n, n) for n in (1, 2, 3, 4, 6, 9)] + [article(21, 21), article(5, 1, status=1)]
    system.articles += [article(100 + n, 1, attachments=[{"name": "ohje.pdf"}]) for n in range(40)]
    with serving(system) as server:
        found = read("freshdesk", server.url)
        system.folders[0]["visibility"] = 3  # nothing says that its articles have changed
        later = read("freshdesk", server.url, found.mark)
        system.folders[0]["visibility"], system.portals = 1, []
        system.articles = [each for each in system.articles if each["id"] not in (2, 139)]
        hidden = read("freshdesk", server.url, found.mark)
    assert {name: record.readers_there for name, record in found.documents.items() if int(name) < 100} == {
        "1": ("public",),
        "2": ("articles for logged-in users",),
        "3": ("articles for agents",),
        "4": ("Kansio 4 (companies)",),
        "6": ("Kansio 6 (contact segments)",),
        "9": ("Kansio 9 (visibility 9)",),
        "21": ("articles for agents",),
    }
    first = found.documents["1"]
    assert (first.title, first.body) == ("Ohje 1", "1. avaa\n2. sulje")
    assert (first.group, first.owner) == ("Kansio 1", "freshdesk-3")
    assert first.url == f"{server.url}/support/solutions/articles/1"
    assert found.documents["139"].attachments == ("ohje.pdf",)
    assert found.deleted == [DeletedRecord(type="document", id="5")] and set(found.requests) == {"1"}
    assert {record.id for record in hidden.deleted} == {"2", "139", "5"}
    assert later.documents["1"].readers_there == hidden.documents["1"].readers_there == ("articles for agents",)


def test_saved_articles_whose_folder_is_not_saved_are_for_the_team_only(tmp_path: Path) -> None:
    (tmp_path / "articles.json").write_text(json.dumps([article(1, 1), article(2, 2)]), encoding="utf-8")
    (tmp_path / "folders.json").write_text(json.dumps([folder(1, 1)]), encoding="utf-8")
    found = read("freshdesk", tmp_path)
    assert (found.documents["1"].readers_there, found.documents["2"].readers_there) == (("public",), None)
