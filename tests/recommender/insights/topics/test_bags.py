"""insights/topics/bags.py: the words of very many items."""

import numpy as np

from recommender.insights.topics.bags import Bags

BAGS = Bags.of([{"printer": 1.0, "toner": 0.5}, {}, {"week": 1.0, "toner": 0.7}], without={"week"})


def test_the_matrix_has_what_each_word_counts_in_each_item() -> None:
    matrix = BAGS.matrix(["toner", "unknown", "printer"])
    assert matrix.toarray().tolist() == [[0.5, 0.0, 1.0], [0.0, 0.0, 0.0], [0.7, 0.0, 0.0]]


def test_words_that_are_left_out_count_nowhere() -> None:
    assert len(BAGS) == 3
    assert not BAGS.matrix(["week"]).toarray().any()
    assert np.diff(BAGS.starts).tolist() == [2, 0, 1]


def test_no_items_and_items_without_words_are_no_error() -> None:
    assert Bags.of([]).matrix(["printer"]).shape == (0, 1)
    assert Bags.of([{}, {}], without={"week"}).matrix(["printer"]).toarray().tolist() == [[0.0], [0.0]]
