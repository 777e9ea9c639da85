"""Asks the questions of evaluation sets: the recommender itself answers, from a temporary store for each set.

Answers are cached beside the store, and computed again only when something changes that affects them (`cache.py`).
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from indexer.evaluation import expert_questions
from indexer.evaluation.cache import AnswerCache, CachingEncoder, state_of, state_with
from indexer.evaluation.expert_questions import ExpertRun, ExpertTask
from indexer.evaluation.sets import EvaluationSet, Query, allowed, answers_of
from indexer.evaluation.store import ANSWERS, ITEMS, Progress, Store, home_of, open_store
from recommender.access import ANYONE
from recommender.encoder import Encoder
from recommender.errors import EvaluationError, IndexDamaged
from recommender.index.local import LocalIndex
from recommender.language.analyzer import Analyzer
from recommender.live import Live, Snapshot
from recommender.recommender import Recommender
from recommender.search.fusion import Candidate
from recommender.search.question import QuestionAnalyzer, part_to_read
from recommender.search.results import Results
from recommender.settings import Settings

METHODS = ("lexical", "dense", "fusion")
RANKED = ("similar", "answer", "in-scope", "fi-fi", "en-en", "fi-en", "en-fi", "fi-all")
"""Protocols whose queries have relevant items to rank."""
EXISTS = ("in-scope", "out-of-scope")
"""Protocols whose queries have an answer, and have none."""
_TOP_K = 10  # the deepest measure is nDCG@10
_CANDIDATES = 30  # a judgement: items that weights are fitted on for each question

Answer = tuple[list[str], float]
"""Corpus ids, best first, and the probability that there is an answer."""
Answers = dict[str, dict[str, Answer]]
"""{method: {query id: answer}}"""


@dataclass(frozen=True)
class Run:
    """What all questions are asked with, and the state (`cache.py`) of everything that affects the answers."""

    settings: Settings
    encoder: CachingEncoder
    analyzer: Analyzer
    progress: Progress
    state: str

    @classmethod
    @contextmanager
    def begin(cls, settings: Settings, encoder: Encoder, analyzer: Analyzer, progress: Progress) -> Iterator["Run"]:
        """A run that stores its vectors and answers for the next one."""
        caching = CachingEncoder(encoder, settings.home / "evaluation" / "vectors")
        try:
            yield cls(settings, caching, analyzer, progress, state_of(settings, encoder.card))
        finally:
            caching.close()


def answer_queries(evaluation_set: EvaluationSet, queries: Sequence[Query], run: Run) -> Answers:
    """The answer to every query by every method: from the cache, or else computed now."""
    answers: Answers = {method: {} for method in METHODS}
    for pool in (ITEMS, ANSWERS):
        wanted = [query for query in queries if query.protocol in (*RANKED, *EXISTS) and _pool(query) == pool]
        if not wanted:
            continue
        home = home_of(evaluation_set, pool, run.settings, run.encoder.card)
        cache = AnswerCache(home / "rankings.json.gz", run.state)
        cached = cache.read(_unpack_rankings) or {}
        missing = [query for query in wanted if _question_key(query) not in cached]
        if missing:
            store = open_store(evaluation_set, pool, run.settings, run.encoder, run.analyzer, run.progress)
            cached |= _ask(evaluation_set, missing, store, run)
            cache.write(cached)
        for query in wanted:
            for method, answer in cached[_question_key(query)].items():
                answers[method][query.id] = answer
    return answers


def ask_experts(evaluation_set: EvaluationSet, task: ExpertTask, run: Run) -> ExpertRun:
    """Ask the questions of a set with an expert task, in its temporary store, or read them from the cache."""
    home = home_of(evaluation_set, ITEMS, run.settings, run.encoder.card)
    cache = AnswerCache(home / "colleagues.json.gz", state_with(run.state, task))
    cached = cache.read(expert_questions.unpack)
    if cached is not None:
        return cached
    store = open_store(evaluation_set, ITEMS, run.settings, run.encoder, run.analyzer, run.progress)
    with store.sessions() as session:
        recommenders = _recommenders(store, run)
        expert_run = expert_questions.ask(task, evaluation_set, session, store.keys, recommenders, run.progress)
    store.sessions.kw["bind"].dispose()
    cache.write(expert_questions.pack(expert_run))
    return expert_run


@dataclass(frozen=True)
class QueryWithCandidates:
    """A query, its candidates, best first, and the corpus id of each item by its key."""

    query: Query
    candidates: list[Candidate]
    ids: Mapping[str, str]


def with_candidates(
    evaluation_set: EvaluationSet, part: str, run: Run, most: int = _CANDIDATES
) -> Iterator[QueryWithCandidates]:
    """The queries of one part of a set's ranked tasks, each with up to `most` candidates, to fit weights on."""
    for pool in (ITEMS, ANSWERS):
        wanted = [q for q in evaluation_set.queries if q.part == part and q.protocol in RANKED and _pool(q) == pool]
        if not wanted:
            continue
        store = open_store(evaluation_set, pool, run.settings, run.encoder, run.analyzer, run.progress)
        run.encoder.encode_queries([query.text.strip() for query in wanted])
        ids = {key: identifier for identifier, key in store.keys.items()}
        recommender = _recommenders(store, run)["fusion"]
        for query in wanted:
            among = _allowed_keys(evaluation_set, query, store)
            candidates = recommender.candidates(query.text, ANYONE, among)[:most]
            yield QueryWithCandidates(query, [_with_its_vector(candidate) for candidate in candidates], ids)
        store.sessions.kw["bind"].dispose()


@dataclass(frozen=True)
class QueryWithResults:
    """A query, its results, and the corpus id of each item by its key."""

    query: Query
    results: Results
    ids: Mapping[str, str]


def with_results(evaluation_set: EvaluationSet, part: str, run: Run, most: int) -> Iterator[QueryWithResults]:
    """The first `most` queries of one part of each of a set's tasks, with what the second look reads, to fit on."""
    for pool in (ITEMS, ANSWERS):
        wanted: list[Query] = []
        for protocol in (*RANKED, *EXISTS[1:]):
            of_task = [q for q in evaluation_set.queries if (q.part, q.protocol, _pool(q)) == (part, protocol, pool)]
            wanted += of_task[:most]
        if not wanted:
            continue
        store = open_store(evaluation_set, pool, run.settings, run.encoder, run.analyzer, run.progress)
        run.encoder.encode_queries([part_to_read(query.text) for query in wanted])
        ids = {key: identifier for identifier, key in store.keys.items()}
        recommender = _recommenders(store, run)["fusion"]
        with store.sessions() as session:
            for query in wanted:
                among = _allowed_keys(evaluation_set, query, store)
                yield QueryWithResults(query, recommender.second_look(query.text, ANYONE, session, among), ids)
                session.expunge_all()
        store.sessions.kw["bind"].dispose()


def _with_its_vector(candidate: Candidate) -> Candidate:
    """The candidate with its vector alone: what computes it would keep those of all candidates in memory. The vector of
    its answer is left out, since no weights are fitted on it."""
    near = candidate.near
    if near is None or near.direction is None:
        return candidate
    direction = near.direction()
    return candidate._replace(near=near._replace(direction=lambda: direction, answer_direction=None))


def _ask(
    evaluation_set: EvaluationSet, queries: Sequence[Query], store: Store, run: Run
) -> dict[str, dict[str, Answer]]:
    """{question key: {method: answer}}."""
    run.progress(f"{evaluation_set.name}: questions", 0, len(queries))
    # In one batch; each method then takes the vectors from the cache.
    run.encoder.encode_queries([query.text.strip() for query in queries])
    ids = {key: identifier for identifier, key in store.keys.items()}
    among = {repr(query.filter): _allowed_keys(evaluation_set, query, store) for query in queries}
    answers: dict[str, dict[str, Answer]] = {}
    with store.sessions() as session:
        for method, recommender in _recommenders(store, run).items():
            for number, query in enumerate(queries):
                ranking = recommender.rank(query.text, ANYONE, session, _TOP_K, among[repr(query.filter)])
                answer = [ids[key] for key in ranking.keys], ranking.exists
                answers.setdefault(_question_key(query), {})[method] = answer
                session.expunge_all()
                run.progress(f"{evaluation_set.name}: {method}", number + 1, len(queries))
    store.sessions.kw["bind"].dispose()
    return answers


def _question_key(query: Query) -> str:
    """A digest of the query's text and filter, on which the answer depends."""
    question = f"{query.text}\0{json.dumps(query.filter, sort_keys=True)}"
    return hashlib.sha256(question.encode("utf-8", "surrogatepass")).hexdigest()


def _unpack_rankings(stored: Any) -> dict[str, dict[str, Answer]]:
    return {
        question: {method: (list(map(str, answers[method][0])), float(answers[method][1])) for method in METHODS}
        for question, answers in stored.items()
    }


def _pool(query: Query) -> str:
    return ANSWERS if query.filter.get("pool") == ANSWERS else ITEMS


def _allowed_keys(evaluation_set: EvaluationSet, query: Query, store: Store) -> frozenset[str] | None:
    ids = allowed(evaluation_set.corpus, query.filter)
    if ids is not None and _pool(query) == ANSWERS:
        ids = allowed(answers_of(evaluation_set.corpus), query.filter)
    return None if ids is None else frozenset(store.keys[identifier] for identifier in ids)


def _recommenders(store: Store, run: Run) -> dict[str, Recommender]:
    """By method: the recommender as it is ("fusion", with the second look at its first results), dense search alone,
    and keyword search alone."""
    try:
        index = LocalIndex.open(store.settings.index_dir, run.encoder.card)
    except IndexDamaged as error:
        home = store.settings.home
        raise EvaluationError(f"{home} is damaged ({error}). Delete that folder and run this again.") from error
    dense_only = replace(store.settings, dense_weight=1.0, reranker="none")
    index_dir = store.settings.index_dir
    words = Live(index_dir, Snapshot(LocalIndex.open(index_dir, None), None))
    both = Live(index_dir, Snapshot(index, run.encoder))
    questions = QuestionAnalyzer.load(run.analyzer, store.settings)
    return {
        "lexical": Recommender(store.settings, questions, words),
        "dense": Recommender(dense_only, questions, both),
        "fusion": Recommender(store.settings, questions, both),
    }
