"""search/features.py: every feature of a candidate, computed by hand."""

import math
from collections.abc import Callable
from datetime import timedelta

import numpy as np
import pytest

from recommender.datatypes import Kind
from recommender.index import Near
from recommender.language.analyzer import Analyzer
from recommender.search.features import NAMES, CandidateText, feature_matrix, likenesses, missing_codes
from recommender.search.highlight import Matcher
from recommender.search.question import Question
from tests.recommender.search.candidates import DAY, direction, make_question, make_text

Columns = Callable[..., dict[str, list[float]]]


@pytest.fixture
def columns(analyzer: Analyzer) -> Columns:
    """The features of candidates by name, each as a list of one number for each candidate."""

    def computed(question: Question, *texts: CandidateText) -> dict[str, list[float]]:
        matcher = Matcher(question.rarity, analyzer)
        matrix = feature_matrix(question, texts, matcher)
        assert matrix.shape == (len(texts), len(NAMES))
        return {name: matrix[:, place].tolist() for place, name in enumerate(NAMES)}

    return computed


def test_scores_and_cosines_are_those_of_the_candidate(columns: Columns) -> None:
    near = Near(7, 0.9, 0.1, 0.8, question=0.7, answer=0.6, opening=0.4)
    texts = make_text(1, score=0.75, lexical=4.0, near=near), make_text(2, score=0.5, lexical=1.0)
    found = columns(make_question("printer"), *texts)
    assert found["score"] == [0.75, 0.5]
    assert found["lexical"] == [1.0, 0.25]  # as a share of the best one
    cosines = [found[name][0] for name in ("nearest", "question", "answer", "opening", "whole")]
    assert cosines == [0.9, 0.7, 0.6, 0.4, 0.8]
    assert [found[name][1] for name in ("nearest", "question", "answer", "opening", "whole")] == [0.0] * 5


def test_without_a_matching_word_the_lexical_share_is_zero(columns: Columns) -> None:
    assert columns(make_question("printer"), make_text(1, lexical=0.0))["lexical"] == [0.0]


def test_word_shares_are_weighted_by_rarity(columns: Columns) -> None:
    question = make_question("printer jam noise", {"printer": 1.0, "jam": 3.0, "noise": 0.0})  # an unknown word: 4
    text = make_text(1, "Printer", "a jam in the printer", "remove the jam")
    found = {name: values[0] for name, values in columns(question, text).items()}
    assert found["title_words"] == pytest.approx(1 / 8)
    assert found["body_words"] == pytest.approx(4 / 8)
    assert found["answer_words"] == pytest.approx(3 / 8)
    assert found["all_words"] == pytest.approx(4 / 8)


def test_a_document_is_read_in_the_passages_that_were_found(columns: Columns) -> None:
    question = make_question("printer jam", {"printer": 1.0, "jam": 3.0})
    document = make_text(1, "Guide", "the printer; and far below: jam", "", kind=Kind.DOCUMENT)
    passages = [document.passages[0].__class__("document:1", document.passages[0].role, 0, "Guide", "a jam", "en")]
    document = CandidateText(document.item, document.candidate, passages)
    found = columns(question, document)
    assert (found["body_words"], found["answer_words"]) == ([0.75], [0.0])
    assert found["document"] == [1.0]
    assert columns(question, make_text(2))["document"] == [0.0]


def test_the_place_in_the_order_of_the_search_counts_as_a_logarithm(columns: Columns) -> None:
    assert columns(make_question("x"), make_text(1), make_text(2), make_text(3))["place"] == pytest.approx(
        [-1.0, -math.log2(3), -2.0]
    )


def test_the_length_is_the_logarithm_of_the_number_of_words(columns: Columns) -> None:
    found = columns(make_question("x"), make_text(1, "one two three", "b", "four five"), make_text(2, "", "b c d", ""))
    assert found["answer_length"] == pytest.approx([math.log(3), math.log(4)])  # the body where there is no answer


@pytest.mark.parametrize(
    ("title", "missing", "present", "other"),
    [
        ("Error TK-408 and E52", 0.0, 1.0, 0.0),
        ("Error TK 408", 0.5, 1.0, 0.0),  # E52 is missing, and nothing of its form is there instead
        ("Error TK-403", 1.0, 0.0, 1.0),  # another code of the form of TK-408
        ("Printer jam", 1.0, 0.0, 0.0),
    ],
)
def test_codes_that_are_missing_present_or_replaced_by_another(
    columns: Columns, title: str, missing: float, present: float, other: float
) -> None:
    found = columns(make_question("error TK-408 after E52"), make_text(1, title, "", "restart it"))
    assert (found["codes_missing"], found["codes_present"], found["codes_other"]) == ([missing], [present], [other])


def test_a_question_without_codes_has_no_features_of_codes(columns: Columns) -> None:
    found = columns(make_question("printer jam"), make_text(1, "Error TK-403"))
    assert (found["codes_missing"], found["codes_present"], found["codes_other"]) == ([0.0], [0.0], [0.0])


def test_the_age_is_in_years_against_the_newest_candidate(columns: Columns) -> None:
    old = make_text(1, at=DAY - timedelta(days=731))
    found = columns(make_question("x"), old, make_text(2, at=DAY))
    assert found["age"] == pytest.approx([731 / 365.25, 0.0])
    assert columns(make_question("x"), make_text(1, at=DAY - timedelta(days=5000)), make_text(2))["age"][0] == 3.0


def test_the_more_a_question_says_the_less_the_age_matters(columns: Columns) -> None:
    texts = make_text(1, at=DAY - timedelta(days=731)), make_text(2, at=DAY)
    found = columns(make_question(" ".join(["printer"] * 30)), *texts)
    assert found["age"] == pytest.approx([731 / 365.25 / 2, 0.0])


def test_a_newer_candidate_that_says_the_like_is_told_by_its_likeness_and_its_score(columns: Columns) -> None:
    one, other = direction(1, 0), direction(3, 4)  # their cosine is 0.6
    older = make_text(1, at=DAY - timedelta(days=100), score=0.8, says=one)
    newer = make_text(2, at=DAY, score=0.4, says=other)
    assert columns(make_question("x"), older, newer)["newer_alike"] == pytest.approx([0.6 * 0.4 / 0.8, 0.0])
    stronger = make_text(2, at=DAY, score=8.0, says=other)  # at most 2
    assert columns(make_question("x"), older, stronger)["newer_alike"] == [2.0, 0.0]
    same_week = make_text(2, at=DAY - timedelta(days=97), score=0.4, says=other)
    assert columns(make_question("x"), older, same_week)["newer_alike"] == [0.0, 0.0]


def test_a_reply_that_says_nothing_and_the_language_are_told(columns: Columns) -> None:
    texts = make_text(1, answer="Done, thanks!"), make_text(2, answer="Open the tray and pull", language="fi")
    found = columns(make_question("printer"), *texts)
    assert found["says_nothing"] == [1.0, 0.0]
    assert found["same_language"] == [1.0, 0.0]


def test_no_candidates_have_no_features(columns: Columns) -> None:
    assert set(map(len, columns(make_question("printer")).values())) == {0}


def test_likenesses_are_cosines_and_zero_when_a_vector_is_missing() -> None:
    texts = [make_text(1, says=direction(1, 0)), make_text(2, says=direction(3, 4)), make_text(3)]
    np.testing.assert_allclose(likenesses(texts[:2]), [[1.0, 0.6], [0.6, 1.0]], atol=1e-6)
    np.testing.assert_array_equal(likenesses(texts), np.zeros((3, 3)))
    without_answer = make_text(3, near=Near(3, 0.5, 0.5, 0.5))
    np.testing.assert_array_equal(likenesses([*texts[:2], without_answer]), np.zeros((3, 3)))


def test_missing_codes_are_those_that_no_candidate_mentions() -> None:
    texts = make_text(1, "Error TK-408"), make_text(2, body="model E 52")
    question = make_question("TK-408, E52 and ZX-81")
    assert missing_codes(question, texts) == ("ZX-81",)
    assert missing_codes(question, texts[:1]) == ("E52", "ZX-81")
    assert missing_codes(make_question("printer jam"), texts) == ()
