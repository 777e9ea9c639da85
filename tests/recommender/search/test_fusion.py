"""search/fusion.py against values computed by hand."""

import math

import numpy as np
import pytest

from recommender.index import Hit, Near
from recommender.search.fusion import SHIPPED, Candidate, Feedback, fuse, reorder


def _hit(item: int, cosine: float | None, lexical: float, language: str = "en") -> Hit:
    """An item with one passage, whose id is ten times that of the item; without `cosine`, only keyword search ran."""
    near = None if cosine is None else Near(10 * item, cosine, cosine, cosine)
    return Hit(f"request:{item}", language, near, lexical)


def test_scores_are_the_convex_combination_of_both_normalised_scores() -> None:
    hits = [_hit(1, 0.9, 2.0), _hit(2, 0.7, 4.0), _hit(3, 0.5, 0.0)]
    result = {c.item: c.score for c in fuse(hits, background=0.5, dense_weight=0.7)}
    # dense scores are from 0.5 to 0.9, lexical scores from 0 to 4
    assert result["request:1"] == pytest.approx(0.7 * 1.0 + 0.3 * 0.5)
    assert result["request:2"] == pytest.approx(0.7 * 0.5 + 0.3 * 1.0)
    assert result["request:3"] == pytest.approx(0.0)


def test_the_nearest_passage_counts_half_and_the_first_and_the_mean_of_all_a_quarter_each() -> None:
    hits = [
        Hit("request:1", "en", Near(10, 0.8, 0.8, 0.8), 0.0),
        Hit("request:2", "en", Near(21, 0.8, 0.4, 0.6), 0.0),
        Hit("request:3", "en", Near(30, 0.6, 0.6, 0.6), 0.0),
        Hit("request:4", "en", Near(40, 0.6, 0.6, 0.2), 0.0),
    ]
    result = fuse(hits, background=0.2, dense_weight=1.0)
    assert [(c.item, c.near.passage_id if c.near else None, c.dense) for c in result] == [
        ("request:1", 10, 0.8),
        ("request:2", 21, 0.8),
        ("request:3", 30, 0.6),
        ("request:4", 40, 0.6),
    ]
    # 0.8, (0.8 + 0.2 + 0.3) / 2, 0.6 and (0.6 + 0.3 + 0.1) / 2, scaled from 0.2..0.8 to 0..1
    assert [c.score for c in result] == pytest.approx([1.0, 0.45 / 0.6, 0.4 / 0.6, 0.3 / 0.6])


def test_an_item_farther_than_unrelated_texts_has_no_dense_score() -> None:
    near, far = fuse([_hit(1, 0.6, 0.0), _hit(2, -0.4, 0.0)], background=0.1, dense_weight=0.7)
    assert (near.score, far.score, far.dense) == (pytest.approx(0.7), 0.0, -0.4)
    assert [c.score for c in fuse([_hit(1, 0.05, 2.0)], background=0.1, dense_weight=0.7)] == [pytest.approx(0.3)]


def test_when_nothing_is_near_the_nearest_item_does_not_count_as_near() -> None:
    result = {c.item: c.score for c in fuse([_hit(1, 0.3, 1.0), _hit(2, 0.2, 0.0)], background=0.1, dense_weight=0.7)}
    # divided by a span of 0.4, not of 0.2
    assert result == {"request:1": pytest.approx(0.7 * 0.5 + 0.3), "request:2": pytest.approx(0.7 * 0.25)}
    (near,) = fuse([_hit(1, 0.55, 0.0)], background=0.1, dense_weight=0.7)
    assert near.score == pytest.approx(0.7)


def test_lexical_scores_are_compared_within_each_language() -> None:
    hits = [_hit(1, None, 8.0), _hit(2, None, 4.0), _hit(3, None, 5.0, "fi"), _hit(4, None, 2.5, "fi")]
    result = {c.item: c.score for c in fuse(hits, background=0.0, dense_weight=0.7)}
    assert result == {"request:1": 1.0, "request:2": 0.5, "request:3": 1.0, "request:4": 0.5}


def test_a_language_with_far_lower_scores_is_compared_with_the_best_of_all() -> None:
    hits = [_hit(1, None, 10.0), _hit(2, None, 1.5, "fi"), _hit(3, None, 0.0, "sv")]
    result = {c.item: c.score for c in fuse(hits, background=0.0, dense_weight=0.7)}
    assert result == {"request:1": 1.0, "request:2": pytest.approx(1.5 / 3.0), "request:3": 0.0}


def test_items_with_equal_scores_come_in_the_order_of_their_keys() -> None:
    result = fuse([_hit(3, 0.5, 1.0), _hit(1, 0.5, 1.0), _hit(2, 0.5, 1.0)], background=0.0, dense_weight=0.7)
    assert [c.item for c in result] == ["request:1", "request:2", "request:3"]


def test_items_whose_scores_differ_by_rounding_alone_are_equally_good() -> None:
    hits = [
        _hit(4, 0.5, 4.000002),  # of these, the score in the list and the best one were rounded
        _hit(2, 0.5, 3.999999),
        _hit(3, 0.5, 1.5000004, "fi"),
        _hit(1, 0.5, 1.4999999, "fi"),
        _hit(5, 0.5, 3.99, "en"),
    ]
    result = fuse(hits, background=0.0, dense_weight=0.7)
    assert [c.item for c in result] == ["request:1", "request:2", "request:3", "request:4", "request:5"]
    assert len({c.score for c in result}) == 2


def test_without_dense_scores_only_the_lexical_ones_are_used() -> None:
    result = fuse([_hit(1, None, 1.0), _hit(2, None, 4.0)], background=0.8, dense_weight=0.7)
    assert [(c.item, c.near, c.score, c.dense, c.lexical) for c in result] == [
        ("request:2", None, 1.0, None, 4.0),
        ("request:1", None, 0.25, None, 1.0),
    ]


def test_no_hits_give_no_candidates() -> None:
    assert fuse([], background=0.8, dense_weight=0.7) == []


def _candidate(name: str, score: float, *direction: float) -> Candidate:
    vector = np.array(direction, np.float32)
    near = Near(1, score, score, score, direction=(lambda: vector) if direction else None)
    return Candidate(name, score, 0.0, near)


def _names(candidates: list[Candidate]) -> str:
    return "".join(candidate.item for candidate in candidates)


def test_items_like_the_best_come_before_others_and_scores_stay_unchanged() -> None:
    candidates = [_candidate("a", 0.9, 1, 0), _candidate("b", 0.6, 0, 1), _candidate("c", 0.5, 0.8, 0.6)]
    # the odds of b against a are exp(-30): c gains 0.4 * 0.8 and b nothing
    ordered = reorder(candidates, Feedback(0.4, 0.01))
    assert [(candidate.item, candidate.score) for candidate in ordered] == [("a", 0.9), ("c", 0.5), ("b", 0.6)]
    assert _names(reorder(candidates, Feedback(0.12, 0.01))) == "abc"  # c gains less than 0.1


def test_the_step_sets_the_odds_of_the_best_items() -> None:
    step = 0.1 / math.log(3)  # an item with a score lower by 0.1 is a third as probable: 3/4 and 1/4
    candidates = [_candidate("a", 0.6, 1, 0), _candidate("b", 0.5, 0, 1), _candidate("c", 0.0, 0.6, 0.8)]
    gains = {"a": 0.75, "b": 0.25, "c": 0.75 * 0.6 + 0.25 * 0.8}
    for weight in (0.3, 1.4, 1.5, 50.0):
        best = sorted(candidates, key=lambda candidate: -(candidate.score + weight * gains[candidate.item]))
        # the odds of c are so small that its own direction hardly counts
        assert _names(reorder(candidates, Feedback(weight, step))) == _names(best), weight


def test_only_the_best_ten_give_feedback_and_the_best_twenty_are_reordered() -> None:
    best = [_candidate("h", 0.5, 1, 0) for _ in range(10)]
    candidates = [*best, *(_candidate("x", 0.4, 0, 1) for _ in range(9)), *(_candidate(c, 0.4, 1, 0) for c in "yz")]
    assert _names(reorder(candidates, SHIPPED)) == "h" * 10 + "y" + "x" * 9 + "z"
    # most of the first ten have the direction of x, most of all sixteen that of y
    candidates = [_candidate(name, 0.5, name == "x", name == "y") for name in "yyyyxxxxxxyyyyyy"]
    assert _names(reorder(candidates, SHIPPED)) == "x" * 6 + "y" * 10


def test_the_order_is_unchanged_without_directions() -> None:
    candidates = [_candidate("a", 0.9, 1, 0), _candidate("b", 0.6), _candidate("c", 0.5, 1, 0)]
    assert _names(reorder(candidates)) == "abc"
    assert reorder([]) == []
    assert _names(reorder([_candidate("a", 0.9)])) == "a"


def test_items_with_equal_gains_keep_their_order() -> None:
    assert _names(reorder([_candidate(name, 0.5, 1, 0) for name in "bac"])) == "bac"


@pytest.mark.parametrize("equal", range(2, 10))
def test_items_of_equal_content_keep_their_order_however_other_scores_are_rounded(equal: int) -> None:
    """The last digit of what they gain depends on their place in the matrix, and on all other scores."""
    one, other = np.random.default_rng(7).normal(size=(2, 64))
    names = "bcdefghijk"[:equal]
    for rounding in (0.0, 1e-8, 2e-8, 3e-8):
        best = _candidate("a", 0.912 + rounding, *(one / np.linalg.norm(one)))
        rest = [_candidate(name, 0.7, *(other / np.linalg.norm(other))) for name in names]
        assert _names(reorder([best, *rest])) == "a" + names


def test_candidates_keep_the_direction_of_their_item() -> None:
    direction = np.array([1, 0], np.float32)
    near = Near(10, 0.9, 0.9, 0.9, direction=lambda: direction)
    result = fuse([Hit("request:1", "en", near, 1.0), Hit("request:2", "en", None, 1.0)], 0.5, 0.7)
    assert [candidate.direction is direction for candidate in result] == [True, False]
