"""`kollega evaluate`: sets of questions with known answers, asked of the recommender itself.

Each set is asked in its throw-away store (`evaluation_store.py`). What was answered is kept there, and asked again only
when something that makes the answers has changed (`kept_answers.py`).
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from indexer.evaluation import expert_questions, experts, measures
from indexer.evaluation.cache import AnswerCache, CachingEncoder, state_of, state_with
from indexer.evaluation.experts import ExpertEvaluation
from indexer.evaluation.measures import Interval, Scores
from indexer.evaluation.sets import FILES, EvaluationSet, Query, allowed
from indexer.evaluation.store import ANSWERS, ITEMS, Progress, Store, home_of, open_store
from recommender.access import ANYONE
from recommender.encoder import Encoder
from recommender.errors import EvaluationError, IndexDamaged
from recommender.index.local import LocalIndex
from recommender.language.analyzer import Analyzer
from recommender.live import Live, Snapshot
from recommender.recommender import Recommender
from recommender.search.fusion import Candidate
from recommender.search.question import QuestionAnalyzer
from recommender.settings import Settings

METHODS = ("lexical", "dense", "fusion")
RANKED = ("similar", "answer", "in-scope", "fi-fi", "en-en", "fi-en", "en-fi", "fi-all")
EXISTS = ("in-scope", "out-of-scope")
_TOP = 10


@dataclass(frozen=True)
class Row:
    """One method on one task of one set; `over` holds fusion minus the leg for nDCG@10."""

    set: str
    protocol: str
    method: str
    n: int
    metrics: dict[str, float]
    over: Interval | None = None


@dataclass
class Evaluation:
    """All rows, fusion minus each leg over all tasks, how true the probabilities are by set, and the colleagues."""

    rows: list[Row] = field(default_factory=list)
    over: dict[str, Interval] = field(default_factory=dict)
    calibration: dict[str, list[measures.Bin]] = field(default_factory=dict)
    experts: ExpertEvaluation = field(default_factory=ExpertEvaluation)


@dataclass(frozen=True)
class Run:
    """What all questions are asked with, and the state (`kept_answers.py`) of what answers them."""

    settings: Settings
    encoder: CachingEncoder
    analyzer: Analyzer
    progress: Progress
    state: str

    @classmethod
    @contextmanager
    def begin(cls, settings: Settings, encoder: Encoder, analyzer: Analyzer, progress: Progress) -> Iterator["Run"]:
        """A run that keeps its vectors and answers for the next one."""
        keeping = CachingEncoder(encoder, settings.home / "evaluation" / "vectors")
        try:
            yield cls(settings, keeping, analyzer, progress, state_of(settings, encoder.card))
        finally:
            keeping.close()


def holding_sets(folders: Sequence[Path]) -> list[Path]:
    """Of several existing folders those that hold a set or a part of one; all of them when none does. So `DIR/*/` may
    name folders of other things too."""
    held = [folder for folder in folders if any((folder / name).exists() for name in FILES) or not folder.is_dir()]
    return held or list(folders)


def evaluate(
    settings: Settings,
    encoder: Encoder,
    analyzer: Analyzer,
    folders: Sequence[Path],
    part: str = "test",
    progress: Progress = lambda _what, _done, _total: None,
) -> Evaluation:
    """Ask every set's queries of one part by every method. Raises EvaluationError for a set that cannot be used."""
    sets = [EvaluationSet.read(folder) for folder in folders]
    for each in sets:
        asks = {query.protocol for query in each.queries}
        if not expert_questions.has_experts(each) and not asks & set(RANKED):
            raise EvaluationError(f"{each.name} holds no query with a protocol that is measured: {', '.join(RANKED)}.")
    found = Evaluation()
    pairs: dict[str, list[Any]] = {leg: [] for leg in METHODS[:-1]}
    with Run.begin(settings, encoder, analyzer, progress) as run:
        for each in sets:
            queries = [query for query in each.queries if part in ("all", query.part)]
            asked = _asked(each, queries, run)
            for protocol in (name for name in RANKED if name in {query.protocol for query in queries}):
                scores, rows = _rank_rows(each, protocol, [q for q in queries if q.protocol == protocol], asked)
                found.rows += rows
                for leg in pairs:
                    pairs[leg].append(tuple(_array(scores[method]["nDCG@10"]) for method in ("fusion", leg)))
            known = [query for query in queries if query.protocol in EXISTS]
            if len({query.protocol for query in known}) == len(EXISTS):
                for method in METHODS:
                    row, bins = _exists_row(each, known, asked[method], method)
                    found.rows.append(row)
                    if method == "fusion":
                        found.calibration[each.name] = bins
        if part != "train":
            found.experts = _judge_experts(folders, sets, run)
    if any(pairs.values()):
        found.over = {leg: measures.difference(each) for leg, each in pairs.items()}
    return found


def _judge_experts(folders: Sequence[Path], sets: Sequence[EvaluationSet], run: Run) -> ExpertEvaluation:
    """How well colleagues are named, on the sets that have a task for it."""
    pairs = zip(folders, sets, strict=True)
    tasks = [
        (each, expert_questions.read(folder, each)) for folder, each in pairs if expert_questions.has_experts(each)
    ]
    if not tasks:
        return ExpertEvaluation()
    state = state_with(run.state, [(each.name, each.digest, task) for each, task in tasks])
    kept = AnswerCache(run.settings.home / "evaluation" / "colleagues.json.gz", state)
    known = kept.read(experts.unpack)
    if known is None:
        asked = [ask_experts(each, task, run) for each, task in tasks]
        known = experts.judge(asked, run.settings.half_life_days)
        kept.write(asdict(known))
    return known


def ask_experts(each: EvaluationSet, task: expert_questions.Task, run: Run) -> expert_questions.Asked:
    """Ask the questions of a set with an expert task, in its throw-away store."""
    home = home_of(each, ITEMS, run.settings, run.encoder.card)
    kept = AnswerCache(home / "colleagues.json.gz", state_with(run.state, task))
    known = kept.read(expert_questions.unpack)
    if known is not None:
        return known
    store = open_store(each, ITEMS, run.settings, run.encoder, run.analyzer, run.progress)
    with store.sessions() as session:
        asked = expert_questions.ask(task, each, session, store.keys, _methods(store, run), run.progress)
    store.sessions.kw["bind"].dispose()
    kept.write(expert_questions.pack(asked))
    return asked


@dataclass(frozen=True)
class Near:
    """A question, the items near it by their fused score, best first, and the corpus id of each by its key."""

    query: Query
    candidates: list[Candidate]
    ids: Mapping[str, str]


def near_questions(each: EvaluationSet, part: str, run: Run, most: int = 30) -> Iterator[Near]:
    """The ranked tasks of one part of a set, each question with up to `most` items: what weights are fitted on."""
    for pool in (ITEMS, ANSWERS):
        wanted = [q for q in each.queries if q.part == part and q.protocol in RANKED and _pool(q) == pool]
        if not wanted:
            continue
        store = open_store(each, pool, run.settings, run.encoder, run.analyzer, run.progress)
        run.encoder.encode_queries([query.text.strip() for query in wanted])
        ids = {key: identifier for identifier, key in store.keys.items()}
        recommender = _methods(store, run)["fusion"]
        for query in wanted:
            found = recommender.candidates(query.text, ANYONE, _among(each, query, store))[:most]
            yield Near(query, [replace(one, direction=_own(one.direction)) for one in found], ids)
        store.sessions.kw["bind"].dispose()


def _own(direction: Any) -> Any:
    """A copy, so that a row of it does not hold the whole array."""
    return None if direction is None else direction.copy()


Answer = tuple[list[str], float]
"""Corpus ids, best first, and the probability that there is an answer."""
Asked = dict[str, dict[str, Answer]]
"""{method: {query id: answer}}"""


def _asked(each: EvaluationSet, queries: Sequence[Query], run: Run) -> Asked:
    """Every query's answer by every method: those kept from an earlier run, and the others asked now."""
    asked: Asked = {method: {} for method in METHODS}
    for pool in (ITEMS, ANSWERS):
        wanted = [query for query in queries if query.protocol in (*RANKED, *EXISTS) and _pool(query) == pool]
        if not wanted:
            continue
        home = home_of(each, pool, run.settings, run.encoder.card)
        kept = AnswerCache(home / "rankings.json.gz", run.state)
        known = kept.read(_rankings) or {}
        missing = [query for query in wanted if _question(query) not in known]
        if missing:
            store = open_store(each, pool, run.settings, run.encoder, run.analyzer, run.progress)
            known |= _ask(each, missing, store, run)
            kept.write(known)
        for query in wanted:
            for method, answer in known[_question(query)].items():
                asked[method][query.id] = answer
    return asked


def _ask(each: EvaluationSet, queries: Sequence[Query], store: Store, run: Run) -> dict[str, dict[str, Answer]]:
    """{question: {method: answer}}."""
    run.progress(f"{each.name}: questions", 0, len(queries))
    run.encoder.encode_queries([query.text.strip() for query in queries])  # together, and kept for each method
    ids = {key: identifier for identifier, key in store.keys.items()}
    among = {repr(query.filter): _among(each, query, store) for query in queries}
    answers: dict[str, dict[str, Answer]] = {}
    with store.sessions() as session:
        for method, one in _methods(store, run).items():
            for number, query in enumerate(queries):
                ranking = one.rank(query.text, ANYONE, session, _TOP, among[repr(query.filter)])
                answer = [ids[key] for key in ranking.keys], ranking.exists
                answers.setdefault(_question(query), {})[method] = answer
                session.expunge_all()
                run.progress(f"{each.name}: {method}", number + 1, len(queries))
    store.sessions.kw["bind"].dispose()
    return answers


def _question(query: Query) -> str:
    """What is asked: the text, and what may be found."""
    asked = f"{query.text}\0{json.dumps(query.filter, sort_keys=True)}"
    return hashlib.sha256(asked.encode("utf-8", "surrogatepass")).hexdigest()


def _rankings(held: Any) -> dict[str, dict[str, Answer]]:
    return {
        question: {method: (list(map(str, answers[method][0])), float(answers[method][1])) for method in METHODS}
        for question, answers in held.items()
    }


def _pool(query: Query) -> str:
    return ANSWERS if query.filter.get("pool") == ANSWERS else ITEMS


def _among(each: EvaluationSet, query: Query, store: Store) -> frozenset[str] | None:
    ids = allowed(each.corpus, query.filter)
    return None if ids is None else frozenset(store.keys[identifier] for identifier in ids)


def _methods(store: Store, run: Run) -> dict[str, Recommender]:
    """The product's recommender as it is, and with one leg alone."""
    try:
        index = LocalIndex.open(store.settings.index_dir, run.encoder.card)
    except IndexDamaged as error:
        home = store.settings.home
        raise EvaluationError(f"{home} is damaged ({error}). Delete that folder and run this again.") from error
    alone = replace(store.settings, dense_weight=1.0)
    words = LocalIndex.open(store.settings.index_dir, None)
    questions = QuestionAnalyzer.load(run.analyzer, store.settings)
    return {
        "lexical": Recommender(store.settings, questions, Live(store.settings.index_dir, Snapshot(words, None))),
        "dense": Recommender(alone, questions, Live(alone.index_dir, Snapshot(index, run.encoder))),
        "fusion": Recommender(store.settings, questions, Live(store.settings.index_dir, Snapshot(index, run.encoder))),
    }


def _rank_rows(
    each: EvaluationSet, protocol: str, queries: Sequence[Query], asked: Asked
) -> tuple[dict[str, Scores], list[Row]]:
    relevant = {query.id: query.relevant for query in queries}
    scores = {
        method: measures.measure(relevant, {query.id: found[query.id][0] for query in queries})
        for method, found in asked.items()
    }
    rows = []
    for method in METHODS:
        metrics = {name: float(np.mean(list(values.values()))) for name, values in scores[method].items()}
        over = None
        if method != "fusion":
            over = measures.difference([tuple(_array(scores[m]["nDCG@10"]) for m in ("fusion", method))])
        rows.append(Row(each.name, protocol, method, len(queries), metrics, over))
    return scores, rows


def _exists_row(
    each: EvaluationSet, queries: Sequence[Query], asked: Mapping[str, tuple[list[str], float]], method: str
) -> tuple[Row, list[measures.Bin]]:
    """How well the probability tells questions with an answer from those without, and how true it is."""
    given = [asked[query.id][1] for query in queries]
    truth = [query.protocol == "in-scope" for query in queries]
    bins = measures.reliability(given, truth)
    metrics = {"AUROC": measures.auroc(given, truth), "ECE": measures.calibration_error(bins)}
    return Row(each.name, "answer exists", method, len(queries), metrics), bins


def _array(values: Mapping[str, float]) -> Any:
    return np.array([values[query] for query in sorted(values)])


def as_json(found: Evaluation) -> str:
    """Rows {set, protocol, method, n, metrics}, as JSON."""
    rows = [
        {"set": row.set, "protocol": row.protocol, "method": row.method, "n": row.n, "metrics": row.metrics}
        for row in found.rows
    ]
    return json.dumps(rows + experts.as_rows(found.experts), indent=1)


def as_text(found: Evaluation) -> str:
    """A Markdown table for each kind of task, and fusion against each leg over all tasks."""
    lines: list[str] = []
    for names in (measures.MEASURES, ("AUROC", "ECE")):
        rows = [row for row in found.rows if names[0] in row.metrics]
        if not rows:
            continue
        head = ["set", "task", "n", "method", *names, *(["fusion's nDCG@10 over it"] if "nDCG@10" in names else [])]
        lines += ["", f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
        for row in rows:
            cells = [row.set, row.protocol, str(row.n), row.method, *(f"{row.metrics[name]:.3f}" for name in names)]
            if "nDCG@10" in names:
                cells.append(str(row.over) if row.over else "")
            lines.append(f"| {' | '.join(cells)} |")
    if found.over:
        lines.append("")
    for leg, over in found.over.items():
        lines.append(f"fusion over the {leg} leg, mean nDCG@10 over all tasks: {over}")
    return "\n".join([*lines, *experts.as_lines(found.experts)]).strip()


def plot(found: Evaluation, path: Path) -> None:
    """Draw the reliability diagram: of the questions given a probability, how many had an answer. Raises
    EvaluationError when no set has questions without an answer, or the picture cannot be written."""
    if not found.calibration:
        raise EvaluationError("--plot needs a set with both in-scope and out-of-scope questions.")
    try:
        import matplotlib
    except ImportError as error:
        raise EvaluationError("Drawing needs an extra. Run: pip install 'kollega[evaluate]'") from error
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(5, 5), layout="constrained")
    axes.plot([0, 1], [0, 1], color="0.6", linestyle="--", label="as it should be")
    for name, bins in found.calibration.items():
        off = measures.calibration_error(bins)
        points = [(each.probability, each.share) for each in bins]
        axes.plot(*zip(*points, strict=True), marker="o", label=f"{name} (calibration error {off:.3f})")
        for each in bins:
            axes.annotate(
                str(each.count), (each.probability, each.share), fontsize=7, textcoords="offset points", xytext=(4, -9)
            )
    axes.set(xlabel="probability given", ylabel="share that had an answer", xlim=(0, 1), ylim=(0, 1), aspect="equal")
    figure.legend(loc="outside upper center")  # beside the points, wherever they are
    try:
        figure.savefig(path)
    except (OSError, ValueError) as error:
        raise EvaluationError(f"{path} cannot be written: {error}. Name a .png or .svg file.") from error
    finally:
        pyplot.close(figure)
