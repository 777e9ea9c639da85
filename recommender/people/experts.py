"""Traces of the items near a question -> ranked colleagues, each with the evidence. No expert without evidence near it.

`expert_ranker.py` weighs people against each other; whether someone may be asked now is `fairness.py`'s.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from recommender.access import Reader
from recommender.corpus import IDS, headings
from recommender.database.tables import Person, Team, team_members
from recommender.datatypes import Contribution, Evidence, Expert, Heading, Part
from recommender.people.evidence import Trace
from recommender.people.features import Numbers, candidates
from recommender.people.ranker import VOTES, Ranker

NEAR = 0.25
_EVIDENCE_SHOWN = 5
_TEAMS, _LEAST_OF_TEAM = 2, 0.3
_DAY = 86_400.0
_ALIKE = 12
"""Digits of two shares that are the same: the rest comes of the order in which numbers were added."""
_TOLD_FIRST = (Part.ANSWERED, Part.KEEPS, Part.VERIFIED, Part.REPLIED)


@dataclass(slots=True)  # not frozen: to make a thousand of them would take twice as long as to rank them
class Ranked:
    """A person and the probability that of all candidates they are the one who answers. `values`, shape (FEATURES,),
    are what that was made of, `pieces` how many convincing items they did something in (`with_evidence`)."""

    person_id: int
    share: float
    pieces: int = 0
    values: Numbers | None = field(default=None, repr=False, compare=False)


def rank(
    traces: Sequence[Trace],
    ranker: Ranker,
    now: datetime,
    half_life_days: float,
    language: str,
    excluded: Collection[int] = (),
) -> tuple[Ranked, ...]:
    """All with something near the question, best first; ties in the order of ids. Traces come nearest first."""
    found = candidates(traces, now, half_life_days, language, excluded)
    shares = ranker.shares(found)
    order = np.argsort(-shares.round(_ALIKE), kind="stable")
    order = order[found.nearest[order] >= NEAR]
    rows = zip(order.tolist(), shares[order].tolist(), found.values[order], strict=True)
    return tuple(Ranked(found.people[number], share, 0, values) for number, share, values in rows)


def with_evidence(ranked: Sequence[Ranked], traces: Sequence[Trace]) -> tuple[Ranked, ...]:
    """Those of `ranked` who did something in a convincing item: nobody is named for what is merely less far than the
    rest, however much of it they did."""
    counts = Counter(part.person_id for trace in traces if trace.convincing for part in trace.contributions)
    return tuple(replace(each, pieces=counts[each.person_id]) for each in ranked if counts[each.person_id])


def reasons(chosen: Sequence[Ranked], ranker: Ranker) -> tuple[tuple[str, ...], ...]:
    """For each of those who are named, the features (`expert_ranker.FEATURES`) that they have more of than the others
    who are."""
    rows = [each.values for each in chosen]
    known = [row for row in rows if row is not None]
    if len(known) < len(rows):
        return ((),) * len(rows)
    return tuple(ranker.reasons(np.array(known), place) for place in range(len(rows)))


def teams(traces: Sequence[Trace]) -> tuple[str, ...]:
    """Handles of the teams that handled the convincing items, the one with most first, without those far below."""
    votes: dict[str, float] = {}
    for trace in traces:
        if trace.team is not None and trace.convincing:
            votes[trace.team] = votes.get(trace.team, 0.0) + trace.score**2
    most = max(votes.values(), default=0.0)
    kept = [team for team, each in votes.items() if each >= _LEAST_OF_TEAM * most]
    return tuple(sorted(kept, key=lambda team: (-votes[team], team))[:_TEAMS])


@dataclass(frozen=True)
class _Piece:
    key: str
    weight: float
    part: Contribution


def describe(
    session: Session,
    reader: Reader,
    chosen: Sequence[Ranked],
    traces: Sequence[Trace],
    now: datetime,
    half_life_days: float,
    ranker: Ranker = VOTES,
) -> tuple[Expert, ...]:
    """The chosen people with their names and the convincing items that speak for them, the strongest first, and
    what `ranker` says that they have more of than the others who are named."""
    pieces = _pieces(traces, {each.person_id for each in chosen}, now, half_life_days)
    shown = {person: own[:_EVIDENCE_SHOWN] for person, own in pieces.items()}
    items = headings(session, {piece.key for own in shown.values() for piece in own}, reader)
    people = {each.id: each for each in session.execute(_PEOPLE, {"ids": sorted(pieces)})}
    teams_of: dict[int, list[str]] = {}
    for person_id, handle in session.execute(_TEAMS_OF, {"ids": sorted(pieces)}):
        teams_of.setdefault(person_id, []).append(handle)
    described = []
    for each, more in zip(chosen, reasons(chosen, ranker), strict=True):
        person, own = people.get(each.person_id), pieces[each.person_id]
        evidence = tuple(_evidence(piece, items) for piece in shown[each.person_id] if piece.key in items)
        if person is None or not evidence:
            continue
        counts = Counter(piece.part.part for piece in own)
        told = next(part for part in _TOLD_FIRST if counts[part])
        described.append(
            Expert(
                person_id=person.id,
                handle=person.handle,
                name=person.name,
                teams=tuple(teams_of.get(person.id, ())),
                languages=tuple(person.languages),
                away_until=person.away_until if person.away_until and person.away_until >= now.date() else None,
                answered=counts[Part.ANSWERED],
                replied=counts[Part.REPLIED],
                keeps=counts[Part.KEEPS],
                verified=counts[Part.VERIFIED],
                last_at=max(piece.part.at for piece in own if piece.part.part is told),
                evidence=evidence,
                reasons=more,
            )
        )
    return tuple(described)


# Built once: to build a statement takes as long as to run it.
_PEOPLE = select(Person.id, Person.handle, Person.name, Person.languages, Person.away_until).where(Person.id.in_(IDS))
_TEAMS_OF = (
    select(team_members.c.person_id, Team.handle)
    .join(Team, Team.id == team_members.c.team_id)
    .where(team_members.c.person_id.in_(IDS))
    .order_by(Team.handle)
)


def load_people(session: Session, ids: Collection[int]) -> dict[int, Person]:
    """The people of `ids`."""
    return {person.id: person for person in session.scalars(select(Person).where(Person.id.in_(sorted(ids))))}


def _pieces(
    traces: Sequence[Trace], people: Collection[int], now: datetime, half_life_days: float
) -> dict[int, list[_Piece]]:
    """What each of the people did in convincing items, the strongest first."""
    found: dict[int, list[_Piece]] = {person: [] for person in people}
    for trace in traces:
        if not trace.convincing:
            continue
        for part in trace.contributions:
            if part.person_id in found:
                age = max(0.0, (now - part.at).total_seconds() / _DAY)
                weight = trace.score**2 * part.weight * 0.5 ** (age / half_life_days)
                found[part.person_id].append(_Piece(trace.key, weight, part))
    for own in found.values():
        own.sort(key=lambda piece: (-piece.weight, piece.key))
    return found


def _evidence(piece: _Piece, items: Mapping[str, Heading]) -> Evidence:
    return Evidence(items[piece.key], piece.weight, piece.part.at, piece.part.part)
