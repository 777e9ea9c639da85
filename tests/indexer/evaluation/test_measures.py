"""evaluation/measures.py: measures of quality against cases computed by hand."""

import numpy as np
import pytest

from indexer.evaluation import measures


def test_measures_by_hand() -> None:
    relevant = {"a": {"1": 1}, "b": {"2": 2, "3": 1}, "c": {"4": 1}}
    scores = measures.measure(relevant, {"a": ["9", "1"], "b": ["2", "3"], "c": []})
    assert scores["RR@10"] == {"a": 0.5, "b": 1.0, "c": 0.0}
    assert scores["R@1"] == {"a": 0.0, "b": 0.5, "c": 0.0}
    assert scores["R@5"] == {"a": 1.0, "b": 1.0, "c": 0.0}
    assert scores["nDCG@10"]["a"] == pytest.approx(1 / np.log2(3)) and scores["nDCG@10"]["b"] == pytest.approx(1.0)


def test_true_probabilities_have_no_calibration_error_and_others_have() -> None:
    truth = [n % 10 < 7 for n in range(1000)]
    good, bad = measures.reliability([0.7] * 1000, truth), measures.reliability([0.2] * 1000, truth)
    assert measures.calibration_error(good) == pytest.approx(0.0)
    assert measures.calibration_error(bad) == pytest.approx(0.5)
    assert [point.count for point in measures.reliability([0.0, 0.05, 1.0], [False, False, True])] == [2, 1]
    assert measures.auroc([0.1, 0.4, 0.35, 0.8], [False, False, True, True]) == pytest.approx(0.75)
