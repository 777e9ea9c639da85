"""insights/topics/settling.py: items are grouped, named and put under the name they fit until nothing changes."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import cast

import numpy as np
import pytest
from numpy.typing import NDArray

from recommender.encoder import normalise
from recommender.insights.topics import clustering, settling
from recommender.insights.topics.bags import Bags
from recommender.insights.topics.clustering import NOWHERE, Labels, Vectors
from recommender.insights.topics.questions import WithoutName
from recommender.insights.topics.settling import settled
from recommender.insights.topics.stored import NewTopic, StoredTopic
from recommender.insights.topics.texts import Texts
from recommender.insights.topics.topic import LANGUAGES

SUBJECTS = ("printer", "payslip", "parking")
NO_NAME = dict.fromkeys(LANGUAGES, "")
Names = Mapping[str, str]


def both(name: str) -> dict[str, str]:
    return dict.fromkeys(LANGUAGES, name)


class OneWord:
    """Names a topic by the word that half of its items say, or a third of those of a topic that had a name."""

    def __init__(self, words: Sequence[str]) -> None:
        self.namer, self._words = self, words

    def nearest(self, _vectors: Vectors, rows: Labels) -> list[str]:
        return [self._words[row] for row in rows.tolist()]

    def names(self, vectors: Vectors, rows: Labels, taken: settling.Names, renamed: bool = False) -> Names:
        texts = self.nearest(vectors, rows)
        ((_word, count),) = Counter(texts).most_common(1)
        return self.any_names(texts, taken) if count >= (0.35 if renamed else 0.5) * len(texts) else NO_NAME

    def any_names(self, texts: Sequence[str], taken: settling.Names) -> Names:
        ((word, _count),) = Counter(texts).most_common(1)
        return both(word if word not in taken["en"] else f"{word} (2)")

    def holds(self, names: Names, texts: Sequence[str]) -> dict[str, bool]:
        return {lang: texts.count(name.removesuffix(" (2)")) >= 0.35 * len(texts) for lang, name in names.items()}

    def terms(self, names: Names) -> set[str]:
        return set(names.values())


class Items:
    """Eight items each around the axes of three subjects, which say their subject."""

    def __init__(self) -> None:
        labels = np.repeat(np.arange(3), 8)
        noise = np.random.default_rng(2).normal(0.0, 0.08, (24, 12)).astype(np.float32)
        self.vectors: Vectors = normalise(np.eye(12, dtype=np.float32)[labels] + noise)
        self.words = [SUBJECTS[label] for label in labels]
        self.keys = [f"request:{place:02}" for place in range(24)]

    def of(self, subject: str, name: str = "", number: int = 1, count: int = 8) -> StoredTopic:
        first = 8 * SUBJECTS.index(subject)
        return StoredTopic(number, both(name), NO_NAME, dict.fromkeys(self.keys[first : first + count], False))

    def add(self, axes: Mapping[int, float], word: str) -> str:
        one = np.zeros((1, 12), np.float32)
        for axis, length in axes.items():
            one[0, axis] = length
        self.vectors = np.concatenate([self.vectors, normalise(one)])
        self.words.append(word)
        self.keys.append(f"request:{len(self.keys):02}")
        return self.keys[-1]

    def settled(
        self, *before: StoredTopic, nameless: Sequence[int] = (), forgotten: Sequence[int] = ()
    ) -> tuple[dict[str, NewTopic], dict[str, set[str]]]:
        """The topics that are not closed by their English names, and all names."""
        bags = Bags.of({word: 1.0} for word in self.words)
        topics = {topic.id: topic for topic in before}
        taken = {language: set[str]() for language in LANGUAGES}
        unnamed = WithoutName(frozenset(nameless), frozenset(forgotten))
        texts = cast("Texts", OneWord(self.words))
        after, names = settled(texts, self.keys, self.vectors, bags, topics, taken, False, unnamed)
        after = [topic for topic in after if topic.id is None or not topics[topic.id].closed]
        assert len({topic.names["en"] for topic in after}) == len(after)
        return {topic.names["en"]: topic for topic in after}, names


@pytest.fixture
def items() -> Items:
    return Items()


def test_new_topics_are_named_and_have_no_id_until_they_are_stored(items: Items) -> None:
    after, names = items.settled()
    assert set(after) == set(SUBJECTS) == names["en"] == names["fi"]
    assert {topic.id for topic in after.values()} == {None}


def test_an_update_of_what_was_settled_changes_nothing(items: Items) -> None:
    items.add({0: 0.6, 5: 1.0}, "printer")
    items.add({9: 1.0}, "nothing else")
    first, _names = items.settled(items.of("printer", "printer", 4, 6))
    assert {name: topic.id for name, topic in first.items()} == {"printer": 4, "payslip": None, "parking": None}
    stored = [
        StoredTopic(topic.id or 10 + place, topic.names, NO_NAME, dict.fromkeys(topic.items, False))
        for place, topic in enumerate(first.values())
    ]
    second, _names = items.settled(*stored)
    assert {name: topic.items for name, topic in second.items()} == {n: t.items for n, t in first.items()}


def test_a_name_that_was_found_in_the_first_pass_is_taken_in_the_next_ones(items: Items) -> None:
    after, names = items.settled(
        items.of("printer", "", 1, 6),
        items.of("payslip", "payslip", 2),
        items.of("parking", "parking", 3),
        nameless=[1],
    )
    assert after["printer"].id == 1 and len(after["printer"].items) == 8
    assert names["en"] == set(SUBJECTS)


def test_what_a_topic_of_few_items_is_called_is_taken(items: Items) -> None:
    items.words[:8] = ["payslip"] * 8
    few = replace(items.of("payslip", "payslip", 2, 3), given=both("pay"))
    items.vectors, items.keys, items.words = items.vectors[:11], items.keys[:11], items.words[:11]
    _after, names = items.settled(few)
    assert names["en"] >= {"payslip", "pay"}


def test_a_given_name_is_no_computed_name_of_another(items: Items) -> None:
    named = replace(items.of("payslip", "payslip", 2), given=both("printer"))
    after, names = items.settled(named)
    assert after["payslip"].id == 2 and set(after) == {"payslip", "printer (2)", "parking"}
    assert names["en"] == {"printer", "payslip", "printer (2)", "parking"}


def test_an_ended_topic_keeps_its_items_and_its_name_is_free(items: Items) -> None:
    ended = replace(items.of("printer", "payslip", 5), closed=True)
    after, names = items.settled(ended, items.of("parking", "parking", 3))
    assert names["en"] == set(after) == {"payslip", "parking"}
    assert not any(topic.items & ended.items.keys() for topic in after.values())


@pytest.mark.parametrize(("most", "times"), [(24, 2), (23, 1)])
def test_of_very_many_items_each_update_does_one_step(
    items: Items, monkeypatch: pytest.MonkeyPatch, most: int, times: int
) -> None:
    seen = []

    def counted(*args: object, real: Callable[..., object] = settling._regroup) -> object:
        seen.append(args)
        return real(*args)

    monkeypatch.setattr(settling, "_SETTLED_UP_TO", most)
    monkeypatch.setattr(settling, "_regroup", counted)
    after, _names = items.settled()
    assert len(seen) == times and set(after) == set(SUBJECTS)


@pytest.mark.parametrize("forgotten", [True, False])
def test_a_topic_whose_name_was_erased_gets_another_one_as_if_it_had_it(items: Items, forgotten: bool) -> None:
    items.words[3:8] = ["toner", "tray", "jam", "cable", "paper"]  # three of eight items have a word in common
    before = items.of("printer", "", 1), items.of("payslip", "payslip", 2), items.of("parking", "parking", 3)
    after, _names = items.settled(*before, forgotten=[1] if forgotten else [])
    assert after["printer" if forgotten else ""].id == 1


@pytest.mark.parametrize(("stay", "name"), [(["printer"] * 5, "printer"), (["tray", "jam", "ink", "cable", "fan"], "")])
def test_a_name_comes_from_nothing_that_has_left_the_topic(
    items: Items, monkeypatch: pytest.MonkeyPatch, stay: Sequence[str], name: str
) -> None:
    items.words[:8] = ["toner"] * 6 + list(stay[:2])
    for word in stay[2:]:
        items.add({0: 1.0, 8: 0.1}, word)

    def fitted(_vectors: Vectors, labels: Labels, *_others: object) -> Labels:
        return np.where(np.arange(len(labels)) < 5, NOWHERE, labels)

    monkeypatch.setattr(settling, "fitted", fitted)
    after, names = items.settled()
    assert set(after) == {name, "payslip", "parking"} and names["en"] == set(after) - {""}


@pytest.mark.parametrize(("given", "moves"), [("", True), ("Odds and ends", False)])
def test_an_item_of_a_topic_without_a_name_goes_to_the_topic_whose_name_it_says(
    items: Items, given: str, moves: bool
) -> None:
    items.words[:8] = ["toner", "tray", "jam", "cable", "paper", "ink", "fan", "lid"]
    item = items.add({0: 0.98, 1: 1.0}, "payslip")
    without = items.of("printer", "", 1)
    without = replace(without, given=both(given), items={**without.items, item: False})
    before = without, items.of("payslip", "payslip", 2), items.of("parking", "parking", 3)
    after, _names = items.settled(*before, nameless=[1])
    assert (item in after["payslip"].items) == moves


def test_a_topic_without_a_name_whose_items_have_all_left_is_no_topic_any_more(
    items: Items, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fitted(_vectors: Vectors, labels: Labels, movable: NDArray[np.bool_], *_others: object) -> Labels:
        return np.where(movable, 0, labels)

    monkeypatch.setattr(settling, "_SETTLED_UP_TO", 0)
    monkeypatch.setattr(settling, "fitted", fitted)
    items.words[:8] = ["toner", "tray", "jam", "cable", "paper", "ink", "fan", "lid"]
    before = items.of("printer", "", 1), items.of("payslip", "payslip", 2), items.of("parking", "parking", 3)
    after, _names = items.settled(*before, nameless=[1])
    assert {topic.id for topic in after.values()} == {2, 3}


def test_groups_without_a_name_are_not_divided_into_more_than_there_should_be(
    items: Items, monkeypatch: pytest.MonkeyPatch
) -> None:
    def halves(_texts: Texts, _vectors: Vectors, rows: Labels, _names: settling.Names) -> list[Labels]:
        return [rows[:5], rows[5:]] if len(rows) >= 10 else [rows]

    monkeypatch.setattr(settling, "_parts", halves)
    for subject in range(3):
        for place in range(52):
            items.add({subject: 1.0, 5 + place % 6: 0.1}, f"word {subject} {place}")
    items.words = [f"word {place}" for place in range(len(items.words))]
    bags = Bags.of({} for _key in items.keys)
    texts = cast("Texts", OneWord(items.words))
    no_topics = {language: set[str]() for language in LANGUAGES}
    after, _names = settled(texts, items.keys, items.vectors, bags, {}, no_topics, False, WithoutName())
    assert 3 < len(after) <= 1.5 * clustering.wanted(len(items.keys))
