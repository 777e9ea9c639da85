"""research/fit_calibration.py: the weights of the questions, and what the fit separates."""

import numpy as np
import pytest

from indexer.research.fit_calibration import ANSWERED, ELSEWHERE, FIRST, OUT_OF_SCOPE, Example, fit, weigh
from recommender.search.calibration import SHIPPED_WEIGHTS, WITH_ANSWER, Features, probability


def test_all_sets_weigh_the_same_and_so_do_the_kinds_of_questions_without_an_answer() -> None:
    near = (Features(0.5, 0.5, 3, 20),)
    kinds = [("a", ANSWERED)] * 8 + [("a", FIRST)] * 2 + [("a", ELSEWHERE)] * 6 + [("b", ANSWERED), ("b", OUT_OF_SCOPE)]
    weights = weigh([Example(name, kind, near) for name, kind in kinds])
    assert weights.mean() == pytest.approx(1.0)
    assert weights[:16].sum() == pytest.approx(weights[16:].sum())
    assert weights[:8].sum() / weights[:16].sum() == pytest.approx(WITH_ANSWER)
    assert weights[8:10].sum() == pytest.approx(weights[10:16].sum())


def test_the_fit_separates_questions_with_an_answer_from_those_without() -> None:
    rng = np.random.default_rng(0)

    def example(name: str, kind: str, low: float, high: float) -> Example:
        first = Features(*rng.uniform(low, high, 2).tolist(), 5, 30)
        return Example(name, kind, (first, Features(first.near * 0.8, first.covered * 0.8, 5, 30)))  # type: ignore[operator]

    examples = [example(name, ANSWERED, 0.2, 0.9) for name in "ab" for _ in range(200)]
    examples += [example(name, ELSEWHERE, 0.0, 0.4) for name in "ab" for _ in range(200)]
    weights = fit(examples)

    def exists(near: float) -> float:
        return probability(Features(near, near, 5, 30), weights)

    assert exists(0.8) > 0.95 and exists(0.05) < 0.05 and 0.2 < exists(0.32) < 0.8


def test_the_shipped_weights_are_sure_when_a_match_is_clear_and_when_there_is_none() -> None:
    clear, none = (probability(Features(near, near, 6, 30), SHIPPED_WEIGHTS) for near in (0.9, 0.02))
    assert clear > 0.8 and none < 0.1
