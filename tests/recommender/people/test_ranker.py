"""people/ranker.py: weights that fitting finds again, and the cost of ranking many people."""

import sys
from types import FrameType

import numpy as np
import pytest

from recommender.people.experts import rank
from recommender.people.features import FEATURES
from recommender.people.ranker import SHIPPED, VOTES, Ranker, fit
from tests.recommender.people.conftest import NOW, make_trace


def test_fitting_finds_the_weights_that_the_answers_were_drawn_with() -> None:
    rng = np.random.default_rng(1)
    weights = np.zeros(len(FEATURES))
    weights[FEATURES.index("votes")], weights[FEATURES.index("lately")] = 1.5, -1.0
    questions = []
    for _ in range(3_000):
        values = rng.normal(size=(6, len(FEATURES)))
        odds = np.exp(values @ weights)
        answered = np.zeros(6, np.bool_)
        answered[rng.choice(6, p=odds / odds.sum())] = True
        questions.append((values, answered))
    fitted = fit(questions, Ranker({}), pull=1.0)
    assert [fitted[name] for name in FEATURES] == pytest.approx(weights.tolist(), abs=0.12)


def test_weights_of_other_features_stay_those_of_the_start() -> None:
    rng = np.random.default_rng(1)
    questions = []
    for _ in range(50):
        values = rng.normal(size=(6, len(FEATURES)))
        questions.append((values, values[:, FEATURES.index("ranks")] == values[:, FEATURES.index("ranks")].max()))
    start = Ranker({"ranks": 0.5, "votes": 1.0})
    free = fit(questions, start, 0.1, ("votes", "nearest"))
    assert free["ranks"] == 0.5 and free["quality"] == 0.0 and free["votes"] != 1.0
    assert fit(questions, start, 0.1)["ranks"] > 1.0


def test_weights_stay_unchanged_when_nobody_answered() -> None:
    nobody = (np.ones((3, len(FEATURES))), np.zeros(3, np.bool_))
    fitted = fit([nobody], SHIPPED, pull=10.0)
    assert fitted == pytest.approx({name: SHIPPED.weights.get(name, 0.0) for name in FEATURES})


def test_the_shipped_weights_and_votes_name_known_features() -> None:
    assert SHIPPED.weights.keys() | VOTES.weights.keys() <= set(FEATURES)


def test_ranking_1000_people_takes_few_python_calls_per_person() -> None:
    rng = np.random.default_rng(0)
    people = iter(rng.permutation(1_000).tolist())
    traces = [
        make_trace(
            number, 1 - number / 250, *((next(people), 1.0, float(number)) for _ in range(5)), team=f"t{number % 9}"
        )
        for number in range(200)
    ]
    calls = 0

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event == "call"

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        ranked = rank(traces, SHIPPED, NOW, 365, "en")
    finally:
        sys.setprofile(before)
    assert len(ranked) == 940  # the people of the 188 traces with a score of at least 0.25
    assert 940 <= calls <= 3 * 1_000  # features are computed for all people at once, only the results one by one
