"""The features of each (question, person) pair, computed from the traces alone.

The traces are the items near a question that its reader may read, so what is hidden from the reader cannot change the
order of people. Time is measured in two ways: in days, and in the number of items of the traces that were answered
since then. The second way treats a team that answers ten requests a day like one that answers two a month.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recommender.people.evidence import Trace

Numbers = NDArray[np.float64]
"""Shape (people,), (items,) or (people, features), as each function says."""

FEATURES = (
    "votes",  # sum of the item's score squared times the weight of the part, halved for each half-life
    "similar_now",  # sum of score squared, halved for each 15 items answered since; less for other teams' items
    "similar",  # the same, halved for each 150
    "active_now",  # number of items, halved for each 15 answered since; less for other teams' items
    "active",  # the same, halved for each 150
    "active_quarter",  # the same, halved for each quarter of a year
    "ranks",  # sum over their items of 1 / (rank + 5), instead of the scores
    "nearest",  # score of their nearest item
    "specialist",  # mean score of their items: high for a person who does nothing else
    "quality",  # mean weight of their parts: higher for accepted answers than for replies
    "team",  # sum of the shares that the items' teams have in the nearest items
    "language",  # share of their items that are in the question's language
    "lately",  # lower the longer ago they last did something near the question
)

_SHORT_TERM, _LONG_TERM = 15.0, 150.0
"""The weight of an item is halved after this many later items; a judgement, as all numbers here."""
_QUARTER = 90.0
"""Days."""
_RANK_OFFSET = 5
"""Added to ranks (from 0), so that the first item does not outweigh all others."""
_NEAREST_ITEMS = 10
"""How many of the nearest items are used to see which team handles such questions."""
_LEAST_SHARE_IN_LOG, _OTHER_TEAM = 0.03, 0.1
"""A constant that is added to a share before its logarithm; the least weight of an item of another team."""
_LATELY_SCALE = 5.0
"""Divides the logarithm of days, so that the feature is about as large as the others."""
_DAY = 86_400.0
"""Seconds."""


@dataclass(frozen=True)
class Candidates:
    """The people of the traces, in the order of their ids: `values` has shape (people, features), its columns in the
    order of FEATURES; `nearest` contains the score of each person's nearest item, shape (people,)."""

    people: tuple[int, ...]
    values: Numbers
    nearest: Numbers


def candidates(
    traces: Sequence[Trace], now: datetime, half_life_days: float, language: str, excluded: Collection[int] = (),
    names: Collection[str] = FEATURES,
) -> Candidates:  # fmt: skip
    """The people who did something in `traces` (nearest first), without the `excluded` ids. Features that are not among
    `names` are 0: a ranker that gives them no weight need not wait for them."""
    parts = [part for trace in traces for part in trace.contributions]
    parts_of_item = np.array([len(trace.contributions) for trace in traces], int)
    days = np.maximum(np.array([(now - part.at).total_seconds() for part in parts]) / _DAY, 0.0)
    first_parts = (np.cumsum(parts_of_item) - parts_of_item)[parts_of_item > 0]
    item_days = np.sort(np.minimum.reduceat(days, first_parts)) if parts else days
    ids = np.array([part.person_id for part in parts], int)
    item = np.repeat(np.arange(len(traces)), parts_of_item)
    weight = np.array([part.weight for part in parts])
    if excluded:
        included = np.isin(ids, list(excluded), invert=True)
        ids, item, weight, days = ids[included], item[included], weight[included], days[included]
    if not len(ids):
        return Candidates((), np.zeros((0, len(FEATURES))), np.zeros(0))
    people, person = np.unique(ids, return_inverse=True)
    answered_since = np.searchsorted(item_days, days, side="left")
    columns = _columns(
        traces, _Parts(len(people), person, item, weight, days, answered_since), half_life_days, language
    )
    values = np.zeros((len(people), len(FEATURES)))
    for number, name in enumerate(FEATURES):
        if name in names:
            values[:, number] = columns[name]()
    return Candidates(tuple(people.tolist()), values, columns["nearest"]())


class _Parts(NamedTuple):
    """All parts of `people` persons, each array of shape (parts,): the numbers of the person and of the item, the
    weight, the age in days, and how many items were answered since."""

    people: int
    person: NDArray[np.int64]
    item: NDArray[np.int64]
    weight: Numbers
    days: Numbers
    answered_since: NDArray[np.int64]

    def total(self, values: Numbers) -> Numbers:
        """The sum of `values`, shape (parts,), for each person; shape (people,)."""
        return np.asarray(np.bincount(self.person, weights=values, minlength=self.people), np.float64)

    def extreme(self, which: np.ufunc, values: Numbers, start: float) -> Numbers:
        """The largest or smallest of `values`, shape (parts,), for each person; shape (people,)."""
        result = np.full(self.people, start)
        which.at(result, self.person, values)
        return result


def _columns(
    traces: Sequence[Trace], parts: _Parts, half_life_days: float, language: str
) -> dict[str, Callable[[], Numbers]]:
    """What computes each feature's values, shape (people,)."""
    score = np.array([trace.score for trace in traces])[parts.item]
    handled = _handled_by(traces)
    team_weight = np.maximum(_OTHER_TEAM, handled / handled.max()) if handled.any() else np.ones(len(traces))
    team_weight = team_weight[parts.item]

    def later(term: float) -> Numbers:
        return np.asarray(0.5 ** (parts.answered_since / term) * team_weight)

    def mean(values: Numbers) -> Numbers:
        return parts.total(values) / parts.total(np.ones(len(parts.item)))

    def same_language() -> Numbers:
        return np.array([trace.language == language for trace in traces], float)[parts.item]

    return {
        "votes": lambda: _log(parts.total(score**2 * parts.weight * 0.5 ** (parts.days / half_life_days))),
        "similar_now": lambda: _log(parts.total(later(_SHORT_TERM) * score**2)),
        "similar": lambda: _log(parts.total(later(_LONG_TERM) * score**2)),
        "active_now": lambda: _log(parts.total(later(_SHORT_TERM))),
        "active": lambda: _log(parts.total(later(_LONG_TERM))),
        "active_quarter": lambda: _log(parts.total(0.5 ** (parts.days / _QUARTER) * team_weight)),
        "ranks": lambda: _log(parts.total(1.0 / (parts.item + _RANK_OFFSET))),
        "nearest": lambda: parts.extreme(np.maximum, score, 0.0),
        "specialist": lambda: mean(score),
        "quality": lambda: mean(parts.weight),
        "team": lambda: _log(parts.total(handled[parts.item])),
        "language": lambda: mean(same_language()),
        "lately": lambda: -np.log1p(parts.extreme(np.minimum, parts.days, np.inf)) / _LATELY_SCALE,
    }


def _log(values: Numbers) -> Numbers:
    """The logarithm of each value as a share of the largest, so that ratios matter and not absolute sizes."""
    largest = values.max()
    return np.log(values / largest + _LEAST_SHARE_IN_LOG) if largest > 0 else np.zeros_like(values)


def _handled_by(traces: Sequence[Trace]) -> Numbers:
    """For each trace, the share that its team has in the nearest items, by score squared; shape (items,)."""
    shares: dict[str, float] = {}
    for trace in traces[:_NEAREST_ITEMS]:
        if trace.team is not None:
            shares[trace.team] = shares.get(trace.team, 0.0) + trace.score**2
    whole = sum(trace.score**2 for trace in traces[:_NEAREST_ITEMS]) or 1.0
    return np.array([shares.get(trace.team or "", 0.0) / whole for trace in traces])
