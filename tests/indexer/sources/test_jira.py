"""What is special about Jira: time zones, service desks, security levels, duplicates, and its exports."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from indexer.commands.source_options import checked_options
from indexer.sources.kinds import KINDS
from indexer.sources.protocol import Mark
from indexer.sources.records import Located, PersonRecord, RequestRecord
from recommender.errors import SourceError
from tests.indexer.sources.servers.desk import Desk
from tests.indexer.sources.servers.jira import USER, JiraServer
from tests.indexer.sources.servers.server import TOKEN, serving

XML = """<?xml version="1.0"?>
<rss version="0.92"><channel><title>Haku</title>
<item><title>[IT-1] Näyttö pimeä</title><link>https://jira.example/browse/IT-1</link>
<project id="1" key="IT">IT</project>
<description>&lt;p&gt;N&amp;auml;ytt&amp;ouml; on &lt;b&gt;pime&amp;auml;&lt;/b&gt;.&lt;/p&gt;</description>
<key id="501">IT-1</key><summary>Näyttö pimeä</summary><status id="5">Valmis</status>
<statusCategory id="3" key="done"/><resolution id="1">Tehty</resolution>{security}
<assignee username="ella">Ella Esimerkki</assignee><reporter username="kai">Kai Kysyjä</reporter>
<labels><label>näyttö</label></labels><created>Mon, 2 Mar 2026 10:00:00 +0200</created>
<updated>Mon, 2 Mar 2026 11:00:00 +0200</updated><resolved>Mon, 2 Mar 2026 11:00:00 +0200</resolved>
<comments><comment id="7" author="ella" created="Mon, 2 Mar 2026 10:50:00 +0200">
&lt;p&gt;Vaihda kaapeli.&lt;/p&gt;</comment>
<comment id="8" author="ella" created="Mon, 2 Mar 2026 10:55:00 +0200" groupLevel="jira-admins">
&lt;p&gt;Tilaa uusi.&lt;/p&gt;</comment>
</comments></item>
<item><key id="502">IT-2</key><summary>Auki</summary><statusCategory id="2" key="new"/>
<resolution id="-1">Unresolved</resolution>
<reporter username="-1">Anonymous</reporter><created>Tue, 3 Mar 2026 10:00:00 +0200</created></item>
</channel></rss>"""
CSV = """Summary,Issue key,Issue id,Issue Type,Project key,Project type,Resolution,Assignee,Assignee Id,Reporter,\
Reporter Id,Created,Updated,Resolved,Description,Labels,Labels,Security Level,Attachment,Comment,Comment
"Hiiri, langaton",IT-3,503,Task,IT,{project},Done,Ella,712020:aa,Kai,557058:bb,2/Mar/26 10:00 AM,2/Mar/26 1:00 PM,\
2/Mar/26 12:30 PM,"h2. Vika
* hiiri ei liiku",hiiri,langaton,,2/Mar/26 10:00 AM;557058:bb;kuva.png;https://x.example/1,\
"2/Mar/26 12:00 PM;712020:aa;Vaihda paristo;
se on tyhjä.",2/Mar/26 12:31 PM;557058:bb;Kiitos!
"""


def read(place: Path | str, **options: Any) -> tuple[dict[str, RequestRecord], dict[str, PersonRecord], list[str]]:
    """(requests, people, problems)."""
    source = KINDS["jira"].open("jira", checked_options("jira", "jira", {"place": str(place), **options}))
    located = [each for each in source.read() if isinstance(each, Located)]
    requests = {each.record.id: each.record for each in located if isinstance(each.record, RequestRecord)}
    people = {each.record.id: each.record for each in located if isinstance(each.record, PersonRecord)}
    return requests, people, [each.complaint(each.problem) for each in located if each.record is None]


@pytest.fixture
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KOLLEGA_JIRA_TOKEN", TOKEN)


@pytest.mark.usefixtures("token")
@pytest.mark.parametrize("zone", ["Europe/Helsinki", "America/Los_Angeles", "Asia/Tokyo", ""])
def test_the_mark_is_asked_for_in_the_zone_of_the_account(zone: str) -> None:
    desk = Desk(5)
    with serving(JiraServer(desk, zone=zone)) as server:
        options = checked_options("jira", "jira", {"place": server.url, "user": USER})
        mark = [each for each in KINDS["jira"].open("jira", options).read() if isinstance(each, Mark)][-1]
        desk.now += timedelta(minutes=1)
        desk.change(1, "Uusi")
        found = list(KINDS["jira"].open("jira", options).read(mark.value))
    changed = [each.record for each in found if isinstance(each, Located) and isinstance(each.record, RequestRecord)]
    assert "10001" in {record.id for record in changed}


@pytest.mark.usefixtures("token")
@pytest.mark.parametrize("cloud", [True, False])
def test_comments_that_a_search_cuts_off_are_fetched(cloud: bool) -> None:
    desk = Desk(1)
    for number in range(23):
        desk.note(1, f"Huomautus {number}", author=2)
    system = JiraServer(desk, cloud)
    system.inside = 2
    with serving(system) as server:
        requests, _people, _problems = read(server.url, **({"user": USER} if cloud else {}))
    assert len(requests["10001"].replies) == 25


@pytest.mark.usefixtures("token")
def test_where_only_the_service_desk_knows_which_comments_are_public_it_is_asked() -> None:
    system = JiraServer(Desk(1), cloud=False)
    system.is_service = True
    with serving(system) as server:
        requests, _people, _problems = read(server.url)
        assert [reply.internal for reply in requests["10001"].replies] == [True, False]
        system.desk.tickets[1].notes[1].public = False
        requests, _people, _problems = read(server.url)
    assert [reply.internal for reply in requests["10001"].replies] == [True, True]
    assert requests["10001"].status == "closed"


@pytest.mark.usefixtures("token")
def test_a_security_level_says_who_may_read_and_a_resolution_whether_there_is_an_answer() -> None:
    desk = Desk(6)
    desk.hide(1)
    desk.end(2, "unanswered")
    desk.end(4, "merged", into=1)
    with serving(JiraServer(desk)) as server:
        requests, people, _problems = read(server.url, user=USER)
    assert requests["10001"].readers_there == ("Vain IT",) and requests["10005"].readers_there == ("PROJ",)
    assert requests["10002"].status == "closed" and not any(reply.accepted for reply in requests["10002"].replies)
    assert requests["10004"].merged_into == "10001"
    assert requests["10001"].url == f"{server.url}/browse/PROJ-1"
    assert people[str(requests["10001"].asked_by)].email == "person4@example.org"


@pytest.mark.usefixtures("token")
def test_projects_and_a_condition_limit_what_is_asked_for() -> None:
    with serving(JiraServer(Desk(1))) as server:
        read(server.url, user=USER, projects=("IT", "HR"), filter="type = Incident")
    asked = next(path for path in server.requests if "search" in path)
    assert "%28type+%3D+Incident%29+AND+project+in+%28%22IT%22%2C+%22HR%22%29" in asked


def test_the_xml_of_a_search_is_read(tmp_path: Path) -> None:
    file = tmp_path / "export.xml"
    file.write_text(XML.format(security='<security id="9">Vain IT</security>'), encoding="utf-8")
    requests, people, problems = read(file)
    first = requests["501"]
    assert problems == [] and requests["502"].status == "open" and requests["502"].asked_by is None
    assert (first.title, first.body, first.status) == ("Näyttö pimeä", "Näyttö on pimeä.", "resolved")
    assert first.created_at == datetime(2026, 3, 2, 8, 0)
    replies = [(reply.id, reply.body, reply.accepted, reply.internal) for reply in first.replies]
    assert replies == [("7", "Vaihda kaapeli.", True, False), ("8", "Tilaa uusi.", False, True)]
    assert first.readers_there == ("Vain IT",) and first.tags == ("näyttö",)
    assert people["jira-ella"].name == "Ella Esimerkki" and people["jira-kai"].name == "Kai Kysyjä"


@pytest.mark.parametrize(
    "text",
    [XML[:900], "no xml", '<!DOCTYPE a [<!ENTITY b "c">]><rss><item><key>&b;</key></item></rss>', "<rss></rss>"],
    ids=["cut", "text", "entities", "empty"],
)
def test_bad_xml_is_told_with_its_file(tmp_path: Path, text: str) -> None:
    file = tmp_path / "export.xml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SourceError, match=r"export\.xml .*(Export it again|Give the XML of a search)"):
        read(file)


@pytest.mark.parametrize("project", ["service_desk", "software"])
def test_the_csv_of_all_fields_is_read(tmp_path: Path, project: str) -> None:
    file = tmp_path / "jira.csv"
    file.write_text(CSV.format(project=project), encoding="utf-8")
    requests, people, problems = read(file, timezone="Europe/Helsinki")
    issue = requests["503"]
    assert problems == []
    assert (issue.title, issue.body) == ("Hiiri, langaton", "## Vika\n\n- hiiri ei liiku")
    assert issue.created_at == datetime(2026, 3, 2, 8, 0) and issue.resolved_at == datetime(2026, 3, 2, 10, 30)
    assert [(reply.body, reply.accepted) for reply in issue.replies] == [
        ("Vaihda paristo;\nse on tyhjä.", True),
        ("Kiitos!", False),
    ]
    assert issue.tags == ("hiiri", "langaton") and issue.attachments == ("kuva.png",)
    assert people[str(issue.replies[0].author)].name == "Ella"
    # the file does not say which comments of a service project are internal, so a rule must name these readers
    assert issue.readers_there == (("IT with internal comments",) if project == "service_desk" else ("IT",))


def test_a_csv_with_times_in_another_language_is_told_line_by_line(tmp_path: Path) -> None:
    file = tmp_path / "jira.csv"
    file.write_text(CSV.format(project="software").replace("2/Mar/26", "2/maalis/26"), encoding="utf-8")
    requests, _people, problems = read(file)
    assert requests == {}
    assert "Set your profile in Jira to English, and export again" in problems[0]


def test_saved_answers_are_read_with_comments_of_their_own(tmp_path: Path) -> None:
    server = JiraServer(Desk(2), cloud=False)
    issues = [server.issue(ticket) for ticket in server.desk.tickets.values()]
    comments = issues[0]["fields"].pop("comment")["comments"]
    for comment in comments:
        comment["self"] = f"https://jira.example/rest/api/2/issue/10001/comment/{comment['id']}"
    (tmp_path / "1.json").write_text(json.dumps({"issues": issues, "total": 2}), encoding="utf-8")
    (tmp_path / "2.json").write_text(json.dumps({"comments": comments, "total": 2}), encoding="utf-8")
    (tmp_path / "bad.json").write_text('{"issues": [', encoding="utf-8")
    (tmp_path / "row.jsonl").write_text("\n".join(map(json.dumps, issues)), encoding="utf-8")
    requests, _people, problems = read(tmp_path)
    assert set(requests) == {"10001", "10002"}
    assert requests["10001"].replies[1].accepted
    assert len(problems) == 1 and problems[0].startswith("bad.json:1: not JSON")


def test_a_place_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="does not exist"):
        read(tmp_path / "none.xml")
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError, match="has no JSON files"):
        read(tmp_path / "empty")


def test_tables_of_a_data_warehouse_are_read(tmp_path: Path) -> None:
    (tmp_path / "issue.csv").write_text(
        "id,key,project,reporter,summary,description,created,updated,resolved,resolution,status\n"
        "7,IT-7,100,a:1,Verkko poikki,h2. Vika,2026-03-02 08:00:00,2026-03-02 09:00:00,2026-03-02 09:00:00,Done,5\n"
        "8,IT-8,100,a:1,Auki,,2026-03-02 08:00:00,,,,6\n",
        encoding="utf-8",
    )
    (tmp_path / "status.csv").write_text("id,name,status_category_id\n5,Valmis,3\n6,Uusi,2\n", encoding="utf-8")
    (tmp_path / "user.csv").write_text("id,name,email,time_zone\na:2,Ella,ella@example.org,UTC\n", encoding="utf-8")
    (tmp_path / "comment.csv").write_text(
        "id,issue_id,author_id,body,created,is_public\n1,7,a:2,Vaihdoin kytkimen.,2026-03-02 08:50:00,true\n"
        "2,7,a:2,Salaista.,2026-03-02 08:55:00,false\n3,9,a:2,Muu.,2026-03-02 08:55:00,true\n",
        encoding="utf-8",
    )
    requests, people, problems = read(tmp_path)
    replies = [(reply.body, reply.accepted, reply.internal) for reply in requests["7"].replies]
    assert replies == [("Vaihdoin kytkimen.", True, False), ("Salaista.", False, True)]
    assert requests["7"].body == "## Vika" and requests["8"].status == "open"
    assert people[str(requests["7"].replies[0].author)].email == "ella@example.org"
    assert len(problems) == 1 and "messages of 9 were left out" in problems[0]
