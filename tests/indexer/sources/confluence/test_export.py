"""sources/confluence/export.py: small exports written here; what is current is read, and who may read it there."""

import json
from datetime import datetime
from pathlib import Path

import pytest

from indexer.sources.confluence import OPTIONS, open_source
from indexer.sources.records import DocumentRecord, Located, PersonRecord
from recommender.errors import SourceError
from tests.indexer.sources.confluence.entities import (
    AINO,
    SPACE,
    body,
    cdata,
    document,
    entity,
    packed,
    page,
    reference,
    restricted,
    value,
    viewer,
)


def read(place: Path, **options: object) -> list[Located]:
    source = open_source("wiki", OPTIONS.model_validate({"place": str(place), **options}))
    return [located for located in source.read() if isinstance(located, Located)]


def documents(place: Path, **options: object) -> dict[str, DocumentRecord]:
    found = [located.record for located in read(place, **options)]
    return {record.id: record for record in found if isinstance(record, DocumentRecord)}


def write(tmp_path: Path, *entities: str) -> Path:
    path = tmp_path / "entities.xml"
    path.write_text(document(*entities), encoding="utf-8")
    return path


def test_a_current_page_is_a_document_with_its_author_time_space_and_files(tmp_path: Path) -> None:
    file = entity(
        "Attachment",
        "a1",
        cdata("title", "plan.pdf"),
        cdata("contentStatus", "current"),
        reference("containerContent", "Page", "10"),
    )
    text = "<h2>VPN</h2><p>K&auml;yt&auml; <ac:link><ri:user ri:userkey='u1' /></ac:link></p>"
    export = packed(tmp_path, document(body("10", text), page("10", "VPN  guide"), SPACE, AINO, file))
    found = read(export, timezone="Europe/Helsinki", address="https://wiki.example/")
    [person] = [each.record for each in found if isinstance(each.record, PersonRecord)]
    assert (person.id, person.name, person.email) == ("wiki-u1", "aino", "aino@example.org")
    [record] = documents(export, timezone="Europe/Helsinki", address="https://wiki.example/").values()
    assert (record.id, record.title, record.owner, record.group) == ("10", "VPN guide", "wiki-u1", "IT")
    assert record.body == "## VPN\n\nKäytä @aino"
    assert record.updated_at == datetime(2026, 3, 2, 8, 10)
    assert (record.attachments, record.readers_there) == (("plan.pdf",), ("space IT",))
    assert record.url == "https://wiki.example/pages/viewpage.action?pageId=10"


def test_drafts_old_versions_deleted_pages_and_archived_spaces_are_left_out(tmp_path: Path) -> None:
    archived = entity("Space", "2", cdata("key", "OLD"), value("spaceStatus", "ARCHIVED"))
    old = page("12", "Old", reference("originalVersion", "Page", "10"))
    elsewhere = entity("Page", "15", cdata("title", "Archived"), reference("space", "Space", "2"))
    place = write(
        tmp_path,
        *(SPACE, archived, AINO, page("10", "Now"), page("11", "Draft", status="draft"), old, elsewhere),
        *(page("13", "Gone", status="deleted"), page("14", "Empty"), page("16", "News", kind="BlogPost")),
        *(body(each, f"<p>text {each}</p>") for each in ("10", "11", "12", "13", "15", "99")),
        body("16", "<p>news</p>", kind="BlogPost"),
        body("14", "<p> </p>"),
    )
    assert {key: record.body for key, record in documents(place).items()} == {"10": "text 10", "16": "news"}


def test_old_pages_are_wiki_markup_and_bodies_for_programs_are_left_out(tmp_path: Path) -> None:
    place = write(
        tmp_path,
        SPACE,
        page("10", "Old"),
        page("11", "App"),
        body("10", "h2. Steps\n* *one*", "0"),
        body("11", '"v2"', "1"),
    )
    assert {key: record.body for key, record in documents(place).items()} == {"10": "## Steps\n\n- one"}
    older = [entity("BodyContent", "9", cdata("body", text), reference("content", "Page", key))
             for key, text in (("10", "h2. Old"), ("11", "<p>new</p>"))]  # fmt: skip
    place = write(tmp_path, SPACE, page("10", "Old"), page("11", "New"), *older)
    assert {key: record.body for key, record in documents(place).items()} == {"10": "## Old", "11": "new"}


def test_people_whom_an_old_export_only_names_are_read(tmp_path: Path) -> None:
    old = entity(
        "Page", "10", cdata("title", "T"), value("creationDate", "2010-01-01 00:00:00.0"), cdata("creatorName", "aino")
    )
    person, document_ = (located.record for located in read(write(tmp_path, old, body("10", "h1. x", "0"))))
    assert isinstance(person, PersonRecord) and isinstance(document_, DocumentRecord)
    assert (person.id, person.name, document_.owner) == ("wiki-aino", "aino", "wiki-aino")


def test_the_restrictions_of_the_page_and_of_all_above_it_say_who_may_read(tmp_path: Path) -> None:
    tree = [page("1", "Top"), page("2", "HR", parent="1"), page("3", "Pay", parent="2"), page("4", "Own", parent="3")]
    place = write(
        tmp_path,
        *(SPACE, AINO, viewer(cdata("group", "confluence-users")), viewer(cdata("group", "admins")), *tree),
        *(restricted("2", groups=("hr", "bosses")), restricted("3", groups=("pay", "bosses"))),
        *(restricted("4", people=("u1",)), restricted("1", groups=("it",), operation="Edit")),
        *(body(each, "<p>text</p>") for each in "1234"),
    )
    readers = {key: record.readers_there for key, record in documents(place).items()}
    assert readers == {
        "1": ("confluence-users",),
        "2": ("bosses", "hr"),
        "3": ("bosses", "hr & pay"),
        "4": ("bosses & person:aino", "hr & pay & person:aino"),
    }
    public = {key: record.readers_there for key, record in documents(place, everyone=["confluence-users"]).items()}
    assert public == readers | {"1": ("public",)}


def test_a_restriction_that_cannot_be_read_is_not_taken_for_none(tmp_path: Path) -> None:
    place = write(
        tmp_path,
        *(SPACE, viewer(value("group", "")), page("1", "Open"), page("2", "Cut", parent="77"), page("3", "Lost")),
        *(page("4", "Loop", parent="5"), page("5", "Loop", parent="4")),
        entity("ContentPermissionSet", "s", cdata("type", "View"), reference("owningContent", "Page", "3")),
        *(body(each, "<p>text</p>") for each in "12345"),
    )
    readers = {key: record.readers_there for key, record in documents(place).items()}
    assert readers == {
        "1": ("public",), "2": ("not known",), "3": ("not known",), "4": ("public",), "5": ("public",)
    }  # fmt: skip


def test_characters_and_entities_that_xml_refuses_are_read(tmp_path: Path) -> None:
    text = document(SPACE, page("10", "A\x1c\x07B"), body("10", "<p>x\x02 &auml; " + "]" * 70_000 + "</p>"))
    text = text.replace("Help desk", "Help").replace('<id name="id">1</id>', '<id name="id">1</id><!-- &auml;&#28; -->')
    text = text.replace("<![CDATA[IT]]>", "I&Auml;&#x1F;T &amp; &lt;")
    [record] = documents(packed(tmp_path, b"\xef\xbb\xbf" + text.encode())).values()
    assert (record.title, record.group) == ("AB", "IÄT & <")
    assert record.body == "x ä " + "]" * 70_000


def test_a_bad_page_is_told_with_its_line_and_the_others_are_read(tmp_path: Path) -> None:
    bad = page("11", "Bad").replace("2026-03-02 10:10:00.000", "yesterday")
    place = write(
        tmp_path,
        SPACE,
        page("10", "Good"),
        bad,
        page("12", ""),
        *(body(each, "<p>t</p>") for each in ("10", "11", "12")),
    )
    located = read(place)
    assert [each.record.id for each in located if isinstance(each.record, DocumentRecord)] == ["10"]
    problems = [each.complaint(each.problem) for each in located if each.record is None]
    assert problems[0].endswith("page 11: 'yesterday' is not a time that can be read")
    assert "page 12: title" in problems[1]


def test_a_page_without_a_time_gets_that_of_its_space_and_it_is_told(tmp_path: Path) -> None:
    space = entity("Space", "1", cdata("key", "IT"), value("creationDate", "2025-01-01 00:00:00.0"))
    place = write(
        tmp_path, space, entity("Page", "3", cdata("title", "T"), reference("space", "Space", "1")), body("3", "x")
    )
    [located] = read(place)
    assert isinstance(located.record, DocumentRecord) and located.record.updated_at == datetime(2025, 1, 1)
    assert [what for what, _value in located.changes] == ["pages without a time got that of the space or the file"]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda text: text[:-200], "is cut short or is not safe XML at line"),
        (
            lambda text: text.replace("<hibernate", '<!DOCTYPE x [<!ENTITY a "b">]><hibernate', 1),
            r"not safe XML at line .*\(it defines entities of its own\)",
        ),
        (lambda text: "", "is cut short or is not safe XML"),
    ],
)
def test_a_damaged_file_is_named_with_what_to_do(tmp_path: Path, damage: object, message: str) -> None:
    text = document(SPACE, page("10", "One"), body("10", "<p>one</p>"))
    with pytest.raises(SourceError, match=message) as caught:
        read(packed(tmp_path, damage(text)))  # type: ignore[operator]
    assert "Export the space again" in str(caught.value)


def test_what_is_no_export_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="Export the space as XML"):
        read(packed(tmp_path, "x", "index.html"))
    with pytest.raises(SourceError, match="does not exist"):
        read(tmp_path / "missing.zip")
    cut = packed(tmp_path, document(SPACE)).read_bytes()[:-30]
    (tmp_path / "cut.zip").write_bytes(cut)
    with pytest.raises(SourceError, match="is cut short or damaged"):
        read(tmp_path / "cut.zip")


def test_an_xml_file_without_pages_or_spaces_is_refused_and_not_read_as_an_empty_wiki(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="has no pages of Confluence"):
        read(write(tmp_path, AINO))


def test_comments_on_a_page_are_a_section_of_it_but_not_those_on_single_words_or_short_ones(tmp_path: Path) -> None:
    def comment(number: str, *parts: str, day: str = "2026-03-04", status: str = "current") -> str:
        time = value("creationDate", f"{day} 08:00:00.000")
        return entity(
            "Comment", number, cdata("contentStatus", status), time, reference("containerContent", "Page", "1"), *parts
        )

    inline = entity("ContentProperty", "8", cdata("name", "inline-comment"), cdata("stringValue", "true"))
    of_it = '<collection name="contentProperties"><element class="X"><id name="id">8</id></element></collection>'
    texts = {"21": "since May the port is 4500", "22": "no, that is for Windows", "23": "thanks!"}
    texts |= dict.fromkeys(("24", "25", "26"), "this comment must not be read")
    place = write(
        tmp_path, SPACE, *(body(number, f"<p>{text}</p>", kind="Comment") for number, text in texts.items()),
        comment("21", day="2026-03-05"), comment("22"), comment("23"), comment("24", of_it),
        comment("25", status="deleted"), comment("26", reference("originalVersion", "Comment", "21")), inline,
        body("1", "<p>VPN</p>"), page("1", "A"), body("2", "<p>Other</p>"), page("2", "B"),
    )  # fmt: skip
    found = documents(place)
    assert found["2"].body == "Other"
    assert found["1"].body == (
        "VPN\n\n## Comments\n\n2026-03-04:\n\nno, that is for Windows\n\n2026-03-05:\n\nsince May the port is 4500"
    )


def test_a_space_that_does_not_say_who_may_see_it_is_for_nobody_without_a_rule(tmp_path: Path) -> None:
    place = write(
        tmp_path, SPACE, page("1", "A"), page("2", "B"), restricted("2", groups=("hr",)), body("1", "x"), body("2", "x")
    )
    assert [record.readers_there for record in documents(place).values()] == [("space IT",), ("hr & space IT",)]
    opened = documents(place, everyone=["space IT"])
    assert [record.readers_there for record in opened.values()] == [("public",), ("hr",)]


def test_saved_answers_of_the_interface_are_read_in_their_newest_version(tmp_path: Path) -> None:
    row = {
        "id": "5", "type": "page", "status": "current", "title": "Saved", "space": {"key": "IT"},
        "body": {"storage": {"value": "<p>old</p>"}}, "version": {"number": 1, "when": "2026-03-01T08:00:00.000+02:00"},
        "history": {"createdBy": {"username": "aino", "displayName": "Aino V"}},
    }  # fmt: skip
    new = {
        **row,
        "body": {"storage": {"value": "<p>new</p>"}},
        "version": {"number": 2, "when": "2026-03-02T08:00:00Z"},
    }
    (tmp_path / "a.json").write_text(json.dumps({"results": [new, {"id": "6", "title": "Only listed"}]}))
    (tmp_path / "b.json").write_text(json.dumps(row))
    (tmp_path / "c.json").write_text("{")
    (tmp_path / "d.json").write_text(json.dumps({**row, "id": "7", "status": "historical"}))
    located = read(tmp_path)
    [record] = documents(tmp_path).values()
    assert (record.id, record.body, record.owner) == ("5", "new", "wiki-aino")
    assert record.updated_at == datetime(2026, 3, 2, 8)
    assert [each.file for each in located if each.record is None] == ["c.json"]
