"""learning/comparison.py: the interval of a difference, in cases whose result is known."""

import numpy as np
import pytest

from indexer.learning.comparison import difference


def test_a_constant_difference_has_an_interval_of_zero_width_and_all_sets_count_the_same() -> None:
    small, large = np.array([0.2, 0.4]), np.zeros(1000)
    interval = difference([(small + 0.1, small), (large, large)])
    assert (interval.mean, interval.low, interval.high) == pytest.approx((0.05, 0.05, 0.05))


def test_the_interval_of_a_random_difference_contains_zero() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.random(300), rng.random(300)
    interval = difference([(a, b)])
    assert interval.low < 0 < interval.high and interval.low < interval.mean < interval.high


def test_a_set_with_a_single_question_has_an_interval_too() -> None:
    interval = difference([(np.array([1.0]), np.array([0.5]))])
    assert (interval.mean, interval.low, interval.high) == (0.5, 0.5, 0.5)
