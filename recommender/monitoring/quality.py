"""What `kollega calibrate` found about the organisation's own past questions, in numbers: how often there was an answer
where the model expected one, and what other thresholds would have shown. It is `index/quality.json`, without texts."""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

_FILE = "quality.json"
_BINS = 5
_THRESHOLDS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5)  # of maybe_from
_FOUND_THRESHOLDS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)  # of answer_from


@dataclass(frozen=True)
class Bin:
    """The questions whose probability of an answer was from `low` to `high`: how many, the mean of the probabilities,
    and the share of them that had an answer."""

    low: float
    high: float
    questions: int
    expected: float
    answered: float


@dataclass(frozen=True)
class Threshold:
    """What a value of `maybe_from` would have shown: the shares of the questions with and without an answer for which
    something would have been shown."""

    value: float
    with_answer: float
    without_answer: float


@dataclass(frozen=True)
class FoundThreshold:
    """What a value of `answer_from` would have said: the shares of the questions with and without an answer of which it
    would have been said that it is found; `right` is the share of the former whose first item is known to answer."""

    value: float
    with_answer: float
    without_answer: float
    right: float


@dataclass(frozen=True)
class First:
    """The first item of a past question: the probability that it answers, whether there was an answer, and whether this
    item is known to be one."""

    match: float
    exists: bool
    is_right: bool


@dataclass(frozen=True)
class Report:
    """When it was made (UTC), from how many past questions with and without an answer, on how many of the newest it was
    judged, and whether the organisation's own calibration is used since."""

    at: datetime
    answered: int
    unanswered: int
    judged: int
    own: bool
    bins: tuple[Bin, ...]
    thresholds: tuple[Threshold, ...]
    found: tuple[FoundThreshold, ...] = ()

    def write(self, index_dir: Path) -> None:
        """Write the report in one step."""
        new = index_dir / f"{_FILE}.new"
        new.write_text(json.dumps({**asdict(self), "at": self.at.isoformat()}, indent=1), encoding="utf-8")
        os.replace(new, index_dir / _FILE)

    @classmethod
    def read(cls, index_dir: Path) -> "Report | None":
        """The newest report; None when there is none that can be read."""
        try:
            values: dict[str, Any] = json.loads((index_dir / _FILE).read_text(encoding="utf-8"))
            bins = tuple(Bin(**each) for each in values.pop("bins"))
            thresholds = tuple(Threshold(**each) for each in values.pop("thresholds"))
            found = tuple(FoundThreshold(**each) for each in values.pop("found", ()))
            at = datetime.fromisoformat(values.pop("at"))
            return cls(at=at, bins=bins, thresholds=thresholds, found=found, **values)
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return None


def report(
    given: Sequence[float],
    truth: Sequence[bool],
    answered: int,
    unanswered: int,
    own: bool,
    firsts: Sequence[First] = (),
) -> Report:
    """The report on questions that were held out: the probability that each had an answer, whether it had, and their
    first items."""
    pairs = list(zip(given, truth, strict=True))
    bins = []
    for place in range(_BINS):
        low, high = place / _BINS, (place + 1) / _BINS
        inside = [pair for pair in pairs if low <= pair[0] < high or (place == _BINS - 1 and pair[0] == 1.0)]
        if inside:
            expected = sum(probability for probability, _there in inside) / len(inside)
            bins.append(Bin(low, high, len(inside), expected, sum(there for _given, there in inside) / len(inside)))
    by_truth = [[probability for probability, there in pairs if there is wanted] for wanted in (True, False)]
    thresholds = tuple(
        Threshold(value, _share_from(value, by_truth[0]), _share_from(value, by_truth[1])) for value in _THRESHOLDS
    )
    now = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    found = tuple(_found(value, firsts) for value in _FOUND_THRESHOLDS) if firsts else ()
    return Report(now, answered, unanswered, len(pairs), own, tuple(bins), thresholds, found)


def _found(value: float, firsts: Sequence[First]) -> FoundThreshold:
    with_answer = [first for first in firsts if first.exists]
    said = [first for first in with_answer if first.match >= value]
    return FoundThreshold(
        value,
        len(said) / len(with_answer) if with_answer else 0.0,
        _share_from(value, [first.match for first in firsts if not first.exists]),
        sum(first.is_right for first in said) / len(said) if said else 0.0,
    )


def _share_from(value: float, given: Sequence[float]) -> float:
    return sum(probability >= value for probability in given) / len(given) if given else 0.0
