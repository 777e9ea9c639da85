"""research/fit_feedback.py: choosing the shipped feedback from measures that are written here."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from indexer.evaluation.run import QueryWithCandidates
from indexer.evaluation.sets import Query
from indexer.research.fit_feedback import NOTHING, judge, measure
from recommender.index import Near
from recommender.search.fusion import Candidate, Feedback

LITTLE, MUCH = Feedback(0.1, 0.05), Feedback(0.6, 0.05)


def _measured(little: Sequence[float], much: Sequence[float]) -> dict[Feedback, dict[tuple[str, str], np.ndarray]]:
    """Measures on three sets with one task each. Without feedback they are 0.5 everywhere."""
    values = {NOTHING: (0.5, 0.5, 0.5), LITTLE: little, MUCH: much}
    return {
        feedback: {(f"set{n}", "similar"): np.full(20, value) for n, value in enumerate(per_set)}
        for feedback, per_set in values.items()
    }


def test_each_set_is_measured_with_the_feedback_that_was_chosen_on_the_others() -> None:
    gain = judge(_measured(little=(0.6, 0.6, 0.6), much=(0.9, 0.5, 0.5)))
    assert gain.chosen == {"set0": LITTLE, "set1": MUCH, "set2": MUCH}
    assert gain.left_out.mean == pytest.approx((0.1 + 0.0 + 0.0) / 3)
    assert gain.best == MUCH and gain.gained.mean == pytest.approx(0.4 / 3)
    assert gain.tasks["set0", "similar"].mean == pytest.approx(0.4)


def test_a_given_feedback_is_measured_even_if_another_is_best() -> None:
    gain = judge(_measured(little=(0.6, 0.6, 0.6), much=(0.4, 0.5, 0.5)), MUCH)
    assert gain.best == MUCH and gain.gained.mean == pytest.approx(-0.1 / 3)


def test_no_feedback_is_chosen_when_every_feedback_makes_results_worse() -> None:
    gain = judge(_measured(little=(0.4, 0.5, 0.5), much=(0.3, 0.4, 0.5)))
    assert gain.best == NOTHING and gain.gained.mean == 0.0


def _candidate(number: int, score: float, direction: NDArray[np.float32]) -> Candidate:
    return Candidate(f"request:{number}", score, 0.0, Near(number, score, score, score, direction=lambda: direction))


def test_feedback_is_measured_on_the_order_that_it_gives() -> None:
    east, north = np.array([1, 0], np.float32), np.array([0, 1], np.float32)
    candidates = [
        _candidate(1, 0.9, east),
        _candidate(2, 0.5, north),
        _candidate(3, 0.45, east),
    ]
    ids = {"request:1": "a", "request:2": "b", "request:3": "c"}
    queries = {
        ("office", "similar"): [QueryWithCandidates(Query("q1", "jam", "en", "similar", {"c": 1}), candidates, ids)]
    }
    gain = measure(queries, [NOTHING, LITTLE])
    # the relevant item is third without feedback and second with it
    assert gain[NOTHING]["office", "similar"] == pytest.approx([1 / np.log2(4)])
    assert gain[LITTLE]["office", "similar"] == pytest.approx([1 / np.log2(3)])
