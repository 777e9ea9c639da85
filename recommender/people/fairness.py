"""Which of the ranked colleagues to suggest, and in which order: it respects their preferences and spreads the load.

Pages do not show this: people who are paused or have muted a topic are left out without a note.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from recommender.people.availability import Availability
from recommender.people.experts import Ranked

NEARLY = 0.35
"""People take turns in the first place when they have at least this part of the best share. A judgement, as the other
numbers here."""
_TURN_WEIGHT = 0.8
"""For the first place, a share is multiplied by this for each time that the person was first in the last seven days."""
_LEAST_SHARE = 0.2
"""People with less than this part of the best share are not suggested."""
_STATED_ODDS = 2.0
"""The odds of a person who has added the topic are multiplied by this, once enough items confirm it."""
CONFIRMING_ITEMS = 2
"""The number of items that confirm an added topic."""


def choose(
    ranked: Sequence[Ranked],
    available: Mapping[int, Availability],
    words: Collection[str],
    language: str,
    least_share: float = _LEAST_SHARE,
    teaching: Collection[int] = (),
) -> tuple[Ranked, ...]:
    """Whom to suggest of `ranked` (people with evidence, best first), in the order in which to show them.

    `words` are the terms of the question, `language` its language, empty when it is not known.

    - People who left, are paused or have muted the topic are left out.
    - People who help only in other languages come after the others; people who are away come last.
    - People who have reached their capacity for the week may come, but not first. If everybody who is present has
      reached it, nobody is suggested.
    - A deputy among `ranked` takes the share of somebody who is left out, away or at capacity, if it is higher.
    - People who are nearly as good as the best (NEARLY) take turns in the first place; the best then comes second.
    - Of those who may be first, one of `teaching` is, however small their share: the ids of people whom a colleague
      watches in this topic.
    - The odds of a person who has added the topic are doubled when CONFIRMING_ITEMS shown items confirm it.
    - People with less than `least_share` of the best share of those who are present are left out (of those who are
      away, if nobody is present).
    """
    ranked = sorted((_with_stated_topic(person, available, words) for person in ranked), key=_by_share)
    willing = [person for person in ranked if _may_be_suggested(available.get(person.person_id), words)]
    not_away = [person for person in willing if available[person.person_id].away_until is None]
    away = [person for person in willing if available[person.person_id].away_until is not None]
    present = _with_deputies(ranked, not_away, available)
    least = least_share * max((person.share for person in present or away), default=0.0)
    same_language, others, away = (
        [person for person in group if person.share >= least or person.person_id in teaching]
        for group in (*_by_language(present, available, language), away)
    )
    groups = (same_language, others) if same_language or others else (away,)
    below_capacity = ([person for person in group if not available[person.person_id].full] for group in groups)
    may_be_first = next(filter(None, below_capacity), None)
    if may_be_first is None:
        return ()
    first = next((person for person in may_be_first if person.person_id in teaching), None)
    first = first or _first(may_be_first, available)
    return (first, *(person for person in (*same_language, *others, *away) if person is not first))


def _by_share(person: Ranked) -> float:
    return -person.share


def _with_stated_topic(person: Ranked, available: Mapping[int, Availability], words: Collection[str]) -> Ranked:
    """The person, with a higher share when they have added the question's topic and their items confirm it."""
    availability = available.get(person.person_id)
    confirmed = availability is not None and person.pieces >= CONFIRMING_ITEMS and availability.states(words)
    if not confirmed:
        return person
    return replace(person, share=_STATED_ODDS * person.share / (1 + (_STATED_ODDS - 1) * person.share))


def _may_be_suggested(availability: Availability | None, words: Collection[str]) -> bool:
    return availability is not None and not (availability.left or availability.paused or availability.mutes(words))


def _with_deputies(
    ranked: Sequence[Ranked], not_away: Sequence[Ranked], available: Mapping[int, Availability]
) -> list[Ranked]:
    """Those who are not away, best first. A deputy gets the best share of the people whose place they take, if it is
    higher than their own."""
    shares = {person.person_id: person.share for person in not_away}
    for person in ranked:
        availability = available.get(person.person_id)
        deputy = availability.deputy_id if availability else None
        absent = person.person_id not in shares or (availability is not None and availability.full)
        if absent and deputy in shares:
            shares[deputy] = max(shares[deputy], person.share)
    return sorted((replace(person, share=shares[person.person_id]) for person in not_away), key=_by_share)


def _by_language(
    present: Sequence[Ranked], available: Mapping[int, Availability], language: str
) -> tuple[list[Ranked], list[Ranked]]:
    """(those who help in this language or have not stated any language, the others)."""
    same_language, others = list[Ranked](), list[Ranked]()
    for person in present:
        languages = available[person.person_id].languages
        (same_language if not language or not languages or language in languages else others).append(person)
    return same_language, others


def _first(candidates: Sequence[Ranked], available: Mapping[int, Availability]) -> Ranked:
    """The person whose turn it is to be first. `candidates` are those who may be first, best first."""
    near = [person for person in candidates if person.share >= NEARLY * candidates[0].share]
    return max(near, key=lambda person: person.share * _TURN_WEIGHT ** available[person.person_id].load)
