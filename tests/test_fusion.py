"""fusion.py against sums done by hand."""

import pytest

from recommender.fusion import fuse
from recommender.index import Hit, Near


def _hit(item: int, cosine: float | None, lexical: float, language: str = "en") -> Hit:
    """An item of one passage, whose number is ten times the item's; `cosine` None is without a dense leg."""
    near = None if cosine is None else Near(10 * item, cosine, cosine, cosine)
    return Hit(f"request:{item}", language, near, lexical)


def test_scores_are_the_convex_combination_of_both_normalised_legs() -> None:
    hits = [_hit(1, 0.9, 2.0), _hit(2, 0.7, 4.0), _hit(3, 0.5, 0.0)]
    found = {c.item: c.score for c in fuse(hits, background=0.5, dense_weight=0.7)}
    # dense spans 0.5..0.9, lexical 0..4
    assert found["request:1"] == pytest.approx(0.7 * 1.0 + 0.3 * 0.5)
    assert found["request:2"] == pytest.approx(0.7 * 0.5 + 0.3 * 1.0)
    assert found["request:3"] == pytest.approx(0.0)


def test_the_nearest_passage_counts_half_the_first_and_the_whole_a_quarter_each() -> None:
    hits = [
        Hit("request:1", "en", Near(10, 0.8, 0.8, 0.8), 0.0),
        Hit("request:2", "en", Near(21, 0.8, 0.4, 0.6), 0.0),
        Hit("request:3", "en", Near(30, 0.6, 0.6, 0.6), 0.0),
        Hit("request:4", "en", Near(40, 0.6, 0.6, 0.2), 0.0),
    ]
    found = fuse(hits, background=0.2, dense_weight=1.0)
    assert [(c.item, c.passage_id, c.dense) for c in found] == [
        ("request:1", 10, 0.8),
        ("request:2", 21, 0.8),
        ("request:3", 30, 0.6),
        ("request:4", 40, 0.6),
    ]
    # 0.8, (0.8 + 0.2 + 0.3) / 2, 0.6 and (0.6 + 0.3 + 0.1) / 2, over a span of 0.2..0.8
    assert [c.score for c in found] == pytest.approx([1.0, 0.45 / 0.6, 0.4 / 0.6, 0.3 / 0.6])


def test_what_is_farther_than_unrelated_texts_scores_nothing_by_meaning() -> None:
    near, far = fuse([_hit(1, 0.6, 0.0), _hit(2, -0.4, 0.0)], background=0.1, dense_weight=0.7)
    assert (near.score, far.score, far.dense) == (pytest.approx(0.7), 0.0, -0.4)
    assert [c.score for c in fuse([_hit(1, 0.05, 2.0)], background=0.1, dense_weight=0.7)] == [pytest.approx(0.3)]


def test_the_nearest_is_not_made_near_where_nothing_is() -> None:
    found = {c.item: c.score for c in fuse([_hit(1, 0.3, 1.0), _hit(2, 0.2, 0.0)], background=0.1, dense_weight=0.7)}
    # over a span of 0.4, not of 0.2
    assert found == {"request:1": pytest.approx(0.7 * 0.5 + 0.3), "request:2": pytest.approx(0.7 * 0.25)}
    (near,) = fuse([_hit(1, 0.55, 0.0)], background=0.1, dense_weight=0.7)
    assert near.score == pytest.approx(0.7)


def test_each_language_is_measured_by_its_best_words() -> None:
    hits = [_hit(1, None, 8.0), _hit(2, None, 4.0), _hit(3, None, 5.0, "fi"), _hit(4, None, 2.5, "fi")]
    found = {c.item: c.score for c in fuse(hits, background=0.0, dense_weight=0.7)}
    assert found == {"request:1": 1.0, "request:2": 0.5, "request:3": 1.0, "request:4": 0.5}


def test_a_language_with_far_worse_words_is_measured_by_the_best_of_all() -> None:
    hits = [_hit(1, None, 10.0), _hit(2, None, 1.5, "fi"), _hit(3, None, 0.0, "sv")]
    found = {c.item: c.score for c in fuse(hits, background=0.0, dense_weight=0.7)}
    assert found == {"request:1": 1.0, "request:2": pytest.approx(1.5 / 3.0), "request:3": 0.0}


def test_items_that_score_the_same_come_in_the_order_of_their_keys() -> None:
    found = fuse([_hit(3, 0.5, 1.0), _hit(1, 0.5, 1.0), _hit(2, 0.5, 1.0)], background=0.0, dense_weight=0.7)
    assert [c.item for c in found] == ["request:1", "request:2", "request:3"]


def test_lexical_scores_stand_alone_without_a_dense_leg() -> None:
    found = fuse([_hit(1, None, 1.0), _hit(2, None, 4.0)], background=0.8, dense_weight=0.7)
    assert [(c.item, c.passage_id, c.score, c.dense, c.lexical) for c in found] == [
        ("request:2", None, 1.0, None, 4.0),
        ("request:1", None, 0.25, None, 1.0),
    ]


def test_nothing_found_is_no_candidates() -> None:
    assert fuse([], background=0.8, dense_weight=0.7) == []
