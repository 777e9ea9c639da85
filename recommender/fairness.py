"""Which of the ranked colleagues to suggest, in which order: what each of them has set is honoured, and load is spread.

Nothing here shows: who is paused, full or has muted a topic is passed over without a word.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from recommender.availability import Availability
from recommender.experts import Ranked

NEARLY = 0.35
_RELIEF = 0.8
_LEAST_SHARE = 0.2
_STATED = 2.0
AGREE = 2


def choose(
    ranked: Sequence[Ranked],
    available: Mapping[int, Availability],
    words: Collection[str],
    least_share: float = _LEAST_SHARE,
) -> tuple[Ranked, ...]:
    """Whom to suggest of `ranked` (best first) for a question with these words, in the order in which to.

    People who left, are paused or muted the topic are left out. Those who are away come last. Those who were first as
    often this week as they want to be come, but not first; when there is nobody to come before them, they do not come.
    The deputy of somebody who is left out, away or full takes their place, when among `ranked` too. Of those nearly as
    good as the best, the first place goes to one whose turn it is: a share counts less for each time that somebody was
    first in the last seven days. The best then comes second. The odds of somebody who has added the topic are doubled
    when `AGREE` convincing items speak for them. `ranked` are those with evidence, deputies too.
    Those with less than `least_share` of the best one's share are not suggested.
    """
    ranked = sorted((_weighed(each, available, words) for each in ranked), key=lambda each: -each.share)
    asked = [each for each in ranked if _may_be_asked(available.get(each.person_id), words)]
    there = [each for each in asked if available[each.person_id].away_until is None]
    away = [each for each in asked if available[each.person_id].away_until is not None]
    ordered = [*_with_deputies(ranked, there, available), *away]
    free = [each for each in ordered if not available[each.person_id].full]
    if not free:
        return ()
    first = _first(free, available)
    least = least_share * max(each.share for each in ordered)
    return (first, *(each for each in ordered if each is not first and each.share >= least))


def _weighed(each: Ranked, available: Mapping[int, Availability], words: Collection[str]) -> Ranked:
    person = available.get(each.person_id)
    agreed = person is not None and each.pieces >= AGREE and person.states(words)
    if not agreed:
        return each
    return replace(each, share=_STATED * each.share / (1 + (_STATED - 1) * each.share))


def _may_be_asked(person: Availability | None, words: Collection[str]) -> bool:
    return person is not None and not (person.left or person.paused or person.mutes(words))


def _with_deputies(
    ranked: Sequence[Ranked], there: Sequence[Ranked], available: Mapping[int, Availability]
) -> list[Ranked]:
    """Those who are there, best first, each with the share of the best of those whose deputy they are now."""
    shares = {each.person_id: each.share for each in there}
    for each in ranked:
        person = available.get(each.person_id)
        deputy = person.deputy_id if person else None
        absent = each.person_id not in shares or (person is not None and person.full)
        if absent and deputy in shares:
            shares[deputy] = max(shares[deputy], each.share)
    own = [replace(each, share=shares[each.person_id]) for each in there]
    return sorted(own, key=lambda each: -each.share)


def _first(free: Sequence[Ranked], available: Mapping[int, Availability]) -> Ranked:
    """Of those who may be first, best first, whose turn it is; somebody away only when all are."""
    best = free[0]
    here = [each for each in free if (available[each.person_id].away_until is None)]
    near = [each for each in here if each.share >= NEARLY * best.share] or [best]
    return max(near, key=lambda each: each.share * _RELIEF ** available[each.person_id].load)
