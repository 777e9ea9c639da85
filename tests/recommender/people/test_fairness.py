"""people/fairness.py: preferences are applied, and people take turns in first place; computed by hand."""

from datetime import date
from typing import Any

import pytest

from recommender.people.availability import Availability
from recommender.people.experts import Ranked
from recommender.people.fairness import NEARLY, choose


def _person(number: int, **preferences: Any) -> Availability:
    defaults: dict[str, Any] = {"left": False, "away_until": None, "paused": False, "capacity": None, "load": 0.0}
    return Availability(person_id=number, **{**defaults, "muted": (), "deputy_id": None, **preferences})


def _chosen(*people: Availability, shares: tuple[float, ...] = (), words: tuple[str, ...] = ()) -> list[int]:
    shares = shares or tuple(1.0 - number / 10 for number in range(len(people)))
    ranked = [Ranked(person.person_id, share) for person, share in zip(people, shares, strict=True)]
    available = {person.person_id: person for person in people}
    return [each.person_id for each in choose(ranked, available, words, "fi", least_share=0.0)]


def test_without_preferences_the_order_stays() -> None:
    assert _chosen(_person(3), _person(1), _person(2)) == [3, 1, 2]


@pytest.mark.parametrize("preferences", [{"left": True}, {"paused": True}, {"muted": (frozenset({"vpn"}),)}])
def test_people_who_have_left_or_paused_or_muted_the_topic_are_left_out(preferences: dict[str, Any]) -> None:
    assert _chosen(_person(1, **preferences), _person(2), words=("vpn", "slow")) == [2]


def test_a_muted_topic_of_several_words_needs_all_of_them() -> None:
    muted = _person(1, muted=(frozenset({"vpn", "mac"}),))
    assert _chosen(muted, _person(2), words=("vpn",)) == [1, 2]
    assert _chosen(muted, _person(2), words=("vpn", "mac")) == [2]


@pytest.mark.parametrize(
    ("pieces", "words", "first"), [(2, ("vpn", "slow"), 2), (1, ("vpn", "slow"), 1), (2, ("mac", "slow"), 1)]
)
def test_a_person_who_added_the_topic_counts_more_once_two_items_agree(
    pieces: int, words: tuple[str, ...], first: int
) -> None:
    added = _person(2, stated=(frozenset({"vpn"}),))
    ranked = [Ranked(1, 0.5, pieces=5), Ranked(2, 0.4, pieces=pieces)]
    chosen = choose(ranked, {1: _person(1), 2: added}, words, "fi")
    assert chosen[0].person_id == first
    assert {person.person_id: person.share for person in chosen}[2] == pytest.approx(0.8 / 1.4 if first == 2 else 0.4)


def test_an_unknown_person_is_left_out() -> None:
    assert choose([Ranked(1, 1.0)], {}, (), "fi") == ()


def test_people_who_are_away_come_last() -> None:
    away = date(2026, 6, 1)
    assert _chosen(_person(1, away_until=away), _person(2), _person(3)) == [2, 3, 1]
    assert _chosen(_person(1, away_until=away)) == [1]


def test_a_person_at_capacity_does_not_come_first() -> None:
    full = _person(1, capacity=3, load=3.0)
    assert _chosen(full, _person(2), _person(3), shares=(0.8, 0.1, 0.05)) == [2, 1, 3]
    assert _chosen(_person(1, capacity=3, load=2.0), _person(2), shares=(0.9, 0.1)) == [1, 2]


def test_when_all_are_at_capacity_nobody_is_named() -> None:
    assert _chosen(_person(1, capacity=0), _person(2, capacity=1, load=1.0)) == []


def test_the_deputy_takes_the_place_of_a_person_who_cannot_be_named() -> None:
    shares = (0.7, 0.2, 0.1)
    for preferences in ({"paused": True}, {"left": True}):
        assert _chosen(_person(1, deputy_id=3, **preferences), _person(2), _person(3), shares=shares) == [3, 2]
    away = _person(1, deputy_id=3, away_until=date(2026, 6, 1))
    assert _chosen(away, _person(2), _person(3), shares=shares) == [3, 2, 1]
    full = _person(1, deputy_id=3, capacity=0)
    assert _chosen(full, _person(2), _person(3), shares=shares) == [3, 1, 2]
    assert _chosen(_person(1, deputy_id=3), _person(2), _person(3), shares=shares) == [1, 2, 3]
    # person 9 contributed to no near item
    assert _chosen(_person(1, deputy_id=9, paused=True), _person(2), shares=(0.7, 0.2)) == [2]


def test_among_nearly_equal_people_the_one_with_less_load_comes_first_and_the_best_second() -> None:
    # 0.5 * 0.8 ** 3 = 0.256 < 0.3
    people = (_person(1, load=3.0), _person(2, load=0.0), _person(3))
    assert _chosen(*people, shares=(0.5, 0.3, 0.2)) == [2, 1, 3]
    # 0.5 * 0.8 ** 2 = 0.32 > 0.3
    assert _chosen(_person(1, load=2.0), *people[1:], shares=(0.5, 0.3, 0.2)) == [1, 2, 3]


def test_a_person_far_below_the_best_does_not_come_first_whatever_the_load_of_the_best() -> None:
    people = (_person(1, load=99.0), _person(2))
    assert _chosen(*people, shares=(1.0, NEARLY - 0.001)) == [1, 2]
    assert _chosen(*people, shares=(1.0, NEARLY)) == [2, 1]


def test_people_far_below_the_best_are_not_named() -> None:
    people = {1: _person(1, paused=True), 2: _person(2), 3: _person(3), 4: _person(4)}
    ranked = [Ranked(1, 0.9), Ranked(2, 0.5), Ranked(3, 0.1), Ranked(4, 0.099)]
    assert [each.person_id for each in choose(ranked, people, (), "fi")] == [2, 3]


def test_a_person_far_below_does_not_take_the_place_of_one_at_capacity() -> None:
    people = {1: _person(1, capacity=0), 2: _person(2)}
    assert choose([Ranked(1, 0.95), Ranked(2, 0.01)], people, (), "fi") == ()
    assert [each.person_id for each in choose([Ranked(1, 0.95), Ranked(2, 0.19)], people, (), "fi")] == [2, 1]


def test_a_person_who_is_away_does_not_come_first_when_the_present_ones_are_at_capacity() -> None:
    people = {1: _person(1, capacity=0), 2: _person(2, away_until=date(2026, 6, 1))}
    assert choose([Ranked(1, 0.5), Ranked(2, 0.4)], people, (), "fi") == ()
    assert choose([Ranked(2, 0.8), Ranked(1, 0.1)], people, (), "fi") == ()
    people[3] = _person(3)
    assert [each.person_id for each in choose([Ranked(2, 0.8), Ranked(3, 0.1)], people, (), "fi")] == [3, 2]


def test_people_who_help_in_the_language_come_before_people_who_help_in_others() -> None:
    english, finnish, without_language = _person(1, languages=("en",)), _person(2, languages=("fi", "en")), _person(3)
    away = _person(4, languages=("fi",), away_until=date(2026, 6, 1))
    shares = (0.9, 0.5, 0.3, 0.8)
    assert _chosen(english, finnish, without_language, away, shares=shares) == [2, 3, 1, 4]
    assert _chosen(english, shares=(0.9,)) == [1]
    people = {1: english, 2: finnish}
    assert [each.person_id for each in choose([Ranked(1, 0.9), Ranked(2, 0.5)], people, (), "")] == [1, 2]
    full = _person(2, languages=("fi",), capacity=0)
    assert _chosen(english, full, shares=(0.9, 0.5)) == [1, 2]


def test_who_is_watched_by_a_colleague_is_first_unless_they_cannot_be() -> None:
    def chosen(*people: Availability) -> list[int]:
        ranked = [Ranked(person.person_id, 0.5 / (place + 1)) for place, person in enumerate(people)]
        available = {person.person_id: person for person in people}
        return [each.person_id for each in choose(ranked, available, (), "fi", least_share=0.9, teaching={3})]

    assert chosen(_person(1), _person(2), _person(3)) == [3, 1]
    assert chosen(_person(1), _person(2), _person(3, paused=True)) == [1]
    assert chosen(_person(1), _person(2), _person(3, capacity=1, load=1.0))[0] == 1
