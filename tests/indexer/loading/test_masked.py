"""Personal data is masked in every text of a record that is loaded, and the report says how much of which kind."""

import json
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from indexer.loading.load import load
from indexer.loading.masked import masked
from indexer.loading.report import LoadReport
from indexer.sources.jsonl import JSONLSource
from indexer.sources.records import LONGEST_TITLE, Located, RequestRecord
from indexer.texts.masking import KINDS, MaskingRules
from recommender.database.engine import open_database
from recommender.database.tables import Document, HelpRequest
from recommender.errors import SettingsError
from recommender.language.analyzer import Analyzer
from recommender.settings import MASKABLE, Settings
from tests.conftest import MODELS

REQUEST = {
    "type": "request",
    "id": "r1",
    "title": "Tunnus 131052-308T lukossa",
    "body": "Salasana: Talvi2026",
    "created_at": "2026-01-02T10:00:00",
    "replies": [
        {"id": "a1", "body": "Tilille FI21 1234 5600 0007 85.", "created_at": "2026-01-02T11:00:00"},
        {"id": "a2", "body": "Tilaus 4500123456.", "created_at": "2026-01-02T12:00:00"},
    ],
}
DOCUMENT = {
    "type": "document",
    "id": "d1",
    "title": "Kortti",
    "body": "4111 1111 1111 1111, salasana: x1y2",
    "updated_at": "2026-01-05",
}


def _load(tmp_path: Path, rules: MaskingRules | None = None) -> tuple[LoadReport, HelpRequest, Document]:
    file = tmp_path / "in.jsonl"
    file.write_text("\n".join(map(json.dumps, (REQUEST, DOCUMENT))), encoding="utf-8")
    sessions = open_database(Settings(home=tmp_path))
    mask = {} if rules is None else {"mask": rules}
    report = load(JSONLSource(file), sessions, Analyzer(MODELS), **mask)
    with sessions() as session:
        request = session.scalars(select(HelpRequest)).one()
        document = session.scalars(select(Document)).one()
        assert [reply.body for reply in request.replies]
    return report, request, document


def test_texts_of_a_record_are_stored_masked(tmp_path: Path) -> None:
    report, request, document = _load(tmp_path)
    assert request.title == "Tunnus [personal identity code] lukossa"
    assert request.body == "Salasana: [password]"
    assert [reply.body for reply in request.replies] == ["Tilille [account number].", "Tilaus 4500123456."]
    assert document.body == "[card number], salasana: [password]"
    assert list(report.change_lines()) == [
        "personal data masked (5 times, first at in.jsonl:1: password (2), personal identity code, account number, "
        "card number)"
    ]


def test_the_same_import_again_changes_nothing_and_other_rules_update(tmp_path: Path) -> None:
    _load(tmp_path)
    again, _request, _document = _load(tmp_path)
    assert (again.unchanged, again.updated) == (2, 0)
    other, request, document = _load(tmp_path, MaskingRules(frozenset({"passwords"})))
    assert other.updated == 2
    assert request.title == "Tunnus 131052-308T lukossa"
    assert document.body == "4111 1111 1111 1111, salasana: [password]"


def test_a_masked_title_is_no_longer_than_a_title_may_be() -> None:
    title = "x " * 240 + "Salasana: a1b2c3"
    record = RequestRecord(id="r", title=title, created_at=datetime(2026, 1, 1))
    changed = masked(Located("in", 1, record), MaskingRules()).record
    assert isinstance(changed, RequestRecord)
    assert len(changed.title) == LONGEST_TITLE and "a1b2" not in changed.title


def test_the_setting_names_the_rules() -> None:
    assert set(MASKABLE) == set(KINDS)
    assert Settings().masked == MaskingRules().kinds
    assert Settings(mask="none").masked == frozenset()
    assert Settings.from_environment({"KOLLEGA_MASK": "passwords, Phone-Numbers"}).masked == {
        "passwords",
        "phone-numbers",
    }
    with pytest.raises(SettingsError, match="KOLLEGA_MASK"):
        Settings(mask="names")
