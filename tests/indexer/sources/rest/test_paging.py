"""Reading what has changed, oldest first, while rows change and move."""

from datetime import UTC, datetime, timedelta

import pytest

from indexer.sources.rest.paging import BEGINNING, Page, Row, changed_rows, floor, from_mark, mark_of

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class Table:
    """Rows that a system gives in pages of three; `act` may change them before each page."""

    def __init__(self, times: dict[str, datetime], size: int = 3) -> None:
        self.times, self.size, self.asked = times, size, 0

    def act(self) -> None:
        """Change nothing."""

    def fetch(self, since: datetime, number: int, before: int) -> Page:
        self.asked += 1
        self.act()
        fit = sorted((time, name) for name, time in self.times.items() if time >= since)
        rows: list[Row] = [{"id": name, "at": time} for time, name in fit[before : before + self.size]]
        return Page(rows, NOON, before + self.size < len(fit))

    def read(self, since: datetime = BEGINNING, step: timedelta = MINUTE) -> list[str]:
        pages = changed_rows(self.fetch, lambda row: str(row["id"]), lambda row: row["at"], since, step)
        return [str(row["id"]) for page in pages for row in page.rows]


def test_every_row_comes_once_oldest_change_first() -> None:
    table = Table({f"{number:02}": NOON + number * MINUTE for number in range(20)})
    assert table.read() == [f"{number:02}" for number in range(20)]
    assert table.read(NOON + 17 * MINUTE) == ["17", "18", "19"]


@pytest.mark.parametrize("step", [timedelta(seconds=1), MINUTE, timedelta(hours=2)])
def test_a_row_that_moves_while_paging_hides_no_other_one(step: timedelta) -> None:
    class Moving(Table):
        def act(self) -> None:
            first = min(self.times, key=lambda name: self.times[name])
            if self.asked < 30:  # the oldest row is changed before each page, so all others move up
                self.times[first] = max(self.times.values()) + timedelta(seconds=5)

    times = {f"{number:02}": NOON + number * timedelta(seconds=5) for number in range(40)}
    assert set(Moving(dict(times)).read(step=step)) == set(times)


def test_many_rows_of_one_minute_are_all_read() -> None:
    table = Table({f"{number:02}": NOON + timedelta(seconds=number % 50) for number in range(30)})
    assert sorted(table.read()) == sorted(table.times)


def test_a_row_that_changes_meanwhile_comes_again() -> None:
    class Changing(Table):
        def act(self) -> None:
            if self.asked == 3:
                self.times["00"] = NOON + timedelta(hours=1)

    read = Changing({f"{number:02}": NOON + number * MINUTE for number in range(9)}).read()
    assert read.count("00") == 2 and set(read) == {f"{number:02}" for number in range(9)}


def test_a_system_that_gives_smaller_pages_than_asked_for_is_read_to_the_end() -> None:
    class Short(Table):
        def fetch(self, since: datetime, number: int, before: int) -> Page:
            return Page(super().fetch(since, number, before).rows, NOON)  # it never says whether there is more

    assert len(Short({str(number): NOON + number * MINUTE for number in range(11)}, 1).read()) == 11


def test_a_mark_stays_behind_the_clock_of_the_system() -> None:
    assert mark_of(NOON + timedelta(days=26_000), NOON, 5 * MINUTE) == "2026-03-02T11:55:00+00:00"
    assert from_mark(mark_of(NOON, NOON + 9 * MINUTE, 5 * MINUTE)) == NOON
    assert from_mark(None) == BEGINNING
    assert floor(NOON + timedelta(seconds=59.5), MINUTE) == NOON
