"""How long the answers of a topic stay right.

An answer has changed when it was replaced or marked as outdated, when the text of a document was changed, or when a
newer answer to the same question says something else. Until now it has not, or it is not known. The number of changes
divided by the days that all answers together have stood is the rate at which they change (the maximum likelihood
estimate of a constant rate, with what has not changed yet counted by the days it has stood); the half-life is ln 2
divided by it.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

LEAST_CHANGES = 5
"""With fewer changes nothing is said about how long answers stay right; a judgement."""
_SHORTEST = 1.0  # days that an answer stands at least: what is put right at once was a slip


@dataclass(frozen=True)
class Ageing:
    """How many answers have stood, how often they changed, and after how many days half of them have changed; None when
    there are too few changes to say."""

    answers: int
    changes: int
    half_life_days: float | None

    def share_left(self, days: float) -> float | None:
        """The share of answers that are still right after this time, 0 to 1; None when it is not known."""
        return None if self.half_life_days is None else 0.5 ** (max(0.0, days) / self.half_life_days)


def ageing(given: Mapping[str, datetime], changes: Iterable[tuple[str, datetime]], now: datetime) -> Ageing:
    """How long answers stay right. `given` says when each answer was given, by key; `changes` are (key, when). After a
    change an answer stands anew: each of its changes counts."""
    moments = [(key, at) for key, at in changes if key in given and given[key] <= at <= now]
    stood = sum(max(_SHORTEST, (now - at).total_seconds() / 86_400) for at in given.values() if at <= now)
    answers = sum(at <= now for at in given.values())
    if len(moments) < LEAST_CHANGES:
        return Ageing(answers, len(moments), None)
    return Ageing(answers, len(moments), math.log(2) * stood / len(moments))
