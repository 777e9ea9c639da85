"""feedback_weights.py: what is chosen from measures written here, and from a small set asked of the recommender."""

from collections.abc import Sequence

import numpy as np
import pytest

from indexer.evaluation.run import QueryWithCandidates
from indexer.evaluation.sets import Query
from indexer.research.fit_feedback import NOTHING, judge, measure
from recommender.search.fusion import Candidate, Feedback

LITTLE, MUCH = Feedback(0.1, 0.05), Feedback(0.6, 0.05)


def _measured(little: Sequence[float], much: Sequence[float]) -> dict[Feedback, dict[tuple[str, str], np.ndarray]]:
    """Of three sets, each of one task; nothing gives 0.5 everywhere."""
    values = {NOTHING: (0.5, 0.5, 0.5), LITTLE: little, MUCH: much}
    return {
        feedback: {(f"set{n}", "similar"): np.full(20, value) for n, value in enumerate(each)}
        for feedback, each in values.items()
    }


def test_each_set_is_judged_by_what_the_others_choose() -> None:
    found = judge(_measured(little=(0.6, 0.6, 0.6), much=(0.9, 0.5, 0.5)))
    assert found.chosen == {"set0": LITTLE, "set1": MUCH, "set2": MUCH}
    assert found.left_out.mean == pytest.approx((0.1 + 0.0 + 0.0) / 3)
    assert found.best == MUCH and found.gained.mean == pytest.approx(0.4 / 3)
    assert found.tasks["set0", "similar"].mean == pytest.approx(0.4)


def test_a_feedback_that_is_named_is_judged_whatever_is_best() -> None:
    found = judge(_measured(little=(0.6, 0.6, 0.6), much=(0.4, 0.5, 0.5)), MUCH)
    assert found.best == MUCH and found.gained.mean == pytest.approx(-0.1 / 3)


def test_nothing_is_chosen_where_all_feedback_harms() -> None:
    found = judge(_measured(little=(0.4, 0.5, 0.5), much=(0.3, 0.4, 0.5)))
    assert found.best == NOTHING and found.gained.mean == 0.0


def test_feedback_is_measured_on_the_order_it_gives() -> None:
    east, north = np.array([1, 0], np.float32), np.array([0, 1], np.float32)
    candidates = [
        Candidate("request:1", 1, 0.9, 0.9, 0.0, east),
        Candidate("request:2", 2, 0.5, 0.5, 0.0, north),
        Candidate("request:3", 3, 0.45, 0.4, 0.0, east),
    ]
    ids = {"request:1": "a", "request:2": "b", "request:3": "c"}
    asked = {
        ("office", "similar"): [QueryWithCandidates(Query("q1", "jam", "en", "similar", {"c": 1}), candidates, ids)]
    }
    found = measure(asked, [NOTHING, LITTLE])
    # third without feedback, second with it
    assert found[NOTHING]["office", "similar"] == pytest.approx([1 / np.log2(4)])
    assert found[LITTLE]["office", "similar"] == pytest.approx([1 / np.log2(3)])
