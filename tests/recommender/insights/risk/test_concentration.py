"""insights/risk/concentration.py: shares of what is known, and the bus factor, against cases computed by hand."""

import random
from datetime import datetime, timedelta

import pytest

from recommender.datatypes import Contribution
from recommender.insights.risk.concentration import Known, decayed
from recommender.insights.risk.holders import Holders

NOW = datetime(2026, 6, 1)
YEAR = 365.0


def _holders(*items: tuple[int, ...], of_team: frozenset[str] = frozenset()) -> Holders:
    """Items a, b, c ... that these people answered now."""
    return Holders(
        {
            chr(ord("a") + place): tuple(Contribution(person, 1.0, NOW) for person in people)
            for place, people in enumerate(items)
        },
        of_team,
    )


def test_a_contribution_counts_half_after_a_half_life_and_never_more_than_whole() -> None:
    assert decayed(Contribution(1, 0.4, NOW - timedelta(days=365)), NOW, YEAR) == pytest.approx(0.2)
    assert decayed(Contribution(1, 0.4, NOW + timedelta(days=9)), NOW, YEAR) == 0.4


def test_shares_are_of_all_that_is_known() -> None:
    assert Known.of(_holders((1, 2), (1,), (1,)), "abc", NOW, YEAR).shares() == {1: 0.75, 2: 0.25}
    assert Known.of(Holders(), "abc", NOW, YEAR).shares() == {}


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ([(1,)] * 4, 1),  # one person knows everything
        ([(1,), (1,), (2,), (2,)], 2),  # half is not more than half
        ([(1,), (1,), (1,), (2,)], 1),
        ([(1, 2), (1, 2), (1, 2)], 2),  # an item is lost when all who know it are gone
        ([(1,), (2,), (3,), (4,), (5,)], 3),
        ([], 0),
    ],
)
def test_the_bus_factor_is_the_fewest_people_who_take_more_than_half_with_them(
    items: list[tuple[int, ...]], expected: int
) -> None:
    holders = _holders(*items)
    assert Known.of(holders, list(holders.parts), NOW, YEAR).bus_factor() == expected


def test_the_bus_factor_is_that_of_taking_away_who_knows_most_again_and_again() -> None:
    rng = random.Random(3)  # noqa: S311 - not for secrets
    factors = set()
    for _case in range(200):
        items = [tuple(rng.sample(range(9), rng.randint(1, 3))) for _item in range(rng.randint(1, 20))]
        weights = [rng.choice((0.25, 0.5, 1.0)) for _item in items]
        parts = {
            str(place): tuple(Contribution(p, weights[place], NOW) for p in items[place]) for place in range(len(items))
        }
        left, lost, gone = {place: set(people) for place, people in enumerate(items)}, 0.0, 0
        while left and lost <= sum(weights) / 2:
            known = {p: sum(weights[place] for place in left if p in left[place]) for p in range(9)}
            most, gone = min(known, key=lambda person: (-known[person], person)), gone + 1
            for place in [place for place, people in left.items() if most in people]:
                left[place].discard(most)
                if not left[place]:
                    del left[place]
                    lost += weights[place]
        factors.add(gone)
        assert Known.of(Holders(parts), list(parts), NOW, YEAR).bus_factor() == gone
    assert len(factors) > 3


def test_documents_of_the_team_stay_whoever_leaves() -> None:
    mostly_kept = _holders((1,), of_team=frozenset("xyz"))
    assert Known.of(mostly_kept, "axyz", NOW, YEAR).bus_factor() is None
    assert Known.of(_holders((1,), (1,), (1,), of_team=frozenset("x")), "abcx", NOW, YEAR).bus_factor() == 1


def test_old_answers_weigh_less() -> None:
    old = NOW - timedelta(days=4 * 365)
    holders = Holders(
        {
            "a": (Contribution(1, 1.0, old),),
            "b": (Contribution(1, 1.0, old),),
            "c": (Contribution(2, 1.0, NOW),),
        }
    )
    assert Known.of(holders, "abc", NOW, YEAR).bus_factor() == 1
    assert Known.of(holders, "abc", NOW, YEAR).shares()[2] == pytest.approx(1 / (1 + 2 / 16))
