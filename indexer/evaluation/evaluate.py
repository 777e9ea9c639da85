"""`kollega evaluate`: from sets of questions with known answers to the measures of search and of colleagues.

`run.py` asks the questions, `measures.py` computes, `report.py` shows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.evaluation import expert_questions, experts, measures
from indexer.evaluation.cache import AnswerCache, state_with
from indexer.evaluation.experts import ExpertEvaluation
from indexer.evaluation.measures import Bin, Scores
from indexer.evaluation.report import Evaluation, Row
from indexer.evaluation.run import EXISTS, METHODS, RANKED, Answer, Answers, Run, answer_queries, ask_experts
from indexer.evaluation.sets import EvaluationSet, Query
from indexer.evaluation.store import Progress
from indexer.learning.comparison import difference
from recommender.encoder import Encoder
from recommender.errors import EvaluationError
from recommender.language.analyzer import Analyzer
from recommender.settings import Settings

_MAIN_MEASURE = "nDCG@10"
Pairs = dict[str, list[tuple[NDArray[np.float64], NDArray[np.float64]]]]
"""By method, for each task: the main measure of fusion and of that method, each of shape (queries,)."""


def evaluate(
    settings: Settings,
    encoder: Encoder,
    analyzer: Analyzer,
    folders: Sequence[Path],
    part: str = "test",
    progress: Progress = lambda _what, _done, _total: None,
) -> Evaluation:
    """Ask the queries of one part (test, train or all) of every set by every method, and measure the answers.

    Raises EvaluationError for a set that cannot be used, or when a library of the extra is not installed.
    """
    sets = [EvaluationSet.read(folder) for folder in folders]
    for evaluation_set in sets:
        _check_protocols(evaluation_set)
    evaluation = Evaluation()
    pairs: Pairs = {method: [] for method in METHODS if method != "fusion"}
    with Run.begin(settings, encoder, analyzer, progress) as run:
        for evaluation_set in sets:
            queries = [query for query in evaluation_set.queries if part in ("all", query.part)]
            answers = answer_queries(evaluation_set, queries, run)
            _measure_ranking(evaluation_set.name, queries, answers, evaluation, pairs)
            _measure_probability(evaluation_set.name, queries, answers, evaluation)
        if part != "train":
            evaluation.experts = _evaluate_experts(folders, sets, run)
    if any(pairs.values()):
        evaluation.fusion_gain = {method: difference(tasks) for method, tasks in pairs.items()}
    return evaluation


def _check_protocols(evaluation_set: EvaluationSet) -> None:
    protocols = {query.protocol for query in evaluation_set.queries}
    if not expert_questions.has_experts(evaluation_set) and not protocols & set(RANKED):
        raise EvaluationError(
            f"{evaluation_set.name} contains no query with a protocol that is measured: {', '.join(RANKED)}."
        )


def _measure_ranking(
    name: str, queries: Sequence[Query], answers: Answers, evaluation: Evaluation, pairs: Pairs
) -> None:
    """Add a row for each ranked task and method, and to `pairs` the values to compare fusion with."""
    present = {query.protocol for query in queries}
    for protocol in (protocol for protocol in RANKED if protocol in present):
        of_protocol = [query for query in queries if query.protocol == protocol]
        scores = _ranking_scores(of_protocol, answers)
        for method in METHODS:
            metrics = {measure: float(np.mean(list(values.values()))) for measure, values in scores[method].items()}
            gain = None
            if method in pairs:
                pair = _values(scores["fusion"]), _values(scores[method])
                pairs[method].append(pair)
                gain = difference([pair])
            evaluation.rows.append(Row(name, protocol, method, len(of_protocol), metrics, gain))


def _ranking_scores(queries: Sequence[Query], answers: Answers) -> dict[str, Scores]:
    """{method: {measure: {query id: value}}}."""
    relevant = {query.id: query.relevant for query in queries}
    return {
        method: measures.measure(relevant, {query.id: by_query[query.id][0] for query in queries})
        for method, by_query in answers.items()
    }


def _values(scores: Scores) -> NDArray[np.float64]:
    """The main measure of each query in the order of their ids, shape (queries,)."""
    values = scores[_MAIN_MEASURE]
    return np.array([values[query] for query in sorted(values)])


def _measure_probability(name: str, queries: Sequence[Query], answers: Answers, evaluation: Evaluation) -> None:
    """Add a row for each method, if the set has questions with and without an answer, and fusion's reliability."""
    labelled = [query for query in queries if query.protocol in EXISTS]
    if len({query.protocol for query in labelled}) < len(EXISTS):
        return
    for method in METHODS:
        row, bins = _probability_row(name, labelled, answers[method], method)
        evaluation.rows.append(row)
        if method == "fusion":
            evaluation.calibration[name] = bins


def _probability_row(
    name: str, queries: Sequence[Query], answers: Mapping[str, Answer], method: str
) -> tuple[Row, list[Bin]]:
    """A row with how well the probability separates questions with an answer from those without, and how well it is
    calibrated; and the bins of the reliability diagram."""
    probabilities = [answers[query.id][1] for query in queries]
    exists = [query.protocol == "in-scope" for query in queries]
    bins = measures.reliability(probabilities, exists)
    metrics = {"AUROC": measures.auroc(probabilities, exists), "ECE": measures.calibration_error(bins)}
    return Row(name, "answer exists", method, len(queries), metrics), bins


def _evaluate_experts(folders: Sequence[Path], sets: Sequence[EvaluationSet], run: Run) -> ExpertEvaluation:
    """How well colleagues are suggested, on the sets that have a task for it."""
    tasks = [
        (evaluation_set, expert_questions.read(folder, evaluation_set))
        for folder, evaluation_set in zip(folders, sets, strict=True)
        if expert_questions.has_experts(evaluation_set)
    ]
    if not tasks:
        return ExpertEvaluation()
    inputs = [(evaluation_set.name, evaluation_set.digest, task) for evaluation_set, task in tasks]
    cache = AnswerCache(run.settings.home / "evaluation" / "colleagues.json.gz", state_with(run.state, inputs))
    result = cache.read(experts.unpack)
    if result is None:
        result = experts.judge([ask_experts(*task, run) for task in tasks], run.settings.half_life_days)
        cache.write(asdict(result))
    return result
