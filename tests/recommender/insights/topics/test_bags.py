"""insights/topics/bags.py: the words of very many items."""

import numpy as np
import pytest

from recommender.insights.topics import bags as module
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


def test_of_what_an_item_says_several_times_what_counts_most_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_AT_ONCE", 2)  # the items are taken in three parts
    says = {"work lamp": [("lamp", 0.5), ("work", 0.5)], "lamp": [("lamp", 1.0)], "the": []}
    items = [["lamp", "work lamp"], ["work lamp", "the", "work lamp"], ["the"], [], ["lamp", "lamp"]]
    bags = Bags.of_written(items, says.__getitem__)
    assert bags.matrix(["lamp", "work"]).toarray().tolist() == [[1.0, 0.5], [0.5, 0.5], [0, 0], [0, 0], [1.0, 0]]
    assert np.diff(bags.starts).tolist() == [2, 2, 0, 0, 1]
    without = Bags.of_written(items, says.__getitem__, without={"lamp"})
    assert without.matrix(["lamp", "work"]).toarray().tolist() == [[0, 0.5], [0, 0.5], [0, 0], [0, 0], [0, 0]]
