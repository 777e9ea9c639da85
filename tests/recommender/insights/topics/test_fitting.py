"""insights/topics/fitting.py: which items stand under the name of a topic."""

import numpy as np
import pytest

from recommender.encoder import normalise
from recommender.insights.topics.bags import Bags
from recommender.insights.topics.clustering import LEAST_ITEMS, NOWHERE, Labels, Vectors
from recommender.insights.topics.fitting import Named, fitted

NAMES = {0: {"printer"}, 1: {"payslip"}, 2: {"parking"}}


@pytest.fixture
def items() -> tuple[Vectors, Labels, list[dict[str, float]]]:
    """Three groups of eight items around an axis each, which say the name of their group."""
    noise = np.random.default_rng(2).normal(0.0, 0.08, (24, 12)).astype(np.float32)
    labels = np.repeat(np.arange(3), 8)
    vectors = normalise(np.eye(12, dtype=np.float32)[labels] + noise)
    return vectors, labels, [{word: 1.0} for label in labels for word in NAMES[label]]


def _with(vectors: Vectors, axes: dict[int, float]) -> Vectors:
    one = np.zeros((1, 12), np.float32)
    for axis, length in axes.items():
        one[0, axis] = length
    return np.concatenate([vectors, normalise(one)])


def _movable(count: int, *places: int) -> np.ndarray:
    return np.isin(np.arange(count), places)


def test_items_that_say_the_name_of_their_topic_stay(items: tuple[Vectors, Labels, list[dict[str, float]]]) -> None:
    vectors, labels, bags = items
    assert fitted(vectors, labels, np.ones(24, np.bool_), Named(Bags.of(bags), NAMES)).tolist() == labels.tolist()


@pytest.mark.parametrize(("bag", "group"), [({"printer": 1.0}, 0), ({}, NOWHERE)])
def test_an_item_farther_away_comes_when_it_says_the_name(
    items: tuple[Vectors, Labels, list[dict[str, float]]], bag: dict[str, float], group: int
) -> None:
    vectors, labels, bags = items
    vectors = _with(vectors, {0: 0.19, 7: 1.0})
    found = fitted(vectors, np.append(labels, NOWHERE), _movable(25, 24), Named(Bags.of([*bags, bag]), NAMES))
    assert found.tolist() == [*labels.tolist(), group]


def test_an_item_goes_to_the_topic_whose_name_it_says(items: tuple[Vectors, Labels, list[dict[str, float]]]) -> None:
    vectors, labels, bags = items
    vectors = _with(vectors, {0: 1.0, 1: 0.98})
    both = Named(Bags.of([*bags, {"payslip": 1.0}]), NAMES)
    assert fitted(vectors, np.append(labels, 0), _movable(25, 24), both)[-1] == 1
    assert fitted(vectors, np.append(labels, 0), _movable(25), both)[-1] == 0  # it had a topic before


def test_a_word_that_items_of_all_topics_say_counts_little(
    items: tuple[Vectors, Labels, list[dict[str, float]]],
) -> None:
    vectors, labels, bags = items
    vectors = _with(vectors, {0: 0.19, 7: 1.0})
    common = [bag | {"printer": 1.0} for bag in bags]
    found = fitted(
        vectors, np.append(labels, NOWHERE), _movable(25, 24), Named(Bags.of([*common, {"printer": 1.0}]), NAMES)
    )
    assert found[-1] == NOWHERE


def test_a_topic_of_too_few_items_loses_those_it_did_not_have(
    items: tuple[Vectors, Labels, list[dict[str, float]]],
) -> None:
    vectors, labels, bags = items
    few = np.where(np.arange(24) < 8 - LEAST_ITEMS + 1, NOWHERE, labels)  # four items of the first group
    found = fitted(vectors[4:], few[4:], np.ones(20, np.bool_), Named(Bags.of(bags[4:]), NAMES))
    assert (found == 0).sum() == 0


def test_a_single_topic_and_none_are_no_error(items: tuple[Vectors, Labels, list[dict[str, float]]]) -> None:
    vectors, labels, bags = items
    one = np.where(labels == 0, 0, NOWHERE)
    assert fitted(vectors, one, np.ones(24, np.bool_), Named(Bags.of(bags), {0: {"printer"}})).tolist() == one.tolist()
    none = np.full(24, NOWHERE)
    assert fitted(vectors, none, np.ones(24, np.bool_), Named(Bags.of(bags), {})).tolist() == none.tolist()


def test_the_last_topic_may_lose_all_its_items(items: tuple[Vectors, Labels, list[dict[str, float]]]) -> None:
    vectors, labels, bags = items
    vectors[16:] = np.eye(12, dtype=np.float32)[4:12]  # eight items that have nothing in common and do not say the name
    bags = [*bags[:16], *({} for _ in range(8))]
    bags[0] = {"printer": 1.0, "parking": 1.0}
    found = fitted(vectors, labels, np.ones(24, np.bool_), Named(Bags.of(bags), NAMES))
    assert found.tolist() == [*labels[:16].tolist(), *[NOWHERE] * 8]
