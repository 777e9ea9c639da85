"""sources/repair.py: what is made usable, what is told, and what is refused because it may say who may read."""

import json
from pathlib import Path
from typing import Any

import pytest

from indexer.sources.jsonl import JSONLSource
from indexer.sources.records import Located
from recommender.database.handles import is_usable, usable_handle

REPLY: dict[str, Any] = {"id": "a1", "body": "Open the back.", "created_at": "2026-01-02T11:00:00"}
REQUEST: dict[str, Any] = {"type": "request", "id": "r1", "title": "Jam", "created_at": "2026-01-02T10:00:00"}
DOCUMENT: dict[str, Any] = {"type": "document", "id": "d1", "title": "Guide", "body": "x", "updated_at": "2026-01-05"}
TEAM: dict[str, Any] = {"type": "team", "id": "it", "name": "IT"}
PERSON: dict[str, Any] = {"type": "person", "id": "aino", "name": "Aino"}


def _read(tmp_path: Path, line: dict[str, Any], **changes: Any) -> Located:
    (tmp_path / "one.jsonl").write_text(json.dumps({**line, **changes}))
    (located,) = JSONLSource(tmp_path / "one.jsonl").records()
    return located


def _record(tmp_path: Path, line: dict[str, Any], **changes: Any) -> Any:
    located = _read(tmp_path, line, **changes)
    assert located.record is not None, located.problem
    return located.record


def test_what_needs_no_repair_is_not_told(tmp_path: Path) -> None:
    for line in (REQUEST | {"replies": [REPLY], "status": "resolved", "language": "fi"}, DOCUMENT, PERSON):
        assert _read(tmp_path, line).changes == ()


def test_unknown_fields_are_skipped_and_named_with_what_may_have_been_meant(tmp_path: Path) -> None:
    reply = REPLY | {"via": "mail"}
    located = _read(tmp_path, REQUEST, priority="high", resolutoin="x", replies=[reply])
    assert located.record is not None
    assert set(located.changes) == {
        ("unknown fields of a request were skipped", "priority"),
        ("unknown fields of a request were skipped", "resolutoin (did you mean resolution?)"),
        ("unknown fields of a reply were skipped", "via"),
    }


@pytest.mark.parametrize(
    "field",
    [
        {"audiance": ["team:hr"]}, {"Audience": []}, {"anonymus": True}, {"private": True}, {"is_internal": 1},
        {"visibility": "agents"}, {"acl": ["hr"]}, {"security-level": "HR"}, {"public": False}, {"isPublic": None},
    ],
)  # fmt: skip
def test_an_unknown_field_that_may_say_who_may_read_is_a_problem_not_a_change(
    tmp_path: Path, field: dict[str, Any]
) -> None:
    for line in (REQUEST | field, REQUEST | {"replies": [REPLY | field]}, DOCUMENT | field):
        located = _read(tmp_path, line)
        assert located.record is None and located.problem.startswith(f"{next(iter(field))}: this field is not known")


def test_an_unknown_field_that_says_that_everyone_may_read_is_skipped(tmp_path: Path) -> None:
    fields: list[dict[str, Any]] = [{"private": False}, {"public": True}, {"visibility": "public"}, {"acl": []}]
    for field in [*fields, {"confidential": None}]:
        assert _read(tmp_path, REQUEST, **field).record is not None


@pytest.mark.parametrize(
    ("written", "status"),
    [("closed", "closed"), ("Solved", "closed"), ("DONE", "closed"), ("In-Progress", "open"), ("Resolved", "resolved")],
)
def test_the_status_of_other_systems_is_read(tmp_path: Path, written: str, status: str) -> None:
    assert _record(tmp_path, REQUEST, status=written, replies=[REPLY]).status == status


def test_a_closed_request_needs_no_answer(tmp_path: Path) -> None:
    assert _record(tmp_path, REQUEST, status="closed").replies == ()


@pytest.mark.parametrize(
    ("written", "language"),
    [("fi-FI", "fi"), ("sv_SE", "sv"), ("EN", "en"), ("fin", "fi"), ("english", None), ("", None), (" ", None)],
)
def test_a_language_is_read_by_its_code_or_left_to_the_text(tmp_path: Path, written: str, language: str | None) -> None:
    assert _record(tmp_path, REQUEST, language=written).language == language
    assert _record(tmp_path, PERSON, languages=[written, "et"]).languages == ((language, "et") if language else ("et",))


def test_an_empty_title_is_the_first_words_of_the_text(tmp_path: Path) -> None:
    body = "<p>Printer on the second floor jams, and nobody knows what to do about it, or whom to call for help.</p>"
    for title in ("", "  ", None, "&nbsp;"):
        record = _record(tmp_path, REQUEST, title=title, body=body)
        assert record.title == "Printer on the second floor jams, and nobody knows what to do about it, or whom…"
        assert record.body.startswith("Printer on the second floor") and len(record.title) <= 80
    reply = _record(tmp_path, {**REQUEST, "title": "", "replies": [REPLY]})
    assert reply.title == "Open the back."
    assert _record(tmp_path, DOCUMENT, title="", body="# Printing guide").title == "Printing guide"


@pytest.mark.parametrize("title", ["word " * 200, "x" * 900])
def test_a_long_title_is_cut_at_a_word_and_whole_in_the_text(tmp_path: Path, title: str) -> None:
    located = _read(tmp_path, REQUEST, title=title, body="The body.")
    record: Any = located.record
    assert (
        len(record.title) <= 200 and record.title.endswith("…") and record.title[:-1].split()[-1] in ("word", "x" * 199)
    )
    assert record.body == f"{title.strip()}\n\nThe body." and len(located.changes) == 1


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("=?utf-8?Q?Tyhj=C3=A4=20n=C3=A4ytt=C3=B6?=", "Tyhjä näyttö"),
        ("Re: =?ISO-8859-1?Q?K=E4ytt=F6?= =?UTF-8?B?b2lrZXVz?=", "Re: Käyttöoikeus"),
        ("=?utf-8?Q?Tyhj=C3=A4_n=C3=A4ytt=C3=B6?=\r\n =?utf-8?Q?_taas?=", "Tyhjä näyttö taas"),
        ("=?nonsense?Q?x?= y", "=?nonsense?Q?x?= y"),
        ("what is =? in C", "what is =? in C"),
        ("&quot;K&auml;ytt&ouml;oikeudet&quot; puuttuvat", '"Käyttöoikeudet" puuttuvat'),
        ("Does <b>not</b>\nprint", "Does not print"),
        ("The <service> tag and `&auml;`", "The <service> tag and `&auml;`"),
    ],
)
def test_titles_are_decoded(tmp_path: Path, written: str, read: str) -> None:
    assert _record(tmp_path, REQUEST, title=written).title == read
    assert _record(tmp_path, PERSON, name=written).name == read


def test_html_in_texts_is_read(tmp_path: Path) -> None:
    record = _record(
        tmp_path,
        REQUEST,
        body="<p>K&auml;ytt&ouml;</p>",
        resolution="a &lt; b<br>c",
        replies=[REPLY | {"body": "<div>Lis&auml;sin. <br>T. Aino</div>"}],
    )
    assert (record.body, record.resolution) == ("Käyttö", "a < b\nc")
    assert record.replies[0].body.split() == ["Lisäsin.", "T.", "Aino"]
    assert _record(tmp_path, DOCUMENT, body="K&auml;yt&auml; &lt;b&gt;").body == "Käytä &lt;b&gt;"


def test_ids_of_any_form_become_handles_that_stay_apart(tmp_path: Path) -> None:
    jira, mail = "557058:f58131cb-b67d-43c7-b30d-6b58d40bd077", "x" * 54 + "@example.com"
    for identifier in (jira, mail, "DOMAIN\\aino", 17):
        located = _read(tmp_path, PERSON, id=identifier)
        assert located.record is not None and located.changes == ()
        assert located.record.id == str(identifier)  # type: ignore[union-attr]
    for identifier in ("Aino  Virtanen", "y" * 300, "Aino Virtanen"):
        located = _read(tmp_path, PERSON, id=identifier)
        assert located.record is not None and len(located.changes) == 1
        made: str = located.record.id  # type: ignore[union-attr]
        assert made == usable_handle(identifier) and len(made) <= 120 and " " not in made
        record = _record(tmp_path, REQUEST, asked_by=identifier, audience=[f"person:{identifier}"])
        assert (record.asked_by, record.audience) == (made, (f"person:{made}",))
    assert usable_handle("Aino Virtanen") != usable_handle("Aino  Virtanen") != usable_handle("Aino-Virtanen")


@pytest.mark.parametrize(
    "identifier",
    ["a/b", "ai\0no", "ai\u200bno", "\u202eaino", "aino\u2069", "..", "me", "a?b", "50%", "\u3164", "a\ud800"],
)
def test_ids_that_can_stand_in_no_address_or_look_like_others_are_rewritten_and_told(
    tmp_path: Path, identifier: str
) -> None:
    for kind in (PERSON, TEAM):
        located = _read(tmp_path, kind, id=identifier)
        assert located.record is not None
        (change,) = located.changes
        assert change[0] == f"ids of a {kind['type']} that cannot be handles were rewritten"
        made: str = located.record.id  # type: ignore[union-attr]
        assert is_usable(made) and made.isprintable() and "/" not in made and change[1].isprintable()
        assert made not in ("aino", "a-b", "50", "50-")  # it never becomes the handle of somebody else
        record = _record(tmp_path, REQUEST, asked_by=identifier, team=identifier, audience=[f"team:{identifier}"])
        assert record.audience == (f"team:{usable_handle(identifier, 'team')}",)


def test_characters_that_cannot_be_seen_are_taken_out_of_titles_names_and_tags_and_told(tmp_path: Path) -> None:
    located = _read(tmp_path, REQUEST, title="Invoice \u202egpj.exe\u200b", tags=["a\u2066b", "c"])
    assert located.record is not None
    assert (located.record.title, located.record.tags) == ("Invoice gpj.exe", ("ab", "c"))  # type: ignore[union-attr]
    assert [change for change, _value in located.changes] == [
        "characters that cannot be seen were taken out of the title of a request",
        "characters that cannot be seen were taken out of the tags of a request",
    ]
    assert _read(tmp_path, PERSON, name="Aino\u202e").record.name == "Aino"  # type: ignore[union-attr]
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467 می\u200cخواهم"  # needs its joiners
    assert _record(tmp_path, REQUEST, title=family).title == family


@pytest.mark.parametrize("identifier", ["\ufeffr1", "r\u202e1", "r\x071"])
def test_an_id_of_a_request_with_characters_that_cannot_be_seen_is_refused(tmp_path: Path, identifier: str) -> None:
    located = _read(tmp_path, REQUEST, id=identifier)
    assert located.problem == "id: it contains a character that cannot be seen. Remove it"


def test_a_null_in_place_of_a_text_or_list_is_as_if_it_were_left_out(tmp_path: Path) -> None:
    record = _record(tmp_path, REQUEST, body=None, tags=None, replies=[REPLY | {"body": None, "score": None}])
    assert (record.body, record.tags, record.replies[0].body, record.replies[0].score) == ("", (), "", 0)
