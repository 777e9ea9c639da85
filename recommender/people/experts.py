"""Ranks colleagues by the traces of the items near a question, and describes those who are suggested, with evidence.

`ranker.py` computes the probabilities; `fairness.py` decides who may be suggested now, and in which order.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from recommender.access import Reader
from recommender.corpus import headings
from recommender.database.days import day_of
from recommender.database.reading import IDS, apart, one_of, rows, together
from recommender.database.tables import Person, Team, team_members
from recommender.datatypes import Contribution, Evidence, Expert, Heading, Part
from recommender.people.evidence import Trace
from recommender.people.features import candidates
from recommender.people.ranker import Ranker
from recommender.people.teams import likely_teams

NEAR = 0.25
"""A person is ranked if the score of their nearest item is at least this; a judgement."""
_EVIDENCE_SHOWN = 5
"""How many pieces of evidence are shown of an expert; a judgement."""
_LEAST_EVIDENCE = 0.1
"""A person is named if the probability that one of their shown items answers the question is at least this; a
judgement."""
_LATELY = timedelta(days=90)
"""What was done within this time speaks for a person; a judgement."""
_DAY = 86_400.0
"""Seconds."""
_EQUAL_DIGITS = 12
"""Shares that are equal to this many decimal places are ties: further digits depend on the order of additions."""
_NOTHING_KNOWN: Mapping[str, Heading] = {}
_PARTS_BY_IMPORTANCE = (Part.ANSWERED, Part.KEEPS, Part.VERIFIED, Part.REPLIED)


@dataclass(slots=True)  # not frozen: to make a thousand of them would take twice as long as to rank them
class Ranked:
    """A person and the probability (`share`) that of all candidates they are the one who answers. `pieces` is the
    number of shown items in which they did something (set by `with_evidence`)."""

    person_id: int
    share: float
    pieces: int = 0


def rank(
    traces: Sequence[Trace],
    ranker: Ranker,
    now: datetime,
    half_life_days: float,
    language: str,
    excluded: Collection[int] = (),
) -> tuple[Ranked, ...]:
    """All people with an item that is near the question or shown, without the `excluded` ids, best first; ties in the
    order of ids. Traces come nearest first."""
    people = candidates(traces, now, half_life_days, language, excluded, ranker.used)
    shares = ranker.shares(people)
    order = np.argsort(-shares.round(_EQUAL_DIGITS), kind="stable")
    in_shown = {part.person_id for trace in traces if trace.match > 0 for part in trace.contributions}
    near = people.nearest >= NEAR
    near |= np.array([person in in_shown for person in people.people], np.bool_)
    order = order[near[order]]
    return tuple(Ranked(people.people[number], float(shares[number])) for number in order.tolist())


def with_evidence(ranked: Sequence[Ranked], traces: Sequence[Trace]) -> tuple[Ranked, ...]:
    """Those of `ranked` who did something in a shown item, best first. Nobody is suggested for items that are not worth
    showing, however many of them there are.

    A share is multiplied by the probability that one of the shown items in which the person did something answers the
    question, as if items answered independently of each other. The shares sum to 1 again, and are rounded, so that
    equally good people stay so in all that follows. People for whom that probability is too small are left out.
    """
    counts: Counter[int] = Counter()
    no_answer: dict[int, float] = {}
    for trace in traces:
        if trace.match > 0:
            for part in trace.contributions:
                counts[part.person_id] += 1
                no_answer[part.person_id] = no_answer.get(part.person_id, 1.0) * (1.0 - trace.match)
    evidence = {person: 1.0 - probability for person, probability in no_answer.items()}
    named = [person for person in ranked if evidence.get(person.person_id, 0.0) >= _LEAST_EVIDENCE]
    whole = sum(person.share * evidence[person.person_id] for person in named)
    shared = [
        replace(
            person,
            share=round(person.share * evidence[person.person_id] / whole, _EQUAL_DIGITS),
            pieces=counts[person.person_id],
        )
        for person in named
    ]
    return tuple(sorted(shared, key=lambda person: -person.share))


def teams(traces: Sequence[Trace]) -> tuple[str, ...]:
    """Handles of the likely teams (`likely_teams`) when some item is shown; nobody is named for a question that is
    about nothing here."""
    return likely_teams(traces) if any(trace.match > 0 for trace in traces) else ()


@dataclass(frozen=True)
class _Piece:
    """One person's part in a shown item: the item's key, the weight as evidence, and what they did."""

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
    known: Mapping[str, Heading] = _NOTHING_KNOWN,
) -> tuple[Expert, ...]:
    """The chosen people with their names and their shown items as evidence, the strongest first. `known` has headings
    of items that were just read, and need not be read again."""
    pieces = _pieces(traces, {person.person_id for person in chosen}, now, half_life_days)
    shown = {person_id: strongest[:_EVIDENCE_SHOWN] for person_id, strongest in pieces.items()}
    unknown = {piece.key for strongest in shown.values() for piece in strongest} - known.keys()
    items = {**known, **headings(session, unknown, reader)}
    people = {row.id: row for row in rows(session, _PEOPLE, ids=sorted(pieces))}
    described = []
    for ranked in chosen:
        person, person_pieces = people.get(ranked.person_id), pieces[ranked.person_id]
        evidence = tuple(_evidence(piece, items) for piece in shown[ranked.person_id] if piece.key in items)
        if person is None or not evidence:
            continue
        counts = Counter(piece.part.part for piece in person_pieces)
        parts = [part for part in _PARTS_BY_IMPORTANCE if counts[part]]
        last_at = max(piece.part.at for piece in person_pieces if piece.part.part is parts[0])
        answers = (piece.part.at for piece in person_pieces if piece.part.part is Part.ANSWERED)
        described.append(
            Expert(
                person_id=person.id,
                handle=person.handle,
                name=person.name,
                teams=tuple(sorted(apart(person.teams))),
                languages=tuple(person.languages),
                away_until=person.away_until if person.away_until and person.away_until >= day_of(now) else None,
                answered=counts[Part.ANSWERED],
                replied=counts[Part.REPLIED],
                keeps=counts[Part.KEEPS],
                verified=counts[Part.VERIFIED],
                last_at=last_at,
                evidence=evidence,
                reasons=(*(part.value for part in parts), *(["lately"] if now - last_at <= _LATELY else [])),
                answered_this_year=sum(at.year == now.year for at in answers),
            )
        )
    return tuple(described)


# Built once, since building a statement takes as long as running it.
_IN_TEAM = and_(team_members.c.person_id == Person.id, team_members.c.team_id == Team.id)
_PEOPLE = select(
    Person.id, Person.handle, Person.name, Person.languages, Person.away_until,
    together(Team.handle, _IN_TEAM).label("teams"),
).where(one_of(Person.id, IDS))  # fmt: skip


def load_people(session: Session, ids: Collection[int]) -> dict[int, Person]:
    """The people of `ids`, by id; unknown ids are left out."""
    return {person.id: person for person in session.scalars(select(Person).where(Person.id.in_(sorted(ids))))}


def _pieces(
    traces: Sequence[Trace], people: Collection[int], now: datetime, half_life_days: float
) -> dict[int, list[_Piece]]:
    """What each of the people did in shown items, the strongest pieces first. A piece weighs the item's match times the
    weight of the part, halved for each half-life that has passed since then."""
    pieces: dict[int, list[_Piece]] = {person: [] for person in people}
    for trace in traces:
        if not trace.match > 0:
            continue
        for part in trace.contributions:
            if part.person_id in pieces:
                age = max(0.0, (now - part.at).total_seconds() / _DAY)
                weight = trace.match * part.weight * 0.5 ** (age / half_life_days)
                pieces[part.person_id].append(_Piece(trace.key, weight, part))
    for person_pieces in pieces.values():
        person_pieces.sort(key=lambda piece: (-piece.weight, piece.key))
    return pieces


def _evidence(piece: _Piece, items: Mapping[str, Heading]) -> Evidence:
    return Evidence(items[piece.key], piece.weight, piece.part.at, piece.part.part)
