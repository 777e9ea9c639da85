"""sources/jsonl.py: what a line becomes, and the message about a line that cannot be used."""

import gzip
import json
import tracemalloc
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from indexer.sources import json_text, jsonl
from indexer.sources.jsonl import JSONLSource
from indexer.sources.records import DocumentRecord, Located, PersonRecord, RequestRecord, TeamRecord
from recommender.errors import SourceError

REQUEST: dict[str, Any] = {
    "type": "request",
    "id": "r1",
    "title": "Printer jams",
    "status": "resolved",
    "created_at": "2026-01-02T10:00:00",
    "replies": [{"id": "a1", "body": "Open the back.", "created_at": "2026-01-02T11:00:00", "accepted": True}],
}


def _read(path: Path, content: str | bytes) -> list[Located]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return list(JSONLSource(path).records())


def _read_one(tmp_path: Path, **changes: Any) -> Located:
    (located,) = _read(tmp_path / "one.jsonl", json.dumps({**REQUEST, **changes}))
    return located


def test_each_type_becomes_its_record_with_its_line(tmp_path: Path) -> None:
    lines = [
        {"type": "team", "id": "it", "name": "IT", "name_fi": "IT-tuki"},
        {"type": "person", "id": "aino", "name": "Aino", "teams": ["it"], "languages": ["fi"], "left_on": "2026-03-01"},
        REQUEST,
        {"type": "document", "id": "d1", "title": "Guide", "body": "# One", "updated_at": "2026-01-05T00:00:00"},
    ]
    located_records = _read(tmp_path / "all.jsonl", "\n".join(json.dumps(line) for line in lines))
    assert [(located.file, located.line) for located in located_records] == [("all.jsonl", n) for n in (1, 2, 3, 4)]
    team, person, request, document = [located.record for located in located_records]
    assert team == TeamRecord(id="it", name="IT", name_fi="IT-tuki")
    assert isinstance(person, PersonRecord) and person.left_on == date(2026, 3, 1) and person.teams == ("it",)
    assert isinstance(request, RequestRecord) and request.replies[0].body == "Open the back."
    assert request.audience is None  # then the default of the team is used
    assert isinstance(document, DocumentRecord) and document.updated_at == datetime(2026, 1, 5)


def test_blank_lines_are_counted_but_ignored_and_a_byte_order_mark_is_no_problem(tmp_path: Path) -> None:
    located_records = _read(
        tmp_path / "f.jsonl", b"\xef\xbb\xbf" + json.dumps(REQUEST).encode() + b"\n\n  \n" + b"{}\n"
    )
    assert [(located.line, located.record is None) for located in located_records] == [(1, False), (4, True)]


def test_gzip_is_accepted_by_its_content_not_its_name(tmp_path: Path) -> None:
    plain = _read(tmp_path / "plain.jsonl", json.dumps(REQUEST))
    compressed = _read(tmp_path / "packed.jsonl", gzip.compress(json.dumps(REQUEST).encode()))
    assert [located.record for located in compressed] == [located.record for located in plain]
    assert isinstance(compressed[0].record, RequestRecord)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2026-01-02T10:00:00", datetime(2026, 1, 2, 10)),
        ("2026-01-02T10:00:00Z", datetime(2026, 1, 2, 10)),
        ("2026-01-02T10:00:00+02:00", datetime(2026, 1, 2, 8)),
        ("2026-01-02T01:30:00+03:00", datetime(2026, 1, 1, 22, 30)),
        ("2026-01-02T20:00:00-05:00", datetime(2026, 1, 3, 1)),
        ("2021-03-05T10:00:00.000+0200", datetime(2021, 3, 5, 8)),
        ("2016-08-29 10:36:09", datetime(2016, 8, 29, 10, 36, 9)),
        ("20260302", datetime(2026, 3, 2)),
        (20260302, datetime(2026, 3, 2)),
        ("202603020810", datetime(2026, 3, 2, 8, 10)),
        ("20260302081000", datetime(2026, 3, 2, 8, 10)),
        (1488790000, datetime(2017, 3, 6, 8, 46, 40)),
        ("1458687616.000042", datetime(2016, 3, 22, 23, 0, 16, 42)),
        (1488790000123, datetime(2017, 3, 6, 8, 46, 40, 123000)),
    ],
)
def test_times_become_utc_without_a_zone(tmp_path: Path, written: object, read: datetime) -> None:
    record = _read_one(tmp_path, created_at=written).record
    assert isinstance(record, RequestRecord)
    assert record.created_at == read and record.created_at.tzinfo is None


def test_a_number_as_an_id_is_read_as_text(tmp_path: Path) -> None:
    record = _read_one(tmp_path, id=17).record
    assert isinstance(record, RequestRecord) and record.id == "17"


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        (
            {"title": "   ", "replies": [], "status": "open"},
            "title: it is empty, and there is no text whose first words",
        ),
        ({"title": ["x"]}, "title: it should be a text in quotes"),
        ({"status": "unclear"}, "status: write 'open', 'resolved' or 'closed'"),
        ({"language": 5}, "language: write the two letters of a language, such as fi"),
        (
            {"audience": ["hr"]},
            "audience.0: write everyone, team: with the name of a team, or person: with a user name",
        ),
        ({"team": " "}, "team: it is empty"),
        (
            {"created_at": "2.3.2026"},
            "created_at: '2.3.2026' is not a time that can be read. Write it as 2026-03-02T08:",
        ),
        ({"created_at": "20261399"}, "created_at: the digits '20261399' are no date. Write it as 2026-03-02T08:10:00"),
        ({"created_at": 12345}, "created_at: the digits 12345 are no date. Write it as 2026-03-02T08:10:00"),
        ({"created_at": True}, "created_at: True is not a time that can be read. Write it as 2026-03-02T08:10:00"),
        ({"replies": []}, "a resolved request needs a resolution or a reply"),
        ({"replies": REQUEST["replies"] * 2}, "two replies have the same id"),
        ({"replies": [{"id": "a1", "body": "x"}]}, "replies.0.created_at: it is missing"),
    ],
)
def test_a_record_that_cannot_be_used_says_which_field_and_why(
    tmp_path: Path, changes: dict[str, Any], problem: str
) -> None:
    located = _read_one(tmp_path, **changes)
    assert located.record is None
    assert located.complaint(located.problem).startswith(f"one.jsonl:1: {problem}")


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"{not json", "not JSON (Expecting property name enclosed in double quotes at column 2). Correct this line"),
        (b'{"type": "request", "title": "\xe4"}', "not UTF-8. Save the file as UTF-8"),
        (b"[1, 2]", "not an object in braces, with its type and fields"),
        (b'{"id": "r1"}', "type: it is missing. Write team, person, request or document"),
        (b'{"type": "ticket"}', "type: 'ticket' is not known. Write team, person, request or document"),
    ],
)
def test_a_line_that_is_not_a_record_is_reported_and_the_next_is_read(
    tmp_path: Path, line: bytes, problem: str
) -> None:
    bad, good = _read(tmp_path / "f.jsonl", line + b"\n" + json.dumps(REQUEST).encode())
    assert (bad.line, bad.record, bad.problem) == (1, None, problem)
    assert isinstance(good.record, RequestRecord) and good.line == 2


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("[" * 100_000 + "]" * 100_000, id="nested too deep to be read"),
        pytest.param('{"type": "request", "score": ' + "9" * 5000 + "}", id="a number with too many digits"),
        pytest.param(json.dumps({**REQUEST, "created_at": "9999-12-31T23:59:59-05:00"}), id="after the last year"),
        pytest.param(json.dumps({**REQUEST, "created_at": "0001-01-01T00:00:00+05:00"}), id="before the first year"),
    ],
)
def test_a_line_that_python_cannot_parse_is_reported_and_the_next_is_read(tmp_path: Path, line: str) -> None:
    bad, good = _read(tmp_path / "f.jsonl", line + "\n" + json.dumps(REQUEST))
    assert bad.record is None and bad.problem
    assert isinstance(good.record, RequestRecord)


_PEOPLE = [{"type": "team", "id": "it", "name": "IT"}, {"type": "person", "id": "aino", "name": "Aino"}, REQUEST]


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("before", ["", "\n\n", "\ufeff"])
def test_a_list_is_read_as_its_records_with_the_lines_on_which_they_begin(
    tmp_path: Path, indent: int | None, before: str
) -> None:
    located = _read(tmp_path / "list.json", before + json.dumps(_PEOPLE, indent=indent) + "\n")
    assert [type(found.record) for found in located] == [TeamRecord, PersonRecord, RequestRecord]
    first = 1 + before.count("\n")
    assert [found.line for found in located] == ([first] * 3 if indent is None else [first + 1, first + 6, first + 11])


def test_a_compressed_list_is_read_and_a_bad_object_in_it_is_reported_alone(tmp_path: Path) -> None:
    content = json.dumps([_PEOPLE[0], {"type": "person"}, "x", _PEOPLE[1]], indent=0)
    located = _read(tmp_path / "list.json.gz", gzip.compress(content.encode()))
    assert [found.record is None for found in located] == [False, True, True, False]
    assert located[1].problem == "id: it is missing"


@pytest.mark.parametrize("end", ["", "]x", ",", ', {"type": }]', " {}]", "\n\n"])
def test_a_list_that_breaks_off_yields_the_records_before_and_then_one_sentence(tmp_path: Path, end: str) -> None:
    content = "[\n" + ",\n".join(json.dumps(line) for line in _PEOPLE) + end
    (tmp_path / "list.json").write_text(content)
    found: list[Located] = []
    with pytest.raises(SourceError, match=r"is one JSON list that cannot be read further than line 4; the records"):
        for located in JSONLSource(tmp_path / "list.json").records():
            found.append(located)
    assert len(found) == 3


def test_objects_over_several_lines_are_refused_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"has an object over several lines, from line 3 on; what is before was"):
        _read(tmp_path / "f.json", "\n\n" + "\n".join(json.dumps(line, indent=1) for line in _PEOPLE))


@pytest.mark.parametrize("indent", [None, 1])
def test_a_list_of_any_length_is_read_piece_by_piece(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, indent: int | None
) -> None:
    people = [{"type": "person", "id": f"p{n}", "name": "Äiti " * 30} for n in range(200)]
    text = json.dumps(people, indent=indent, ensure_ascii=False)
    whole = _read(tmp_path / "list.json", text)
    monkeypatch.setattr(jsonl, "LONGEST_LINE", 1_000)
    monkeypatch.setattr(json_text, "_CHUNK", 7)
    assert _read(tmp_path / "list.json", text) == whole
    assert [located.record.id for located in whole if isinstance(located.record, PersonRecord)] == [
        f"p{n}" for n in range(200)
    ]
    with pytest.raises(SourceError, match="cannot be read further than line"):
        _read(tmp_path / "list.json", json.dumps([*people, {"type": "person", "id": "long", "name": "x" * 3_000}]))


def test_a_line_that_is_too_long_is_reported_and_the_next_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jsonl, "LONGEST_LINE", 400)
    long = json.dumps({**REQUEST, "body": "word " * 500_000})
    lines = [json.dumps({**REQUEST, "id": "a"}), long, json.dumps({**REQUEST, "id": "b"})]
    for text in ("\n".join(lines), "\n".join([*lines, long])):
        located = _read(tmp_path / "long.jsonl", text)
        assert [getattr(each.record, "id", each.problem) for each in located[:3]] == [
            "a", "longer than 0 MB. Shorten it", "b",
        ]  # fmt: skip


def test_a_long_line_is_not_kept_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "long.jsonl"
    with path.open("wb") as file:
        file.write(b'{"type": "person", "id": "a", "name": "A", "x": "')
        for _ in range(60):
            file.write(b"x" * 1_000_000)
        file.write(b'"}\n{"type": "person", "id": "b", "name": "B"}\n')
    tracemalloc.start()
    located = list(JSONLSource(path).records())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [each.problem for each in located] == ["longer than 20 MB. Shorten it", ""]
    assert peak < 45_000_000  # the longest line that is read, twice while it grows, and not the 60 MB of this one


@pytest.mark.parametrize("line", [
    '{"type": "request", "id": "1", "audience": [], "title": "x", "created_at": "2026-01-02", '
    '"audience": ["everyone"]}',
    '{"type": "request", "id": "1", "title": "x", "created_at": "2026-01-02", "replies": '
    '[{"id": "a", "audience": 1, "body": "x", "audience": 2, "created_at": "2026-01-02"}]}',
])  # fmt: skip
@pytest.mark.parametrize("as_list", [False, True])
def test_a_field_that_is_there_twice_is_a_problem_of_its_record_alone(tmp_path: Path, line: str, as_list: bool) -> None:
    text = f"[\n{line},\n{json.dumps(REQUEST)}]" if as_list else f"\n{line}\n{json.dumps(REQUEST)}"
    bad, good = _read(tmp_path / "twice.jsonl", text)
    assert (bad.line, bad.problem) == (2, "audience: this field is there twice. Remove one of them")
    assert good.record is not None


def test_numbers_that_no_float_can_be_stay_apart_as_ids(tmp_path: Path) -> None:
    written = ["1e400", "1e500", "12345678901234567890.5", "12345678901234567891.5", "0.1", "7", "7.0", "-1e400"]
    lines = [json.dumps({**REQUEST, "id": "ID"}).replace('"ID"', number) for number in written]
    ids = [
        getattr(located.record, "id", located.problem) for located in _read(tmp_path / "ids.jsonl", "\n".join(lines))
    ]
    assert ids == ["1e400", "1e500", "12345678901234567890.5", "12345678901234567891.5", "0.1", "7", "7.0", "-1e400"]


def test_values_that_are_no_json_are_read_as_missing_and_told(tmp_path: Path) -> None:
    located = _read(tmp_path / "nan.jsonl", json.dumps({**REQUEST, "resolution": float("nan"), "url": float("inf")}))
    assert isinstance(located[0].record, RequestRecord) and located[0].record.resolution is None
    assert located[0].changes == (
        ("numbers that are no number (NaN, Infinity) were read as missing", "NaN"),
        ("numbers that are no number (NaN, Infinity) were read as missing", "Infinity"),
    )
    (bad,) = _read(tmp_path / "nan.jsonl", json.dumps({**REQUEST, "id": float("nan")}))
    assert bad.problem == "id: it is missing"


def test_a_missing_file_is_reported_in_one_sentence_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(SourceError) as caught:
        list(JSONLSource(tmp_path / "none.jsonl").records())
    assert str(caught.value) == (
        f"{tmp_path / 'none.jsonl'} cannot be read: No such file or directory. Check the path."
    )


def test_a_folder_in_place_of_a_file_is_reported_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"cannot be read: Is a directory\. Check the path\.$"):
        list(JSONLSource(tmp_path).records())


def test_a_truncated_gzip_yields_the_lines_before_and_then_says_so(tmp_path: Path) -> None:
    lines = [json.dumps({**REQUEST, "id": f"r{n}", "title": f"{n:x}" * 40}) for n in range(5000)]
    compressed = gzip.compress("\n".join(lines).encode())
    (tmp_path / "cut.jsonl.gz").write_bytes(compressed[: len(compressed) // 2])
    found: list[Located] = []
    with pytest.raises(SourceError) as caught:
        for located in JSONLSource(tmp_path / "cut.jsonl.gz").records():
            found.append(located)
    assert 0 < len(found) < 5000
    assert [located.line for located in found] == list(range(1, len(found) + 1))
    assert f"is cut short or damaged after line {len(found)};" in str(caught.value)
    assert "Fetch the file again, then import it again." in str(caught.value)


def test_a_gzip_with_a_flipped_byte_says_that_it_is_damaged(tmp_path: Path) -> None:
    compressed = bytearray(gzip.compress(json.dumps(REQUEST).encode() * 50))
    compressed[-6] ^= 0xFF  # a byte of the checksum
    (tmp_path / "bad.jsonl.gz").write_bytes(compressed)
    with pytest.raises(SourceError, match="is cut short or damaged after line"):
        list(JSONLSource(tmp_path / "bad.jsonl.gz").records())
