"""research/fit_rerank.py and organisations.py: fitting the second look on two small organisations made here."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import GradientBoostingClassifier

from indexer.evaluation.everyday import ANSWER, read_questions
from indexer.research import fit_rerank
from indexer.research.fit_rerank import Example, examples_of, fit, fit_newer, fit_order
from indexer.research.organisations import Organisation, ask, open_organisation
from indexer.sources.jsonl import JSONLSource
from recommender.datatypes import Verdict
from recommender.language.analyzer import Analyzer
from recommender.search.features import NAMES
from recommender.search.rerank import RerankModel
from recommender.settings import Settings
from tests.conftest import FakeEncoder

TOPICS = ("printer", "salary", "parking", "laptop", "badge", "canteen")
WAYS = ("{0} how", "help with my {0} please", "where is the {0} form")


@pytest.fixture
def organisations(tmp_path: Path, settings: Settings, analyzer: Analyzer) -> Iterator[dict[str, Organisation]]:
    """Two organisations that have other topics, each with an old and a new answer on every topic."""
    usual = replace(settings, reranker="features")
    for name, topics in (("east", TOPICS[:3]), ("west", TOPICS[3:])):
        _write(tmp_path / name, topics)
    with (
        open_organisation(_source(tmp_path / "east"), tmp_path / "h1", usual, FakeEncoder(), analyzer) as east,
        open_organisation(_source(tmp_path / "west"), tmp_path / "h2", usual, FakeEncoder(), analyzer) as west,
    ):
        yield {"east": east, "west": west}


def _source(folder: Path) -> JSONLSource:
    return JSONLSource(folder / "org.jsonl")


def _write(folder: Path, topics: tuple[str, ...]) -> None:
    folder.mkdir()
    rows: list[dict[str, Any]] = [
        {"type": "team", "id": "it", "name": "IT"},
        {"type": "person", "id": "aino", "name": "Aino", "teams": ["it"]},
    ]
    questions: list[dict[str, Any]] = []
    for topic in topics:
        rows.append(_request(f"{topic}-old", f"{topic} form", f"fill the paper {topic} form and mail it", 2021))
        rows.append(_request(f"{topic}-new", f"{topic} form", f"fill the web {topic} form and submit it", 2025))
        rows.append(_request(f"{topic}-other", f"lost {topic} key", f"a {topic} key costs money", 2024))
        for way in WAYS:
            questions.append(_question(way.format(topic), "answer", [f"{topic}-new"], [f"{topic}-old"]))
        questions.append(_question(f"{topic} insurance abroad", "near miss", [], []))
    for number in range(12):
        rows.append(_request(f"else-{number}", f"matter{number} alpha{number}", f"other{number} reply{number}", 2023))
        questions.append(_question(f"zebra{number} quince{number} form", "no answer", [], []))
        questions.append(_question(f"xylophone{number}", "junk", [], []))
    for name, lines in (("org", rows), ("questions", questions)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


def _request(identifier: str, title: str, answer: str, year: int) -> dict[str, Any]:
    at = f"{year}-03-02T10:00:00"
    reply = {"id": f"{identifier}-a", "author": "aino", "body": answer, "created_at": at, "accepted": True}
    return {
        "type": "request", "id": identifier, "title": title, "body": title, "status": "resolved", "created_at": at,
        "language": "en", "team": "it", "audience": ["everyone"], "replies": [reply],
    }  # fmt: skip


def _question(text: str, kind: str, full: list[str], outdated: list[str]) -> dict[str, Any]:
    return {
        "id": text, "text": text, "language": "en", "expect": "answer" if full else "unknown", "note": f"{kind}: made",
        "relevant": [{"id": f"request:{name}", "grade": 2} for name in full],
        "outdated": [f"request:{name}" for name in outdated], "team": None, "people": [], "not_people": [],
    }  # fmt: skip


def _examples(tmp_path: Path, organisations: dict[str, Organisation]) -> dict[str, list[Example]]:
    return {
        name: examples_of(organisation, read_questions(tmp_path / name / "questions.jsonl"))
        for name, organisation in organisations.items()
    }


def _grades_in_order(example: Example, weights: np.ndarray) -> list[float]:
    return [float(grade) for grade in example.grades[np.argsort(-(example.features @ weights), kind="stable")]]


def test_fitting_puts_the_better_item_first_on_the_organisation_that_was_left_out(
    tmp_path: Path, organisations: dict[str, Organisation], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fit_rerank, "_LEAST_LEAF", 5)
    examples = _examples(tmp_path, organisations)
    asked = {name: read_questions(tmp_path / name / "questions.jsonl") for name in organisations}
    for left_out, other in (("east", "west"), ("west", "east")):
        weights = fit_order(examples[other])
        assert weights.shape == (len(NAMES),)
        whole = [example for example in examples[left_out] if example.weight == 1.0]
        answerable = [example for example in whole if example.question.kind == ANSWER]
        assert len(answerable) == 9
        for example in answerable:  # 2 is the newer answer, -1 the outdated one, 0 everything else
            assert _grades_in_order(example, weights)[0] == 2.0
    model = fit(examples, "made here")
    assert RerankModel.from_json(json.loads(json.dumps(model.as_json()))).about == "made here"
    for name, organisation in organisations.items():
        replies = ask(organisation, asked[name], model)
        for question, reply in zip(asked[name], replies, strict=True):
            if question.kind == ANSWER:
                assert reply.ranked[0] in question.full and reply.exists > 0.5
            else:
                assert reply.verdict is not Verdict.ANSWER and reply.exists < 0.5


def test_a_question_with_an_answer_is_also_asked_as_one_without(
    tmp_path: Path, organisations: dict[str, Organisation]
) -> None:
    examples = _examples(tmp_path, organisations)["east"]
    of_one = [example for example in examples if example.question.text == "printer how"]
    assert (of_one[0].question.kind, of_one[0].weight) == (ANSWER, 1.0)
    without = [example for example in of_one if example.question.kind != ANSWER]
    assert without and all(example.weight < 1.0 and not example.grades.any() for example in without)
    ids = organisations["east"].ids
    for example in without:  # nothing that answers, and nothing outdated
        found = {ids[text.item.key] for text in example.texts}
        assert not found & {"request:printer-new", "request:printer-old"}
    among_few = [example for example in of_one if example.question.kind == ANSWER and example.weight < 1.0]
    assert all({2.0, -1.0} <= set(example.grades.tolist()) for example in among_few) and among_few


def test_the_model_of_pairs_tells_the_new_answer_from_the_old_one(
    tmp_path: Path, organisations: dict[str, Organisation]
) -> None:
    examples = _examples(tmp_path, organisations)
    weights = fit_order(examples["east"])
    newer = fit_newer(examples["east"], [weights] * len(examples["east"]))
    right = wrong = 0
    for example in examples["west"]:
        replaced = newer.replaced(example.analysed, example.texts, example.features, example.features @ weights)
        for pair in replaced:
            is_right = example.grades[pair.newer] == 2 and example.grades[pair.older] == -1
            right, wrong = right + is_right, wrong + (not is_right)
    assert right > 3 and right > 2 * wrong


def test_the_trees_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(3)
    rows = rng.normal(size=(400, 6))
    truth = rows[:, 0] + rows[:, 1] * rows[:, 2] > 0.3
    weights = rng.uniform(0.2, 1.0, 400)
    references = [
        GradientBoostingClassifier(
            n_estimators=fit_rerank._TREES, max_depth=fit_rerank._DEPTH, learning_rate=fit_rerank._RATE,
            min_samples_leaf=fit_rerank._LEAST_LEAF, subsample=fit_rerank._SHARE_OF_ROWS,
            max_features=fit_rerank._SHARE_OF_FEATURES, random_state=seed,
        ).fit(rows, truth, sample_weight=weights)
        for seed in range(fit_rerank._SEEDS)
    ]  # fmt: skip
    trees = fit_rerank._fit_trees(rows, truth, weights)
    unseen = rng.normal(size=(200, 6))
    mean = np.mean([reference.decision_function(unseen) for reference in references], axis=0)
    np.testing.assert_allclose(trees.logits(unseen), mean, atol=1e-6)
