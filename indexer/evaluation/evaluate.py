"""`kollega evaluate`: from sets of questions with known answers to the measures of search and of colleagues.

`run.py` asks the questions, `measures.py` computes, `report.py` shows.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.evaluation import expert_questions, experts, measures
from indexer.evaluation.cache import AnswerCache, state_with
from indexer.evaluation.expert_questions import ExpertTask
from indexer.evaluation.measures import Bin, Scores
from indexer.evaluation.report import Evaluation, Row
from indexer.evaluation.run import EXISTS, METHODS, RANKED, Answer, Answers, Run, answer_queries, ask_experts
from indexer.evaluation.sets import EvaluationSet, Query, undated
from indexer.evaluation.store import Progress
from indexer.learning.comparison import difference
from recommender.encoder import Encoder
from recommender.errors import EvaluationError
from recommender.language.analyzer import Analyzer
from recommender.settings import Settings

log = logging.getLogger(__name__)
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

    What cannot be measured is left out, with a sentence in `problems`; so is the rest when somebody stops it (Ctrl+C).
    Raises EvaluationError for a set that cannot be read, or when a library of the extra is not installed.
    """
    sets = [EvaluationSet.read(folder) for folder in folders]
    for evaluation_set in sets:
        _check_protocols(evaluation_set)
    evaluation = Evaluation()
    pairs: Pairs = {method: [] for method in METHODS if method != "fusion"}
    tasks = _expert_tasks(folders, sets, evaluation) if part != "train" else []
    try:
        with Run.begin(settings, encoder, analyzer, progress) as run:
            for evaluation_set in sets:
                with _problems_kept(f"{evaluation_set.name}: search", evaluation):
                    _measure_search(evaluation_set, part, run, evaluation, pairs)
            _evaluate_experts(tasks, run, evaluation)
    except KeyboardInterrupt:
        evaluation.problems.append("Stopped before everything was measured.")
    if any(pairs.values()):
        evaluation.fusion_gain = {method: difference(tasks) for method, tasks in pairs.items()}
    return evaluation


@contextmanager
def _problems_kept(what: str, evaluation: Evaluation) -> Iterator[None]:
    """Turns an error into a sentence in `problems`, so that what was measured before is not lost."""
    try:
        yield
    except EvaluationError as error:
        evaluation.problems.append(f"{what} is left out: {error}")
    except Exception as error:
        log.debug("%s", what, exc_info=True)
        evaluation.problems.append(
            f"{what} is left out, because of an error: {type(error).__name__}: {error}. Run `kollega -v evaluate` on "
            "this set to see where."
        )


def _measure_search(evaluation_set: EvaluationSet, part: str, run: Run, evaluation: Evaluation, pairs: Pairs) -> None:
    """Measure the ranking and the probability on a set, without the queries whose items lack a time that they need."""
    queries = [query for query in evaluation_set.queries if part in ("all", query.part)]
    left_out = [query for query in queries if undated(evaluation_set, query)]
    if left_out:
        evaluation.problems.append(
            f"{evaluation_set.name}: {len(left_out)} of {len(queries)} queries are left out, because they have "
            f"filter.before and a relevant item has no created_at (the first is {left_out[0].id})."
        )
        queries = [query for query in queries if query not in left_out]
    answers = answer_queries(evaluation_set, queries, run)
    _measure_ranking(evaluation_set.name, queries, answers, evaluation, pairs)
    _measure_probability(evaluation_set.name, queries, answers, evaluation)


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


ExpertTasks = list[tuple[EvaluationSet, ExpertTask]]


def _expert_tasks(folders: Sequence[Path], sets: Sequence[EvaluationSet], evaluation: Evaluation) -> ExpertTasks:
    """The expert tasks of the sets that have one and the times that it needs."""
    tasks: ExpertTasks = []
    for folder, evaluation_set in zip(folders, sets, strict=True):
        if not expert_questions.has_experts(evaluation_set):
            continue
        with _problems_kept(f"{evaluation_set.name}: the suggestion of colleagues", evaluation):
            task = _expert_task(folder, evaluation_set)
            without = [identifier for identifier, row in evaluation_set.corpus.items() if not row.get("created_at")]
            if without:
                raise EvaluationError(f"{len(without)} items have no created_at (the first is {without[0]}).")
            if not task.queries:
                raise EvaluationError("no query with experts has the time asked_at.")
            tasks.append((evaluation_set, task))
    return tasks


def _expert_task(folder: Path, evaluation_set: EvaluationSet) -> ExpertTask:
    try:
        return expert_questions.read(folder, evaluation_set)
    except (TypeError, LookupError, AttributeError) as error:
        raise EvaluationError(f"meta.json or people.jsonl.gz in {folder} cannot be used ({error!r}).") from error


def _evaluate_experts(tasks: ExpertTasks, run: Run, evaluation: Evaluation) -> None:
    """Measure how well colleagues are suggested, on all sets with an expert task together."""
    runs, inputs = [], []
    for evaluation_set, task in tasks:
        with _problems_kept(f"{evaluation_set.name}: the suggestion of colleagues", evaluation):
            runs.append(ask_experts(evaluation_set, task, run))
            inputs.append((evaluation_set.name, evaluation_set.digest, task))
    if not runs:
        return
    with _problems_kept("The suggestion of colleagues", evaluation):
        cache = AnswerCache(run.settings.home / "evaluation" / "colleagues.json.gz", state_with(run.state, inputs))
        result = cache.read(experts.unpack)
        if result is None:
            result = experts.judge(runs, run.settings.half_life_days)
            cache.write(asdict(result))
        evaluation.experts = result
