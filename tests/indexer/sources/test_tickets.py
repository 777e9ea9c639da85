"""tickets.py and ticket_system.py: which message is the answer, and what is made of odd titles, names and files."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from indexer.sources.tickets import Message, Ticket, moment, person, says_something
from recommender.sentences.sentence import Sentence
from tests.indexer.sources.reading import read
from tests.indexer.sources.servers.desk import Desk
from tests.indexer.sources.servers.redmine import RedmineServer

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def message(number: int, minutes: int, text: str = "", public: bool = True, by_agent: bool = True) -> Message:
    return Message(str(number), "ella", text or f"Viesti {number}", NOON + timedelta(minutes=minutes), public, by_agent)


def answer_of(ticket: Ticket) -> str | None:
    record = ticket.record()
    return record.resolution or next((reply.body for reply in record.replies if reply.accepted), None)


def test_the_answer_is_the_last_public_message_of_an_agent_before_it_was_resolved() -> None:
    messages = [
        message(1, 1),
        message(2, 2),
        message(3, 3, public=False),
        message(4, 4, by_agent=False),
        message(5, 90),
    ]
    ticket = Ticket("1", "Otsikko", "Teksti", NOON, messages, is_over=True, resolved_at=NOON + timedelta(minutes=10))
    assert answer_of(ticket) == "Viesti 2" and ticket.record().status == "resolved"
    ticket.resolved_at = NOON + timedelta(minutes=89)  # written in the act that resolves, a moment after
    assert answer_of(ticket) == "Viesti 5"
    ticket.solution = "done."
    assert answer_of(ticket) == "Viesti 5"
    ticket.solution = "Vaihda kaapeli."
    assert answer_of(ticket) == "Vaihda kaapeli."
    ticket.is_answered = False
    assert answer_of(ticket) is None and ticket.record().status == "closed"
    ticket.is_answered, ticket.merged_into = True, "2"
    assert answer_of(ticket) is None and ticket.record().status == "closed"
    ticket.is_over = False
    assert ticket.record().status == "open" and ticket.record().resolved_at is None


@pytest.mark.parametrize(
    "text",
    ["", ".", "done", "Resolved.", "Issue has been fixed", "n/a", "OK, closed", "Tehty!", "Asia kunnossa.", "klart"],
)
def test_words_from_which_nobody_learns_anything_are_no_solution(text: str) -> None:
    assert not says_something(text)


@pytest.mark.parametrize("text", ["Restart spoolsv", "Salasana nollattu", "See KB00123", "Vaihdettiin kaapeli"])
def test_words_that_say_what_was_done_are_one(text: str) -> None:
    assert says_something(text)


def test_a_title_is_made_of_the_text_cut_or_the_reference() -> None:
    assert Ticket("7", "", "Tulostin  on\njumissa", NOON).record().title == "Tulostin on jumissa"
    assert Ticket("7", "", "", NOON, [message(1, 1, "Apua!")]).record().title == "Apua!"
    assert Ticket("7", "", "", NOON, [message(1, 1, "Salaa", public=False)], reference="IT-7").record().title == "IT-7"
    long = Ticket("7", "sana " * 200, "Teksti", NOON).record()
    assert len(long.title) <= 200 and long.body.endswith("sana\n\nTeksti")
    assert Ticket("7", "=?utf-8?Q?N=C3=A4ytt=C3=B6?=", "", NOON).record().title == "Näyttö"


def test_names_and_addresses_are_made_safe() -> None:
    ticket = Ticket(
        "7", "Otsikko", "", NOON, attachments=["a\u202egpj.exe", "x" * 300, "", None], url="javascript:alert(1)"
    )
    record = ticket.record()
    assert record.attachments == ("agpj.exe", "x" * 200) and record.url is None
    assert person("desk", 7, "  Ella\u200b  Esimerkki ", "ELLA@Example.org").email == "ella@example.org"  # type: ignore[union-attr]
    assert person("desk", "", "Ella") is None and person("desk", 7, "", "") is None


def test_characters_that_no_database_stores_are_left_out() -> None:
    ticket = Ticket("7", "Ot\ud800sikko", "Tek\0sti", NOON, [message(1, 1, "Vies\udc00ti")], tags=["ta\ud800gi"])
    record = ticket.record()
    assert (record.title, record.body, record.replies[0].body, record.tags) == (
        "Otsikko",
        "Teksti",
        "Viesti",
        ("tagi",),
    )
    made = person("desk", "a\ud800b", "El\ud800la", "no address")
    assert made is not None and (made.id, made.name, made.email) == ("desk-ab", "Ella", None)


def test_times_without_a_zone_are_of_the_one_that_is_given() -> None:
    assert moment("2026-03-02 10:00:00", "Europe/Helsinki").hour == 8
    assert moment("Mon, 2 Mar 2026 10:00:00 +0200").hour == moment("2026-03-02T10:00:00.000+0200").hour == 8
    with pytest.raises(ValueError, match="is not a time"):
        moment("eilen")


def test_a_bad_ticket_is_a_problem_and_the_others_are_read(tmp_path: Path) -> None:
    server = RedmineServer(Desk(4))
    rows = [server.issue(ticket, True) for ticket in server.desk.tickets.values()]
    del rows[0]["created_on"]
    rows[1]["created_on"] = "eilen"
    rows[2]["journals"] = "none"
    (tmp_path / "issues.json").write_text(json.dumps({"issues": rows}), encoding="utf-8")
    found = read("redmine", tmp_path / "issues.json")
    assert set(found.requests) == {"3", "4"}
    assert "a field is not what the system documents" in found.problems[0]  # the journals of the third
    assert found.problems[1] == "issues.json:1: the field created_on is missing"
    assert all(any(isinstance(part, Sentence) for part in said.values.values()) for said in found.problems)
    assert found.problems[2] == "issues.json:1: 'eilen' is not a time that can be read"


@pytest.mark.parametrize("text", ["Clave de incidencia,Resumen\nIT-1,Impresora\n", "Titre,Description\nA,B\n"])
def test_a_file_in_which_nothing_is_known_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "export.csv").write_text(text, encoding="utf-8")
    found = read("jira", tmp_path / "export.csv")
    assert len(found.problems) == 1
    assert "nothing in it that this kind of source knows. Export it as the page" in found.problems[0]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b'{"issues": [', "x.json:1: not JSON"),
        (b"[1, 2", "the list cannot be read further"),
        (b"\xff\xfe{", "not UTF-8"),
        (b"[" * 100_000, "not JSON"),
        (b'{"a": 1' + b"0" * 5000 + b"}", "not JSON that can be read"),
        (b"\x00\x01\x02", "not JSON"),
        (b"PK\x03\x04rest", "Unpack it, and give the folder"),
        (b"\x1f\x8b\x08rest", "Unpack it, and give the folder"),
    ],
    ids=["cut object", "cut list", "utf-16", "deep", "long number", "binary", "zip", "gzip"],
)
def test_files_that_are_no_json_are_problems(tmp_path: Path, content: bytes, problem: str) -> None:
    (tmp_path / "x.json").write_bytes(content)
    found = read("redmine", tmp_path)
    assert found.requests == {} and len(found.problems) == 1
    assert problem in found.problems[0] or "the list cannot be read further" in found.problems[0]


def test_a_line_that_is_too_long_is_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("indexer.sources.exported.LONGEST_ENTRY", 5000)
    server = RedmineServer(Desk(2))
    lines = [json.dumps({"issue": server.issue(ticket, True)}) for ticket in server.desk.tickets.values()]
    text = "\n".join([lines[0], '{"issue": "' + "x" * 20_000 + '"}', lines[1]])
    (tmp_path / "x.jsonl").write_text(text, encoding="utf-8")
    found = read("redmine", tmp_path)
    assert set(found.requests) == {"1", "2"}
    assert found.problems == ["x.jsonl:2: longer than 0 MB. Shorten it"]
