"""sources/tables/dates.py: times as tables have them."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from indexer.sources.tables.dates import DateOrder, Order, read_time_of

TIME = datetime(2026, 3, 2, 8, 10)


@pytest.mark.parametrize(
    "written",
    [
        "2.3.2026 8.10", "02.03.2026 08:10:00", "ma 2.3.2026 klo 8.10", "2. maaliskuuta 2026 klo 8.10",
        "2/3/26 8:10 AM", "02/Mar/26 8:10 AM", "2 mars 2026 à 08:10", "02.03.2026, 08:10 Uhr", "02/03/2026 08h10",
        "2 de marzo de 2026 08:10", "2026-03-02T08:10:00Z", "2026-03-02 08:10:00.123", "2026/03/02 08:10",
        "Mar 2, 2026, 8:10 AM", "Mon, 02 Mar 2026 10:10:00 +0200", "2026-03-02T03:10:00.000-0500", "20260302081000",
        "1772439000", "1772439000000", "46083,34027777778", "2-3-2026 8:10",
    ],
)  # fmt: skip
def test_a_time_is_read(written: str) -> None:
    assert read_time_of(written, "day-first") == TIME


@pytest.mark.parametrize(
    "written", ["", "x", "32.1.2026", "29.2.2026", "2026-13-01", "12345", "1,5", "2.3.2026 25.00", "3.5", "1/2/3"]
)
def test_what_is_no_time_is_none(written: str) -> None:
    assert read_time_of(written, "day-first") is None


def test_the_order_decides_and_dots_are_always_day_first() -> None:
    assert read_time_of("3/2/2026", "month-first") == datetime(2026, 3, 2)
    assert read_time_of("3/2/2026", "day-first") == datetime(2026, 2, 3)
    assert read_time_of("2.3.2026", "month-first") == datetime(2026, 3, 2)
    assert read_time_of("12:05 AM", "day-first") is None
    assert read_time_of("1/Mar/26 12:05 AM", "day-first") == datetime(2026, 3, 1, 0, 5)


def test_a_time_without_a_zone_is_in_that_of_the_source() -> None:
    helsinki = ZoneInfo("Europe/Helsinki")
    assert read_time_of("2.3.2026 10.10", "day-first", helsinki) == TIME
    assert read_time_of("2.7.2026 11.10", "day-first", helsinki) == datetime(2026, 7, 2, 8, 10)
    assert read_time_of("2026-03-02T08:10:00Z", "day-first", helsinki) == TIME


@pytest.mark.parametrize(
    ("column", "order", "why"),
    [
        (["3/4/2026", "25/4/2026"], "day-first", "25/4/2026"),
        (["3/4/2026", "4/25/2026"], "month-first", "4/25/2026"),
        (["3.4.2026"], "day-first", "3.4.2026"),
        (["2026-04-03", "3/Apr/26"], "year-first", "the month is a word"),
        (["3/4/2026", "5/6/2026"], None, "can be read in two ways"),
        (["25/4/2026", "4/25/2026"], None, "has the day first and"),
        (["3/3/2026"], "year-first", ""),
    ],
)
def test_the_order_is_found_over_a_column(column: list[str], order: Order | None, why: str) -> None:
    found = DateOrder()
    found.see(column)
    assert found.found()[0] == order
    assert why in found.found()[1]
