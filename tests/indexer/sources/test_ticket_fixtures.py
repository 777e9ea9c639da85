"""Files of real ticket systems, in the folder KOLLEGA_FIXTURES: each is read, and gives what was read in it by eye.

`expectations/KIND.jsonl` has a line for each file or folder: how many items it has, and of them the id, the time, the
author, and 12 hexadecimal digits of the SHA-256 of question and answer with white space folded. Nothing of their text
is kept here. The tests are skipped without the folder.
"""

from typing import Any

import pytest

from indexer.sources.records import RequestRecord
from tests.fixture_files import FIXTURES, expectations, folded_hash, needs_fixtures
from tests.indexer.sources.reading import Read, read

KINDS = ("freshdesk", "github", "gitlab", "jira", "redmine", "servicenow", "zammad", "zendesk")
LINES = [(kind, line) for kind in KINDS for line in expectations(kind)]
pytestmark = needs_fixtures


def digest(text: str) -> str:
    """The hash of a text; nothing for an empty one."""
    return folded_hash(text) if text.strip() else ""


def sample(record: RequestRecord) -> dict[str, Any]:
    """What an expectation says of a request."""
    answer = record.resolution or next((reply.body for reply in record.replies if reply.accepted), "")
    return {
        "id": record.id,
        "created": record.created_at.isoformat(),
        "author": record.asked_by,
        "question": digest(f"{record.title} {record.body}"),
        "answer": digest(answer),
    }


def found_in(kind: str, line: dict[str, Any]) -> Read:
    """What a source yields of a file."""
    return read(kind, FIXTURES / line["file"], **line.get("options", {}))


@pytest.mark.parametrize(("kind", "line"), LINES, ids=[f"{kind}: {line['file']}" for kind, line in LINES])
def test_a_file_gives_what_was_read_in_it(kind: str, line: dict[str, Any]) -> None:
    found = found_in(kind, line)
    assert len(found.requests) + len(found.documents) == line["items"]
    assert len(found.deleted) == line["deleted"]
    for wanted in line["samples"]:
        assert sample(found.requests[wanted["id"]]) == wanted


@pytest.mark.parametrize("kind", KINDS)
def test_every_file_of_the_folder_is_read_without_an_error(kind: str) -> None:
    read(kind, FIXTURES / kind)
