"""search/trees.py against the predictions of scikit-learn, from which the trees were copied."""

import json
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import GradientBoostingClassifier

from recommender.search.trees import Trees


def _fitted(trees: int = 12, depth: int = 3) -> tuple[GradientBoostingClassifier, Trees, np.ndarray]:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(300, 5))
    truth = rows[:, 0] * rows[:, 1] + np.abs(rows[:, 2]) > 0.5
    model = GradientBoostingClassifier(n_estimators=trees, max_depth=depth, learning_rate=0.3, random_state=0)
    model.fit(rows, truth)
    stored: dict[str, list[list[float]]] = {name: [] for name in ("feature", "threshold", "left", "right", "value")}
    nodes = max(estimator.tree_.node_count for estimator in model.estimators_[:, 0])
    for estimator in model.estimators_[:, 0]:
        tree = estimator.tree_
        values: dict[str, list[float]] = {name: [0] * nodes for name in stored}
        for node in range(tree.node_count):
            leaf = tree.children_left[node] < 0
            values["feature"][node] = 0 if leaf else int(tree.feature[node])
            values["threshold"][node] = 0.0 if leaf else float(tree.threshold[node])
            values["left"][node] = node if leaf else int(tree.children_left[node])
            values["right"][node] = node if leaf else int(tree.children_right[node])
            values["value"][node] = 0.3 * float(tree.value[node].item()) if leaf else 0.0
        for name, numbers in values.items():
            stored[name].append(numbers)
    prior = float(truth.mean())
    start = float(np.log(prior / (1 - prior)))
    return model, Trees.from_json({"start": start, "depth": depth, **stored}), rows


@pytest.mark.parametrize("depth", [1, 3, 4])
def test_the_logits_are_those_of_the_library_that_fitted_the_trees(depth: int) -> None:
    model, trees, rows = _fitted(depth=depth)
    unseen = np.random.default_rng(1).normal(size=(100, 5))
    for tried in (rows, unseen):
        np.testing.assert_allclose(trees.logits(tried), model.decision_function(tried), atol=1e-9)
    assert trees.logits(np.zeros((0, 5))).shape == (0,)
    assert trees.logits(unseen[:1].tolist()) == pytest.approx(model.decision_function(unseen[:1]))


def test_a_value_at_the_threshold_goes_to_the_left() -> None:
    split = {"feature": [[1, 0, 0]], "threshold": [[2.5, 0, 0]], "left": [[1, 1, 2]], "right": [[2, 1, 2]]}
    trees = Trees.from_json({"start": 0.5, "depth": 1, **split, "value": [[0.0, -1.0, 3.0]]})
    assert trees.logits([[9.0, 2.5], [9.0, 2.6]]).tolist() == [-0.5, 3.5]


def test_trees_are_the_same_after_json() -> None:
    _model, trees, rows = _fitted()
    stored = json.loads(json.dumps(trees.as_json()))
    read = Trees.from_json(stored)
    assert read.as_json() == stored  # what was rounded once is not rounded further
    np.testing.assert_array_equal(read.feature, trees.feature)
    close = np.abs(read.logits(rows) - trees.logits(rows)) < 1e-3
    assert close.mean() > 0.98  # a rounded threshold may send a row that stood on it the other way


def _without(name: str) -> Any:
    return lambda stored: {key: value for key, value in stored.items() if key != name}


@pytest.mark.parametrize(
    ("damage", "error"),
    [
        *((_without(name), KeyError) for name in ("start", "depth", "feature", "threshold", "left", "right", "value")),
        (lambda stored: {**stored, "value": stored["value"][:-1]}, ValueError),  # another number of trees
        (lambda stored: {**stored, "feature": [1, 2]}, ValueError),
        (lambda stored: {**{name: [1] for name in stored}, "start": 0.0, "depth": 1}, ValueError),  # one dimension only
        (lambda stored: {**stored, "threshold": [["a"]]}, ValueError),
        (lambda stored: {**stored, "left": [[0, 1], [0]]}, ValueError),
        (lambda stored: {**stored, "depth": None}, TypeError),
        (lambda stored: [stored], TypeError),
    ],
)  # fmt: skip
def test_damaged_trees_are_refused(damage: Any, error: type[Exception]) -> None:
    _model, trees, _rows = _fitted(trees=2)
    with pytest.raises(error):
        Trees.from_json(damage(trees.as_json()))
