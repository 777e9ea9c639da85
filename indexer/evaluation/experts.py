"""How well colleagues are suggested: how often those suggested first are those who really answered.

Protocols "rolling" and "fixed" suggest a set's candidates only, "rolling, unfiltered" anybody. Weights are fitted only
on questions from before the split: the shipped weights on those of several sets; here also on those of the other sets,
and on those of the same set.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.evaluation import measures
from indexer.evaluation.expert_questions import FILTERED, FIXED, UNFILTERED, ExpertRun
from indexer.evaluation.measures import Scores
from indexer.learning.comparison import Interval, difference
from indexer.learning.history import PastQuestion
from indexer.learning.train_experts import WARM_UP, fit_on, fit_shared
from recommender.people import fairness
from recommender.people.availability import Availability
from recommender.people.experts import Ranked, rank
from recommender.people.ranker import SHIPPED, VOTES, Ranker

MEASURES = ("P@1", "RR", "R@5", "nDCG@3")
RANKER, ELSEWHERE, HERE = "ranker", "ranker, fitted on the other sets", "ranker, fitted on this set's past"
AS_RANKED, SPREAD, CAPPED = "as ranked", "load spread", "load spread, capacity 3 of 20"
WEEK_OF, CAPACITY = 20, 3
"""In the simulation of load a week has 20 questions (the sets last from weeks to years), and each candidate wants to be
suggested first for at most 3 of them. Both are judgements."""
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
    """How first suggestions are distributed over a set's candidates when its questions are asked one after another, for
    one kind of fairness: the share of the tenth of people who get most of them, Gini's coefficient, and the measures of
    quality."""

    set: str
    kind: str
    top_tenth: float
    gini: float
    metrics: dict[str, float]


@dataclass
class ExpertEvaluation:
    """All rows; `ranker_gain`, the MRR of each ranker minus that of each other method ({ranker: {method: interval}},
    rolling, the queries of all sets together); and the distribution of load."""

    rows: list[ExpertRow] = field(default_factory=list)
    ranker_gain: dict[str, dict[str, Interval]] = field(default_factory=dict)
    load: list[Load] = field(default_factory=list)


def judge(runs: Sequence[ExpertRun], half_life_days: float) -> ExpertEvaluation:
    """Measure every method on the questions of all sets."""
    evaluation = ExpertEvaluation()
    reciprocal_ranks: dict[str, list[NDArray[np.float64]]] = {}
    for run in runs:
        rankers = _rankers(run, runs, half_life_days)
        for protocol in (FIXED, FILTERED, UNFILTERED):
            rankings = _rankings(run, protocol, rankers, half_life_days)
            for method, by_question in rankings.items():
                scores = _scores(run, protocol, by_question)
                evaluation.rows.append(ExpertRow(run.name, protocol, method, len(by_question), _means(scores)))
                if protocol == FILTERED:
                    values = scores["RR"]
                    reciprocal_ranks.setdefault(method, []).append(np.array([values[key] for key in sorted(values)]))
            if protocol == FILTERED:
                evaluation.load += [_load(run, rankings[RANKER], kind) for kind in (AS_RANKED, SPREAD, CAPPED)]
    pooled = {method: np.concatenate(ranks) for method, ranks in reciprocal_ranks.items() if len(ranks) == len(runs)}
    for ranker in (RANKER, ELSEWHERE, HERE):
        if ranker in pooled:
            rivals = [method for method in pooled if method not in (RANKER, ELSEWHERE, HERE)]
            gains = {rival: difference([(pooled[ranker], pooled[rival])]) for rival in rivals}
            evaluation.ranker_gain[ranker] = gains
    return evaluation


def _rankers(run: ExpertRun, runs: Sequence[ExpertRun], half_life_days: float) -> dict[str, Ranker]:
    """The shipped ranker, one fitted on this set's earlier questions, and one fitted on the other sets'."""
    rankers = {RANKER: SHIPPED, HERE: Ranker(fit_on(run.earlier[WARM_UP:], half_life_days))}
    others = [past for other in runs if other is not run for past in other.earlier[WARM_UP:]]
    if others:
        rankers[ELSEWHERE] = Ranker(fit_shared(others, half_life_days))
    return rankers


def unpack(stored: Any) -> ExpertEvaluation:
    """An ExpertEvaluation from its fields as JSON values. Raises TypeError, LookupError or AttributeError for other
    values."""
    gain = {
        ranker: {rival: Interval(**interval) for rival, interval in rivals.items()}
        for ranker, rivals in stored["ranker_gain"].items()
    }
    rows = [ExpertRow(**row) for row in stored["rows"]]
    return ExpertEvaluation(rows, gain, [Load(**load) for load in stored["load"]])


Rankings = dict[str, list[Ranked]]
"""{question: people, best first}"""


def _rankings(
    run: ExpertRun, protocol: str, rankers: Mapping[str, Ranker], half_life_days: float
) -> dict[str, Rankings]:
    """{method: rankings}."""
    questions = run.questions[protocol]
    rankings: dict[str, Rankings] = {}
    for name, since in (("popularity", None), ("popularity, last year", _YEAR)):
        rankings[name] = {
            past.key: _allowed(
                run, protocol, past, _most_active(run, run.split if protocol == FIXED else past.at, since)
            )
            for past in questions["fusion"]
        }
    methods = [(f"{method} votes", method, VOTES) for method in questions]
    methods += [(name, "fusion", ranker) for name, ranker in rankers.items()]
    for name, method, ranker in methods:
        rankings[name] = {}
        for past in questions[method]:
            ranked = rank(past.traces, ranker, past.at, half_life_days, past.language, past.excluded)
            rankings[name][past.key] = _allowed(run, protocol, past, ranked)
    return rankings


def _most_active(run: ExpertRun, until: datetime, since: timedelta | None) -> list[Ranked]:
    """People by the number of answers they had given by then, in all or within the time `since`."""
    counts = Counter(person for person, at in run.answers if at < until and (since is None or at >= until - since))
    return [Ranked(person, count) for person, count in sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))]


def _allowed(run: ExpertRun, protocol: str, past: PastQuestion, ranked: Sequence[Ranked]) -> list[Ranked]:
    """The ranked people without the asker and, unless the protocol is unfiltered, only candidates."""
    return [
        person
        for person in ranked
        if person.person_id not in past.excluded and (protocol == UNFILTERED or person.person_id in run.candidates)
    ]


def _load(run: ExpertRun, rankings: Rankings, kind: str) -> Load:
    """Ask the rolling queries one after another, with the shipped ranker, and count who is suggested first."""
    firsts: list[int] = []
    suggested: Rankings = {}
    for question, ranked in rankings.items():
        if kind != AS_RANKED:
            recent = Counter(firsts[-WEEK_OF:])
            capacity = CAPACITY if kind == CAPPED else None
            available = {person: _availability(person, capacity, recent[person]) for person in run.candidates}
            ranked = list(fairness.choose(ranked, available, (), "", least_share=0.0))
        suggested[question] = ranked
        firsts += [person.person_id for person in ranked[:1]]
    counts = Counter(firsts)
    loads = np.sort(np.array([counts[person] for person in sorted(run.candidates)], np.float64))
    return Load(run.name, kind, top_share(loads), gini(loads), _means(_scores(run, FILTERED, suggested)))


def _scores(run: ExpertRun, protocol: str, rankings: Rankings) -> Scores:
    """{measure: {question: value}}."""
    relevant = {
        question: {str(person): grade for person, grade in grades.items()}
        for question, grades in run.truth[protocol].items()
    }
    named = {question: [str(person.person_id) for person in ranked] for question, ranked in rankings.items()}
    return measures.measure(relevant, named, MEASURES)


def _means(scores: Scores) -> dict[str, float]:
    return {name: float(np.mean(list(values.values()))) for name, values in scores.items()}


def top_share(loads: NDArray[np.float64]) -> float:
    """The share of the sum that belongs to the tenth of people (rounded up) with the highest loads."""
    most = np.sort(loads)[::-1][: -(-len(loads) // 10)]
    return float(most.sum() / max(1.0, loads.sum()))


def gini(loads: NDArray[np.float64]) -> float:
    """Gini's coefficient: 0 when all have the same load, near 1 when one person has all of it."""
    ordered = np.sort(loads)
    places = np.arange(1, len(ordered) + 1)
    total = ordered.sum()
    return float((2 * places - len(ordered) - 1) @ ordered / (len(ordered) * total)) if total else 0.0


def _availability(person: int, capacity: int | None, load: int) -> Availability:
    return Availability(person, False, None, False, capacity, float(load), (), None)


def as_rows(evaluation: ExpertEvaluation) -> list[dict[str, object]]:
    """Rows for JSON: {set, protocol, method, n, metrics}, also for the intervals and the load."""
    rows: list[dict[str, object]] = [
        {"set": f"{row.set}", "protocol": f"experts, {row.protocol}", "method": row.method, "n": row.n}
        | {"metrics": row.metrics}
        for row in evaluation.rows
    ]
    for ranker, rivals in evaluation.ranker_gain.items():
        for rival, gain in rivals.items():
            metrics = {"mean": gain.mean, "low": gain.low, "high": gain.high}
            rows.append({"set": "all", "protocol": f"MRR over {rival}", "method": ranker, "metrics": metrics})
    for load in evaluation.load:
        metrics = {"top tenth": load.top_tenth, "Gini": load.gini, **load.metrics}
        rows.append({"set": load.set, "protocol": "load", "method": load.kind, "metrics": metrics})
    return rows


def as_lines(evaluation: ExpertEvaluation) -> list[str]:
    """Markdown tables: colleagues, each ranker compared with the other methods, load."""
    if not evaluation.rows:
        return []
    lines = ["", f"| set | colleagues | n | method | {' | '.join(MEASURES)} |", "|---" * 8 + "|"]
    for row in evaluation.rows:
        figures = " | ".join(f"{row.metrics[name]:.3f}" for name in MEASURES)
        lines.append(f"| {row.set} | {row.protocol} | {row.n} | {row.method} | {figures} |")
    for ranker, rivals in evaluation.ranker_gain.items():
        lines.append("")
        for rival, gain in rivals.items():
            lines.append(f"{ranker} minus {rival}, MRR, rolling, all questions: {gain}")
    lines += ["", f"| set | first suggestions | to the top tenth | Gini | {' | '.join(MEASURES)} |", "|---" * 8 + "|"]
    for load in evaluation.load:
        figures = " | ".join(f"{load.metrics[name]:.3f}" for name in MEASURES)
        lines.append(f"| {load.set} | {load.kind} | {load.top_tenth:.3f} | {load.gini:.3f} | {figures} |")
    return lines
