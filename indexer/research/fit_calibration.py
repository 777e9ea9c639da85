"""Fits the shipped calibration of a suggestion (`SHIPPED_WEIGHTS` in `calibration.py`) and of a question (`SHIPPED`) on
the train questions of evaluation sets, with and without an answer.

Usage: python -m indexer.research.fit_calibration SET..., as for `kollega evaluate`. Questions without an answer are
those out of a set's scope, those asked before the ones that they are linked to, and questions of the other sets. Prints
the weights as they stand in the code, and how they do on each set when fitted on the others.
"""

import random
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.evaluation import measures
from indexer.evaluation.evaluate import EXISTS, RANKED, Run
from indexer.evaluation.sets import EvaluationSet, Query, allowed, moment
from indexer.evaluation.store import ANSWERS, ITEMS, open_store
from recommender.access import ANYONE
from recommender.encoder.load import load_encoder
from recommender.index.local import LocalIndex
from recommender.language.analyzer import Analyzer
from recommender.live import Live, Snapshot
from recommender.recommender import Recommender
from recommender.search import calibration
from recommender.search.calibration import AnswerModel, Features, Weights
from recommender.search.question import QuestionAnalyzer
from recommender.settings import Settings

ANSWERED, OUT_OF_SCOPE, FIRST, ELSEWHERE = "answered", "out of scope", "first of its kind", "of another set"
OF_EACH_TASK, FROM_ELSEWHERE = 800, 40
ALIKE = ({"similar_banking77", "noanswer_clinc150"},)
"""Sets whose questions may well be answered in the other one."""
LEAST_BEFORE = 50
PULL = 10.0
"""Towards the weights that ship: with none, the sets' long questions tell that shared words hardly count."""


@dataclass(frozen=True)
class Example:
    """One question asked of one set: why it has an answer or none, and the features of its suggestions."""

    set: str
    kind: str
    suggestions: tuple[Features, ...]

    @property
    def exists(self) -> bool:
        """True when an answer is there."""
        return self.kind == ANSWERED


def main(folders: Sequence[Path]) -> None:
    """Ask, fit, and print."""
    settings = Settings.from_environment()
    sets = [EvaluationSet.read(folder) for folder in folders]
    analyzer = Analyzer(settings.models_dir / "dictionaries")
    with Run.begin(settings, load_encoder(settings), analyzer, lambda _what, _done, _total: None) as run:
        examples = [example for each in sets for example in ask(each, sets, run)]
    names = sorted({example.set for example in examples if example.exists})
    examples = [example for example in examples if example.set in names]
    for name in names:
        weights, answer_model = fit([example for example in examples if example.set != name])
        held = [example for example in examples if example.set == name]
        given = [answer_model.probability(_matches(each, weights)) for each in held]
        truth = [each.exists for each in held]
        off = measures.calibration_error(measures.reliability(given, truth))
        auroc = measures.auroc(given, truth)
        print(f"{name} ({len(held)}), fitted on the others: AUROC {auroc:.3f}, off by {off:.3f}")
    print(*fit(examples), sep="\n")


def fit(examples: Sequence[Example]) -> tuple[Weights, AnswerModel]:
    """(weights of a suggestion, the answer_model made of the matches that they give) from examples of several sets."""
    truth, counted = [each.exists for each in examples], weigh(examples)
    weights = calibration.fit_weights([each.suggestions for each in examples], truth, counted, pull=PULL)
    return weights, calibration.fit([_matches(each, weights) for each in examples], truth, counted)


def _matches(example: Example, weights: Weights) -> list[float]:
    return [calibration.probability(features, weights) for features in example.suggestions]


def weigh(examples: Sequence[Example]) -> NDArray[np.float64]:
    """Weights, 1 in the mean, under which each set counts the same and within it each kind without an answer."""
    counts: dict[tuple[str, str], int] = {}
    for each in examples:
        counts[each.set, each.kind] = counts.get((each.set, each.kind), 0) + 1
    kinds = {name: sum(other == name for other, _kind in counts) - 1 for name, _kind in counts}
    missing = 1 - calibration.WITH_ANSWER
    share = [calibration.WITH_ANSWER if each.exists else missing / max(1, kinds[each.set]) for each in examples]
    found = np.array([part / counts[each.set, each.kind] for part, each in zip(share, examples, strict=True)])
    return np.asarray(found / found.mean())


def ask(each: EvaluationSet, sets: Sequence[EvaluationSet], run: Run) -> Iterator[Example]:
    """Every question that can teach something, asked of one set."""
    store = open_store(each, ITEMS, run.settings, run.encoder, run.analyzer, run.progress)
    index = LocalIndex.open(store.settings.index_dir, run.encoder.card)
    questions = QuestionAnalyzer.load(run.analyzer, store.settings)
    recommender = Recommender(store.settings, questions, Live(store.settings.index_dir, Snapshot(index, run.encoder)))
    with store.sessions() as session:
        for kind, text, ids in [*_own(each), *_elsewhere(each, sets)]:
            among = None if ids is None else frozenset(store.keys[identifier] for identifier in ids)
            yield Example(each.name, kind, recommender.rank(text, ANYONE, session, calibration.BESIDE, among).features)
            session.expunge_all()
    store.sessions.kw["bind"].dispose()


Asked = tuple[str, str, frozenset[str] | None]
"""The kind, the question, and the corpus ids that may be found."""


def _own(each: EvaluationSet) -> Iterator[Asked]:
    for protocol in (*RANKED, *EXISTS[1:]):
        for query in _train(each, protocol, OF_EACH_TASK):
            yield (ANSWERED if query.relevant else OUT_OF_SCOPE), query.text, allowed(each.corpus, query.filter)
    linked = [query for query in each.queries if query.filter.get("before")]
    newer = {str(identifier) for query in linked for identifier in query.filter.get("exclude") or ()}
    tested = {identifier for query in linked if query.part == "test" for identifier in query.relevant}
    for identifier in sorted({identifier for query in linked for identifier in query.relevant} - newer - tested):
        row = each.corpus[identifier]
        before = _before(each.corpus, row)
        if len(before) >= LEAST_BEFORE:
            yield FIRST, f"{row['title']}\n{row['body']}", before


def _elsewhere(each: EvaluationSet, sets: Sequence[EvaluationSet]) -> Iterator[Asked]:
    for other in sets:
        if other is not each and {other.name, each.name} not in ALIKE:
            for protocol in (*RANKED, *EXISTS[1:]):
                for query in _train(other, protocol, FROM_ELSEWHERE):
                    yield ELSEWHERE, query.text, None


def _train(each: EvaluationSet, protocol: str, most: int) -> list[Query]:
    found = [query for query in each.queries if query.protocol == protocol and query.part == "train"]
    found = [query for query in found if query.filter.get("pool") != ANSWERS]
    return random.Random(0).sample(found, min(most, len(found)))  # noqa: S311


def _before(corpus: Mapping[str, Mapping[str, str]], row: Mapping[str, str]) -> frozenset[str]:
    """What was there before a row of the corpus."""
    until = moment(row["created_at"])
    return frozenset(i for i, each in corpus.items() if each.get("created_at") and moment(each["created_at"]) < until)


if __name__ == "__main__":
    main([Path(argument) for argument in sys.argv[1:]])
