"""The form of the everyday questions: what they name exists, may be read by everybody and has not left, and the two
halves are alike."""

import json
from collections import Counter
from collections.abc import Callable
from datetime import date
from functools import cache
from typing import Any

import pytest

from indexer.sources.demo import DemoSource
from indexer.sources.records import DocumentRecord, PersonRecord, RequestRecord, TeamRecord
from tests.paths import TESTS

Question = dict[str, Any]

FIELDS = [
    "id", "half", "text", "language", "expect", "relevant", "outdated", "team", "people", "not_people", "note",
]  # fmt: skip
KINDS = {
    "questions.jsonl": {"answer": 117, "near miss": 43, "no answer": 26, "junk": 18},
    "questions_sv.jsonl": {"answer": 45, "near miss": 6, "no answer": 5, "junk": 4},
}
EXPECTED = {"answer": {"answer"}, "near miss": {"maybe", "unknown"}, "no answer": {"unknown"}, "junk": {"unknown"}}
HALVES = ("choose", "report")


@cache
def _questions(name: str) -> tuple[Question, ...]:
    lines = (TESTS / "everyday" / name).read_text(encoding="utf-8").splitlines()
    return tuple(json.loads(line) for line in lines)


@pytest.fixture(params=KINDS)
def name(request: pytest.FixtureRequest) -> str:
    """The file of questions that a test is about."""
    return str(request.param)


@cache
def _records() -> tuple[Any, ...]:
    located = DemoSource(date(2026, 11, 20)).records()
    return tuple(found.record for found in located)


def _items() -> dict[str, RequestRecord | DocumentRecord]:
    kinds = (RequestRecord, DocumentRecord)
    return {f"{record.type}:{record.id}": record for record in _records() if isinstance(record, kinds)}


def _people() -> dict[str, PersonRecord]:
    return {record.id: record for record in _records() if isinstance(record, PersonRecord)}


def _teams() -> dict[str, TeamRecord]:
    return {record.id: record for record in _records() if isinstance(record, TeamRecord)}


def _kind(question: Question) -> str:
    return str(question["note"]).split(":")[0]


def _length(question: Question) -> str:
    words = len(question["text"].split())
    if words >= 80:
        return "letter"
    if "\n" in question["text"]:
        return "pasted"
    return "short" if words <= 3 else "sentence"


def _for_everybody(item: RequestRecord | DocumentRecord) -> bool:
    if item.audience is not None:
        return "everyone" in item.audience
    return item.team is not None and not _teams()[item.team].restricted


def _who_wrote(item: RequestRecord | DocumentRecord) -> set[str | None]:
    """The owner of a document, or whoever replied to a request."""
    return {item.owner} if isinstance(item, DocumentRecord) else {reply.author for reply in item.replies}


def test_each_question_has_the_same_fields_and_its_own_id_and_text(name: str) -> None:
    assert all(list(question) == FIELDS for question in _questions(name))
    for field in ("id", "text"):
        values = [question[field] for question in _questions(name)]
        assert len(set(values)) == len(values)
    assert all(question["text"] == question["text"].strip() != "" for question in _questions(name))
    assert {question["language"] for question in _questions(name)} == {"fi", "en", "sv"}


def test_there_are_as_many_of_each_kind_as_the_readme_says(name: str) -> None:
    readme = (TESTS / "everyday" / "README.md").read_text(encoding="utf-8")
    assert Counter(_kind(question) for question in _questions(name)) == KINDS[name]
    assert all(f"| `{kind}` | {count} |" in readme for kind, count in KINDS[name].items())
    assert readme.count(f"{len(_questions(name))} questions") == 1


def test_what_is_expected_fits_the_kind_and_the_grades(name: str) -> None:
    for question in _questions(name):
        assert question["expect"] in EXPECTED[_kind(question)], question["id"]
        best = max((found["grade"] for found in question["relevant"]), default=0)
        assert best == {"answer": 2, "maybe": 1, "unknown": 0}[question["expect"]], question["id"]
        assert all(set(found) == {"id", "grade"} and found["grade"] in (1, 2) for found in question["relevant"])


def test_named_items_exist_once_and_everybody_may_read_them(name: str) -> None:
    items = _items()
    for question in _questions(name):
        named = [found["id"] for found in question["relevant"]] + question["outdated"]
        assert len(set(named)) == len(named), question["id"]
        assert set(named) <= set(items), question["id"]
        assert all(_for_everybody(items[key]) for key in named), question["id"]


def test_open_requests_are_never_full_answers(name: str) -> None:
    items = _items()
    for question in _questions(name):
        for found in question["relevant"]:
            item = items[found["id"]]
            if isinstance(item, RequestRecord) and item.status == "open":
                assert found["grade"] == 1, question["id"]


def test_outdated_items_are_older_than_a_full_answer(name: str) -> None:
    items = _items()

    def when(key: str) -> Any:
        item = items[key]
        return item.created_at if isinstance(item, RequestRecord) else item.updated_at

    for question in _questions(name):
        full = [when(found["id"]) for found in question["relevant"] if found["grade"] == 2]
        assert all(when(key) < max(full) for key in question["outdated"]), question["id"]


def test_nobody_who_left_is_among_the_people_and_all_wrote_about_the_matter(name: str) -> None:
    people, items = _people(), _items()
    for question in _questions(name):
        assert all(people[handle].left_on is None for handle in question["people"]), question["id"]
        assert not set(question["people"]) & set(question["not_people"]), question["id"]
        relevant = {handle for found in question["relevant"] for handle in _who_wrote(items[found["id"]])}
        outdated = {handle for item in question["outdated"] for handle in _who_wrote(items[item])}
        assert set(question["people"]) <= relevant, question["id"]
        assert set(question["not_people"]) <= relevant | outdated, question["id"]


def test_a_team_is_named_for_all_questions_that_the_items_are_about(name: str) -> None:
    for question in _questions(name):
        about = _kind(question) in ("answer", "near miss")
        assert (question["team"] in _teams()) if about else (question["team"] is None), question["id"]


@pytest.mark.parametrize("value", [_kind, _length, lambda q: q["language"], lambda q: q["expect"]])
def test_the_halves_are_alike(name: str, value: Callable[[Question], str]) -> None:
    counts = {
        half: Counter(value(question) for question in _questions(name) if question["half"] == half) for half in HALVES
    }
    assert sum(counts[HALVES[0]].values()) + sum(counts[HALVES[1]].values()) == len(_questions(name))
    for what in counts["choose"] | counts["report"]:
        assert abs(counts["choose"][what] - counts["report"][what]) <= 2, what
