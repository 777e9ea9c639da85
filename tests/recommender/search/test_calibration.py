"""search/calibration.py against values computed by hand."""

import math

import numpy as np
import pytest

from recommender.search.calibration import (
    SHIPPED,
    SHIPPED_WEIGHTS,
    WITH_ANSWER,
    WORDS_ALONE,
    AnswerModel,
    Features,
    Weights,
    balanced,
    coverage,
    fit,
    fit_weights,
    length,
    nearness,
    probability,
)


@pytest.mark.parametrize(
    ("cosine", "background", "expected"),
    [
        (0.8, 0.8, 0.0),
        (1.0, 0.8, 1.0),
        (0.9, 0.8, 0.5),
        (0.3, 0.8, 0.0),
        (1.0001, 0.8, 1.0),
        (0.5, 0.0, 0.5),
        (1.0, 1.0, 0.0),
    ],
)
def test_nearness_is_zero_at_the_background_and_one_at_the_same_text(
    cosine: float, background: float, expected: float
) -> None:
    assert nearness(cosine, background) == pytest.approx(expected)


def test_coverage_is_the_share_of_the_rarity_in_matching_words() -> None:
    assert coverage({"vpn": 5.0, "the": 1.0}, {"vpn"}, 5.0, 4.0) == pytest.approx(5 / 6)
    assert coverage({"vpn": 5.0, "the": 1.0}, {"vpn", "the"}, 5.0, 4.0) == pytest.approx(1.0)
    assert coverage({"vpn": 3.0, "the": 1.0}, set(), 5.0, 4.0) == 0.0
    assert coverage({}, set(), 5.0, 4.0) == 0.0


def test_an_unknown_word_counts_against_the_passage() -> None:
    assert coverage({"vpn": 5.0, "flibbert": 0.0}, {"vpn"}, 5.0, 4.0) == pytest.approx(5 / 10)


def test_matching_common_words_counts_little() -> None:
    assert coverage({"all": 1.0, "the": 0.5}, {"all", "the"}, 5.0, 4.0) == pytest.approx(1 / 4)
    assert coverage({"all": 1.0, "vpn": 3.0}, {"all", "vpn"}, 5.0, 4.0) == pytest.approx(3 / 4)
    assert coverage({"flibbert": 0.0}, {"flibbert"}, 5.0, 4.0) == 0.0


@pytest.mark.parametrize(("words", "expected"), [(0, 0.0), (8, 0.0), (32, 0.5), (128, 1.0), (5_000, 1.0)])
def test_length_is_logarithmic(words: int, expected: float) -> None:
    assert length(words, 128) == pytest.approx(expected)


def test_a_probability_is_the_logistic_function_of_the_weighted_features() -> None:
    logit = SHIPPED_WEIGHTS.constant + SHIPPED_WEIGHTS.near * 0.4 + SHIPPED_WEIGHTS.covered * 0.5
    assert probability(Features(0.4, 0.5, 3, 5)) == pytest.approx(1 / (1 + math.exp(-logit)))
    logit += (
        SHIPPED_WEIGHTS.question
        + SHIPPED_WEIGHTS.passage
        + SHIPPED_WEIGHTS.near_in_long * 0.4
        + SHIPPED_WEIGHTS.covered_in_long * 0.5
    )
    assert probability(Features(0.4, 0.5, 128, 256)) == pytest.approx(1 / (1 + math.exp(-logit)))


def test_more_nearness_or_coverage_is_more_probable_at_any_length() -> None:
    for question in (1, 20, 500):
        for passage in (1, 60, 500):
            by_near = [probability(Features(near / 10, 0.5, question, passage)) for near in range(11)]
            by_words = [probability(Features(0.3, covered / 10, question, passage)) for covered in range(11)]
            assert by_near == sorted(set(by_near)) and by_words == sorted(set(by_words))
    assert probability(Features(0.0, 0.0, 2, 20)) < 0.01 and probability(Features(0.8, 1.0, 2, 20)) > 0.99


def test_in_keyword_search_the_probability_depends_only_on_coverage() -> None:
    logit = WORDS_ALONE.constant + WORDS_ALONE.covered * 0.7
    assert probability(Features(None, 0.7, 3, 300)) == pytest.approx(1 / (1 + math.exp(-logit)))


def test_an_answer_model_changes_the_logit() -> None:
    logit = -2.0 + 0.5 * math.log(0.9 / 0.1)
    assert AnswerModel(-2.0, 0.5).probability(0.9) == pytest.approx(1 / (1 + math.exp(-logit)))
    assert AnswerModel(1.0, 0.0).probability(0.0) == AnswerModel(1.0, 0.0).probability(1.0)


def test_the_shipped_answer_model_changes_nothing_but_certainty() -> None:
    for given in (0.01, 0.3, 0.5, 0.9, 0.99):
        assert SHIPPED.probability(given) == pytest.approx(given)
    assert SHIPPED.probability(0.0) == pytest.approx(0.0025) and SHIPPED.probability(1.0) == pytest.approx(0.9975)


def test_a_higher_probability_stays_higher_in_every_organisation() -> None:
    for answer_model in (SHIPPED, AnswerModel(-3.0, 0.2), AnswerModel(4.0, 2.5)):
        adapted = [answer_model.probability(given / 20) for given in range(21)]
        assert adapted == sorted(set(adapted))


def test_balanced_weights_give_the_wanted_share_with_an_answer() -> None:
    truth = [True] * 30 + [False] * 10
    weights = balanced(truth)
    assert weights.mean() == pytest.approx(1.0)
    assert weights[:30].sum() / weights.sum() == pytest.approx(WITH_ANSWER)


def _drawn(answer_model: AnswerModel, questions: int) -> tuple[list[float], list[bool]]:
    rng = np.random.default_rng(0)
    given = rng.uniform(0.01, 0.99, questions).tolist()
    return given, [bool(rng.random() < answer_model.probability(value)) for value in given]


def test_fitting_finds_the_answer_model_that_the_answers_were_drawn_with() -> None:
    given, truth = _drawn(AnswerModel(-1.5, 0.6), 20_000)
    fitted = fit(given, truth, np.ones(len(truth)))
    assert (fitted.constant, fitted.slope) == pytest.approx((-1.5, 0.6), abs=0.06)


def test_a_strong_prior_keeps_the_shipped_model_and_the_slope_never_becomes_negative() -> None:
    given, truth = _drawn(AnswerModel(-1.5, 0.6), 200)
    fitted = fit(given, truth, np.ones(200), pull=1e9)
    assert (fitted.constant, fitted.slope) == pytest.approx((SHIPPED.constant, SHIPPED.slope), abs=1e-3)
    opposite = fit(given, [not answered for answered in truth], np.ones(200))
    assert opposite.slope == 0.0


def test_a_question_that_weighs_more_counts_as_often() -> None:
    given, truth = [0.2, 0.4, 0.6, 0.8, 0.3], [False, True, False, True, True]
    twice = fit([*given, 0.3], [*truth, True], np.ones(6), pull=0.1)
    weighed = fit(given, truth, np.array([1.0, 1.0, 1.0, 1.0, 2.0]), pull=0.1)
    assert (weighed.constant, weighed.slope) == pytest.approx((twice.constant, twice.slope), abs=1e-4)


def test_an_equally_near_match_in_another_language_is_more_probable() -> None:
    other_language = probability(Features(0.3, 0.2, 5, 20, across=True))
    same_language = probability(Features(0.3, 0.2, 5, 20))
    gain = math.log(other_language / (1 - other_language)) - math.log(same_language / (1 - same_language))
    assert gain == pytest.approx(SHIPPED_WEIGHTS.across) and SHIPPED_WEIGHTS.across > 0
    assert probability(Features(None, 0.7, 3, 300, across=True)) == probability(Features(None, 0.7, 3, 300))


def test_fitting_finds_the_weights_that_the_answers_were_drawn_with_from_the_best_suggestions() -> None:
    rng = np.random.default_rng(0)
    true_weights = Weights(
        -4.0, 6.0, 3.0, question=1.0, passage=-2.0, near_in_long=2.0, covered_in_long=1.0, across=1.0
    )

    def suggestion() -> Features:
        near, covered = rng.uniform(0, 1, 2).tolist()
        return Features(near, covered, int(rng.integers(1, 200)), int(rng.integers(1, 400)), bool(rng.random() < 0.3))

    suggestions = [[suggestion() for _ in range(3)] for _ in range(20_000)]
    best = [max(probability(features, true_weights) for features in question) for question in suggestions]
    truth = (rng.uniform(size=len(best)) < best).tolist()
    fitted = fit_weights(suggestions, truth, np.ones(len(truth)), Weights(-3.0, 4.0, 4.0, across=1.0))
    assert fitted.across == 1.0
    for near, covered in ((0.2, 0.1), (0.5, 0.5), (0.4, 0.9), (0.8, 0.3)):
        for words, long in ((3, 10), (60, 200)):
            features = Features(near, covered, words, long)
            assert probability(features, fitted) == pytest.approx(probability(features, true_weights), abs=0.05)
    opposite = fit_weights(suggestions, [not answered for answered in truth], np.ones(len(truth)))
    assert (opposite.near, opposite.covered, opposite.near_in_long) == (0.0, 0.0, 0.0)


def test_fitting_accepts_questions_without_suggestions() -> None:
    near, far = Features(0.9, 0.9, 3, 20), Features(0.1, 0.1, 3, 20)
    fitted = fit_weights([[near], [far], [], [near], [far]], [True, False, False, True, False], np.ones(5))
    assert probability(near, fitted) > 0.9 and probability(far, fitted) < 0.1
