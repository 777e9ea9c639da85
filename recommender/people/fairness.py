"""Which of the ranked colleagues to suggest, in which order: what each of them has set is honoured, and load is spread.

Nothing here shows: who is paused, full or has muted a topic is passed over without a word.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from recommender.people.availability import Availability
from recommender.people.experts import Ranked

NEARLY = 0.35
_RELIEF = 0.8
_LEAST_SHARE = 0.2
_STATED = 2.0
AGREE = 2


def choose(
    ranked: Sequence[Ranked],
    available: Mapping[int, Availability],
    words: Collection[str],
    language: str,
    least_share: float = _LEAST_SHARE,
) -> tuple[Ranked, ...]:
    """Whom to suggest of `ranked` (best first) for a question with these words in this language (empty when it cannot
    be told), in the order in which to.

    People who left, are paused or muted the topic are left out. Those who said in which languages they help, and not
    in this one, come after those who do; those who are away come last. Those who were first as often this week as they
    want to be come, but not first; when all who are there are full, nobody comes. The deputy of somebody who is left
    out, away or full takes their place, when among `ranked` too. Of those nearly as good as the best, the first place
    goes to one whose turn it is: a share counts less for each time that somebody was first in the last seven days. The
    best then comes second. The odds of somebody who has added the topic are doubled when `AGREE` convincing items
    speak for them. `ranked` are those with evidence, deputies too. Those with less than `least_share` of the share of
    the best who is there (of those away, when nobody is) are not suggested.
    """
    ranked = sorted((_weighed(each, available, words) for each in ranked), key=lambda each: -each.share)
    asked = [each for each in ranked if _may_be_asked(available.get(each.person_id), words)]
    there = [each for each in asked if available[each.person_id].away_until is None]
    away = [each for each in asked if available[each.person_id].away_until is not None]
    present = _with_deputies(ranked, there, available)
    least = least_share * max((each.share for each in present or away), default=0.0)
    speaking, others, away = (
        [each for each in group if each.share >= least] for group in (*_by_language(present, available, language), away)
    )
    turns = (speaking, others) if speaking or others else (away,)
    free = ([each for each in group if not available[each.person_id].full] for group in turns)
    candidates = next(filter(None, free), None)
    if candidates is None:
        return ()
    first = _first(candidates, available)
    return (first, *(each for each in (*speaking, *others, *away) if each is not first))


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


def _by_language(
    present: Sequence[Ranked], available: Mapping[int, Availability], language: str
) -> tuple[list[Ranked], list[Ranked]]:
    """(those who help in the language, or have not said in which, the others)."""
    speaking, others = list[Ranked](), list[Ranked]()
    for each in present:
        said = available[each.person_id].languages
        (speaking if not language or not said or language in said else others).append(each)
    return speaking, others


def _first(free: Sequence[Ranked], available: Mapping[int, Availability]) -> Ranked:
    """Of those who may be first, best first, whose turn it is."""
    near = [each for each in free if each.share >= NEARLY * free[0].share]
    return max(near, key=lambda each: each.share * _RELIEF ** available[each.person_id].load)
