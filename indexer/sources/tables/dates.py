"""Times as tables have them: which comes first in them, the day, the month or the year, is found over whole columns.

`3/4/2026` is a day in March for some and in April for others. The columns of a file are written alike, so one value
such as `25/4/2026` in any of them decides. Where none does, nothing is guessed.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

from recommender.sentences.sentence import Sentence

Order = Literal["day-first", "month-first", "year-first"]

_MONTH_NAMES = (
    "jan january tammi tammikuu tammikuuta januari januar janvier enero ene",
    "feb february helmi helmikuu helmikuuta februari februar février fevrier févr febrero",
    "mar march maalis maaliskuu maaliskuuta mars märz mär mrz marzo",
    "apr april huhti huhtikuu huhtikuuta avril avr abril abr",
    "may touko toukokuu toukokuuta maj mai mayo",
    "jun june kesä kesäkuu kesäkuuta juni juin junio",
    "jul july heinä heinäkuu heinäkuuta juli juillet juil julio",
    "aug august elo elokuu elokuuta augusti août aout agosto ago",
    "sep sept september syys syyskuu syyskuuta septembre septiembre",
    "oct october loka lokakuu lokakuuta oktober okt octobre octubre",
    "nov november marras marraskuu marraskuuta novembre noviembre",
    "dec december joulu joulukuu joulukuuta dezember dez décembre decembre déc diciembre dic",
)
_MONTHS = {name: month for month, names in enumerate(_MONTH_NAMES, 1) for name in names.split()}
_CLOCK = (
    r"(?:[\sT,]+(?:klo|kello|kl|at|um|à|a las)?\.?\s*(?P<h>\d{1,2})[:.h](?P<min>\d{2})(?:[:.](?P<s>\d{2}))?(?:[.,]\d+)?"
    r"\s*(?P<half>[ap]\.?\s?m\.?)?(?:\s*(?:Uhr|h))?\s*(?P<zone>Z|UTC|GMT|[+-]\d{2}:?\d{2})?)?\s*$"
)
_WEEKDAY = r"^\s*(?:[^\W\d]{2,12}[.,]?\s+)?"
_NUMBERS = re.compile(
    _WEEKDAY + r"(\d{4}|\d{1,2})\s?([./-])\s?(\d{1,2})\s?\2\s?(\d{4}|\d{1,2})" + _CLOCK, re.IGNORECASE
)
_NAMED = re.compile(
    _WEEKDAY + r"(\d{1,2})\.?[\s/.-]*(?:de\s+)?([^\W\d]{3,12})\.?,?[\s/.-]*(?:de\s+)?(\d{4}|\d{2})" + _CLOCK, re.I
)
_NAMED_FIRST = re.compile(
    _WEEKDAY + r"([^\W\d]{3,12})\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})" + _CLOCK, re.IGNORECASE
)
_DIGITS = re.compile(r"\d{8}|\d{10}|\d{12,14}")
_SERIAL = re.compile(r"[1-9]\d{4}(?:[.,]\d+)?$")
_FIRST_SERIAL, _LAST_SERIAL = 29_000, 75_000  # days of Excel: the years 1979 to 2105


@dataclass
class DateOrder:
    """What the times seen so far allow: whether the day, the month, or both could come first."""

    day_first: str = ""
    month_first: str = ""
    either: str = ""
    wrong: list[str] = field(default_factory=list)
    seen: int = 0

    def see(self, values: Iterable[str]) -> None:
        """Look at times of a column."""
        for value in values:
            if value.strip():
                self.seen += 1
                self._see_one(value)

    def _see_one(self, value: str) -> None:
        numbers = _NUMBERS.match(value)
        if numbers is None or len(numbers[1]) > 2:
            if read_time_of(value, "day-first") is None:
                self.wrong.append(value)
            return
        first, second = int(numbers[1]), int(numbers[3])
        if numbers[2] == "." or (first > 12 >= second):
            self.day_first = self.day_first or value
        elif second > 12 >= first:
            self.month_first = self.month_first or value
        elif first != second:
            self.either = self.either or value

    def found(self) -> tuple[Order | None, str]:
        """(what comes first, why); None when it is not clear, with what to do as the reason."""
        if self.day_first and self.month_first:
            return None, Sentence(
                "%(day_first)s has the day first and %(month_first)s the month",
                day_first=repr(self.day_first),
                month_first=repr(self.month_first),
            )
        if self.day_first:
            return "day-first", Sentence("as in %(day_first)s", day_first=repr(self.day_first))
        if self.month_first:
            return "month-first", Sentence("as in %(month_first)s", month_first=repr(self.month_first))
        if self.either:
            return None, Sentence(
                "%(either)s can be read in two ways, and no other time decides", either=repr(self.either)
            )
        return "year-first", Sentence("the year is first, or the month is a word")


@lru_cache(maxsize=4096)  # a table is read twice, and its rows have many times in common
def read_time_of(value: str, order: Order, zone: ZoneInfo | None = None) -> datetime | None:
    """The time in UTC that a cell has, without a zone; None when it is none. A time without a zone is in `zone`."""
    time = _read(value.strip(), order)
    if time is not None and time.tzinfo is None and zone is not None:
        time = time.replace(tzinfo=zone)
    try:
        return time.astimezone(UTC).replace(tzinfo=None) if time is not None and time.tzinfo else time
    except OverflowError:
        return None


def _read(value: str, order: Order) -> datetime | None:
    if len(value) > 60:
        return None
    try:
        if numbers := _NUMBERS.match(value):
            first, second, third = int(numbers[1]), int(numbers[3]), int(numbers[4])
            if len(numbers[1]) == 4:
                return _made(first, second, third, numbers)
            if len(numbers[4]) == 1:
                return None
            day, month = (second, first) if order == "month-first" and numbers[2] != "." else (first, second)
            return _made(_full_year(third, numbers[4]), month, day, numbers)
        if (named := _NAMED.match(value)) and (month := _month(named[2])):
            return _made(_full_year(int(named[3]), named[3]), month, int(named[1]), named)
        if (named := _NAMED_FIRST.match(value)) and (month := _month(named[1])):
            return _made(int(named[3]), month, int(named[2]), named)
        if _SERIAL.match(value) and _FIRST_SERIAL <= (days := float(value.replace(",", "."))) <= _LAST_SERIAL:
            return datetime(1899, 12, 30) + timedelta(seconds=round(days * 86400))
        return _of_digits(value) if _DIGITS.fullmatch(value) else None
    except (ValueError, OverflowError):
        return None


def _made(year: int, month: int, day: int, clock: re.Match[str]) -> datetime | None:
    hour, minute, second = (int(clock[name] or 0) for name in ("h", "min", "s"))
    if clock["half"]:
        if hour > 12:
            return None
        hour = hour % 12 + (12 if clock["half"][0] in "pP" else 0)
    if hour == 24 and minute == second == 0:
        return datetime(year, month, day) + timedelta(days=1)
    time = datetime(year, month, day, hour, minute, second)
    zone = (clock["zone"] or "").upper()
    if zone in ("Z", "UTC", "GMT"):
        return time.replace(tzinfo=UTC)
    return datetime.fromisoformat(f"{time.isoformat()}{zone[:3]}:{zone[-2:]}") if zone else time


def _full_year(year: int, written: str) -> int:
    return year if len(written) == 4 else year + (2000 if year < 70 else 1900)


def _month(name: str) -> int:
    return _MONTHS.get(name.lower(), 0)


def _of_digits(value: str) -> datetime | None:
    """Times without separators, and seconds and milliseconds since 1970."""
    forms = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
    if len(value) in forms:
        return datetime.strptime(value, forms[len(value)])
    return datetime.fromtimestamp(int(value) / (1000 if len(value) == 13 else 1), UTC)
