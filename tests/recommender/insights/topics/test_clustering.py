"""insights/topics/clustering.py: groups of vectors, and how they go on when there are more."""

import numpy as np
import pytest

from recommender.encoder import normalise
from recommender.insights.topics import clustering
from recommender.insights.topics.clustering import LEAST_ITEMS, NOWHERE, Vectors


def _around(directions: int, each: int, spread: float = 0.4, dimension: int = 32, seed: int = 1) -> Vectors:
    """Unit vectors around `directions` axes, `each` of them one after the other."""
    axes = np.repeat(np.eye(dimension, dtype=np.float32)[:directions], each, axis=0)
    noise = np.random.default_rng(seed).standard_normal(axes.shape) / np.sqrt(dimension)
    return normalise(np.asarray(axes + spread * noise, np.float32))


def _free(vectors: Vectors) -> np.ndarray:
    return np.zeros(len(vectors), np.bool_)


def test_items_around_the_same_direction_are_one_group() -> None:
    labels = clustering.form(_around(6, 6))
    assert len(set(labels.tolist())) == 6 and NOWHERE not in labels
    assert all(len(set(labels[start : start + 6].tolist())) == 1 for start in range(0, 36, 6))


@pytest.mark.parametrize(("items", "groups"), [(60, 8), (2_000, 45), (100_000, 316)])
def test_the_number_of_groups_follows_the_number_of_items(items: int, groups: int) -> None:
    assert clustering.wanted(items) == groups


@pytest.mark.parametrize("count", [0, 1, 2, LEAST_ITEMS - 1])
def test_few_items_are_no_group(count: int) -> None:
    assert clustering.form(_around(1, count)).tolist() == [NOWHERE] * count


def test_ten_items_make_no_group_of_two() -> None:
    labels = clustering.form(_around(5, 2))
    assert all(count >= LEAST_ITEMS for count in np.bincount(labels[labels != NOWHERE]))


@pytest.mark.parametrize("vector", [np.zeros(8), np.ones(8) / np.sqrt(8)])
def test_equal_vectors_and_vectors_of_zeros_are_no_error(vector: np.ndarray) -> None:
    vectors = np.tile(vector.astype(np.float32), (40, 1))
    labels = clustering.form(vectors)
    again = clustering.form_again(vectors, labels, _free(vectors), ())
    assert all(count >= LEAST_ITEMS for count in np.bincount(again[again != NOWHERE]))


def test_an_item_that_fits_nowhere_is_in_no_group() -> None:
    alone = np.zeros((1, 32), np.float32)
    alone[0, 20] = 1.0
    labels = clustering.form(np.concatenate([_around(6, 6), alone]))
    assert labels[-1] == NOWHERE and NOWHERE not in labels[:-1]


def test_a_new_item_joins_the_nearest_group_and_moves_no_other() -> None:
    vectors = _around(6, 8)
    labels = clustering.form(vectors[:-1])
    joined = clustering.join(vectors, np.append(labels, NOWHERE))
    assert joined[:-1].tolist() == labels.tolist() and joined[-1] == joined[-2]


def test_items_that_are_like_no_group_but_like_each_other_become_a_new_one() -> None:
    vectors = _around(7, 8)
    labels = np.append(clustering.form(vectors[:48]), [NOWHERE] * 8)
    grown = clustering.join(vectors, clustering.grow(vectors, clustering.join(vectors, labels)))
    assert grown[:48].tolist() == labels[:48].tolist()
    assert set(grown[48:].tolist()) == {labels.max() + 1}


def test_forming_all_groups_again_changes_nothing_where_nothing_changed() -> None:
    vectors = _around(6, 8)
    labels = clustering.form(vectors)
    assert clustering.form_again(vectors, labels, _free(vectors), ()).tolist() == labels.tolist()
    assert clustering.join(vectors, labels).tolist() == labels.tolist()


def test_fixed_items_stay_and_kept_groups_are_not_divided() -> None:
    vectors = _around(6, 10)
    one_group = np.zeros(60, np.int64)
    assert len(set(clustering.form_again(vectors, one_group, _free(vectors), ()).tolist())) > 1
    kept = clustering.form_again(vectors, one_group, ~_free(vectors), (0,))
    assert set(kept.tolist()) == {0}


def test_too_many_groups_are_merged_with_the_nearest() -> None:
    vectors = _around(3, 12)
    labels = np.repeat(np.arange(12), 3)
    again = clustering.form_again(vectors, labels, _free(vectors), ())
    assert len(set(again[again != NOWHERE].tolist())) <= clustering.wanted(36)


def test_a_group_is_divided_where_it_falls_into_two() -> None:
    vectors = _around(2, 10)[[0, 10, 1, 11, 2, 12, 3, 13, 4, 14, 5, 15, 6, 7, 8, 9]]
    parts = clustering.halves(vectors)
    assert parts.tolist() == [0, 1] * 6 + [0] * 4


def test_a_group_that_does_not_fall_into_two_stays_whole() -> None:
    assert set(clustering.halves(_around(1, LEAST_ITEMS)).tolist()) == {0}
