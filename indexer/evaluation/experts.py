"""How often the colleagues named first are those who really answered: `kollega evaluate` on sets with an expert task.

"rolling" and "fixed" name the set's candidates only, "rolling, unfiltered" anybody. Weights are fitted on questions
asked before the split only: the shipped ones on several sets', and here on the other sets' and on the same one's.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.evaluation import measures
from indexer.evaluation.expert_questions import FILTERED, FIXED, UNFILTERED, Asked
from indexer.evaluation.measures import Interval
from indexer.learning.history import PastQuestion
from indexer.learning.train_experts import WARM_UP, fit_on
from recommender.people import fairness
from recommender.people.availability import Availability
from recommender.people.experts import Ranked, rank
from recommender.people.ranker import SHIPPED, VOTES, Ranker

MEASURES = ("P@1", "RR", "R@5", "nDCG@3")
RANKER, ELSEWHERE, HERE = "ranker", "ranker, fitted on the other sets", "ranker, fitted on this set's past"
AS_RANKED, SPREAD, CAPPED = "as ranked", "load spread", "load spread, capacity 3 of 20"
WEEK_OF, CAPACITY = 20, 3
"""In the simulation of load a week has this many questions, since the sets span weeks to years, and each candidate
wants to be first in at most so many of them."""
_YEAR = timedelta(days=365)


@dataclass(frozen=True)
class ExpertRow:
    """One method on one protocol of one set."""

    set: str
    protocol: str
    method: str
    n: int
    metrics: dict[str, float]


@dataclass(frozen=True)
class Load:
    """How first suggestions fall on a set's candidates when its questions are asked in turn: the share of the tenth who
    get most of them and Gini's coefficient, by kind of fairness, and what that does to the measures."""

    set: str
    kind: str
    top_tenth: float
    gini: float
    metrics: dict[str, float]


@dataclass
class ExpertEvaluation:
    """All rows, the ranker's MRR over each other method's (rolling, all queries pooled), and how load falls."""

    rows: list[ExpertRow] = field(default_factory=list)
    over: dict[str, dict[str, Interval]] = field(default_factory=dict)
    load: list[Load] = field(default_factory=list)


def judge(asked: Sequence[Asked], half_life_days: float) -> ExpertEvaluation:
    """Measure every method on what was asked."""
    found = ExpertEvaluation()
    ranks: dict[str, list[NDArray[np.float64]]] = {}
    for each in asked:
        others = [past for other in asked if other is not each for past in other.earlier[WARM_UP:]]
        rankers = {RANKER: SHIPPED, HERE: Ranker(fit_on(each.earlier[WARM_UP:], half_life_days))}
        if others:
            rankers[ELSEWHERE] = Ranker(fit_on(others, half_life_days, Ranker({})))
        everybody = {
            protocol: _runs(each, protocol, rankers, half_life_days) for protocol in (FIXED, FILTERED, UNFILTERED)
        }
        for protocol, by_method in everybody.items():
            for method, runs in by_method.items():
                scores = measures.measure(
                    {query: _named(grades) for query, grades in each.truth[protocol].items()},
                    {query: [str(person.person_id) for person in ranked] for query, ranked in runs.items()},
                    MEASURES,
                )
                metrics = {name: float(np.mean(list(values.values()))) for name, values in scores.items()}
                found.rows.append(ExpertRow(each.name, protocol, method, len(runs), metrics))
                if protocol == FILTERED:
                    rr = scores["RR"]
                    ranks.setdefault(method, []).append(np.array([rr[query] for query in sorted(rr)]))
        rolling = everybody[FILTERED][RANKER]
        found.load += [_load(each, rolling, kind) for kind in (AS_RANKED, SPREAD, CAPPED)]
    pooled = {method: np.concatenate(values) for method, values in ranks.items() if len(values) == len(asked)}
    for ranker in (RANKER, ELSEWHERE, HERE):
        if ranker in pooled:
            rivals = [method for method in pooled if method not in (RANKER, ELSEWHERE, HERE)]
            found.over[ranker] = {rival: measures.difference([(pooled[ranker], pooled[rival])]) for rival in rivals}
    return found


def unpack(held: Any) -> ExpertEvaluation:
    """The same from its fields as JSON holds them. Raises TypeError, LookupError or AttributeError for others."""
    over = {
        ranker: {rival: Interval(**each) for rival, each in rivals.items()} for ranker, rivals in held["over"].items()
    }
    return ExpertEvaluation([ExpertRow(**row) for row in held["rows"]], over, [Load(**each) for each in held["load"]])


Runs = dict[str, list[Ranked]]


def _runs(each: Asked, protocol: str, rankers: Mapping[str, Ranker], half_life_days: float) -> dict[str, Runs]:
    """{method: {question: people, best first}}."""
    near = each.near[protocol]
    runs: dict[str, Runs] = {}
    for name, since in (("popularity", None), ("popularity, last year", _YEAR)):
        runs[name] = {}
        for past in near["fusion"]:
            until = each.split if protocol == FIXED else past.at
            counts = Counter(
                person for person, at in each.answers if at < until and (since is None or at >= until - since)
            )
            ordered = [Ranked(person, count) for person, count in sorted(counts.items(), key=lambda c: (-c[1], c[0]))]
            runs[name][past.key] = _allowed(each, protocol, past, ordered)
    named = [(f"{method} votes", method, VOTES) for method in near]
    named += [(name, "fusion", ranker) for name, ranker in rankers.items()]
    for name, method, ranker in named:
        runs[name] = {}
        for past in near[method]:
            ranked = rank(past.traces, ranker, past.at, half_life_days, past.language, past.excluded)
            runs[name][past.key] = _allowed(each, protocol, past, ranked)
    return runs


def _allowed(each: Asked, protocol: str, past: PastQuestion, ranked: Sequence[Ranked]) -> list[Ranked]:
    """Without the asker, and where that is the protocol without those who are no candidates."""
    return [
        person
        for person in ranked
        if person.person_id not in past.excluded and (protocol == UNFILTERED or person.person_id in each.candidates)
    ]


def _load(each: Asked, runs: Runs, kind: str) -> Load:
    """Go through the rolling queries in turn, as the shipped ranker answers them, and count who comes first."""
    firsts: list[int] = []
    chosen: dict[str, list[str]] = {}
    for question, ranked in runs.items():
        if kind != AS_RANKED:
            lately = Counter(firsts[-WEEK_OF:])
            capacity = CAPACITY if kind == CAPPED else None
            free = {person: _free(person, capacity, lately[person]) for person in each.candidates}
            ranked = list(fairness.choose(ranked, free, (), "", least_share=0.0))
        chosen[question] = [str(person.person_id) for person in ranked]
        firsts += [person.person_id for person in ranked[:1]]
    scores = measures.measure(
        {query: _named(grades) for query, grades in each.truth[FILTERED].items()}, chosen, MEASURES
    )
    counts = Counter(firsts)
    loads = np.sort(np.array([counts[person] for person in sorted(each.candidates)], np.float64))
    return Load(
        each.name,
        kind,
        top_share(loads),
        gini(loads),
        {name: float(np.mean(list(values.values()))) for name, values in scores.items()},
    )


def top_share(loads: NDArray[np.float64]) -> float:
    """The share of all that falls on the tenth (rounded up) with the most."""
    most = np.sort(loads)[::-1][: -(-len(loads) // 10)]
    return float(most.sum() / max(1.0, loads.sum()))


def gini(loads: NDArray[np.float64]) -> float:
    """Gini's coefficient: 0 when all have the same, near 1 when one has all."""
    ordered = np.sort(loads)
    places = np.arange(1, len(ordered) + 1)
    total = ordered.sum()
    return float((2 * places - len(ordered) - 1) @ ordered / (len(ordered) * total)) if total else 0.0


def _free(person: int, capacity: int | None, load: int) -> Availability:
    return Availability(person, False, None, False, capacity, float(load), (), None)


def _named(grades: Mapping[int, int]) -> dict[str, int]:
    return {str(person): grade for person, grade in grades.items()}


def as_rows(found: ExpertEvaluation) -> list[dict[str, object]]:
    """Rows for JSON: {set, protocol, method, n, metrics}, the intervals and the load among them."""
    rows: list[dict[str, object]] = [
        {"set": f"{row.set}", "protocol": f"experts, {row.protocol}", "method": row.method, "n": row.n}
        | {"metrics": row.metrics}
        for row in found.rows
    ]
    for ranker, rivals in found.over.items():
        for rival, over in rivals.items():
            metrics = {"mean": over.mean, "low": over.low, "high": over.high}
            rows.append({"set": "all", "protocol": f"MRR over {rival}", "method": ranker, "metrics": metrics})
    for load in found.load:
        metrics = {"top tenth": load.top_tenth, "Gini": load.gini, **load.metrics}
        rows.append({"set": load.set, "protocol": "load", "method": load.kind, "metrics": metrics})
    return rows


def as_lines(found: ExpertEvaluation) -> list[str]:
    """Markdown tables: colleagues, the ranker over each other method, load."""
    if not found.rows:
        return []
    lines = ["", f"| set | colleagues | n | method | {' | '.join(MEASURES)} |", "|---" * 8 + "|"]
    for row in found.rows:
        figures = " | ".join(f"{row.metrics[name]:.3f}" for name in MEASURES)
        lines.append(f"| {row.set} | {row.protocol} | {row.n} | {row.method} | {figures} |")
    for ranker, rivals in found.over.items():
        lines.append("")
        for rival, over in rivals.items():
            lines.append(f"{ranker} over {rival}, MRR, rolling, all questions: {over}")
    lines += ["", f"| set | first suggestions | to the top tenth | Gini | {' | '.join(MEASURES)} |", "|---" * 8 + "|"]
    for load in found.load:
        figures = " | ".join(f"{load.metrics[name]:.3f}" for name in MEASURES)
        lines.append(f"| {load.set} | {load.kind} | {load.top_tenth:.3f} | {load.gini:.3f} | {figures} |")
    return lines
