"""insights/service/waits.py: how long people wait, checked by hand, and when no time is given."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.insights.service.waits import Missing, Wait, Waits, quantile, summarise


def _waits(*hours: float, by: str = "abcd", open_: tuple[float, ...] = ()) -> list[Wait]:
    ended = [Wait(timedelta(hours=each), True, ord(by[place % len(by)])) for place, each in enumerate(hours)]
    return ended + [Wait(timedelta(hours=each), False) for each in open_]


def test_half_and_nine_of_ten_of_ten_waits() -> None:
    found = summarise(_waits(*range(1, 11)))
    assert found == Waits(timedelta(hours=5), timedelta(hours=9))


def test_those_who_still_wait_count_with_the_time_they_have_waited() -> None:
    # of six, one has waited 4 h so far: 5/6 * 4/5 * 3/4 = .5 after 3 h; then 2 are left: .25 after 5 h, 0 after 9 h
    waits = _waits(1, 2, 3, 5, 9, open_=(4,))
    assert quantile(waits, 0.5) == timedelta(hours=3)
    assert quantile(waits, 0.9) == timedelta(hours=9)


def test_nothing_is_said_of_nine_of_ten_while_so_many_wait() -> None:
    assert summarise(_waits(1, 1, 2, 2, 3, 3, open_=(50, 50))) == Waits(timedelta(hours=2), None)


@pytest.mark.parametrize(
    ("waits", "untimed", "missing"),
    [
        ([], 0, Missing.FEW),
        (_waits(1, 2, 3, 4), 0, Missing.FEW),
        (_waits(1, 2, 3, 4, open_=(5, 6)), 0, Missing.FEW),  # only four were answered
        ([], 5, Missing.UNTIMED),
        (_waits(*range(10), by="ab"), 0, Missing.COLLEAGUES),
        (_waits(*range(10), by="aaaabc"), 0, Missing.COLLEAGUES),  # most by one
        ([Wait(timedelta(hours=1), True)] * 10, 0, Missing.COLLEAGUES),  # nobody knows by whom
    ],
)
def test_no_time_is_given_of_few_requests_or_that_would_tell_how_fast_somebody_is(
    waits: list[Wait], untimed: int, missing: Missing
) -> None:
    assert summarise(waits, untimed) == Waits(missing=missing)


@given(st.lists(st.tuples(st.integers(0, 1000), st.booleans()), max_size=40))
def test_without_open_ones_it_is_the_usual_quantile_and_it_never_fails(rows: list[tuple[int, bool]]) -> None:
    waits = [Wait(timedelta(minutes=minutes), over) for minutes, over in rows]
    half, most = quantile(waits, 0.5), quantile(waits, 0.9)
    assert half is None or most is None or half <= most
    if rows and all(over for _minutes, over in rows):
        ordered = sorted(minutes for minutes, _over in rows)
        assert half == timedelta(minutes=ordered[-(-len(ordered) // 2) - 1])
