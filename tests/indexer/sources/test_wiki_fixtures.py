"""Real exports and answers of wikis and forums, read where they are: counts, ids, times, authors, hashes of texts."""

import json
from pathlib import Path
from typing import Any

import pytest

from indexer.sources.kinds import KINDS
from indexer.sources.records import (
    AnswerRecord,
    DocumentRecord,
    Located,
    QuestionRecord,
    ReplyRecord,
    RequestRecord,
)
from indexer.texts.adf import from_adf
from tests.fixture_files import FIXTURES, expectations, folded_hash, needs_fixtures

Item = dict[str, Any]
LEAST = 0.98


def items_of(kind: str, place: Path) -> dict[str, Item]:
    """What a source yields of a place, by ids: title, text, time and author, as far as each has them."""
    options = KINDS[kind].options().model_validate({"place": str(place)})
    found: dict[str, Item] = {}
    for located in KINDS[kind].open("wiki", options).read():
        record = located.record if isinstance(located, Located) else None
        if isinstance(record, DocumentRecord):
            found[record.id] = _item(record.updated_at, record.owner, record.body, record.title)
        elif isinstance(record, RequestRecord):
            found[record.id] = _item(record.created_at, record.asked_by, record.body, record.title)
            found[record.id]["replies"] = [
                [reply.id, reply.created_at.isoformat(), _author(reply.author)] for reply in record.replies
            ]
        elif isinstance(record, QuestionRecord):
            found[record.id] = _item(record.created_at, record.asked_by, record.body, record.title)
            found[record.id]["accepted"] = record.accepted_reply
        elif isinstance(record, AnswerRecord):
            found[f"reply {record.reply.id}"] = _reply(record.reply)
    return found


def _reply(reply: ReplyRecord) -> Item:
    return _item(reply.created_at, reply.author, reply.body, "")


def _item(at: Any, author: str | None, text: str, title: str) -> Item:
    return {"at": at.isoformat(), "author": _author(author), "text": folded_hash(text), "title": folded_hash(title)}


def _author(handle: str | None) -> str | None:
    return handle.removeprefix("wiki-") if handle else None


def differences(line: Item, found: dict[str, Item], file: str) -> list[str]:
    """What is not as expected, one entry for each item."""
    wrong = []
    count = sum(1 for name in found if not name.startswith("reply "))
    if line["items"] is not None and count != line["items"]:
        wrong.append(f"{file}: {count} items, not {line['items']}")
    for sample in line["samples"]:
        item = found.get(sample.get("id", next(iter(found), "")), {})
        different = {name: item.get(name) for name, value in sample.items() if name != "id" and item.get(name) != value}
        if different or not item:
            wrong.append(f"{file} {sample.get('id', '')}: {different or 'missing'}, expected {sample}")
    return wrong


@needs_fixtures
@pytest.mark.parametrize("system", ["confluence", "mediawiki", "notion", "stackexchange"])
def test_real_exports_and_answers_are_read_as_they_were_written(system: str) -> None:
    wrong: list[str] = []
    expected = 0
    for line in expectations(system):
        found = items_of(line.get("kind", system), FIXTURES / line["file"])
        wrong += differences(line, found, line["file"])
        expected += max(1, len(line["samples"]))
    print(f"{system}: {expected - len(wrong)} of {expected} as expected")
    assert len(wrong) <= (1 - LEAST) * expected, "\n".join(wrong)


@needs_fixtures
def test_real_documents_of_atlassian_are_read_as_they_were_written() -> None:
    wrong: list[str] = []
    lines = expectations("jira_adf")
    for line in lines:
        text = from_adf(json.loads((FIXTURES / line["file"]).read_text(encoding="utf-8")))
        wrong += differences(line, {"": {"text": folded_hash(text)}}, line["file"])
    print(f"jira_adf: {len(lines) - len(wrong)} of {len(lines)} as expected")
    assert len(wrong) <= (1 - LEAST) * len(lines), "\n".join(wrong)


@needs_fixtures
@pytest.mark.parametrize("system", ["confluence", "mediawiki", "notion", "stackexchange_api"])
def test_every_file_is_in_the_table_or_has_nothing_to_read(system: str) -> None:
    table = {line["file"] for line in expectations("stackexchange" if system == "stackexchange_api" else system)}
    files = {path.relative_to(FIXTURES).as_posix() for path in (FIXTURES / system).rglob("*") if path.is_file()}
    others = files - table
    assert all(name.endswith(".json") for name in others), others  # answers without texts, read as part of a whole
