"""How long people wait for a team: half of them, and nine of ten.

Those who still wait count too, with the time that they have waited so far (the product-limit estimate of Kaplan and
Meier 1958), so that a team does not look fast because what takes long is still open. A figure that would be that of a
few colleagues, and so of how fast they are, is not given.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

LEAST = 5
"""No figure is made of fewer requests or people than this; a judgement."""
LEAST_COLLEAGUES = 3
"""A time is given when at least so many colleagues have answered; a judgement."""
MOST_OF_ONE = 0.5
"""... and when no colleague gave more than this part of the answers; a judgement."""


class Missing(StrEnum):
    """Why a time is not given."""

    FEW = "few"  # fewer than LEAST requests
    COLLEAGUES = "colleagues"  # it would tell how fast a few colleagues are
    UNTIMED = "untimed"  # the requests came without times


@dataclass(frozen=True, slots=True)
class Wait:
    """How long somebody waited, or has waited so far if it is not `over`. `by` is the colleague who ended it, if that
    is known."""

    time: timedelta
    over: bool
    by: int | None = None


@dataclass(frozen=True)
class Waits:
    """`half` of the people waited at most that long, and `most` is the time for nine of ten. None means that so many
    are not through yet, or that nothing is given, because of `missing`."""

    half: timedelta | None = None
    most: timedelta | None = None
    missing: Missing | None = None


def summarise(waits: Sequence[Wait], untimed: int = 0) -> Waits:
    """The waits as figures; `untimed` is the number of requests whose times are not known."""
    if len(waits) < LEAST:
        return Waits(missing=Missing.UNTIMED if untimed >= LEAST else Missing.FEW)
    ended = [wait for wait in waits if wait.over]
    if len(ended) < LEAST:
        return Waits(missing=Missing.FEW)
    colleagues = Counter(wait.by for wait in ended if wait.by is not None)
    if len(colleagues) < LEAST_COLLEAGUES or max(colleagues.values()) > MOST_OF_ONE * colleagues.total():
        return Waits(missing=Missing.COLLEAGUES)
    return Waits(quantile(waits, 0.5), quantile(waits, 0.9))


def quantile(waits: Sequence[Wait], part: float) -> timedelta | None:
    """The time after which this part of those who wait (0..1) are through; None when so many are not through yet."""
    waiting, still = len(waits), 1.0
    for wait in sorted(waits, key=lambda each: (each.time, not each.over)):
        if wait.over:
            still *= 1 - 1 / waiting
            if still <= 1 - part + 1e-9:
                return wait.time
        waiting -= 1
    return None
