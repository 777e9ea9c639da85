"""Whether an answer is so old that people should check it before they rely on it."""

from datetime import datetime


def is_old(at: datetime, months: int, now: datetime) -> bool:
    """True when at least `months` whole months have passed between `at` and `now`; never when `months` is 0."""
    passed = 12 * (now.year - at.year) + now.month - at.month - ((now.day, now.time()) < (at.day, at.time()))
    return 0 < months <= passed
