"""The days of the organisation. Times in the database are in UTC; which day it is depends on the time zone.

The zone is one for the whole process: the web sets it for each request and a command when it opens the database, so
that what the organisation changes holds without a restart.
"""

from datetime import UTC, date, datetime, time, tzinfo

from recommender.database.tables import utc_now

_zone: tzinfo = UTC


def use_zone(zone: tzinfo) -> None:
    """Set the time zone that days are of, from now on and for all threads."""
    global _zone
    _zone = zone


def current_day() -> date:
    """The day that it is now in the organisation's time zone."""
    return day_of(utc_now())


def day_of(at: datetime) -> date:
    """The day of a time that is in UTC, in the organisation's time zone."""
    return at.replace(tzinfo=UTC).astimezone(_zone).date()


def beginning(day: date) -> datetime:
    """When a day of the organisation begins, in UTC."""
    return datetime.combine(day, time(), _zone).astimezone(UTC).replace(tzinfo=None)
