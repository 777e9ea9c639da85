"""search/rerank.py: the order, the probabilities and what they are computed from, by hand; the file that ships."""

import json
import math
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from recommender.datatypes import Kind
from recommender.search import rerank
from recommender.search.features import NAMES
from recommender.search.newer import PAIR_NAMES, Pair, PairModel
from recommender.search.rerank import LIST_NAMES, Judgement, RerankModel, judge, list_features, with_scores
from recommender.search.trees import Trees
from tests.recommender.search.candidates import DAY, direction, list_column, make_question, make_text, row_of

NOTHING_NEWER = PairModel(np.zeros(len(PAIR_NAMES)), -20.0)


def _one_split(name: str, threshold: float, low: float, high: float) -> Trees:
    """One tree: `low` if the column is at most the threshold, else `high`."""
    return Trees.from_json(
        {
            "start": 0.0,
            "depth": 1,
            "feature": [[LIST_NAMES.index(name), 0, 0]],
            "threshold": [[threshold, 0.0, 0.0]],
            "left": [[1, 1, 2]],
            "right": [[2, 1, 2]],
            "value": [[0.0, low, high]],
        }
    )


def _model(newer: PairModel = NOTHING_NEWER, **weights: float) -> RerankModel:
    """A model whose order is by these features: a candidate answers if its document feature is 1, and an answer exists
    if the first candidate's title is long."""
    answers, exists = _one_split("this_document", 0.5, -1.0, 2.0), _one_split("this_answer_length", 1.0, -3.0, 3.0)
    return RerankModel(np.array([weights.get(name, 0.0) for name in NAMES]), newer, answers, exists)


def test_the_order_is_that_of_the_weighted_features() -> None:
    matrix = np.vstack([row_of(score=0.2, answer=0.9), row_of(score=0.6, answer=0.1), row_of(score=0.4, answer=0.8)])
    texts = [make_text(number) for number in range(3)]
    judgement = judge(_model(score=1.0, answer=2.0), make_question("printer"), texts, matrix, 0.0)
    assert judgement.scores.tolist() == pytest.approx([2.0, 0.8, 2.0])
    assert list(judgement.order) == [0, 2, 1]  # equal ones stay in their order
    assert judgement.replaced == {}


def test_an_unfitted_model_keeps_the_order_of_the_search() -> None:
    texts = [make_text(1, at=DAY - timedelta(days=900)), make_text(2, at=DAY)]
    matrix = np.vstack([row_of(score=0.2, age=2.0), row_of(score=0.6)])
    judgement = judge(RerankModel.unfitted(), make_question("printer"), texts, matrix, 0.0)
    assert list(judgement.order) == [0, 1] and judgement.exists == 0.5 and judgement.replaced == {}


def test_documents_alone_stay_in_the_order_of_the_search_but_newer_ones_come_first() -> None:
    matrix = np.vstack([row_of(score=0.2), row_of(score=0.6), row_of(score=0.4)])
    texts = [make_text(number, kind=Kind.DOCUMENT, at=DAY - timedelta(days=100 * number)) for number in range(3)]
    assert list(judge(_model(score=1.0), make_question("printer"), texts, matrix, 0.0).order) == [0, 1, 2]
    stated = {Pair(2, 1): 1.0}
    assert list(judge(_model(score=1.0), make_question("printer"), texts, matrix, 0.0, stated).order) == [0, 2, 1]
    with_request = [*texts[:2], make_text(3, answer="Open the tray")]
    assert list(judge(_model(score=1.0), make_question("printer"), with_request, matrix, 0.0).order) == [1, 2, 0]


def test_probabilities_are_those_of_the_trees_each_for_its_own_candidate() -> None:
    matrix = np.vstack([row_of(document=0.0, answer_length=2.0), row_of(score=1.0, document=1.0, answer_length=0.5)])
    judgement = judge(_model(score=1.0), make_question("printer"), [make_text(1), make_text(2)], matrix, 0.0)
    assert list(judgement.order) == [1, 0]
    logistic = [1 / (1 + math.exp(-logit)) for logit in (-1.0, 2.0, -3.0)]
    assert judgement.answers.tolist() == pytest.approx(logistic[:2])  # in the old order
    assert judgement.exists == pytest.approx(logistic[2])  # of the candidate that is first now
    behind = judge(_model(score=-1.0), make_question("printer"), [make_text(1), make_text(2)], matrix, 0.0)
    assert behind.exists == pytest.approx(1 / (1 + math.exp(-3.0)))


def test_a_newer_item_stands_before_the_older_one_that_it_replaces() -> None:
    same = direction(1, 0)
    texts = [make_text(1, at=DAY - timedelta(days=400), says=same), make_text(2), make_text(3, at=DAY, says=same)]
    texts[1] = make_text(2, at=DAY, says=direction(0, 1))
    matrix = np.vstack([row_of(score=3.0), row_of(score=2.0), row_of(score=1.0)])
    weights = np.zeros(len(PAIR_NAMES))
    weights[PAIR_NAMES.index("answers_alike")] = 8.0
    judgement = judge(_model(PairModel(weights, -6.0), score=1.0), make_question("printer"), texts, matrix, 0.0)
    assert list(judgement.order) == [2, 0, 1]
    assert judgement.replaced == {Pair(2, 0): pytest.approx(1 / (1 + math.exp(-2.0)))}


def test_what_somebody_stated_stands_above_what_the_model_thinks() -> None:
    same = direction(1, 0)
    texts = [make_text(1, at=DAY - timedelta(days=400), says=same), make_text(2, at=DAY, says=same)]
    weights = np.zeros(len(PAIR_NAMES))
    weights[PAIR_NAMES.index("answers_alike")] = 8.0  # the model thinks that the second replaces the first
    model, question = _model(PairModel(weights, -6.0), score=1.0), make_question("printer")
    for scores in ((3.0, 1.0), (1.0, 3.0)):
        matrix = np.vstack([row_of(score=score) for score in scores])
        assert list(judge(model, question, texts, matrix, 0.0).order) == [1, 0]
        stated = judge(model, question, texts, matrix, 0.0, {Pair(0, 1): 1.0})
        assert list(stated.order) == [0, 1] and stated.replaced == {Pair(0, 1): 1.0}


def test_what_the_trees_read_of_a_list() -> None:
    question = make_question("printer TK-408 noise blah", {"printer": 1.0, "tk-408": 3.0, "noise": 2.0, "blah": 0.0})
    texts = [make_text(1), make_text(2, "Printer TK-403"), make_text(3)]
    rows = [row_of(nearest=0.9, answer=0.2), row_of(nearest=0.7, answer=0.6), row_of(nearest=0.5)]
    read = list_features(question, texts, np.vstack(rows), np.array([2.0, 2.5, 0.5]), 0.4)
    assert read.shape == (3, len(LIST_NAMES))
    assert list_column(read, "this_answer") == [0.2, 0.6, 0.0]
    assert list_column(read, "best_answer") == [0.6] * 3 and list_column(read, "best_nearest") == [0.9] * 3
    assert list_column(read, "ahead_of_best_other") == [-0.5, 0.5, -2.0]
    assert list_column(read, "ahead_of_second_other") == [1.5, 2.0, -1.5]
    assert list_column(read, "rank_score") == [2.0, 2.5, 0.5]
    assert list_column(read, "above_background") == pytest.approx([0.5, 0.3, 0.1])
    assert list_column(read, "question_length") == pytest.approx([math.log(5)] * 3)
    assert list_column(read, "unknown_words") == pytest.approx([4 / 10] * 3)  # an unknown word weighs 4
    assert list_column(read, "unknown_codes") == [1.0] * 3 and list_column(read, "has_codes") == [1.0] * 3
    assert list_column(read, "rarest_word") == [0.75] * 3 and list_column(read, "total_rarity") == [2.5] * 3


def test_a_single_candidate_is_far_ahead() -> None:
    read = list_features(make_question("printer jam"), [make_text(1)], row_of(), np.array([-7.0]), 0.0)
    assert list_column(read, "ahead_of_best_other") == list_column(read, "ahead_of_second_other") == [3.0]
    assert list_column(read, "has_codes") == list_column(read, "unknown_codes") == [0.0]


def test_other_scores_count_as_much_as_those_of_the_second_look() -> None:
    judgement = Judgement([0, 1, 2], np.array([10.0, 9.0, 2.0]), np.zeros(3), 0.5, {})
    assert with_scores(judgement, np.array([1.0, 9.0, 2.0], np.float32)) == [1, 0, 2]
    assert with_scores(judgement, np.array([5.0, 5.0, 5.0], np.float32)) == [0, 1, 2]  # they say nothing
    for factor in (1e-3, 1e3):  # their size does not matter
        assert with_scores(judgement, np.array([1.0, 9.0, 2.0], np.float32) * np.float32(factor)) == [1, 0, 2]
    newer = replace(judgement, replaced={Pair(2, 1): 0.9})
    assert with_scores(newer, np.array([1.0, 9.0, 2.0], np.float32)) == [2, 1, 0]


def test_the_shipped_model_says_how_it_was_made_and_prefers_what_is_near_and_has_the_words() -> None:
    model = rerank.shipped()
    assert "fitted" in model.about
    weights = dict(zip(NAMES, model.weights, strict=True))
    assert weights["score"] > 0 and weights["codes_missing"] < 0 and weights["says_nothing"] < 0
    assert RerankModel.from_json(model.as_json()).as_json() == json.loads(rerank.FILE.read_text(encoding="utf-8"))


def test_the_shipped_model_judges_candidates() -> None:
    question = make_question("printer jam")
    near = dict.fromkeys(("score", "lexical", "title_words", "body_words", "answer_words", "all_words"), 1.0)
    near |= dict.fromkeys(("nearest", "question", "answer", "opening", "whole"), 0.7)
    far = dict.fromkeys(("score", "lexical", "nearest", "question", "answer", "opening", "whole"), 0.02)
    common = {"place": -1.0, "answer_length": 3.0, "same_language": 1.0}
    texts = [make_text(1, answer="Buy a new one"), make_text(2)]
    good = judge(rerank.shipped(), question, texts, np.vstack([row_of(**far, **common), row_of(**near, **common)]), 0.0)
    assert list(good.order) == [1, 0] and good.answers[1] > good.answers[0]
    bad = judge(rerank.shipped(), question, texts, np.vstack([row_of(**far, **common)] * 2), 0.0)
    assert good.exists > bad.exists and ((good.answers >= 0) & (good.answers <= 1)).all()


@pytest.mark.parametrize("names", ["features", "list_features", "pair_features"])
def test_a_model_for_other_features_is_refused(names: str) -> None:
    stored = rerank.shipped().as_json()
    with pytest.raises(ValueError, match="other features"):
        RerankModel.from_json({**stored, names: [*stored[names], "another"]})
    with pytest.raises(ValueError, match="other features"):
        RerankModel.from_json({**stored, names: stored[names][::-1]})
    with pytest.raises(KeyError):
        RerankModel.from_json({name: value for name, value in stored.items() if name != names})


@pytest.mark.parametrize("name", ["weights", "pair_weights"])
def test_a_model_with_another_number_of_weights_is_refused(name: str) -> None:
    stored = rerank.shipped().as_json()
    with pytest.raises(ValueError, match="weights"):
        RerankModel.from_json({**stored, name: stored[name][:-1]})
