"""insights/topics/word_vectors.py: what titles say is added to what items mean."""

import math

import numpy as np
import pytest

from recommender.insights.topics.bags import Bags
from recommender.insights.topics.word_vectors import DIMENSION, _direction, with_words

MEANINGS = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]], np.float32)


def test_words_are_two_fifths_and_rare_ones_count_more() -> None:
    both = with_words(
        MEANINGS,
        [0, 1, 2],
        Bags.of([{"vpn": 1.0, "alone": 1.0}, {"vpn": 1.0, "tunnel": 0.5}, {"tunnel": 1.0, "vpn": 1.0}]),
    )
    assert both.shape == (3, 2 + DIMENSION) and both.dtype == np.float32
    said = math.log(3 / 3) * _direction("vpn") + 0.5 * math.log(3 / 2) * _direction("tunnel")
    said /= np.linalg.norm(said)
    assert both[1] == pytest.approx(np.concatenate([math.sqrt(0.6) * MEANINGS[1], math.sqrt(0.4) * said]), abs=1e-6)
    assert both[0] == pytest.approx([1.0, *[0.0] * (1 + DIMENSION)])  # no word that tells it from others
    assert np.linalg.norm(both, axis=1) == pytest.approx([1.0] * 3)
    assert both[1] @ both[2] == pytest.approx(0.4)


@pytest.mark.parametrize("bags", [[{}, {}, {}], [{"a": 1.0}, {"b": 1.0}, {"c": 1.0}]])
def test_without_shared_words_only_the_meaning_counts(bags: list[dict[str, float]]) -> None:
    assert with_words(MEANINGS, [2, 1, 0], Bags.of(bags))[:, :2] == pytest.approx(MEANINGS[::-1])


@pytest.mark.parametrize("rows", [[0, 1, 2], [0, 2]])
def test_words_are_written_into_the_room_beside_the_meanings(rows: list[int]) -> None:
    bags = Bags.of([{"vpn": 1.0}, {"vpn": 1.0, "tunnel": 0.5}, {"tunnel": 1.0}][: len(rows)])
    apart = with_words(MEANINGS, rows, bags)
    room = np.pad(MEANINGS, ((0, 0), (0, DIMENSION)))
    both = with_words(room[:, :-DIMENSION], rows, bags, room)
    assert (both == apart).all() and np.shares_memory(both, room)
