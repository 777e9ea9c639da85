"""Evidence -> ranked colleagues: each similar item votes for the people who answered it.

The vote is the item's score, times the weight of the person's part in it, halved for every half-life since they wrote
it (the votes model of Macdonald and Ounis 2006, "Voting for Candidates", with decay). No expert without evidence.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from recommender.datatypes import Evidence, Expert, Item, Part
from recommender.models import Person

_VOTES_FROM = 0.5
_LEAST_SHARE = 0.15
_EVIDENCE_SHOWN = 5


def votes(
    scored: Iterable[tuple[Item, float]],
    now: datetime,
    half_life_days: float,
    excluded: Collection[int] = (),
    declined: Collection[tuple[str, int]] = (),
) -> dict[int, list[Evidence]]:
    """Evidence per person, strongest first, from (item, score in 0..1); items below a floor do not vote, `excluded`
    people get no votes, nor does a person from an item (item key, person id) that they `declined`."""
    found: dict[int, list[Evidence]] = {}
    for item, score in scored:
        if score < _VOTES_FROM:
            continue
        for part in item.contributions:
            if part.person_id in excluded or (item.key, part.person_id) in declined:
                continue
            age = max(0.0, (now - part.at).total_seconds() / 86_400)
            weight = score**2 * part.weight * 0.5 ** (age / half_life_days)
            found.setdefault(part.person_id, []).append(Evidence(item, weight, part.at, part.part))
    return {person: sorted(pieces, key=lambda piece: -piece.weight) for person, pieces in found.items()}


def rank(
    evidence: Mapping[int, Sequence[Evidence]], people: Mapping[int, Person], today: date, top_k: int
) -> tuple[Expert, ...]:
    """The `top_k` people with the largest sums of votes, best first, without those far below the first.

    People who left or are unknown are not ranked; someone who is away comes after those who are there.
    """
    experts = []
    for person_id, pieces in evidence.items():
        person = people.get(person_id)
        if person is None or not pieces or (person.left_on and person.left_on <= today):
            continue
        away = person.away_until if person.away_until and person.away_until >= today else None
        experts.append(
            Expert(
                person_id=person.id,
                handle=person.handle,
                name=person.name,
                teams=tuple(team.handle for team in person.teams),
                languages=tuple(person.languages),
                away_until=away,
                score=sum(piece.weight for piece in pieces),
                answered=_count(pieces, Part.ANSWERED),
                replied=_count(pieces, Part.REPLIED),
                keeps=_count(pieces, Part.KEEPS),
                last_at=max(piece.at for piece in pieces),
                evidence=tuple(pieces[:_EVIDENCE_SHOWN]),
            )
        )
    best = max((expert.score for expert in experts), default=0.0)
    experts = [expert for expert in experts if expert.score >= _LEAST_SHARE * best]
    experts.sort(key=lambda expert: (expert.away_until is not None, -expert.score, expert.handle))
    return tuple(experts[:top_k])


def _count(pieces: Sequence[Evidence], part: Part) -> int:
    return sum(piece.part is part for piece in pieces)


def load_people(session: Session, ids: Collection[int]) -> dict[int, Person]:
    """The people of `ids`."""
    return {person.id: person for person in session.scalars(select(Person).where(Person.id.in_(sorted(ids))))}
