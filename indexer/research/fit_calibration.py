"""Fits the weights of similarity (`SHIPPED_WEIGHTS` in `recommender/search/calibration.py`) on the train queries of
evaluation sets, with and without an answer.

Questions without an answer are those out of a set's scope, those asked before the questions that they are linked to,
and questions of the other sets. Prints the weights as they are written in the code, and for each set how good weights
are that were fitted on the other sets.

Usage: python -m indexer.research.fit_calibration SET..., as for `kollega evaluate`.
"""

import random
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.evaluation import measures
from indexer.evaluation.run import EXISTS, RANKED, Run
from indexer.evaluation.sets import EvaluationSet, Query, allowed, parse_time
from indexer.evaluation.store import ANSWERS, ITEMS, open_store
from recommender.access import ANYONE
from recommender.encoder.load import load_encoder
from recommender.index.local import LocalIndex
from recommender.language.analyzer import Analyzer
from recommender.live import Live, Snapshot
from recommender.recommender import Recommender
from recommender.search import calibration
from recommender.search.calibration import Features, Weights
from recommender.search.question import QuestionAnalyzer
from recommender.settings import Settings

ANSWERED, OUT_OF_SCOPE, FIRST, ELSEWHERE = "answered", "out of scope", "first of its kind", "of another set"
OF_EACH_TASK, FROM_ELSEWHERE = 800, 40
"""At most so many queries of each task are taken, from the set itself and from each other set; a judgement."""
ALIKE = ({"similar_banking77", "noanswer_clinc150"},)
"""Sets of which a question may have an answer in the other one."""
FIRST_SUGGESTIONS = 5  # suggestions of a question that are looked at; a judgement
LEAST_BEFORE = 50  # items that must have existed before a question; a judgement
PULL = 10.0
"""Strength of the prior around the shipped weights, a judgement: without it shared words would hardly matter, since the
questions of the sets are long."""


@dataclass(frozen=True)
class Example:
    """A question asked of a set: its kind (an answer, or why there is none), and the features of its suggestions."""

    set: str
    kind: str
    suggestions: tuple[Features, ...]

    @property
    def exists(self) -> bool:
        """True when there is an answer."""
        return self.kind == ANSWERED


def main(folders: Sequence[Path]) -> None:
    """Ask the questions, fit, and print."""
    settings = Settings.from_environment()
    sets = [EvaluationSet.read(folder) for folder in folders]
    analyzer = Analyzer(settings.models_dir / "dictionaries")
    with Run.begin(settings, load_encoder(settings), analyzer, lambda _what, _done, _total: None) as run:
        examples = [example for evaluation_set in sets for example in ask(evaluation_set, sets, run)]
    names = sorted({example.set for example in examples if example.exists})
    examples = [example for example in examples if example.set in names]
    for name in names:
        weights = fit([example for example in examples if example.set != name])
        held_out = [example for example in examples if example.set == name]
        given = [max(_similarities(example, weights), default=0.0) for example in held_out]
        truth = [example.exists for example in held_out]
        error = measures.calibration_error(measures.reliability(given, truth))
        auroc = measures.auroc(given, truth)
        print(f"{name} ({len(held_out)}), fitted on the others: AUROC {auroc:.3f}, calibration error {error:.3f}")
    print(fit(examples))


def fit(examples: Sequence[Example]) -> Weights:
    """The weights of similarity, from examples of several sets."""
    truth, shares = [example.exists for example in examples], weigh(examples)
    return calibration.fit_weights([example.suggestions for example in examples], truth, shares, pull=PULL)


def _similarities(example: Example, weights: Weights) -> list[float]:
    return [calibration.probability(features, weights) for features in example.suggestions]


def weigh(examples: Sequence[Example]) -> NDArray[np.float64]:
    """Weights with mean 1, shape (examples,). All sets have the same sum of weights, and so have, within a set, all
    kinds of questions without an answer."""
    counts: dict[tuple[str, str], int] = {}
    for example in examples:
        counts[example.set, example.kind] = counts.get((example.set, example.kind), 0) + 1
    kinds_without = {name: sum(other == name for other, _kind in counts) - 1 for name, _kind in counts}
    without = 1 - calibration.WITH_ANSWER
    shares = [
        calibration.WITH_ANSWER if example.exists else without / max(1, kinds_without[example.set])
        for example in examples
    ]
    weights = np.array(
        [share / counts[example.set, example.kind] for share, example in zip(shares, examples, strict=True)]
    )
    return np.asarray(weights / weights.mean())


def ask(evaluation_set: EvaluationSet, sets: Sequence[EvaluationSet], run: Run) -> Iterator[Example]:
    """Ask a set every question with a known label."""
    store = open_store(evaluation_set, ITEMS, run.settings, run.encoder, run.analyzer, run.progress)
    index = LocalIndex.open(store.settings.index_dir, run.encoder.card)
    questions = QuestionAnalyzer.load(run.analyzer, store.settings)
    recommender = Recommender(store.settings, questions, Live(store.settings.index_dir, Snapshot(index, run.encoder)))
    with store.sessions() as session:
        for question in [*_of_the_set(evaluation_set), *_of_other_sets(evaluation_set, sets)]:
            among = None if question.ids is None else frozenset(store.keys[identifier] for identifier in question.ids)
            ranking = recommender.rank(question.text, ANYONE, session, FIRST_SUGGESTIONS, among)
            yield Example(evaluation_set.name, question.kind, ranking.features[:FIRST_SUGGESTIONS])
            session.expunge_all()
    store.sessions.kw["bind"].dispose()


@dataclass(frozen=True)
class LabelledQuestion:
    """A question, its kind, and the corpus ids that may be searched (None: all)."""

    kind: str
    text: str
    ids: frozenset[str] | None


def _of_the_set(evaluation_set: EvaluationSet) -> Iterator[LabelledQuestion]:
    corpus = evaluation_set.corpus
    for protocol in (*RANKED, *EXISTS[1:]):
        for query in _train_queries(evaluation_set, protocol, OF_EACH_TASK):
            kind = ANSWERED if query.relevant else OUT_OF_SCOPE
            yield LabelledQuestion(kind, query.text, allowed(corpus, query.filter))
    linked = [query for query in evaluation_set.queries if query.filter.get("before")]
    newer = {str(identifier) for query in linked for identifier in query.filter.get("exclude") or ()}
    tested = {identifier for query in linked if query.part == "test" for identifier in query.relevant}
    for identifier in sorted({identifier for query in linked for identifier in query.relevant} - newer - tested):
        row = corpus[identifier]
        before = _before(corpus, row)
        if len(before) >= LEAST_BEFORE:
            yield LabelledQuestion(FIRST, f"{row['title']}\n{row['body']}", before)


def _of_other_sets(evaluation_set: EvaluationSet, sets: Sequence[EvaluationSet]) -> Iterator[LabelledQuestion]:
    for other in sets:
        if other is not evaluation_set and {other.name, evaluation_set.name} not in ALIKE:
            for protocol in (*RANKED, *EXISTS[1:]):
                for query in _train_queries(other, protocol, FROM_ELSEWHERE):
                    yield LabelledQuestion(ELSEWHERE, query.text, None)


def _train_queries(evaluation_set: EvaluationSet, protocol: str, most: int) -> list[Query]:
    """At most `most` train queries of a task, drawn at random with a fixed seed."""
    queries = [query for query in evaluation_set.queries if query.protocol == protocol and query.part == "train"]
    queries = [query for query in queries if query.filter.get("pool") != ANSWERS]
    return random.Random(0).sample(queries, min(most, len(queries)))  # noqa: S311


def _before(corpus: Mapping[str, Mapping[str, str]], row: Mapping[str, str]) -> frozenset[str]:
    """The ids of what existed before a row of the corpus."""
    until = parse_time(row["created_at"])
    return frozenset(
        identifier
        for identifier, other in corpus.items()
        if other.get("created_at") and parse_time(other["created_at"]) < until
    )


if __name__ == "__main__":
    main([Path(argument) for argument in sys.argv[1:]])
