"""Which of the ranked colleagues to name, and in which order: their preferences are honoured, and load is spread.

Nothing of this shows on any page: people who are paused, have reached their capacity or have muted a topic are left out
without a word.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from recommender.people.availability import Availability
from recommender.people.experts import Ranked

NEARLY = 0.35
"""People with at least this part of the best share may come first in turn. A judgement, as the other numbers here."""
_TURN_WEIGHT = 0.8
"""In turns, a share is multiplied by this for each time in the last seven days that the person was first."""
_LEAST_SHARE = 0.2
"""People with less than this part of the best share are not named."""
_STATED_ODDS = 2.0
"""The odds of a person who has added the topic are multiplied by this, once enough items agree."""
AGREE = 2
"""The number of items that confirm an added topic."""


def choose(
    ranked: Sequence[Ranked],
    available: Mapping[int, Availability],
    words: Collection[str],
    language: str,
    least_share: float = _LEAST_SHARE,
) -> tuple[Ranked, ...]:
    """Whom to name of `ranked` (people with evidence, best first), in the order in which to name them.

    `words` are the terms of the question, `language` its language, empty when it is not known.

    - People who left, are paused or have muted the topic are left out.
    - People who help in other languages only come after the others; people who are away come last.
    - People who have reached their capacity for the week may come, but not first. If all who are present have, nobody
      is named.
    - A deputy among `ranked` takes the share of somebody who is left out, away or at capacity, if it is higher.
    - The first place goes in turn to people nearly as good as the best (NEARLY), who then comes second.
    - The odds of a person who has added the topic are doubled when AGREE convincing items confirm it.
    - People with less than `least_share` of the best share of those present (or away, if nobody is) are left out.
    """
    ranked = sorted((_with_stated_topic(person, available, words) for person in ranked), key=_by_share)
    willing = [person for person in ranked if _may_be_named(available.get(person.person_id), words)]
    there = [person for person in willing if available[person.person_id].away_until is None]
    away = [person for person in willing if available[person.person_id].away_until is not None]
    present = _with_deputies(ranked, there, available)
    least = least_share * max((person.share for person in present or away), default=0.0)
    speaking, others, away = (
        [person for person in group if person.share >= least]
        for group in (*_by_language(present, available, language), away)
    )
    groups = (speaking, others) if speaking or others else (away,)
    free = ([person for person in group if not available[person.person_id].full] for group in groups)
    may_be_first = next(filter(None, free), None)
    if may_be_first is None:
        return ()
    first = _first(may_be_first, available)
    return (first, *(person for person in (*speaking, *others, *away) if person is not first))


def _by_share(person: Ranked) -> float:
    return -person.share


def _with_stated_topic(person: Ranked, available: Mapping[int, Availability], words: Collection[str]) -> Ranked:
    """The person, with a higher share when they have added the question's topic and their items confirm it."""
    availability = available.get(person.person_id)
    confirmed = availability is not None and person.pieces >= AGREE and availability.states(words)
    if not confirmed:
        return person
    return replace(person, share=_STATED_ODDS * person.share / (1 + (_STATED_ODDS - 1) * person.share))


def _may_be_named(availability: Availability | None, words: Collection[str]) -> bool:
    return availability is not None and not (availability.left or availability.paused or availability.mutes(words))


def _with_deputies(
    ranked: Sequence[Ranked], there: Sequence[Ranked], available: Mapping[int, Availability]
) -> list[Ranked]:
    """Those who are there, best first, each with the best share of those whose deputy they are now, if it is higher."""
    shares = {person.person_id: person.share for person in there}
    for person in ranked:
        availability = available.get(person.person_id)
        deputy = availability.deputy_id if availability else None
        absent = person.person_id not in shares or (availability is not None and availability.full)
        if absent and deputy in shares:
            shares[deputy] = max(shares[deputy], person.share)
    return sorted((replace(person, share=shares[person.person_id]) for person in there), key=_by_share)


def _by_language(
    present: Sequence[Ranked], available: Mapping[int, Availability], language: str
) -> tuple[list[Ranked], list[Ranked]]:
    """(those who help in the language or have not said in which they help, the others)."""
    speaking, others = list[Ranked](), list[Ranked]()
    for person in present:
        languages = available[person.person_id].languages
        (speaking if not language or not languages or language in languages else others).append(person)
    return speaking, others


def _first(free: Sequence[Ranked], available: Mapping[int, Availability]) -> Ranked:
    """Whose turn it is to be first, of those who may be, best first."""
    near = [person for person in free if person.share >= NEARLY * free[0].share]
    return max(near, key=lambda person: person.share * _TURN_WEIGHT ** available[person.person_id].load)
