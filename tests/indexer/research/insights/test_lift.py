"""research/insights/lift.py against cases computed by hand."""

from pathlib import Path

import pytest

from indexer.research.insights.backtest import TopicPast
from indexer.research.insights.lift import RANKINGS, by_chance, draw, grouped, late_where_silent, lift, with_interval


def _topic(
    loss: float, later: int, late: int, *, set: str = "a", alone: float = 0.0, silent: bool = False
) -> TopicPast:
    return TopicPast(set, "2026-01-01", loss, 10.0, 1.0, 1, 2, alone, silent, later, late)


TEN = [_topic(float(n), 10, 8 if n >= 8 else 1) for n in range(10)]
"""Ten topics with ten later questions each: eight late ones in the two with the highest loss, one in the others."""
LOSS = RANKINGS["expected loss"]


def test_the_lift_is_the_mean_of_the_top_fifth_divided_by_the_mean_of_all() -> None:
    assert lift(grouped(TEN), LOSS, True) == pytest.approx(8 / 2.4)
    assert lift(grouped(TEN), LOSS, False) == pytest.approx(0.8 / 0.24)
    assert lift(grouped(TEN), lambda topic: -topic.expected_loss, True) == pytest.approx(1 / 2.4)
    assert lift(grouped(TEN), LOSS, True, top=1.0) == pytest.approx(1.0)


def test_a_ranking_without_differences_lifts_nothing() -> None:
    assert lift(grouped(TEN), lambda _topic: 1.0, True) == pytest.approx(1.0)
    assert lift({}, LOSS, True) == 0.0 == lift(grouped([_topic(1.0, 0, 0)]), LOSS, False)


def test_per_question_the_number_of_questions_does_not_count() -> None:
    topics = [_topic(float(n), 10 * (n + 1), 5 * (n + 1)) for n in range(5)]
    assert lift(grouped(topics), LOSS, False) == pytest.approx(1.0)
    assert lift(grouped(topics), LOSS, True) == pytest.approx(5 / 3)


def test_sets_are_ranked_each_by_itself() -> None:
    other = [_topic(100.0 + n, 10, 1, set="b") for n in range(10)]
    assert lift(grouped([*TEN, *other]), LOSS, True) == pytest.approx((16 + 2) / (4.8 + 2))


def test_the_interval_contains_the_figure_and_chance_is_around_one() -> None:
    estimate = with_interval(grouped(TEN), lambda drawn: lift(drawn, LOSS, True))
    assert estimate.low <= estimate.mean <= estimate.high
    chance = by_chance(grouped(TEN), True)
    assert chance.mean == pytest.approx(1.0, abs=0.05) and chance.low < 1 < chance.high


def test_topics_that_hung_on_somebody_who_fell_silent_are_compared_with_those_of_who_stayed() -> None:
    topics = [
        _topic(1.0, 10, 6, alone=0.5, silent=True),
        _topic(1.0, 10, 3, alone=0.5),
        _topic(1.0, 10, 9, alone=0.1, silent=True),
    ]
    assert late_where_silent(grouped(topics)) == pytest.approx(2.0)
    assert late_where_silent(grouped(topics[:1])) == 0.0


def test_the_picture_is_drawn(tmp_path: Path) -> None:
    draw(TEN, tmp_path / "lift.svg")
    assert (tmp_path / "lift.svg").read_text(encoding="utf-8").count("<path") > 10
