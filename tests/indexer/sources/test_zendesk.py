"""What is special about Zendesk: cursors, articles of the help center, roles, private tickets, and files."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from indexer.commands.source_options import checked_options
from indexer.sources.kinds import KINDS
from indexer.sources.protocol import Mark, Source
from indexer.sources.records import DeletedRecord, DocumentRecord, Located, RequestRecord
from indexer.sources.zendesk.fields import Zendesk
from tests.indexer.sources.servers.desk import Desk
from tests.indexer.sources.servers.server import TOKEN, serving
from tests.indexer.sources.servers.zendesk import USER, ZendeskServer


def source(place: Path | str, **options: Any) -> Source:
    return KINDS["zendesk"].open("zendesk", checked_options("zendesk", "zendesk", {"place": str(place), **options}))


def requests_in(found: list[Located | Mark]) -> dict[str, RequestRecord]:
    records = [each.record for each in found if isinstance(each, Located)]
    return {record.id: record for record in records if isinstance(record, RequestRecord)}


def article(number: int, stamp: int, **more: Any) -> dict[str, Any]:
    texts = {
        "title": f"Ohje {number}",
        "body": "<h2>Näin</h2><ul><li>avaa</li></ul>",
        "html_url": "https://x.example/1",
    }
    rights = {"user_segment_id": None, "draft": False, "section_id": 4, "author_id": 3, "locale": "fi"}
    return {"id": number, "stamp": stamp, "updated_at": "2026-03-02T08:00:00Z", **texts, **rights, **more}


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KOLLEGA_ZENDESK_TOKEN", TOKEN)


def test_a_cursor_that_is_not_known_any_more_is_replaced_by_its_time() -> None:
    desk = Desk(30)
    system = ZendeskServer(desk)
    with serving(system) as server:
        mark = [each.value for each in source(server.url, user=USER).read() if isinstance(each, Mark)][-1]
        desk.change(5, "Uusi")
        system.forgets_cursors = True
        system.most = 1000
        found = requests_in(list(source(server.url, user=USER).read(mark)))
    assert "5" in found and len(found) < 30


def test_articles_are_documents_for_whom_their_segment_names() -> None:
    system = ZendeskServer(Desk(0))
    system.articles = [article(1, 100), article(2, 200, user_segment_id=3), article(3, 300, user_segment_id=99)]
    system.articles.append(article(4, 400, draft=True))
    with serving(system) as server:
        found = list(source(server.url, user=USER).read())
        records = [each.record for each in found if isinstance(each, Located)]
        documents = [record for record in records if isinstance(record, DocumentRecord)]
        mark = [each.value for each in found if isinstance(each, Mark)][-1]
        system.articles.append(article(5, 500))
        later = [each.record for each in source(server.url, user=USER).read(mark) if isinstance(each, Located)]
    assert [(record.id, record.readers_there) for record in documents] == [
        ("1", ("public",)),
        ("2", ("Esihenkilöt (user segment)",)),
        ("3", ("99 (user segment)",)),
    ]
    first = documents[0]
    assert (first.title, first.body, first.language, first.group) == ("Ohje 1", "## Näin\n\n- avaa", "fi", "Ohjeet")
    assert first.owner == "zendesk-3"
    assert DeletedRecord(type="document", id="4") in records
    assert [record.id for record in later if isinstance(record, DocumentRecord)] == ["5"]


def translation(locale: str, **more: Any) -> dict[str, Any]:
    texts = {"title": f"Guide {locale}", "body": f"<p>{locale}</p>", "updated_at": "2026-03-03T08:00:00Z"}
    return {"locale": locale, "draft": False, "html_url": f"https://x.example/{locale}/1", **texts, **more}


def test_translations_of_an_article_are_guides_in_their_languages_for_the_same_readers() -> None:
    system = ZendeskServer(Desk(0))
    own = [translation("fi"), translation("sv"), translation("en-us", draft=True)]
    system.articles = [article(1, 100, user_segment_id=3), article(2, 200, translations=[translation("sv")])]
    system.translations = {1: own}
    with serving(system) as server:
        records = [each.record for each in source(server.url, user=USER).read() if isinstance(each, Located)]
        asked = [path for path in server.requests if "translations.json" in path]
    found = {record.id: record for record in records if isinstance(record, DocumentRecord)}
    assert set(found) == {"1", "1-sv", "2", "2-sv"} and DeletedRecord(type="document", id="1-en-us") in records
    swedish = found["1-sv"]
    assert (swedish.title, swedish.body, swedish.language) == ("Guide sv", "sv", "sv")
    assert (swedish.url, swedish.readers_there, swedish.group) == (
        "https://x.example/sv/1",
        ("Esihenkilöt (user segment)",),
        "Ohjeet",
    )
    assert swedish.updated_at == datetime(2026, 3, 3, 8, 0) and len(asked) == 1


def test_an_article_of_several_segments_or_of_a_help_center_that_is_not_open_is_not_public(tmp_path: Path) -> None:
    several = [article(1, 1, user_segment_ids=[3, 8]), article(2, 1, user_segment_ids=[])]
    segments = {"user_segments": [{"id": 3, "name": "Esihenkilöt"}]}
    (tmp_path / "a.json").write_text(json.dumps(segments), encoding="utf-8")
    (tmp_path / "b.json").write_text(json.dumps({"articles": several}), encoding="utf-8")
    records = [each.record for each in source(tmp_path).read() if isinstance(each, Located)]
    assert [record.readers_there for record in records if isinstance(record, DocumentRecord)] == [
        ("Esihenkilöt (user segment)", "8 (user segment)"),
        ("public",),
    ]
    closed = Zendesk("zendesk")
    closed.is_open = False
    (found,) = [each.record for each in closed.located("x", 0, several[1])]
    assert isinstance(found, DocumentRecord) and found.readers_there == ("help center",)


def test_custom_fields_that_the_asker_sees_are_properties_by_their_names() -> None:
    system = ZendeskServer(Desk(1))
    options = [{"value": "kannettava", "name": "Kannettava tietokone"}, {"value": "puhelin", "name": "Puhelin"}]
    seen = {"visible_in_portal": True}
    system.fields = [
        {"id": 11, "title": "Laite", "type": "multiselect", "custom_field_options": options, **seen},
        {"id": 12, "title": "Epäily", "type": "text", "visible_in_portal": False},
        {"id": 13, "title": "Kiire", "type": "checkbox", **seen},
        {"id": 14, "title": "Sarjanumero", "type": "text", **seen},
        {"id": 15, "title": "Kortti", "type": "partialcreditcard", **seen},
    ]
    values = {11: ["kannettava", "puhelin"], 12: "väärinkäytös", 13: True, 14: "0042", 15: "XXXX1234", 16: "x"}
    system.custom = [{"id": number, "value": value} for number, value in values.items()]
    with serving(system) as server:
        found = requests_in(list(source(server.url, user=USER).read()))["1"]
    wanted = {"Laite": "Kannettava tietokone, Puhelin", "Kiire": "yes", "Sarjanumero": "0042"}
    assert found.properties == {**wanted, "priority": "normal", "brand": "Kallio"}


def test_brands_and_private_tickets_say_who_may_read() -> None:
    desk = Desk(2)
    desk.hide(2)
    with serving(ZendeskServer(desk)) as server:
        by_group = requests_in(list(source(server.url, user=USER).read()))
        by_brand = requests_in(list(source(server.url, user=USER, by_brand=True).read()))
    assert (by_group["1"].group, by_group["1"].readers_there) == ("IT", ("IT",))
    assert by_group["2"].readers_there == ("IT (private tickets)",)
    assert by_brand["1"].group == "Kallio" and by_group["1"].properties["brand"] == "Kallio"


def test_a_private_first_comment_is_no_question_and_its_files_are_not_named(tmp_path: Path) -> None:
    system = ZendeskServer(Desk(1))
    comments = system.comments(system.desk.tickets[1])
    comments[0] |= {"public": False, "attachments": [{"file_name": "erottaminen.pdf"}]}
    comments[-1]["attachments"] = [{"file_name": "ohje.pdf"}]
    ticket = {**system.ticket(system.desk.tickets[1]), "description": system.desk.tickets[1].text, "comments": comments}
    (tmp_path / "export.json").write_text(json.dumps(ticket), encoding="utf-8")
    found = requests_in(list(source(tmp_path).read()))["1"]
    assert (found.body, found.attachments) == ("", ("ohje.pdf",))
    assert [reply.internal for reply in found.replies] == [True, True, False]


def test_an_answer_of_someone_who_is_no_agent_is_none() -> None:
    desk = Desk(1)
    desk.tickets[1].notes[1].author = desk.tickets[1].asker
    with serving(ZendeskServer(desk)) as server:
        assert requests_in(list(source(server.url, user=USER).read()))["1"].status == "closed"


def test_many_comments_come_page_by_page() -> None:
    desk = Desk(1)
    for number in range(24):
        desk.note(1, f"Lisätieto {number}", author=2)
    with serving(ZendeskServer(desk)) as server:
        assert len(requests_in(list(source(server.url, user=USER).read()))["1"].replies) == 26


def test_exported_lines_and_saved_answers_are_read(tmp_path: Path) -> None:
    system = ZendeskServer(Desk(3))
    tickets = [system.ticket(ticket) for ticket in system.desk.tickets.values()]
    comments = [system.comments(ticket) for ticket in system.desk.tickets.values()]
    lines = [json.dumps({**tickets[0], "comments": comments[0]}), "no json", json.dumps(tickets[2])]
    (tmp_path / "export.json").write_text("\n".join(lines), encoding="utf-8")
    (tmp_path / "tickets.json").write_text(json.dumps({"tickets": [tickets[1]]}), encoding="utf-8")
    (tmp_path / "comments_2.json").write_text(json.dumps({"comments": comments[1]}), encoding="utf-8")
    (tmp_path / "comments.json").write_text(json.dumps({"comments": comments[1]}), encoding="utf-8")
    (tmp_path / "groups.json").write_text(json.dumps({"groups": [{"id": 9, "name": "IT"}]}), encoding="utf-8")
    found = list(source(tmp_path).read())
    requests = requests_in(found)
    assert [requests[name].status for name in ("1", "2", "3")] == ["resolved", "resolved", "open"]
    assert requests["1"].created_at == datetime(2026, 3, 2, 8, 0, 7) and requests["2"].group == "IT"
    problems = [each.complaint(each.problem) for each in found if isinstance(each, Located) and each.record is None]
    assert len(problems) == 2
    assert problems[0].startswith("comments.json:1: these comments do not say of which ticket")
    assert problems[1].startswith("export.json:2: not JSON")


def test_tables_are_read(tmp_path: Path) -> None:
    (tmp_path / "ticket.csv").write_text(
        "id,subject,description,requester_id,created_at,status,group_id,merged_ticket_ids,is_public\n"
        "7,Verkko poikki,Ei yhteyttä,12,2026-03-02 08:00:00,solved,9,[8],TRUE\n"
        "8,Verkko,Ei yhteyttä,12,2026-03-02 08:05:00,closed,9,[],TRUE\n"
        "9,Poistettu,x,12,2026-03-02 08:05:00,deleted,9,[],TRUE\n",
        encoding="utf-8",
    )
    (tmp_path / "comment.csv").write_text(
        "id,ticket_id,body,created,public,user_id\n1,7,Ei yhteyttä,2026-03-02 08:00:00,TRUE,12\n"
        "2,7,Vaihdoin kytkimen.,2026-03-02 09:00:00,TRUE,11\n3,7,Salainen,2026-03-02 09:30:00,FALSE,11\n",
        encoding="utf-8",
    )
    (tmp_path / "user.csv").write_text("id,name,email,role\n11,Ella,ella@example.org,agent\n", encoding="utf-8")
    found = list(source(tmp_path).read())
    requests = requests_in(found)
    assert [(each.body, each.accepted, each.internal) for each in requests["7"].replies] == [
        ("Vaihdoin kytkimen.", True, False),
        ("Salainen", False, True),
    ]
    assert requests["8"].merged_into == "7"
    assert DeletedRecord(type="request", id="9") in [each.record for each in found if isinstance(each, Located)]
