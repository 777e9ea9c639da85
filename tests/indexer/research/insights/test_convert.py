"""research/insights/convert.py: evaluation sets as they would have been exported."""

import gzip
import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.orm import Session, sessionmaker

from indexer.loading.load import load
from indexer.research.insights.convert import main, read_questions
from indexer.sources.jsonl import JSONLSource
from recommender.database.tables import HelpRequest, utc_now
from recommender.language.analyzer import Analyzer


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A set of two questions: one with an accepted answer and a reply of the asker, one without an answer."""
    made = tmp_path / "small"
    made.mkdir()
    answers = [
        {"id": "a1", "author": "p2", "body": "Restart it.", "score": 2, "created_at": "2026-01-02T10:00:00Z"},
        {"author": "p1", "body": "Thanks", "created_at": "2026-01-02T11:00:00Z"},
        {"id": "a2", "author": "p3", "body": "Replace it.", "accepted": True, "created_at": "2026-01-04T10:00:00Z"},
    ]
    common = {"kind": "request", "language": "en", "asked_by": "p1", "answer": None, "url": None}
    rows = [
        {"id": "q2", "title": "Nobody knows", "body": "", "team": None, "created_at": "2026-02-01T00:00:00", **common,
         "answers": []},
        {"id": "q1", "title": "Printer", "body": "It jams.", "team": "IT help", "created_at": "2026-01-02T09:00:00",
         **common, "answers": answers},
    ]  # fmt: skip
    for name, content in (("corpus", rows), ("queries", [])):
        with gzip.open(made / f"{name}.jsonl.gz", "wt", encoding="utf-8") as file:
            file.writelines(f"{json.dumps(row)}\n" for row in content)
    return made


def test_answers_are_by_others_and_in_the_order_of_time(folder: Path) -> None:
    first, second = read_questions(folder)
    assert [answer.author for answer in first.answers] == ["p2", "p3"]
    assert (first.first_answer_after(), second.first_answer_after()) == (1.0, None)


def test_at_a_time_only_earlier_answers_are_known(folder: Path) -> None:
    first, _second = read_questions(folder)
    assert [answer.id for answer in first.known_at(datetime(2026, 1, 3)).answers] == ["a1"]


def test_a_set_is_imported_without_a_problem(
    folder: Path, tmp_path: Path, sessions: sessionmaker[Session], analyzer: Analyzer
) -> None:
    main(tmp_path / "out", [folder])
    report = load(JSONLSource(tmp_path / "out" / "small.jsonl", "small"), sessions, analyzer)
    assert report.problems == []
    with sessions() as session:
        rows = session.query(HelpRequest).order_by(HelpRequest.external_id).all()
        solved, unanswered = rows
        assert (solved.status, len(solved.replies), unanswered.status, len(unanswered.replies)) == (
            "resolved",
            2,
            "open",
            0,
        )
        assert solved.resolved_at is not None
        assert solved.resolved_at - solved.created_at == timedelta(days=2, hours=1)
        assert timedelta() <= utc_now() - unanswered.created_at < timedelta(days=2)  # the last one is of today
        assert rows[0].team is not None and rows[0].team.handle == "it-help"
