"""The features of each (question, person) pair."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from recommender.people.evidence import Trace

Numbers = NDArray[np.float64]


FEATURES = (
    "votes",  # sum of score squared times the part, halved for each half-life
    "similar_now",  # sum of score squared, halved for each 15 items answered since; for the right team
    "similar",  # the same, for each 150
    "active_now",  # how much they did, halved for each 15 items answered since; for the right team
    "active",  # the same, for each 150
    "ranks",  # votes by the places of the items instead of their scores
    "nearest",  # score of their nearest item
    "specialist",  # mean score of what they did: near for one who does this only
    "quality",  # mean weight of their parts: accepted answers against replies
    "team",  # how much they did for the right team: the one that handles what is nearest
    "language",  # share of what they did in the question's language
    "lately",  # less for each day since they last did something near
)


_SOON, _LATER = 15.0, 150.0


_FIRST_PLACE, _NEAREST = 5, 10


_FLOOR, _OTHER_TEAM = 0.03, 0.1


_DAYS = 5.0


_DAY = 86_400.0


@dataclass(frozen=True)
class Candidates:
    """The people of the traces, in the order of their ids: `values` has shape (people, FEATURES); `nearest` holds the
    score of each one's nearest item, shape (people,)."""

    people: tuple[int, ...]
    values: Numbers
    nearest: Numbers


def candidates(
    traces: Sequence[Trace], now: datetime, half_life_days: float, language: str, excluded: Collection[int] = ()
) -> Candidates:
    """The people who did something in `traces` (nearest first), without the `excluded`."""
    parts = [part for trace in traces for part in trace.contributions]
    of_each = np.array([len(trace.contributions) for trace in traces], int)
    days = np.array([(now - part.at).total_seconds() for part in parts]) / _DAY
    np.maximum(days, 0.0, out=days)
    starts = (np.cumsum(of_each) - of_each)[of_each > 0]
    latest = np.sort(np.minimum.reduceat(days, starts)) if parts else days
    ids, place = np.array([part.person_id for part in parts], int), np.repeat(np.arange(len(traces)), of_each)
    weight = np.array([part.weight for part in parts])
    if excluded:
        kept = np.isin(ids, list(excluded), invert=True)
        ids, place, weight, days = ids[kept], place[kept], weight[kept], days[kept]
    if not len(ids):
        return Candidates((), np.zeros((0, len(FEATURES))), np.zeros(0))
    people, person = np.unique(ids, return_inverse=True)
    score = np.array([trace.score for trace in traces])[place]
    since = np.searchsorted(latest, days, side="left")
    handled = _handled_by(traces)
    right = np.maximum(_OTHER_TEAM, handled / handled.max()) if handled.any() else np.ones(len(traces))
    soon, later = 0.5 ** (since / _SOON) * right[place], 0.5 ** (since / _LATER) * right[place]
    size = len(people)

    def total(values: Numbers) -> Numbers:
        return np.asarray(np.bincount(person, weights=values, minlength=size), np.float64)

    count = total(np.ones(len(ids)))
    nearest, last = np.zeros(size), np.full(size, np.inf)
    np.maximum.at(nearest, person, score)
    np.minimum.at(last, person, days)
    same = np.array([trace.language == language for trace in traces], float)[place]
    columns = {
        "votes": _log(total(score**2 * weight * 0.5 ** (days / half_life_days))),
        "similar_now": _log(total(soon * score**2)),
        "similar": _log(total(later * score**2)),
        "active_now": _log(total(soon)),
        "active": _log(total(later)),
        "ranks": _log(total(1.0 / (place + _FIRST_PLACE))),
        "nearest": nearest,
        "specialist": total(score) / count,
        "quality": total(weight) / count,
        "team": _log(total(handled[place])),
        "language": total(same) / count,
        "lately": -np.log1p(last) / _DAYS,
    }
    return Candidates(tuple(people.tolist()), np.column_stack([columns[name] for name in FEATURES]), nearest)


def _log(values: Numbers) -> Numbers:
    """Logarithm of a share of the largest: who has half of it is as far from it whatever it is."""
    largest = values.max()
    return np.log(values / largest + _FLOOR) if largest > 0 else np.zeros_like(values)


def _handled_by(traces: Sequence[Trace]) -> Numbers:
    """For each trace, the share that its team has in the nearest ones, by score squared."""
    shares: dict[str, float] = {}
    for trace in traces[:_NEAREST]:
        if trace.team is not None:
            shares[trace.team] = shares.get(trace.team, 0.0) + trace.score**2
    whole = sum(trace.score**2 for trace in traces[:_NEAREST]) or 1.0
    return np.array([shares.get(trace.team or "", 0.0) / whole for trace in traces])
