"""index/nearness.py: compared with each item's vectors, one item after the other."""

from collections.abc import Sequence

import numpy as np
import pytest

from recommender.datatypes import Role
from recommender.encoder import Vectors, normalise
from recommender.index import nearness
from recommender.index.nearness import ROLES, ItemPassages

ITEMS: Sequence[Sequence[Role]] = (
    (Role.QUESTION, Role.ANSWER, Role.OPENING),
    (Role.QUESTION,),
    (Role.SECTION, Role.SECTION, Role.SECTION, Role.OPENING),
    (Role.OPENING,),
    (Role.QUESTION, Role.ANSWER, Role.ANSWER, Role.OPENING),
)
ANSWERS = (Role.ANSWER, Role.SECTION)


def _random(rows: int, seed: int) -> Vectors:
    return normalise(np.random.default_rng(seed).normal(size=(rows, 8)).astype(np.float32))


def _passages(vectors: Vectors, items: Sequence[Sequence[Role]] = ITEMS) -> ItemPassages:
    counts = np.array([len(roles) for roles in items])
    roles = np.array([ROLES.index(role) for item in items for role in item], np.uint8)
    return ItemPassages(100 + np.arange(len(roles)), vectors, roles, np.cumsum(counts) - counts, counts)


def _sum(vectors: Vectors, roles: Sequence[Role], wanted: Sequence[Role]) -> Vectors:
    return sum((vector for vector, role in zip(vectors, roles, strict=True) if role in wanted), np.zeros(8, np.float32))


def _mean(vectors: Vectors, roles: Sequence[Role], wanted: Sequence[Role]) -> Vectors:
    return normalise(_sum(vectors, roles, wanted)[None])[0]


def test_each_item_is_as_near_as_its_own_vectors_say() -> None:
    vectors, question = _random(13, 1), _random(1, 2)[0]
    passages = _passages(vectors)
    said = [role for role in Role if role is not Role.OPENING]
    for number, near in enumerate(nearness.near(question, passages)):
        roles, first = ITEMS[number], int(passages.firsts[number])
        own = vectors[first : first + len(roles)]
        cosines = (own @ question).tolist()
        assert near.nearest == pytest.approx(max(cosines), abs=1e-6)
        assert near.first == pytest.approx(cosines[0], abs=1e-6)
        assert near.whole == pytest.approx(_mean(own, roles, said) @ question, abs=1e-6)
        nearest = int(np.argmax(cosines))
        assert near.passage_id == 100 + first + (0 if roles[nearest] is Role.OPENING else nearest)
        assert near.direction is not None and near.answer_direction is not None
        assert near.direction() == pytest.approx(_mean(own, roles, said), abs=1e-6)
        assert near.answer_direction() == pytest.approx(_mean(own, roles, ANSWERS), abs=1e-6)


def test_of_equally_near_passages_the_first_one_is_taken() -> None:
    one, other = _random(2, 3)
    items = [(Role.QUESTION, Role.ANSWER), (Role.QUESTION, Role.ANSWER, Role.ANSWER)]
    near = nearness.near(one, _passages(np.stack([one, one, other, one, one]), items))
    assert [each.passage_id for each in near] == [100, 103]


def test_lengths_that_are_known_are_used_and_the_others_filled_in() -> None:
    vectors, question = _random(13, 4), _random(1, 5)[0]
    passages = _passages(vectors)
    lengths = np.full(len(ITEMS), np.nan, np.float32)
    plain = nearness.near(question, passages)
    filled = nearness.near(question, passages, lengths)
    said = [role for role in Role if role is not Role.OPENING]
    parts = np.split(vectors, passages.firsts[1:])
    sums = [np.linalg.norm(_sum(part, roles, said)) for part, roles in zip(parts, ITEMS, strict=True)]
    assert lengths == pytest.approx(np.array(sums), abs=1e-6)
    lengths[[1, 3]] = np.nan  # some are known, and others not
    lengths[0] *= 2
    again = nearness.near(question, passages, lengths)
    whole = [near.whole for near in plain]
    assert [near.whole for near in filled] == whole
    assert [near.whole for near in again] == pytest.approx([whole[0] / 2, *whole[1:]], abs=1e-6)
    assert not np.isnan(lengths).any()
