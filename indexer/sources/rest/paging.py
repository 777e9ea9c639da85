"""Reads what has changed, oldest change first, so that no row is lost while people go on changing rows.

Pages by number lose rows: a row that is changed moves to the end, all later ones move up by one, and the first row of
the next page is on the page that was read. So the next question is not for the next page but for what has changed since
the last row; only rows of one and the same time are paged, and paged again until a pass brings nothing new.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

Row = dict[str, Any]


@dataclass(frozen=True)
class Page:
    """Rows in the order of their changes; `more` says that more may follow, and `now` is the clock of the system."""

    rows: list[Row]
    now: datetime
    more: bool = True


Fetch = Callable[[datetime, int, int], Page]
"""(changed since, number of the page from 0, rows before it) -> the page."""
_REMEMBERED = timedelta(hours=27)  # rows of a little before are known again when a system gives them once more


def changed_rows(
    fetch: Fetch,
    identify: Callable[[Row], str],
    changed_at: Callable[[Row], datetime],
    since: datetime,
    step: timedelta,
) -> Iterator[Page]:
    """Rows that have changed since a time, page by page; a row that changes meanwhile comes again. `step` is the
    precision of the times that the other system can be asked for, such as a minute."""
    start, number, before, found = floor(since, step), 0, 0, False
    seen: dict[str, datetime] = {}
    while True:
        page = fetch(start, number, before)
        times = {identify(row): changed_at(row) for row in page.rows}
        new = [row for row in page.rows if seen.get(identify(row)) != times[identify(row)]]
        seen.update(times)
        found = found or bool(new)
        if new:
            yield Page(new, page.now)
        latest = floor(max(times.values()), step) if times else start
        if number == 0 and not page.more:
            return
        if latest > start:
            start, number, before, found = latest, 0, 0, False
            seen = {name: time for name, time in seen.items() if time >= start - _REMEMBERED}
        elif page.rows and page.more:
            number, before = number + 1, before + len(page.rows)
        elif number and found:  # rows may have moved to a page that had been read: look once more
            number, before, found = 0, 0, False
        else:
            return


def floor(time: datetime, step: timedelta) -> datetime:
    """The time without what is finer than a step."""
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    return epoch + (time - epoch) // step * step


BEGINNING = datetime(1970, 1, 2, tzinfo=UTC)


def from_mark(since: str | None) -> datetime:
    """The time from which to read after a mark."""
    return max(BEGINNING, datetime.fromisoformat(since)) if since else BEGINNING


def mark_of(latest: datetime, now: datetime, lag: timedelta) -> str:
    """The value of a mark after reading up to `latest`.

    It is never later than the clock of the other system: a row that is dated in the future would hide all that changes
    until then. And it is `lag` before that clock, because a change may become visible so much later.
    """
    return min(latest, now - lag).isoformat()
