"""insights/risk/nearness.py: which requests fit into one document."""

import numpy as np

from recommender.insights.risk.nearness import Nearness

VECTORS = np.array([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0], [0.6, 0.8]], np.float32)
ROWS = {"request:1": 0, "request:2": 1, "request:3": 2, "request:4": 3}


def test_what_is_far_does_not_fit_and_the_nearest_is_first() -> None:
    nearness = Nearness(ROWS, VECTORS, 0.2)
    assert nearness.near("request:1", ["request:3", "request:4", "request:2"]) == ["request:2", "request:4"]
    assert nearness.near("request:3", ["request:1", "request:2"]) == ["request:2"]


def test_where_unrelated_texts_are_alike_more_is_asked_for() -> None:
    assert Nearness(ROWS, VECTORS, 0.5).near("request:1", ["request:2", "request:4"]) == ["request:2"]


def test_everything_fits_when_nothing_is_known() -> None:
    assert Nearness().near("request:1", ["request:3", "request:2"]) == ["request:2", "request:3"]
    assert Nearness(ROWS, VECTORS).near("request:9", ["request:2"]) == ["request:2"]
