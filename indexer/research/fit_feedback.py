"""Chooses the shipped `Feedback` (`SHIPPED` in `recommender/search/fusion.py`).

A grid of values is tried on the train queries of evaluation sets. To see how well the choice generalises, each set is
also measured with the values that are best on the other sets. Then the shipped values are measured on the test queries.

Usage: python -m indexer.research.fit_feedback SET..., where each SET has a ranking task, as for `kollega evaluate`.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.evaluation import measures
from indexer.evaluation.run import QueryWithCandidates, Run, with_candidates
from indexer.evaluation.sets import EvaluationSet
from indexer.learning.comparison import Interval, difference
from recommender.encoder.load import load_encoder
from recommender.language.analyzer import Analyzer
from recommender.search.fusion import SHIPPED, Feedback, reorder
from recommender.settings import Settings

NOTHING = Feedback(0.0, 1.0)
TRIED = [Feedback(*values) for values in product((0.1, 0.2, 0.3, 0.4, 0.6), (0.02, 0.05, 0.1))]
MEASURE, TOP = "nDCG@10", 10

Task = tuple[str, str]
"""A set and its protocol."""
Measured = Mapping[Feedback, Mapping[Task, NDArray[np.float64]]]
"""The measure of each query, shape (queries,), by feedback and task."""


@dataclass(frozen=True)
class Gain:
    """What feedback gains over no feedback, as the mean over tasks. `chosen` is, for each set, the feedback that is
    best on the other sets, and `left_out` the gain with those. `best` is the best on all sets, `gained` the gain with
    it, and `tasks` that gain task by task."""

    chosen: Mapping[str, Feedback]
    left_out: Interval
    best: Feedback
    gained: Interval
    tasks: Mapping[Task, Interval]


def judge(measured: Measured, best: Feedback | None = None) -> Gain:
    """Choose the best of the measured values (NOTHING must be among them) unless `best` is given, and compute what it
    gains, also on sets that were not used for the choice."""
    before = measured[NOTHING]
    chosen = {name: _best(measured, [task for task in before if task[0] != name]) for name, _protocol in before}
    best = best or _best(measured, list(before))
    left_out = difference([(measured[chosen[task[0]]][task], before[task]) for task in before])
    gained = difference([(measured[best][task], before[task]) for task in before])
    tasks = {task: difference([(measured[best][task], before[task])]) for task in before}
    return Gain(chosen, left_out, best, gained, tasks)


def measure(queries: Mapping[Task, Sequence[QueryWithCandidates]], tried: Sequence[Feedback]) -> Measured:
    """Measure each value of `tried` on the candidates of each query."""
    return {
        feedback: {task: _measure_task(of_task, feedback) for task, of_task in queries.items()} for feedback in tried
    }


def _measure_task(queries: Sequence[QueryWithCandidates], feedback: Feedback) -> NDArray[np.float64]:
    relevant = {entry.query.id: entry.query.relevant for entry in queries}
    run = {
        entry.query.id: [entry.ids[candidate.item] for candidate in reorder(entry.candidates, feedback)[:TOP]]
        for entry in queries
    }
    scores = measures.measure(relevant, run, [MEASURE])[MEASURE]
    return np.array([scores[entry.query.id] for entry in queries])


def _best(measured: Measured, tasks: Sequence[Task]) -> Feedback:
    def mean(feedback: Feedback) -> float:
        return float(np.mean([measured[feedback][task].mean() for task in tasks] or [0.0]))

    return max(measured, key=mean)


def main(folders: Sequence[Path]) -> None:
    """Try all values, and print what was chosen and what it gains."""
    settings = Settings.from_environment()
    analyzer = Analyzer(settings.models_dir / "dictionaries")
    queries: dict[str, dict[Task, list[QueryWithCandidates]]] = {"train": {}, "test": {}}
    with Run.begin(settings, load_encoder(settings), analyzer, lambda _what, _done, _total: None) as run:
        for evaluation_set in [EvaluationSet.read(folder) for folder in folders]:
            for part, tasks in queries.items():
                for entry in with_candidates(evaluation_set, part, run):
                    tasks.setdefault((evaluation_set.name, entry.query.protocol), []).append(entry)
    gain = judge(measure(queries["train"], [NOTHING, *TRIED]))
    for name, feedback in gain.chosen.items():
        print(f"{name}: the other sets choose {feedback}")
    print(f"train: {gain.best} gains {gain.gained}; with the choice of the other sets: {gain.left_out}")
    _print(gain.tasks)
    shipped = judge(measure(queries["test"], [NOTHING, SHIPPED]), SHIPPED)
    print(f"test: {SHIPPED} gains {shipped.gained}")
    _print(shipped.tasks)


def _print(tasks: Mapping[Task, Interval]) -> None:
    for (name, protocol), gain in tasks.items():
        print(f"  {name} {protocol}: {gain}")


if __name__ == "__main__":
    main([Path(argument) for argument in sys.argv[1:]])
