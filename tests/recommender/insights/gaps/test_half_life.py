"""insights/gaps/half_life.py: the half-life against a case done by hand, and when nothing is said."""

import math
from datetime import datetime, timedelta

import pytest

from recommender.insights.gaps.half_life import LEAST_CHANGES, ageing

NOW = datetime(2026, 11, 1)


def test_the_half_life_is_that_of_changes_by_the_days_that_answers_stood() -> None:
    given = {f"request:{n}": NOW - timedelta(days=100) for n in range(10)}  # 1,000 days together
    changes = [(f"request:{n}", NOW - timedelta(days=10)) for n in range(5)]
    found = ageing(given, changes, NOW)
    assert (found.answers, found.changes) == (10, 5)
    assert found.half_life_days == pytest.approx(math.log(2) * 1_000 / 5)
    assert found.share_left(math.log(2) * 1_000 / 5) == pytest.approx(0.5)


def test_with_few_changes_nothing_is_said() -> None:
    given = {f"request:{n}": NOW - timedelta(days=100) for n in range(10)}
    changes = [(f"request:{n}", NOW) for n in range(LEAST_CHANGES - 1)]
    found = ageing(given, changes, NOW)
    assert found.half_life_days is None and found.share_left(10) is None


def test_what_has_no_answer_or_no_time_changes_nothing() -> None:
    given = {"request:1": NOW - timedelta(days=100), "request:2": NOW + timedelta(days=1)}
    changes = [("request:9", NOW)] * 9 + [("request:1", NOW - timedelta(days=200))] * 9 + [("request:2", NOW)] * 9
    found = ageing(given, changes, NOW)
    assert (found.answers, found.changes, found.half_life_days) == (1, 0, None)
    assert ageing({}, [], NOW).answers == 0


def test_simulated_answers_give_back_their_half_life() -> None:
    half_life, count = 200.0, 2_000
    given = {f"request:{n}": NOW - timedelta(days=400) for n in range(count)}
    changes = []
    for n in range(count):  # evenly spread quantiles of the exponential distribution
        after = -math.log(1 - (n + 0.5) / count) * half_life / math.log(2)
        if after < 400:
            changes.append((f"request:{n}", NOW - timedelta(days=400 - after)))
    stood = {key: at for key, at in given.items()}
    found = ageing(stood, changes, NOW)
    assert found.half_life_days is not None
    assert found.half_life_days > half_life  # an answer that has changed stands anew, so that its days go on
