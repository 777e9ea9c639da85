"""A text that is loaded has the language of its writer."""

import json
from pathlib import Path

from sqlalchemy import select

from indexer.loading.load import load
from indexer.sources.jsonl import JSONLSource
from recommender.database.engine import open_database
from recommender.database.tables import HelpRequest
from recommender.language.analyzer import Analyzer
from recommender.settings import Settings
from tests.conftest import MODELS


def test_a_finnish_request_with_a_pasted_english_line_is_finnish(tmp_path: Path) -> None:
    body = "Yhteys katkeaa heti.\nError: The remote connection was denied because the user name was not recognized"
    line = {"type": "request", "id": "1", "title": "VPN", "body": body, "created_at": "2026-03-02T08:00:00"}
    (tmp_path / "in.jsonl").write_text(json.dumps(line), encoding="utf-8")
    sessions = open_database(Settings(home=tmp_path))
    load(JSONLSource(tmp_path / "in.jsonl"), sessions, Analyzer(MODELS))
    with sessions() as session:
        assert session.scalars(select(HelpRequest.language)).one() == "fi"
