"""`kollega evaluate`: sets of questions with known answers, asked of the recommender itself.

Each set goes into a throw-away store (database and index) under `KOLLEGA_HOME/evaluation`, made anew only when the set
or what makes the index changes; vectors are kept beside it. Nothing of the organisation's own is touched.
"""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

import indexer.passages
import recommender
from indexer import expert_evaluation, expert_questions
from indexer.expert_evaluation import ExpertEvaluation
from indexer.reindex import reindex
from recommender import evaluation
from recommender.access import ANYONE, EVERYONE
from recommender.database import open_database
from recommender.encoder import Encoder, ModelCard, Vectors
from recommender.errors import EvaluationError
from recommender.evaluation import EvaluationSet, Interval, Query, Scores
from recommender.fusion import Candidate
from recommender.index.build import Journal
from recommender.index.local import LocalIndex
from recommender.language import Analyzer
from recommender.models import (
    RESOLVED,
    Document,
    DocumentAudience,
    HelpRequest,
    Person,
    Reply,
    RequestAudience,
)
from recommender.recommender import Recommender
from recommender.settings import Settings

ITEMS, ANSWERS = "items", "answers"
METHODS = ("lexical", "dense", "fusion")
RANKED = ("similar", "answer", "in-scope", "fi-fi", "en-en", "fi-en", "en-fi", "fi-all")
EXISTS = ("in-scope", "out-of-scope")
_TOP = 10
_LONG_AGO = datetime(2000, 1, 1)
_MAKES_THE_INDEX = (
    "language.py",
    "corpus.py",
    "space.py",
    "alignment.npz",
    "index/build.py",
    "index/lexical.py",
    "index/catalogue.py",
    "index/dense.py",
)


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
    calibration: dict[str, list[evaluation.Bin]] = field(default_factory=dict)
    experts: ExpertEvaluation = field(default_factory=ExpertEvaluation)


class KeepingEncoder:
    """An encoder that keeps every vector it makes, by a hash of the text, for the next run."""

    def __init__(self, real: Encoder, directory: Path) -> None:
        self.card, self.backend, self.count_tokens = real.card, real.backend, real.count_tokens
        self._real = real
        self._kept = Journal(directory, real.card)
        self._near: dict[str, Vectors] = {}

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """As the encoder's."""
        return self._encode("query", texts, self._real.encode_queries)

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """As the encoder's."""
        return self._encode("passage", texts, self._real.encode_passages)

    def _encode(self, kind: str, texts: Sequence[str], encode: Callable[[Sequence[str]], Vectors]) -> Vectors:
        digests = [hashlib.sha256(f"{kind}\0{text}".encode("utf-8", "surrogatepass")).hexdigest() for text in texts]
        self._near |= self._kept.find(digest for digest in digests if digest not in self._near)
        missing = {digest: text for digest, text in zip(digests, texts, strict=True) if digest not in self._near}
        if missing:
            made = dict(zip(missing, encode(list(missing.values())), strict=True))
            self._kept.keep(made)
            self._near |= made
        return np.array([self._near[digest] for digest in digests], np.float32).reshape(len(texts), -1)

    def close(self) -> None:
        """Close the file."""
        self._kept.close()


@dataclass(frozen=True)
class Store:
    """A set in a database and an index: its settings, its sessions, and the keys of its items by corpus id."""

    settings: Settings
    sessions: sessionmaker[Session]
    keys: Mapping[str, str]


Progress = Callable[[str, int, int], None]


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
    home = settings.home / "evaluation"
    keeping = KeepingEncoder(encoder, home / "vectors")
    found = Evaluation()
    pairs: dict[str, list[Any]] = {leg: [] for leg in METHODS[:-1]}
    colleagues = []
    try:
        for folder, each in zip(folders, sets, strict=True):
            queries = [query for query in each.queries if part in ("all", query.part)]
            asked = _asked(each, queries, settings, keeping, analyzer, progress)
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
            if part != "train" and expert_questions.has_experts(each):
                colleagues.append(ask_experts(folder, each, settings, keeping, analyzer, progress))
    finally:
        keeping.close()
    if any(pairs.values()):
        found.over = {leg: evaluation.difference(each) for leg, each in pairs.items()}
    found.experts = expert_evaluation.judge(colleagues, settings.half_life_days)
    return found


def ask_experts(
    folder: Path,
    each: EvaluationSet,
    settings: Settings,
    encoder: KeepingEncoder,
    analyzer: Analyzer,
    progress: Progress,
) -> expert_questions.Asked:
    """Ask the questions of a set with an expert task, in its throw-away store."""
    store = _store(each, ITEMS, settings, encoder, analyzer, progress)
    with store.sessions() as session:
        asked = expert_questions.ask(folder, each, session, store.keys, _methods(store, encoder, analyzer), progress)
    store.sessions.kw["bind"].dispose()
    return asked


@dataclass(frozen=True)
class Near:
    """A question, the items near it by their fused score, best first, and the corpus id of each by its key."""

    query: Query
    candidates: list[Candidate]
    ids: Mapping[str, str]


def near_questions(
    each: EvaluationSet, part: str, settings: Settings, encoder: KeepingEncoder, analyzer: Analyzer, most: int = 30
) -> Iterator[Near]:
    """The ranked tasks of one part of a set, each question with up to `most` items: what weights are fitted on."""
    for pool in (ITEMS, ANSWERS):
        wanted = [q for q in each.queries if q.part == part and q.protocol in RANKED and _pool(q) == pool]
        if not wanted:
            continue
        store = _store(each, pool, settings, encoder, analyzer, lambda _what, _done, _total: None)
        encoder.encode_queries([query.text.strip() for query in wanted])
        ids = {key: identifier for identifier, key in store.keys.items()}
        recommender = _methods(store, encoder, analyzer)["fusion"]
        for query in wanted:
            found = recommender.candidates(query.text, ANYONE, _among(each, query, store))
            best = sorted(found, key=lambda candidate: (-candidate.score, candidate.item))[:most]
            yield Near(query, [replace(one, direction=_own(one.direction)) for one in best], ids)
        store.sessions.kw["bind"].dispose()


def _own(direction: Any) -> Any:
    """A copy, so that a row of it does not hold the whole array."""
    return None if direction is None else direction.copy()


Asked = dict[str, dict[str, tuple[list[str], float]]]


def _asked(
    each: EvaluationSet,
    queries: Sequence[Query],
    settings: Settings,
    encoder: KeepingEncoder,
    analyzer: Analyzer,
    progress: Progress,
) -> Asked:
    """{method: {query id: (corpus ids, best first, the best one's match)}}."""
    asked: Asked = {method: {} for method in METHODS}
    for pool in (ITEMS, ANSWERS):
        wanted = [query for query in queries if query.protocol in (*RANKED, *EXISTS) and _pool(query) == pool]
        if not wanted:
            continue
        store = _store(each, pool, settings, encoder, analyzer, progress)
        progress(f"{each.name}: questions", 0, len(wanted))
        encoder.encode_queries([query.text.strip() for query in wanted])  # together, and kept for each method
        ids = {key: identifier for identifier, key in store.keys.items()}
        among = {repr(query.filter): _among(each, query, store) for query in wanted}
        with store.sessions() as session:
            for method, one in _methods(store, encoder, analyzer).items():
                for number, query in enumerate(wanted):
                    ranking = one.rank(query.text, ANYONE, session, _TOP, among[repr(query.filter)])
                    asked[method][query.id] = ([ids[key] for key in ranking.keys], ranking.match)
                    session.expunge_all()
                    progress(f"{each.name}: {method}", number + 1, len(wanted))
        store.sessions.kw["bind"].dispose()
    return asked


def _pool(query: Query) -> str:
    return ANSWERS if query.filter.get("pool") == ANSWERS else ITEMS


def _among(each: EvaluationSet, query: Query, store: Store) -> frozenset[str] | None:
    allowed = evaluation.allowed(each.corpus, query.filter)
    return None if allowed is None else frozenset(store.keys[identifier] for identifier in allowed)


def _methods(store: Store, encoder: Encoder, analyzer: Analyzer) -> dict[str, Recommender]:
    """The product's recommender as it is, and with one leg alone."""
    index = LocalIndex.open(store.settings.index_dir, encoder.card)
    alone = replace(store.settings, dense_weight=1.0)
    return {
        "lexical": Recommender(store.settings, analyzer, None, LocalIndex.open(store.settings.index_dir, None)),
        "dense": Recommender(alone, analyzer, encoder, index),
        "fusion": Recommender(store.settings, analyzer, encoder, index),
    }


def _rank_rows(
    each: EvaluationSet, protocol: str, queries: Sequence[Query], asked: Asked
) -> tuple[dict[str, Scores], list[Row]]:
    relevant = {query.id: query.relevant for query in queries}
    scores = {
        method: evaluation.measure(relevant, {query.id: found[query.id][0] for query in queries})
        for method, found in asked.items()
    }
    rows = []
    for method in METHODS:
        metrics = {name: float(np.mean(list(values.values()))) for name, values in scores[method].items()}
        over = None
        if method != "fusion":
            over = evaluation.difference([tuple(_array(scores[m]["nDCG@10"]) for m in ("fusion", method))])
        rows.append(Row(each.name, protocol, method, len(queries), metrics, over))
    return scores, rows


def _exists_row(
    each: EvaluationSet, queries: Sequence[Query], asked: Mapping[str, tuple[list[str], float]], method: str
) -> tuple[Row, list[evaluation.Bin]]:
    """How well the best match tells questions with an answer from those without, and how true it is."""
    given = [asked[query.id][1] for query in queries]
    truth = [query.protocol == "in-scope" for query in queries]
    bins = evaluation.reliability(given, truth)
    metrics = {"AUROC": evaluation.auroc(given, truth), "ECE": evaluation.calibration_error(bins)}
    return Row(each.name, "answer exists", method, len(queries), metrics), bins


def _array(values: Mapping[str, float]) -> Any:
    return np.array([values[query] for query in sorted(values)])


def _store(
    each: EvaluationSet, pool: str, settings: Settings, encoder: Encoder, analyzer: Analyzer, progress: Progress
) -> Store:
    """The set's store, from the last run when nothing that makes it has changed."""
    name = f"{each.name}-{pool}-{_digest(each, settings, encoder.card)[:16]}"
    home = settings.home / "evaluation" / name
    own = replace(settings, home=home, database="")
    finished = home / "finished"
    if not finished.exists():
        for old in (settings.home / "evaluation").glob(f"{each.name}-{pool}-*"):
            shutil.rmtree(old)
        home.mkdir(parents=True)
        sessions = open_database(own)
        _fill(sessions, _rows(each, pool))
        report = reindex(own, sessions, encoder, analyzer, progress=lambda n, total: progress(each.name, n, total))
        if report.failed:
            raise EvaluationError(f"{each.name}: {report.failed[0]}")
        finished.touch()
    else:
        sessions = open_database(own)
    with sessions() as session:
        keys = {str(row[1]): f"request:{row[0]}" for row in session.execute(_ids(HelpRequest))}
        keys |= {str(row[1]): f"document:{row[0]}" for row in session.execute(_ids(Document))}
    return Store(own, sessions, keys)


def _ids(model: Any) -> Any:
    return select(model.id, model.external_id)


def _digest(each: EvaluationSet, settings: Settings, card: ModelCard) -> str:
    digest = hashlib.sha256(f"{each.digest} {card} {settings.passage_tokens} {settings.hnsw_from}".encode())
    own = Path(recommender.__file__).parent
    for path in (Path(indexer.passages.__file__), Path(__file__), *(own / name for name in _MAKES_THE_INDEX)):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _rows(each: EvaluationSet, pool: str) -> Iterable[Mapping[str, Any]]:
    """What is searched: the corpus, or every answer by its own text."""
    if pool == ITEMS:
        return each.corpus.values()
    return [
        {**answer, "kind": "document", "title": "", "language": row["language"]}
        for row in each.corpus.values()
        for answer in row.get("answers") or ()
    ]


def _fill(sessions: sessionmaker[Session], rows: Iterable[Mapping[str, Any]]) -> None:
    """Put the rows into an empty database, readable by everyone; all requests count as resolved."""
    people: dict[str, int] = {}

    def person(handle: str | None) -> int | None:
        if handle and handle not in people:
            known = Person(handle=handle, name=handle, role="staff", languages=[])
            session.add(known)
            session.flush()
            people[handle] = known.id
        return people.get(handle or "")

    with sessions.begin() as session:
        for row in rows:
            at = _time(row.get("created_at"))
            shared = {"title": row["title"], "body": row["body"], "language": row["language"], "external_id": row["id"]}
            if row["kind"] == "document":
                audience = [DocumentAudience(token=EVERYONE)]
                session.add(Document(**shared, written_at=at, audience=audience, source="evaluation"))
                continue
            replies = [
                Reply(
                    author_id=person(answer.get("author")), body=answer["body"], created_at=_time(answer["created_at"]),
                    accepted=bool(answer.get("accepted")), score=answer.get("score") or 0, external_id=answer.get("id"),
                )
                for answer in row.get("answers") or ()
            ]  # fmt: skip
            session.add(
                HelpRequest(
                    **shared, status=RESOLVED, tags=row.get("tags") or [], created_at=at, resolved_at=at,
                    asked_by_id=person(row.get("asked_by")), resolution=None if replies else row.get("answer"),
                    audience=[RequestAudience(token=EVERYONE)], replies=replies, source="evaluation",
                )
            )  # fmt: skip


def _time(text: str | None) -> datetime:
    return evaluation.moment(text) if text else _LONG_AGO


def as_json(found: Evaluation) -> str:
    """Rows {set, protocol, method, n, metrics}, as JSON."""
    rows = [
        {"set": row.set, "protocol": row.protocol, "method": row.method, "n": row.n, "metrics": row.metrics}
        for row in found.rows
    ]
    return json.dumps(rows + expert_evaluation.as_rows(found.experts), indent=1)


def as_text(found: Evaluation) -> str:
    """A Markdown table for each kind of task, and fusion against each leg over all tasks."""
    lines: list[str] = []
    for names in (evaluation.MEASURES, ("AUROC", "ECE")):
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
    return "\n".join([*lines, *expert_evaluation.as_lines(found.experts)]).strip()


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
        off = evaluation.calibration_error(bins)
        points = [(each.probability, each.share) for each in bins]
        axes.plot(*zip(*points, strict=True), marker="o", label=f"{name} (calibration error {off:.3f})")
        for each in bins:
            axes.annotate(
                str(each.count), (each.probability, each.share), fontsize=7, textcoords="offset points", xytext=(4, -9)
            )
    axes.set(xlabel="probability given", ylabel="share that had an answer", xlim=(0, 1), ylim=(0, 1), aspect="equal")
    axes.legend(loc="lower right")
    try:
        figure.savefig(path)
    except (OSError, ValueError) as error:
        raise EvaluationError(f"{path} cannot be written: {error}. Name a .png or .svg file.") from error
    finally:
        pyplot.close(figure)
