"""Chooses the colleagues to suggest for a question: ranks them by evidence, applies availability and fairness, and
describes them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.orm import Session

from recommender.access import Reader
from recommender.database.days import day_of
from recommender.datatypes import Expert, Heading
from recommender.language.analyzer import Analyzer
from recommender.people import experts, fairness
from recommender.people.availability import availabilities
from recommender.people.evidence import Trace
from recommender.people.pairing import watchers
from recommender.people.ranker import Ranker

EXPERTS, EXPERTS_WEIGHED = 4, 100
"""How many colleagues are suggested at most, and how many of the ranking are considered for that; a judgement."""


@dataclass(frozen=True)
class ColleagueQuery:
    """What the choice of people needs of a question: its terms (`words`), its language, whether that is known or only a
    guess, and the ids of people who must not be suggested, such as the asker."""

    words: Collection[str]
    language: str
    language_known: bool
    excluded: Collection[int]


def choose_colleagues(
    session: Session,
    reader: Reader,
    query: ColleagueQuery,
    traces: Sequence[Trace],
    ranker: Ranker,
    analyzer: Analyzer,
    now: datetime,
    half_life_days: float,
    known: Mapping[str, Heading],
) -> tuple[Expert, ...]:
    """At most EXPERTS colleagues with evidence in a shown item, in the order in which to show them. `traces` come
    nearest first. The weight of evidence is halved after each `half_life_days`. `known` has the headings of the shown
    items. Agents are told which colleague watches whom (`pairing.py`)."""
    ranked = experts.rank(traces, ranker, now, half_life_days, query.language, query.excluded)
    ranked = experts.with_evidence(ranked, traces)[:EXPERTS_WEIGHED]
    available = availabilities(session, [person.person_id for person in ranked], day_of(now), analyzer)
    language = query.language if query.language_known else ""
    watching = watchers(session, [trace.key for trace in traces if trace.match > 0], reader)
    chosen = fairness.choose(ranked, available, query.words, language, teaching=watching.keys())[:EXPERTS]
    if not chosen:
        return ()
    described = experts.describe(session, reader, chosen, traces, now, half_life_days, known)
    if not reader.agent or not watching:
        return described
    return tuple(replace(expert, watched_by=watching.get(expert.person_id)) for expert in described)
