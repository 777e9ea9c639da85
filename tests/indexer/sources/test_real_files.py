"""sources/csv.py and sources/documents on real files, where KOLLEGA_FIXTURES names a folder of them."""

import re
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from indexer.sources import csv, documents
from indexer.sources.documents.texts import read_file
from indexer.sources.office.reader import OfficeReader
from indexer.sources.records import DocumentRecord, Located, PersonRecord, RequestRecord
from indexer.sources.tables.csv_table import CSVTable
from indexer.sources.tables.rows import Row
from recommender.errors import SourceError
from tests.fixture_files import FIXTURES, expectations, folded_hash, needs_fixtures

TABLES, DOCUMENTS = expectations("tables"), expectations("documents")


def _records(path: Path, folder: Path) -> list[Located]:
    options = csv.OPTIONS(place=str(path), mapping=folder / "mapping.toml")
    list(csv.guess_mapping(options))
    return list(csv.open_source("csv", options).records())


def _told(record: Any) -> dict[str, Any]:
    """A record as the table of expectations has it."""
    told = {"id": record.id}
    if isinstance(record, PersonRecord):
        return {**told, "question": folded_hash(f"{record.name} {record.email or ''}")}
    told["question"] = folded_hash(f"{record.title} {record.body}")
    created = record.created_at if isinstance(record, RequestRecord) else record.updated_at
    told["created"] = created.isoformat()
    if isinstance(record, DocumentRecord):
        return told | ({"author": folded_hash(record.owner)} if record.owner else {})
    answer = next((reply for reply in record.replies if reply.accepted), None)
    told |= {"status": record.status}
    told |= {"asker": folded_hash(record.asked_by)} if record.asked_by else {}
    told |= {"resolved": record.resolved_at.isoformat()} if isinstance(record.resolved_at, datetime) else {}
    if answer is not None:
        told |= {"answer": folded_hash(answer.body), "author": folded_hash(answer.author or "")}
    return told


@needs_fixtures
@pytest.mark.parametrize("expected", TABLES, ids=[each["file"].rpartition("/")[2] for each in TABLES])
def test_tables_are_read_as_they_are(expected: dict[str, Any], tmp_path: Path) -> None:
    path = FIXTURES / expected["file"]
    if expected["kind"] != "csv":
        with pytest.raises(SourceError):
            _records(path, tmp_path)
    if expected["kind"] == "rows":
        rows = [row for row in CSVTable(path).rows() if isinstance(row, Row)]
        assert (len(rows), len(rows[0].cells)) == (expected["items"], expected["columns"])
        assert folded_hash(rows[0].cells[0]) == expected["cell"]
    if expected["kind"] == "csv":
        found = _records(path, tmp_path)
        items = [each.record for each in found if isinstance(each.record, RequestRecord | DocumentRecord)]
        items = items or [each.record for each in found if isinstance(each.record, PersonRecord)]
        assert len(items) == expected["items"]
        assert sum(1 for each in found if each.problem) == expected.get("problems", 0)
        told = [_told(item) for item in items]
        for record in expected.get("records", ()):
            assert any(record.items() <= each.items() for each in told), record


@needs_fixtures
@pytest.mark.parametrize("expected", DOCUMENTS, ids=[each["file"].rpartition("/")[2] for each in DOCUMENTS])
def test_documents_keep_title_headings_and_rows(expected: dict[str, Any]) -> None:
    path = FIXTURES / expected["file"]
    if expected.get("problem"):
        found = documents.open_source("d", documents.OPTIONS(place=str(path.parent), include=(path.name,))).records()
        assert [bool(each.problem) for each in found] == [True]
        return
    with OfficeReader() as office:
        read = read_file(path.name, path, office)
    lines = [" ".join(line.split()) for line in read.text.split("\n")]
    assert folded_hash(read.title) == expected["title"]
    if expected["headings"] is not None:
        assert sum(1 for line in lines if re.match("#+ ", line)) == expected["headings"]
    assert sum(1 for line in lines if line.startswith("|") and set(line) - set("|- ")) == expected["rows"]
    assert {folded_hash(line) for line in lines} >= set(expected["parts"])


@needs_fixtures
def test_no_real_file_brings_the_reader_of_folders_down() -> None:
    folders = ("csv", "html", "office", "notion", "redmine", "mediawiki", "made_here")
    for name in folders:
        for located in documents.open_source("d", documents.OPTIONS(place=str(FIXTURES / name))).records():
            assert located.record is not None or located.problem
