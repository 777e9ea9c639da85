"""evaluation/experts.py: the load of colleagues by hand, and a small set of which all figures are known."""

import gzip
import json
import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from indexer.evaluation import evaluate as evaluate_module
from indexer.evaluation import experts
from indexer.evaluation.evaluate import evaluate
from indexer.evaluation.expert_questions import FILTERED, FIXED, UNFILTERED, ExpertRun, ExpertTask, pack, read, unpack
from indexer.evaluation.experts import AS_RANKED, CAPPED, RANKER, SPREAD, gini, top_share
from indexer.evaluation.report import as_json, as_text
from indexer.evaluation.run import Run, ask_experts
from indexer.evaluation.sets import EvaluationSet
from recommender.language.analyzer import Analyzer
from recommender.people.experts import Ranked
from recommender.recommender import Nearby, Recommender
from recommender.settings import Settings
from tests.conftest import FakeEncoder


def test_the_share_of_the_top_tenth_and_gini_by_hand() -> None:
    assert top_share(np.array([5.0, 1, 1, 1, 1, 1, 0, 0, 0, 0])) == 0.5
    assert top_share(np.array([4.0, 3, 1, 0, 0, 0, 0, 0, 0, 0, 0])) == 7 / 8  # two of eleven
    assert gini(np.array([1.0, 1, 1, 1])) == 0.0
    assert gini(np.array([0.0, 0, 0, 1])) == 0.75
    assert gini(np.array([1.0, 3])) == 0.25
    assert (top_share(np.zeros(3)), gini(np.zeros(3))) == (0.0, 0.0)


def test_load_is_spread_and_capped_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    questions = [f"q{number}" for number in range(6)]
    asked = ExpertRun(
        "set", {}, {FILTERED: {key: {1: 1} for key in questions}}, frozenset({1, 2}), [], datetime.min, []
    )
    runs = {question: [Ranked(1, 0.9), Ranked(2, 0.35)] for question in questions}

    def load(kind: str) -> tuple[float, float]:
        evaluation = experts._load(asked, runs, kind)
        return evaluation.top_tenth, evaluation.metrics["RR"]

    assert load(AS_RANKED) == (1.0, 1.0)
    # after five times first 0.9 * 0.8 ** 5 = 0.29 < 0.35
    assert load(SPREAD) == (pytest.approx(5 / 6), pytest.approx((5 + 1 / 2) / 6))
    # 1 has reached the limit after three times
    assert load(CAPPED) == (0.5, pytest.approx((3 + 3 / 2) / 6))
    monkeypatch.setattr(experts, "WEEK_OF", 3)  # after 1, 1, 1, 2 person 1 was first twice in the last three
    assert load(CAPPED) == (pytest.approx(5 / 6), pytest.approx((5 + 1 / 2) / 6))


def _row(number: int, title: str, day: int, asked_by: str, *authors: str) -> dict[str, Any]:
    answers = [
        {"id": f"a{number}{who}", "author": who, "body": "so", "created_at": f"2026-01-{day:02}T12:00:00"}
        for who in authors
    ]
    return {
        "id": f"q{number}", "kind": "request", "title": title, "body": "", "answer": None, "language": "en",
        "tags": [], "team": None, "asked_by": asked_by, "answers": answers,
        "created_at": f"2026-01-{day:02}T10:00:00",
    }  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Before the 10th aino answers about printers and eero about wifi. Two questions on the 11th and 13th are measured:
    only an answer on the 12th shows that matti can answer the second."""
    corpus = [_row(n, f"printer jam {n}", n, "liisa", "aino") for n in range(1, 5)]
    corpus += [_row(n, f"wifi slow {n}", n, "liisa", "eero") for n in range(5, 9)]
    corpus += [_row(11, "wifi slow upstairs", 11, "liisa", "eero"), _row(12, "saxophone squeaks", 12, "aino", "matti")]
    corpus.append(_row(13, "saxophone squeaks again", 13, "liisa", "matti"))
    queries = [
        {
            "id": f"exp-{number}", "text": title, "language": "en", "protocol": "expert", "relevant": [],
            "experts": [who], "asked_at": f"2026-01-{number}T10:00:00", "asked_by": "liisa",
            "filter": {"kind": "request"},
        }
        for number, title, who in ((11, "wifi slow upstairs", "eero"), (13, "saxophone squeaks again", "matti"))
    ]  # fmt: skip
    people = [{"id": who, "name": who, "candidate": who != "liisa"} for who in ("aino", "eero", "matti", "liisa")]
    for name, rows in (("corpus", corpus), ("queries", queries), ("people", people)):
        with gzip.open(tmp_path / f"{name}.jsonl.gz", "wt", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)
    (tmp_path / "meta.json").write_text(json.dumps({"expert_split": "2026-01-10T00:00:00"}))
    return tmp_path


def test_the_colleagues_are_measured_by_each_method(
    folder: Path, settings: Settings, encoder: FakeEncoder, analyzer: Analyzer
) -> None:
    evaluation = evaluate(settings, encoder, analyzer, [folder])
    figures = {
        (row.protocol, row.method): (row.n, row.metrics["RR"], row.metrics["P@1"]) for row in evaluation.experts.rows
    }
    # on the 10th matti has answered nothing; aino and eero are equally popular, and aino has the lower id
    assert figures[FIXED, "popularity"] == (2, 0.25, 0.0)
    assert figures[FIXED, "fusion votes"] == (2, 0.5, 0.5)
    # popularity on the 11th is the same; on the 13th eero has five answers, aino four and matti one
    assert figures[FILTERED, "popularity"] == (2, pytest.approx((1 / 2 + 1 / 3) / 2), 0.0)
    for method in ("lexical votes", "dense votes", "fusion votes", RANKER):
        assert figures[FILTERED, method] == (2, 1.0, 1.0), method
    # unfiltered also includes the question of the 12th, when nobody could know that matti can answer it
    assert figures[UNFILTERED, "fusion votes"] == (3, pytest.approx(2 / 3), pytest.approx(2 / 3))
    gain = evaluation.experts.ranker_gain[RANKER]["popularity"]
    assert gain.mean == pytest.approx(1 - (1 / 2 + 1 / 3) / 2)
    assert [load.top_tenth for load in evaluation.experts.load] == [0.5, 0.5, 0.5]  # eero and matti once each
    text, rows = as_text(evaluation), json.loads(as_json(evaluation))
    assert f"| {folder.name} | rolling | 2 | ranker | 1.000 | 1.000 |" in text
    assert {"set", "protocol", "method", "metrics"} <= rows[-1].keys()


def test_a_second_run_computes_no_colleagues_until_the_task_changes(
    folder: Path, settings: Settings, encoder: FakeEncoder, analyzer: Analyzer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    real = Recommender.evidence

    def evidence(self: Recommender, question: str, *rest: Any) -> Nearby:
        asked.append(question)
        return real(self, question, *rest)

    monkeypatch.setattr(Recommender, "evidence", evidence)
    first = as_json(evaluate(settings, encoder, analyzer, [folder]))
    count = len(asked)
    asked.clear()
    assert count > 0 and as_json(evaluate(settings, encoder, analyzer, [folder])) == first
    assert asked == []
    (folder / "meta.json").write_text(json.dumps({"expert_split": "2026-01-12T00:00:00"}))
    assert as_json(evaluate(settings, encoder, analyzer, [folder])) != first
    assert len(asked) > 0


def test_an_expert_run_is_the_same_after_packing_and_unpacking(
    folder: Path, settings: Settings, encoder: FakeEncoder, analyzer: Analyzer
) -> None:
    evaluation_set = EvaluationSet.read(folder)
    with Run.begin(settings, encoder, analyzer, lambda _what, _done, _total: None) as run:
        expert_run = ask_experts(evaluation_set, read(folder, evaluation_set), run)
    assert unpack(json.loads(json.dumps(pack(expert_run)))) == expert_run


def test_no_colleagues_are_measured_on_train_queries(
    folder: Path, settings: Settings, encoder: FakeEncoder, analyzer: Analyzer
) -> None:
    assert evaluate(settings, encoder, analyzer, [folder], part="train").experts.rows == []


def _without_a_date(folder: Path) -> None:
    rows = [json.loads(line) for line in gzip.decompress((folder / "corpus.jsonl.gz").read_bytes()).splitlines()]
    del rows[3]["created_at"]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "corpus.jsonl.gz").write_bytes(gzip.compress(lines.encode()))


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (lambda folder: (folder / "meta.json").unlink(), "meta.json"),
        (lambda folder: (folder / "people.jsonl.gz").unlink(), "people.jsonl.gz"),
        (lambda folder: (folder / "meta.json").write_text("{}"), "needs expert_split"),
        (lambda folder: (folder / "meta.json").write_text('{"expert_split": null}'), "cannot be used"),
        (_without_a_date, "1 items have no created_at"),
    ],
)
def test_a_set_without_its_split_its_people_or_a_time_leaves_colleagues_out_in_one_sentence(
    folder: Path,
    settings: Settings,
    encoder: FakeEncoder,
    analyzer: Analyzer,
    damage: Callable[[Path], None],
    problem: str,
) -> None:
    damage(folder)
    evaluation = evaluate(settings, encoder, analyzer, [folder], part="all")
    assert evaluation.experts.rows == []
    (told,) = evaluation.problems
    assert told.startswith(f"{folder.name}: the suggestion of colleagues is left out: ") and problem in told


def test_an_error_in_one_set_leaves_only_that_set_s_colleagues_out(
    folder: Path,
    tmp_path: Path,
    settings: Settings,
    encoder: FakeEncoder,
    analyzer: Analyzer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for path in [path for path in folder.iterdir() if path.is_file()]:
        shutil.copy(path, other)

    def failing(evaluation_set: EvaluationSet, task: ExpertTask, run: Run) -> ExpertRun:
        if evaluation_set.name == "other":
            raise KeyError("created_at")
        return ask_experts(evaluation_set, task, run)

    monkeypatch.setattr(evaluate_module, "ask_experts", failing)
    evaluation = evaluate(settings, encoder, analyzer, [other, folder])
    assert {row.set for row in evaluation.experts.rows} == {folder.name}
    (told,) = evaluation.problems
    assert told.startswith(
        "other: the suggestion of colleagues is left out, because of an error: KeyError: 'created_at'."
    )
