"""Times and days in records: ISO 8601 and Unix times are read; other digits are refused, never guessed.

A written time without a zone is one of UTC, unless `set_zone_of_times` says another zone. A `datetime` without one is
always one of UTC, as everywhere in Kollega: whoever made it has read the zone already.
"""

import re
from contextvars import ContextVar
from datetime import UTC, date, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import ValidationError, ValidatorFunctionWrapHandler

from recommender.sentences.sentence import Sentence

_DIGITS = re.compile(r"-?\d+(?:\.\d*)?")
_COMPACT = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
"""Forms of times without separators, by their number of digits."""
_SECONDS, _MILLISECONDS = 10, 13  # digits of a Unix time, in the years 2001 to 2286
_HOW = Sentence("Write it as 2026-03-02T08:10:00")
_ZONE: ContextVar[tzinfo] = ContextVar("zone of times that have none", default=UTC)


def set_zone_of_times(name: str) -> None:
    """From now on, written times without a zone are in the zone of this name, such as Europe/Helsinki: in the context
    (of `contextvars`) in which this is called."""
    _ZONE.set(ZoneInfo(name))


def read_time(value: Any, handler: ValidatorFunctionWrapHandler) -> datetime:
    """A time in UTC without a zone, from what a record has. Raises ValueError when it is no time."""
    time = _of_digits(value)
    if time is None:
        try:
            time = handler(value)
        except ValidationError as error:
            raise ValueError(
                Sentence("%(value)s is not a time that can be read. %(how)s", value=_shown(value), how=_HOW)
            ) from error
    try:
        zone = _ZONE.get()
        if time.tzinfo is None and zone is not UTC and not isinstance(value, datetime):
            time = time.replace(tzinfo=zone)
        return time.astimezone(UTC).replace(tzinfo=None) if time.tzinfo else time
    except OverflowError as error:
        raise ValueError(Sentence("no such time in UTC")) from error


def read_day(value: Any, handler: ValidatorFunctionWrapHandler) -> date:
    """A day, from what a record has. Raises ValueError when it is no day."""
    time = _of_digits(value)
    if time is not None:
        return time.date()
    try:
        day: date = handler(value)
        return day
    except ValidationError as error:
        raise ValueError(
            Sentence("%(value)s is not a day that can be read. Write it as 2026-03-02", value=_shown(value))
        ) from error


def _of_digits(value: Any) -> datetime | None:
    """The time that digits alone stand for; None for anything else. Raises ValueError for digits that are no time."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    digits = str(value).strip()
    if not _DIGITS.fullmatch(digits):
        return None
    whole, point, _fraction = digits.partition(".")
    try:
        if len(whole) in _COMPACT and not point:
            return datetime.strptime(whole, _COMPACT[len(whole)])
        if whole.isdecimal() and len(whole) in (_SECONDS, _MILLISECONDS):
            seconds = float(digits) / (1000 if len(whole) == _MILLISECONDS else 1)
            return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        pass
    raise ValueError(Sentence("the digits %(value)s are no date. %(how)s", value=_shown(value), how=_HOW))


def _shown(value: Any) -> str:
    return repr(value if len(str(value)) <= 40 else f"{str(value)[:40]}…")
