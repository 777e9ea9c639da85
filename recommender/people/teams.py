"""Which teams handle questions like this one, judged by the items near it."""

from collections.abc import Mapping, Sequence

from recommender.people.evidence import Trace

_NEAREST, _POWER = 20, 4
"""How many items vote for their teams, and the power of an item's score that its vote is; judgements."""
_CLEAR = 0.25
"""A team is clear when it is ahead of the next one by this part of all votes; a judgement."""


def likely_teams(traces: Sequence[Trace]) -> tuple[str, ...]:
    """Handles of the teams that handled the nearest items: one alone when it is clear, else the two likeliest. `traces`
    come nearest first. Empty when no team handled any of them."""
    votes: dict[str, float] = {}
    for trace in traces[:_NEAREST]:
        if trace.team is not None:
            votes[trace.team] = votes.get(trace.team, 0.0) + trace.score**_POWER
    return clear_or_two(votes)


def clear_or_two(votes: Mapping[str, float]) -> tuple[str, ...]:
    """The one with most votes when it is clear, else the two with most; ties in alphabetical order."""
    ordered = sorted(votes, key=lambda team: (-votes[team], team))[:2]
    if len(ordered) == 2 and votes[ordered[0]] - votes[ordered[1]] < _CLEAR * sum(votes.values()):
        return tuple(ordered)
    return tuple(ordered[:1])
