"""Ranks colleagues by the traces of the items near a question, and describes those who are suggested, with evidence.

`ranker.py` computes the probabilities; `fairness.py` decides who may be suggested now, and in which order.
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
"""A person is ranked if the score of their nearest item is at least this; a judgement."""
_EVIDENCE_SHOWN = 5
"""How many pieces of evidence are shown of an expert; a judgement."""
_MAX_TEAMS, _LEAST_TEAM_SHARE = 2, 0.3
"""How many teams are named at most, and the share of the first team's votes that the others need; a judgement."""
_DAY = 86_400.0
"""Seconds."""
_EQUAL_DIGITS = 12
"""Shares that are equal to this many decimal places are ties: further digits depend on the order of additions."""
_PARTS_BY_IMPORTANCE = (Part.ANSWERED, Part.KEEPS, Part.VERIFIED, Part.REPLIED)


@dataclass(slots=True)  # not frozen: to make a thousand of them would take twice as long as to rank them
class Ranked:
    """A person and the probability (`share`) that of all candidates they are the one who answers. `values`, shape
    (features,), are the features it was computed from, `pieces` the number of convincing items in which they did
    something (set by `with_evidence`)."""

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
    """All people with an item near the question, without the `excluded` ids, best first; ties in the order of ids.
    Traces come nearest first."""
    people = candidates(traces, now, half_life_days, language, excluded)
    shares = ranker.shares(people)
    order = np.argsort(-shares.round(_EQUAL_DIGITS), kind="stable")
    order = order[people.nearest[order] >= NEAR]
    rows = zip(order.tolist(), shares[order].tolist(), people.values[order], strict=True)
    return tuple(Ranked(people.people[number], share, 0, values) for number, share, values in rows)


def with_evidence(ranked: Sequence[Ranked], traces: Sequence[Trace]) -> tuple[Ranked, ...]:
    """Those of `ranked` who did something in a convincing item. Nobody is suggested for items that are far from the
    question, however many of them there are."""
    counts = Counter(part.person_id for trace in traces if trace.convincing for part in trace.contributions)
    return tuple(replace(person, pieces=counts[person.person_id]) for person in ranked if counts[person.person_id])


def reasons(chosen: Sequence[Ranked], ranker: Ranker) -> tuple[tuple[str, ...], ...]:
    """For each of the chosen people, the features (`features.FEATURES`) in which they are ahead of the others."""
    rows = [person.values for person in chosen]
    known = [row for row in rows if row is not None]
    if len(known) < len(rows):
        return ((),) * len(rows)
    return tuple(ranker.reasons(np.array(known), position) for position in range(len(rows)))


def teams(traces: Sequence[Trace]) -> tuple[str, ...]:
    """Handles of the teams that handled the convincing items, most votes first, without teams with far fewer votes."""
    votes: dict[str, float] = {}
    for trace in traces:
        if trace.team is not None and trace.convincing:
            votes[trace.team] = votes.get(trace.team, 0.0) + trace.score**2
    most = max(votes.values(), default=0.0)
    named = [team for team, count in votes.items() if count >= _LEAST_TEAM_SHARE * most]
    return tuple(sorted(named, key=lambda team: (-votes[team], team))[:_MAX_TEAMS])


@dataclass(frozen=True)
class _Piece:
    """One person's part in a convincing item: the item's key, the weight as evidence, and what they did."""

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
    """The chosen people with their names, their convincing items as evidence, the strongest first, and the features in
    which `ranker` puts them ahead of the others who are suggested."""
    pieces = _pieces(traces, {person.person_id for person in chosen}, now, half_life_days)
    shown = {person_id: strongest[:_EVIDENCE_SHOWN] for person_id, strongest in pieces.items()}
    items = headings(session, {piece.key for strongest in shown.values() for piece in strongest}, reader)
    people = {row.id: row for row in session.execute(_PEOPLE, {"ids": sorted(pieces)})}
    teams_of: dict[int, list[str]] = {}
    for person_id, handle in session.execute(_TEAMS_OF, {"ids": sorted(pieces)}):
        teams_of.setdefault(person_id, []).append(handle)
    described = []
    for ranked, ahead_in in zip(chosen, reasons(chosen, ranker), strict=True):
        person, person_pieces = people.get(ranked.person_id), pieces[ranked.person_id]
        evidence = tuple(_evidence(piece, items) for piece in shown[ranked.person_id] if piece.key in items)
        if person is None or not evidence:
            continue
        counts = Counter(piece.part.part for piece in person_pieces)
        main_part = next(part for part in _PARTS_BY_IMPORTANCE if counts[part])
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
                last_at=max(piece.part.at for piece in person_pieces if piece.part.part is main_part),
                evidence=evidence,
                reasons=ahead_in,
            )
        )
    return tuple(described)


# Built once, since building a statement takes as long as running it.
_PEOPLE = select(Person.id, Person.handle, Person.name, Person.languages, Person.away_until).where(Person.id.in_(IDS))
_TEAMS_OF = (
    select(team_members.c.person_id, Team.handle)
    .join(Team, Team.id == team_members.c.team_id)
    .where(team_members.c.person_id.in_(IDS))
    .order_by(Team.handle)
)


def load_people(session: Session, ids: Collection[int]) -> dict[int, Person]:
    """The people of `ids`, by id; unknown ids are left out."""
    return {person.id: person for person in session.scalars(select(Person).where(Person.id.in_(sorted(ids))))}


def _pieces(
    traces: Sequence[Trace], people: Collection[int], now: datetime, half_life_days: float
) -> dict[int, list[_Piece]]:
    """What each of the people did in convincing items, the strongest pieces first. A piece weighs the square of the
    item's score, times the weight of the part, halved for each half-life that has passed since then."""
    pieces: dict[int, list[_Piece]] = {person: [] for person in people}
    for trace in traces:
        if not trace.convincing:
            continue
        for part in trace.contributions:
            if part.person_id in pieces:
                age = max(0.0, (now - part.at).total_seconds() / _DAY)
                weight = trace.score**2 * part.weight * 0.5 ** (age / half_life_days)
                pieces[part.person_id].append(_Piece(trace.key, weight, part))
    for person_pieces in pieces.values():
        person_pieces.sort(key=lambda piece: (-piece.weight, piece.key))
    return pieces


def _evidence(piece: _Piece, items: Mapping[str, Heading]) -> Evidence:
    return Evidence(items[piece.key], piece.weight, piece.part.at, piece.part.part)
