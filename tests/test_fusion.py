"""fusion.py against sums done by hand."""

import pytest

from recommender.fusion import fuse
from recommender.index import Hit


def test_scores_are_the_convex_combination_of_both_normalised_legs() -> None:
    hits = [Hit(0, "request:1", 0.9, 2.0), Hit(1, "request:2", 0.7, 4.0), Hit(2, "request:3", 0.5, 0.0)]
    found = {c.item: c.score for c in fuse(hits, background=0.5, dense_weight=0.7)}
    # dense spans 0.5..0.9, lexical 0..4
    assert found["request:1"] == pytest.approx(0.7 * 1.0 + 0.3 * 0.5)
    assert found["request:2"] == pytest.approx(0.7 * 0.5 + 0.3 * 1.0)
    assert found["request:3"] == pytest.approx(0.0)


def test_an_item_is_as_good_as_its_best_passage() -> None:
    hits = [Hit(0, "request:1", 0.6, 0.0), Hit(1, "request:1", 0.9, 1.0), Hit(2, "request:2", 0.7, 0.5)]
    found = fuse(hits, background=0.0, dense_weight=0.7)
    assert [(c.item, c.passage_id) for c in found] == [("request:1", 1), ("request:2", 2)]


def test_lexical_scores_stand_alone_without_a_dense_leg() -> None:
    found = fuse([Hit(0, "request:1", None, 1.0), Hit(1, "request:2", None, 4.0)], background=0.8, dense_weight=0.7)
    assert [(c.item, c.score) for c in found] == [("request:2", 1.0), ("request:1", 0.25)]


def test_nothing_found_is_no_candidates() -> None:
    assert fuse([], background=0.8, dense_weight=0.7) == []
