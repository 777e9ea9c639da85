"""research/measure_people.py: the figures by hand, and an organisation that is loaded and asked."""

import json
from pathlib import Path

import pytest

from indexer.research.measure_people import Asked, Figures, ask, measure
from recommender.errors import EvaluationError
from recommender.language.analyzer import Analyzer
from recommender.settings import Settings
from tests.conftest import FakeEncoder


def _asked(
    people: str, named: str, not_people: str = "", team: str | None = None, teams: tuple[str, ...] = ()
) -> Asked:
    return Asked(frozenset(people.split()), frozenset(not_people.split()), team, tuple(named.split()), teams)


def test_the_figures_by_hand() -> None:
    asked = [
        _asked("aino", "aino eero", "eero", "it", ("it",)),
        _asked("aino", "eero aino", "kaisa", "it", ("hr", "it")),
        _asked("aino", "", team="it"),
        _asked("", "aino", team="hr", teams=("it",)),
        _asked("", ""),
    ]
    assert measure(asked) == Figures(1 / 3, 2 / 3, 1 / 2, 1 / 2, 2 / 4, 1 / 3, 2 / 3)
    assert measure([]) == Figures(0, 0, 0, 0, 0, 0, 0)


def _organisation(folder: Path, question: str) -> Path:
    reply = {
        "id": "a",
        "author": "aino",
        "body": "Open the tray",
        "created_at": "2026-01-01T10:00:00",
        "accepted": True,
    }
    request = {
        "type": "request", "id": "r", "title": "printer jam", "body": "the printer has a paper jam", "team": "it",
        "status": "resolved", "created_at": "2026-01-01T09:00:00", "replies": [reply],
    }  # fmt: skip
    other = {**request, "id": "s", "title": "coffee is empty", "body": "no beans", "replies": [{**reply, "id": "b"}]}
    records = [
        {"type": "team", "id": "it", "name": "IT"},
        {"type": "person", "id": "aino", "name": "Aino"},
        request,
        other,
    ]
    folder.mkdir()
    (folder / "org.jsonl").write_text("\n".join(map(json.dumps, records)), encoding="utf-8")
    (folder / "questions.jsonl").write_text(question, encoding="utf-8")
    return folder


def test_an_organisation_is_loaded_and_asked(tmp_path: Path, settings: Settings, analyzer: Analyzer) -> None:
    question = {"text": "printer jam", "people": ["aino"], "not_people": [], "team": "it"}
    folder = _organisation(tmp_path / "org", json.dumps(question))
    (asked,) = ask(folder, settings, FakeEncoder(), analyzer)
    assert (asked.people, asked.named, asked.team) == (frozenset({"aino"}), ("aino",), "it")


def test_a_question_that_cannot_be_read_is_reported_with_its_file(
    tmp_path: Path, settings: Settings, analyzer: Analyzer
) -> None:
    folder = _organisation(tmp_path / "org", '{"text": "no people"}')
    with pytest.raises(EvaluationError, match=r"questions\.jsonl has a line that cannot be read"):
        ask(folder, settings, FakeEncoder(), analyzer)
