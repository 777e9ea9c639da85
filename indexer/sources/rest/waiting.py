"""How long to wait before the next request: what the other system says in its headers, else longer after each failure.

Times that it names are compared with its own clock (`Date`), since its clock and ours may differ.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from tenacity import RetryCallState

_REMAINING = ("x-ratelimit-remaining", "ratelimit-remaining", "x-rate-limit-remaining")
_RESET = ("x-ratelimit-reset", "ratelimit-reset", "x-rate-limit-reset")
_EPOCH = 1_000_000_000  # a larger number is a time and not a number of seconds
_WITHOUT_RESET = 60.0  # seconds; systems that name no time count requests by the minute


@dataclass(frozen=True)
class Patience:
    """How patient a client is; seconds, and bytes of one answer."""

    connect: float = 10
    read: float = 60
    whole_answer: float = 600
    attempts: int = 6
    first_pause: float = 1
    longest_pause: float = 30
    longest_wait: float = 900
    largest_answer: int = 64_000_000


class Again(Exception):
    """A request failed in a way that may pass. `after` are the seconds that the other system asks to wait, and
    `limited` says that it answers no more for now."""

    def __init__(self, problem: str, after: float | None = None, limited: bool = False) -> None:
        super().__init__(problem)
        self.problem, self.after, self.limited = problem, after, limited


def server_time(headers: Mapping[str, str]) -> datetime:
    """The time of the other system's clock; of ours when it does not say."""
    return _date(headers.get("date", "")) or datetime.now(UTC)


def asked_to_wait(headers: Mapping[str, str]) -> float | None:
    """The seconds of `Retry-After`, which is a number or a date; None when there is none."""
    value = headers.get("retry-after", "").strip()
    if not value:
        return None
    seconds = _number(value)
    if seconds is None:
        date = _date(value)
        seconds = (date - server_time(headers)).total_seconds() if date else None
    return None if seconds is None else max(0.0, seconds)


def used_up(headers: Mapping[str, str]) -> bool:
    """True when the system says that no more requests are allowed for now."""
    return any(_number(headers.get(name, "")) == 0 for name in _REMAINING)


def until_reset(headers: Mapping[str, str]) -> float:
    """The seconds until requests are allowed again, as the headers say: a time, a date, or a number of seconds."""
    for name in _RESET:
        value = headers.get(name, "").strip()
        number = _number(value)
        if number is not None:
            now = server_time(headers).timestamp()
            return max(0.0, number - now if number > _EPOCH else number)
        date = _date(value)
        if date is not None:
            return max(0.0, (date - server_time(headers)).total_seconds())
    return _WITHOUT_RESET


def pause(state: RetryCallState, patience: Patience) -> float:
    """The seconds before the next attempt: as long as the other system asks, else twice as long after each failure."""
    failure = state.outcome.exception() if state.outcome else None
    if isinstance(failure, Again) and failure.after is not None:
        return failure.after
    longest: float = patience.first_pause * 2 ** min(state.attempt_number - 1, 20)
    return min(longest, patience.longest_pause) * random.uniform(0.75, 1)  # noqa: S311


def is_enough(state: RetryCallState, patience: Patience) -> bool:
    """True when a request is given up: after some failures, or before a wait that is too long."""
    failure = state.outcome.exception() if state.outcome else None
    if isinstance(failure, Again) and failure.limited:
        return state.idle_for + state.upcoming_sleep > patience.longest_wait
    return state.attempt_number >= patience.attempts


def _number(value: str) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return None
    return number if number == number and abs(number) < 1e12 else None


def _date(value: str) -> datetime | None:
    """The time of an HTTP date or an ISO one; None for anything else."""
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            time = read(value)
        except (ValueError, TypeError):
            continue
        return time if time.tzinfo else time.replace(tzinfo=UTC)
    return None
