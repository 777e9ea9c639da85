"""Fits the second look at the first candidates (`recommender/search/rerank.json`) on organisations with judged everyday
questions, and measures it on each organisation when it was fitted on the others.

The order: pairwise logistic regression on the differences of features, a better item against a worse one, an outdated
one below all others; every question weighs the same. The probabilities: boosted trees that read the features of
candidates as the order of a model shows them that was fitted without their organisation.

Train queries of evaluation sets count too, so that what holds in organisations is not wrong elsewhere.

Usage: python -m indexer.research.fit_rerank ORGANISATION... SET... [--write]; with --write the file is written, fitted
on all of them.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.evaluation.cache import CachingEncoder
from indexer.evaluation.everyday import (
    ANSWER,
    NEAR_MISS,
    NO_ANSWER,
    EverydayQuestion,
    Measures,
    measure,
    read_questions,
)
from indexer.evaluation.run import Run, with_results
from indexer.evaluation.sets import EvaluationSet
from indexer.research.organisations import Organisation, ask, open_organisation
from indexer.sources.jsonl import JSONLSource
from recommender.access import ANYONE
from recommender.encoder.load import load_encoder
from recommender.language.analyzer import Analyzer
from recommender.search.features import NAMES, CandidateText, Matrix
from recommender.search.newer import PairModel, pair_features, put_newer_first
from recommender.search.question import Question
from recommender.search.rerank import FILE, RerankModel, list_features
from recommender.search.results import Results
from recommender.search.trees import Trees
from recommender.settings import Settings

Numbers = NDArray[np.float64]
# All of these are judgements.
_PULL = 1.0  # strength of the prior of the order's weights around 0, on standardised differences
_TREES, _DEPTH, _RATE, _LEAST_LEAF = 150, 3, 0.06, 20
_SEEDS = 4  # models whose mean is taken, since each depends a little on chance
_SHARE_OF_ROWS, _SHARE_OF_FEATURES = 0.5, 0.3
_PAIR_STRENGTH = 0.1  # inverse strength of the prior of the weights of pairs
_WITHOUT_ANSWER, _AMONG_FEW = 0.35, 0.15  # weights of a question that is asked among other items
_LOWEST = {"says_nothing": -2.5}  # weights of the order; such an item is no answer, but a similar case to be found
_PLACES = 3  # first candidates whose probability to answer is fitted
_OF_A_TASK, _WEIGHT_OF_SETS = 200, 0.15
"""Train queries of each task of an evaluation set, and how much one of them counts beside an organisation's question; a
judgement."""
_ANSWER_KNOWN = ("noanswer_clinc150", "similar_banking77")
"""Sets of which it is known whether a question has an answer."""
_OUTDATED = -1


@dataclass(frozen=True)
class Example:
    """A question with what the second look reads of its candidates, and their grades, shape (candidates,). `weight` is
    how much the question counts when probabilities are fitted, `order_weight` when the order is."""

    question: EverydayQuestion
    analysed: Question
    texts: Sequence[CandidateText]
    features: Matrix
    grades: Numbers
    background: float
    weight: float = 1.0
    order_weight: float = 1.0


def examples_of(organisation: Organisation, questions: Sequence[EverydayQuestion]) -> list[Example]:
    """The questions that have candidates. One with an answer is also asked as one without, among the items that say
    nothing about it, and among few items, as a small organisation has them."""
    recommender, rng = organisation.recommender(), np.random.default_rng(0)
    keys_by_id = {identifier: key for key, identifier in organisation.ids.items()}
    everything = frozenset(organisation.ids)
    examples = []
    with organisation.sessions() as session:
        for question in questions:
            asked: list[tuple[EverydayQuestion, frozenset[str] | None, float]] = [(question, None, 1.0)]
            if question.kind == ANSWER:
                about = frozenset(keys_by_id[name] for name in {*question.grades, *question.outdated})
                rest = everything - about
                size = min(len(rest), int(np.exp(rng.uniform(0, np.log(60)))))
                few = rng.choice(sorted(rest), size, replace=False).tolist()
                unanswerable = replace(question, kind=NEAR_MISS, grades={}, outdated=frozenset())
                asked += [(unanswerable, rest, _WITHOUT_ANSWER), (question, about | set(few), _AMONG_FEW)]
                asked.append((unanswerable, frozenset(few), _AMONG_FEW))
            for variant, among, weight in asked:
                results = recommender.second_look(variant.text, ANYONE, session, among)
                if results.second_look is not None:
                    order_weight = 1.0 if among is None else 0.0
                    examples.append(_example(variant, results, organisation.ids, weight, order_weight))
                session.expunge_all()
    return examples


def examples_of_set(evaluation_set: EvaluationSet, run: Run) -> list[Example]:
    """Train queries of an evaluation set: an order that holds for organisations must not be wrong elsewhere. Whether an
    answer exists is learned of the sets in which that is known."""
    examples = []
    for found in with_results(evaluation_set, "train", run, _OF_A_TASK):
        query, results = found.query, found.results
        if results.second_look is not None:
            kind = ANSWER if query.relevant else NO_ANSWER
            nothing: frozenset[str] = frozenset()
            grades = dict.fromkeys(query.relevant, 2)
            question = EverydayQuestion(query.id, query.text, query.language, kind, grades, nothing, None, nothing)
            weight = _WEIGHT_OF_SETS if evaluation_set.name in _ANSWER_KNOWN else 0.0
            examples.append(_example(question, results, found.ids, weight, _WEIGHT_OF_SETS))
    return examples


def _example(
    question: EverydayQuestion, results: Results, ids: Mapping[str, str], weight: float, order_weight: float
) -> Example:
    look = results.second_look
    assert look is not None  # noqa: S101
    keys = [ids[text.item.key] for text in look.texts]
    grades = [_OUTDATED if key in question.outdated else question.grades.get(key, 0) for key in keys]
    return Example(
        question,
        results.question,
        look.texts,
        look.features,
        np.array(grades),
        results.background,
        weight,
        order_weight,
    )


def fit_order(examples: Sequence[Example]) -> Numbers:
    """The weights of the order, shape (len(NAMES),)."""
    from scipy.optimize import minimize

    differences, weights = [], []
    for example in examples:
        if example.question.kind != ANSWER or not example.order_weight:
            continue
        grades = example.grades
        better, worse = np.nonzero((grades[:, None] > grades[None, :]) & (grades[:, None] > 0))
        if len(better):
            differences.append(example.features[better] - example.features[worse])
            weights.append(np.full(len(better), example.order_weight / len(better)))
    stacked, weight = np.vstack(differences), np.concatenate(weights)
    scale = stacked.std(axis=0) + 1e-6
    standardised = stacked / scale

    def loss(tried: Numbers) -> tuple[float, Numbers]:
        ahead = standardised @ tried
        value = float(weight @ np.logaddexp(0.0, -ahead) + tried @ tried / 2 / _PULL)
        return value, -(standardised.T @ (weight / (1.0 + np.exp(ahead)))) + tried / _PULL

    bounds = [(_LOWEST.get(name, -np.inf) * width, np.inf) for name, width in zip(NAMES, scale, strict=True)]
    return np.asarray(minimize(loss, np.zeros(len(NAMES)), jac=True, method="L-BFGS-B", bounds=bounds).x / scale)


def fit_newer(examples: Sequence[Example], orders: Sequence[Numbers]) -> PairModel:
    """The model of pairs, from the questions and the weights of the order for each of them. A pair is right when the
    newer item answers fully and the older one is outdated."""
    from sklearn.linear_model import LogisticRegression

    rows, truth, weights = [], [], list[float]()
    for example, order in zip(examples, orders, strict=True):
        if not example.order_weight:
            continue
        pairs, read = pair_features(example.analysed, example.texts, example.features, example.features @ order)
        rows.append(read)
        truth += [example.grades[pair.older] == _OUTDATED and example.grades[pair.newer] > 1 for pair in pairs]
        weights += [example.order_weight] * len(pairs)
    stacked = np.vstack(rows)
    centre, scale = stacked.mean(axis=0), stacked.std(axis=0) + 1e-6
    model = LogisticRegression(C=_PAIR_STRENGTH, max_iter=3000).fit(
        (stacked - centre) / scale, truth, sample_weight=weights
    )
    fitted = model.coef_[0] / scale
    return PairModel(fitted, float(model.intercept_[0] - fitted @ centre))


def fit(organisations: Mapping[str, Sequence[Example]], about: str = "") -> RerankModel:
    """The model fitted on these organisations. What the trees read of an organisation is as the order shows it that was
    fitted on the others."""
    everything = [example for examples in organisations.values() for example in examples]
    orders = {
        name: fit_order([example for other, them in organisations.items() if other != name for example in them])
        for name in organisations
    }
    newer = fit_newer(everything, [orders[name] for name, examples in organisations.items() for _example in examples])
    rows, helps, first_rows, exists = [], [], [], []
    weights, question_weights = [], []
    for name, examples in organisations.items():
        for example in examples:
            if not example.weight:
                continue
            scores = example.features @ orders[name]
            scores = put_newer_first(scores, newer.replaced(example.analysed, example.texts, example.features, scores))
            first = np.argsort(-scores, kind="stable")[:_PLACES]
            read = list_features(example.analysed, example.texts, example.features, scores, example.background)
            has_answer = example.question.kind == ANSWER
            rows.append(read[first])
            helps += [has_answer and example.grades[position] > 0 for position in first]
            weights += [example.weight, *[0.5 * example.weight] * (len(first) - 1)]
            first_rows.append(read[first[0]])
            exists.append(has_answer)
            question_weights.append(example.weight)
    answers = _fit_trees(np.vstack(rows), np.array(helps), np.array(weights))
    existence = _fit_trees(np.stack(first_rows), np.array(exists), np.array(question_weights))
    return RerankModel(fit_order(everything), newer, answers, existence, about)


def _fit_trees(rows: Matrix, truth: NDArray[np.bool_], weights: Numbers) -> Trees:
    from sklearn.ensemble import GradientBoostingClassifier

    models = [
        GradientBoostingClassifier(
            n_estimators=_TREES, max_depth=_DEPTH, learning_rate=_RATE, min_samples_leaf=_LEAST_LEAF,
            subsample=_SHARE_OF_ROWS, max_features=_SHARE_OF_FEATURES, random_state=seed,
        ).fit(rows, truth, sample_weight=weights)
        for seed in range(_SEEDS)
    ]  # fmt: skip
    trees = [estimator.tree_ for model in models for estimator in model.estimators_[:, 0]]
    nodes = max(tree.node_count for tree in trees)
    shape = (len(trees), nodes)
    feature, left, right = (np.zeros(shape, np.int32) for _ in range(3))
    threshold, value = np.zeros(shape), np.zeros(shape)
    for number, tree in enumerate(trees):
        for node in range(tree.node_count):
            is_leaf = tree.children_left[node] < 0
            feature[number, node] = 0 if is_leaf else tree.feature[node]
            threshold[number, node] = tree.threshold[node]
            left[number, node] = node if is_leaf else tree.children_left[node]
            right[number, node] = node if is_leaf else tree.children_right[node]
            value[number, node] = _RATE / _SEEDS * tree.value[node].item() if is_leaf else 0.0
    prior = np.average(truth, weights=weights)
    return Trees(float(np.log(prior / (1.0 - prior))), _DEPTH, feature, threshold, left, right, value)


def main(folders: Sequence[Path], sets: Sequence[Path], write: bool) -> None:
    """Measure by leaving one organisation out, and write the model if asked to."""
    settings = Settings.from_environment()
    encoder = CachingEncoder(load_encoder(settings), settings.home / "evaluation" / "vectors")
    analyzer = Analyzer(settings.models_dir / "dictionaries")
    run = Run(settings, encoder, analyzer, lambda _what, _done, _total: None, "")
    of_sets = {folder.name: examples_of_set(EvaluationSet.read(folder), run) for folder in sets}
    with ExitStack() as stack:
        opened = {
            folder.name: stack.enter_context(
                open_organisation(
                    JSONLSource(folder / "org.jsonl"), settings.home / "research" / folder.name, settings, encoder,
                    analyzer,
                )
            )
            for folder in folders
        }  # fmt: skip
        questions = {folder.name: read_questions(folder / "questions.jsonl") for folder in folders}
        examples = {name: examples_of(organisation, questions[name]) for name, organisation in opened.items()}
        table = {}
        for name, organisation in opened.items():
            model = fit({other: them for other, them in (examples | of_sets).items() if other != name})
            table[name] = measure(questions[name], ask(organisation, questions[name], model))
        print_table(table)
    encoder.close()
    if write:
        about = (
            f"fitted on the invented organisations {', '.join(examples)} and on train queries of {', '.join(of_sets)}"
        )
        model = fit(examples | of_sets, about)
        FILE.write_text(json.dumps(model.as_json(), separators=(",", ":")) + "\n", encoding="utf-8")
        print(f"{FILE}: {FILE.stat().st_size / 1000:.0f} kB")


def print_table(table: Mapping[str, Measures]) -> None:
    """Print measures by name and organisation, with their mean."""
    names = list(table)
    print(f"{'':<52}" + "".join(f"{name[:12]:>13}" for name in names) + f"{'mean':>8}")
    for measured in next(iter(table.values())):
        values = [table[name][measured] for name in names]
        print(f"{measured:<52}" + "".join(f"{value:>13.2f}" for value in values) + f"{np.nanmean(values):>8.2f}")


if __name__ == "__main__":
    paths = [Path(argument) for argument in sys.argv[1:] if argument != "--write"]
    organisations = [path for path in paths if (path / "org.jsonl").exists()]
    main(organisations, [path for path in paths if path not in organisations], "--write" in sys.argv)
