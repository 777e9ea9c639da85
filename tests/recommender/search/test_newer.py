"""search/newer.py: pairs of a newer and an older candidate, what they share, and the order that follows."""

from datetime import timedelta

import numpy as np
import pytest

from recommender.datatypes import Kind
from recommender.index import Near
from recommender.search.features import NAMES, CandidateText
from recommender.search.newer import PAIR_NAMES, Pair, PairModel, pair_features, put_newer_first
from tests.recommender.search.candidates import DAY, direction, make_question, make_text, row_of

OLD, NEW = DAY - timedelta(days=146), DAY
ONE, OTHER = direction(1, 0), direction(3, 4)


def _read(
    *texts: CandidateText, scores: list[float] | None = None, question: str = "printer jam"
) -> dict[Pair, dict[str, float]]:
    rows_of_all = [row_of(answer=0.1 * (number + 1)) for number in range(len(texts))]
    matrix = np.vstack([np.zeros((0, len(NAMES))), *rows_of_all])
    pairs, rows = pair_features(make_question(question), texts, matrix, np.array(scores or [1.0] * len(texts)))
    assert rows.shape == (len(pairs), len(PAIR_NAMES))
    return {pair: dict(zip(PAIR_NAMES, row, strict=True)) for pair, row in zip(pairs, rows.tolist(), strict=True)}


def test_a_pair_has_a_newer_and_an_older_candidate_a_week_apart() -> None:
    older, newer, same_week = make_text(1, at=OLD), make_text(2, at=NEW), make_text(3, at=NEW - timedelta(days=6))
    assert _read(older, newer, same_week).keys() == {Pair(1, 0), Pair(2, 0)}
    assert _read(older).keys() == _read().keys() == set()


def test_only_the_first_candidates_are_compared() -> None:
    texts = [make_text(number, at=DAY - timedelta(days=10 * number)) for number in range(10)]
    positions = {position for pair in _read(*texts, scores=[-float(n) for n in range(10)]) for position in pair}
    assert positions == set(range(8))


def test_what_is_read_of_a_pair_by_hand() -> None:
    older = make_text(
        1, "Printer TK-408", "the printer jams daily", "Replace roller 12 yearly", at=OLD, says=ONE, whole=OTHER,
        near=Near(1, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5),
    )  # fmt: skip
    newer = make_text(
        2, "Printer jams", "the printer jams weekly", "Replace roller 15", kind=Kind.DOCUMENT, team="hr", language="fi",
        at=NEW, says=OTHER, whole=OTHER,
    )  # fmt: skip
    read = _read(older, newer, scores=[2.0, 1.5])[Pair(1, 0)]
    assert (read["answers_alike"], read["whole_alike"]) == pytest.approx((0.6, 1.0))
    assert read["titles_share"] == pytest.approx(1 / 2)  # "printer" of "printer" and "jams"
    assert read["answers_share"] == pytest.approx(2 / 3)  # "replace", "roller"; not "yearly"
    assert read["numbers_share"] == pytest.approx(0.0)  # 12 and 15
    assert (read["same_language"], read["same_team"]) == (0.0, 0.0)
    assert (read["newer_is_document"], read["older_is_document"]) == (1.0, 0.0)
    assert read["years_apart"] == pytest.approx(146 / 365)
    assert (read["newer_behind_best"], read["older_behind_best"]) == (-0.5, 0.0)
    assert (read["newer_place"], read["older_place"]) == (1.0, 0.0)
    assert read["codes_differ"] == 1.0  # TK-408
    assert read["newer_length"] == pytest.approx(np.log1p(len("Replace roller 15")))
    assert read["older_length"] == pytest.approx(np.log1p(len("Replace roller 12 yearly")))
    assert (read["newer_answer_nearness"], read["older_answer_nearness"]) == pytest.approx((0.2, 0.1))


def test_words_share_their_beginnings_and_three_years_are_the_most() -> None:
    older = make_text(1, body="the passwords expire", at=DAY - timedelta(days=3000))
    read = _read(older, make_text(2, body="a password expires", at=NEW))[Pair(1, 0)]
    assert read["bodies_share"] == 1.0
    assert (read["years_apart"], read["same_team"], read["same_language"]) == (3.0, 1.0, 1.0)


def test_for_a_long_question_years_count_less() -> None:
    texts = make_text(1, at=OLD), make_text(2, at=NEW)
    read = _read(*texts, question=" ".join(["printer"] * 30))[Pair(1, 0)]
    assert read["years_apart"] == pytest.approx(146 / 365 / 2)


def test_candidates_without_vectors_are_not_alike() -> None:
    read = _read(make_text(1, at=OLD), make_text(2, at=NEW))[Pair(1, 0)]
    assert (read["answers_alike"], read["whole_alike"]) == (0.0, 0.0)


def test_the_model_names_the_pairs_that_are_probable_enough() -> None:
    texts = [make_text(1, at=OLD, says=ONE), make_text(2, at=NEW, says=OTHER)]
    question, matrix, scores = make_question("printer"), np.vstack([row_of(), row_of()]), np.array([1.0, 1.0])
    weights = np.zeros(len(PAIR_NAMES))
    weights[PAIR_NAMES.index("answers_alike")] = 10.0  # times 0.6
    found = PairModel(weights, -5.0).replaced(question, texts, matrix, scores)
    assert found == {Pair(1, 0): pytest.approx(1 / (1 + np.exp(-1.0)))}
    assert PairModel(weights, -8.0).replaced(question, texts, matrix, scores) == {}  # a probability of 0.12
    assert PairModel(weights, -5.0).replaced(question, texts[:1], matrix[:1], scores[:1]) == {}


def test_a_newer_item_is_put_just_before_the_older_one_that_it_replaces() -> None:
    scores = np.array([3.0, 2.0, 1.0, 0.0])
    raised = put_newer_first(scores, {Pair(2, 0): 0.9})
    assert np.argsort(-raised).tolist() == [2, 0, 1, 3]
    assert raised[[0, 1, 3]].tolist() == [3.0, 2.0, 0.0] and raised[2] - raised[0] < 0.01
    assert put_newer_first(scores, {Pair(0, 2): 0.9}).tolist() == scores.tolist()  # it stands there already
    assert put_newer_first(scores, {}).tolist() == scores.tolist()
    assert scores.tolist() == [3.0, 2.0, 1.0, 0.0]  # what was given is not changed


@pytest.mark.parametrize("probabilities", [(0.3, 0.5, 0.7), (0.7, 0.5, 0.3), (0.5, 0.7, 0.3)])
def test_of_three_versions_the_newest_is_first_and_the_oldest_last(probabilities: tuple[float, float, float]) -> None:
    oldest, middle, newest = 0, 1, 2
    pairs = (Pair(newest, middle), Pair(newest, oldest), Pair(middle, oldest))
    for among in (pairs, (pairs[0], pairs[2])):  # it may be known of neighbours only
        raised = put_newer_first(np.array([3.0, 2.0, 1.0, 2.5]), dict(zip(among, probabilities, strict=False)))
        assert np.argsort(-raised, kind="stable").tolist() == [newest, middle, oldest, 3]
