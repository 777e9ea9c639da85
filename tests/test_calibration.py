"""calibration.py against sums done by hand."""

import pytest

from recommender.calibration import coverage, match, nearness, verdict
from recommender.datatypes import Verdict


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


def test_coverage_is_the_share_of_the_rarity_that_matches() -> None:
    assert coverage({"vpn": 3.0, "the": 1.0}, {"vpn"}, 5.0) == pytest.approx(3 / 4)
    assert coverage({"vpn": 3.0, "the": 1.0}, {"vpn", "the"}, 5.0) == pytest.approx(1.0)
    assert coverage({"vpn": 3.0, "the": 1.0}, set(), 5.0) == 0.0
    assert coverage({}, set(), 5.0) == 0.0


def test_a_word_never_seen_counts_against_the_passage() -> None:
    assert coverage({"vpn": 3.0, "flibbert": 0.0}, {"vpn"}, 5.0) == pytest.approx(3 / 8)


def test_match_is_four_parts_nearness_and_one_part_coverage() -> None:
    assert match(0.5, 1.0) == pytest.approx(0.8 * 0.5 + 0.2)
    assert match(0.0, 0.0) == 0.0
    assert match(1.0, 1.0) == pytest.approx(1.0)


def test_without_a_dense_leg_coverage_stands_alone() -> None:
    assert match(None, 0.7) == 0.7


@pytest.mark.parametrize(
    ("best", "expected"),
    [
        (0.4, Verdict.ANSWER),
        (0.399, Verdict.MAYBE),
        (0.2, Verdict.MAYBE),
        (0.199, Verdict.UNKNOWN),
        (0.0, Verdict.UNKNOWN),
    ],
)
def test_the_thresholds_belong_to_the_better_verdict(best: float, expected: Verdict) -> None:
    assert verdict(best, answer_from=0.4, maybe_from=0.2) is expected
