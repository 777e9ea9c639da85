"""The feedback that ships (`fusion.SHIPPED`): tried on sets' train queries, each set by what the others say of it, and
what it gains on their test queries.

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
from indexer.evaluation.measures import Interval
from indexer.evaluation.run import QueryWithCandidates, Run, with_candidates
from indexer.evaluation.sets import EvaluationSet
from recommender.encoder.load import load_encoder
from recommender.language.analyzer import Analyzer
from recommender.search.fusion import SHIPPED, Feedback, reorder
from recommender.settings import Settings

NOTHING = Feedback(0.0, 1.0)
TRIED = [Feedback(*each) for each in product((0.1, 0.2, 0.3, 0.4, 0.6), (0.02, 0.05, 0.1))]
MEASURE, TOP = "nDCG@10", 10

Task = tuple[str, str]
"""A set and its protocol."""
Measured = Mapping[Feedback, Mapping[Task, NDArray[np.float64]]]
"""The measure of each question, shape (questions,), by task."""


@dataclass(frozen=True)
class Gain:
    """What feedback gains over none, on the mean of the tasks: `chosen` for each set by the other sets, and `left_out`
    with those; `best` over all sets, and `gained` with that."""

    chosen: Mapping[str, Feedback]
    left_out: Interval
    best: Feedback
    gained: Interval
    tasks: Mapping[Task, Interval]
    """With `best`, task by task."""


def judge(measured: Measured, best: Feedback | None = None) -> Gain:
    """The best feedback of those measured, NOTHING among them, and whether it gains where it was not chosen; with
    `best`, what that one gains."""
    before = measured[NOTHING]
    chosen = {name: _best(measured, [task for task in before if task[0] != name]) for name, _protocol in before}
    best = best or _best(measured, list(before))
    left_out = measures.difference([(measured[chosen[task[0]]][task], before[task]) for task in before])
    gained = measures.difference([(measured[best][task], before[task]) for task in before])
    tasks = {task: measures.difference([(measured[best][task], before[task])]) for task in before}
    return Gain(chosen, left_out, best, gained, tasks)


def measure(asked: Mapping[Task, Sequence[QueryWithCandidates]], tried: Sequence[Feedback]) -> Measured:
    """Each of `tried` on each question's candidates."""
    return {feedback: {task: _task(near, feedback) for task, near in asked.items()} for feedback in tried}


def _task(asked: Sequence[QueryWithCandidates], feedback: Feedback) -> NDArray[np.float64]:
    relevant = {each.query.id: each.query.relevant for each in asked}
    run = {
        each.query.id: [each.ids[candidate.item] for candidate in reorder(each.candidates, feedback)[:TOP]]
        for each in asked
    }
    scores = measures.measure(relevant, run, [MEASURE])[MEASURE]
    return np.array([scores[each.query.id] for each in asked])


def _best(measured: Measured, tasks: Sequence[Task]) -> Feedback:
    return max(measured, key=lambda each: float(np.mean([measured[each][task].mean() for task in tasks] or [0.0])))


def main(folders: Sequence[Path]) -> None:
    """Try, and print what was chosen and what it gains."""
    settings = Settings.from_environment()
    analyzer = Analyzer(settings.models_dir / "dictionaries")
    asked: dict[str, dict[Task, list[QueryWithCandidates]]] = {"train": {}, "test": {}}
    with Run.begin(settings, load_encoder(settings), analyzer, lambda _what, _done, _total: None) as run:
        for each in [EvaluationSet.read(folder) for folder in folders]:
            for part, tasks in asked.items():
                for near in with_candidates(each, part, run):
                    tasks.setdefault((each.name, near.query.protocol), []).append(near)
    found = judge(measure(asked["train"], [NOTHING, *TRIED]))
    for name, feedback in found.chosen.items():
        print(f"{name} by the other sets: {feedback}")
    print(f"train: {found.best} gains {found.gained}; chosen by the other sets: {found.left_out}")
    _print(found.tasks)
    shipped = judge(measure(asked["test"], [NOTHING, SHIPPED]), SHIPPED)
    print(f"test: {SHIPPED} gains {shipped.gained}")
    _print(shipped.tasks)


def _print(tasks: Mapping[Task, Interval]) -> None:
    for (name, protocol), gain in tasks.items():
        print(f"  {name} {protocol}: {gain}")


if __name__ == "__main__":
    main([Path(argument) for argument in sys.argv[1:]])
