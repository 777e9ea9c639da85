"""What is special about Freshdesk: states by number, spam, merges, the older interface, and the XML export."""

import json
from datetime import datetime
from pathlib import Path

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
