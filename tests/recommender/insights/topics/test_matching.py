"""insights/topics/matching.py: which new group is which old topic."""

from collections.abc import Mapping, Set

import numpy as np

from recommender.insights.topics.clustering import NOWHERE
from recommender.insights.topics.matching import heir, match


def _matched(old: Mapping[int, Set[str]], new: Mapping[int, Set[str]], kept: Set[int] = frozenset()) -> dict[int, int]:
    """What `match` makes of the items of topics and groups."""
    items, ids = sorted(set[str]().union(*old.values(), *new.values())), sorted(old)
    was = {item: ids.index(topic) for topic, members in old.items() for item in members}
    now = {item: number for number, members in new.items() for item in members}
    labels = [np.array([label.get(item, NOWHERE) for item in items], np.int64) for label in (was, now)]
    return match(*labels, ids, kept)


def test_a_topic_goes_on_in_the_group_with_most_of_its_items() -> None:
    old = {7: {"a", "b", "c"}, 9: {"d", "e"}}
    assert _matched(old, {0: {"d", "e", "x"}, 1: {"a", "b"}, 2: {"y"}}) == {0: 9, 1: 7}


def test_of_a_divided_topic_the_larger_part_goes_on() -> None:
    assert _matched({7: set("abcde")}, {0: set("ab"), 1: set("cde")}) == {1: 7}


def test_topics_are_matched_together_and_not_one_by_one() -> None:
    """Each topic alone would choose group 0; together the second one does better to take group 1."""
    old = {1: set("abcd"), 2: set("efg")}
    assert _matched(old, {0: set("abcdef"), 1: set("g")}) == {0: 1, 1: 2}


def test_a_topic_that_a_lead_has_changed_goes_on_before_others() -> None:
    old = {1: set("abcd"), 2: set("e")}
    assert _matched(old, {0: set("abcde")}) == {0: 1}
    assert _matched(old, {0: set("abcde")}, kept={2}) == {0: 2}


def test_nothing_matches_nothing() -> None:
    assert _matched({}, {0: {"a"}}) == {} and _matched({1: {"a"}}, {}) == {} and _matched({1: {"a"}}, {0: {"b"}}) == {}


def test_the_heir_of_an_ended_topic_has_most_of_its_items() -> None:
    assert heir({"a", "b", "c"}, {0: {"a"}, 1: {"b", "c"}}) == 1
    assert heir({"a"}, {0: {"b"}}) is None and heir({"a"}, {}) is None
