"""ranker.py: reasons by hand, weights that fitting finds again, and the cost of ranking many people."""

import sys
from types import FrameType

import numpy as np
import pytest

from recommender.people.experts import rank
from recommender.people.features import FEATURES, candidates
from recommender.people.ranker import SHIPPED, VOTES, Ranker, fit
from tests.recommender.people.conftest import NOW, make_trace


def test_the_reasons_are_the_features_that_put_a_person_above_the_others() -> None:
    ranker = Ranker({"nearest": 1.0, "specialist": 2.0, "lately": -1.0})
    found = candidates([make_trace(1, 1.0, (7, 1.0, 0)), make_trace(2, 0.5, (8, 1.0, 9))], NOW, 365, "en")
    assert ranker.reasons(found.values, 0) == ("specialist", "nearest")  # 2 * .5, .5; lately counts against
    assert (
        ranker.reasons(found.values, 1) == ()
    )  # they have less of what counts against, which is no reason to ask them
    assert ranker.reasons(found.values[:1], 0) == ()


def test_the_weights_that_made_the_answers_are_found_again() -> None:
    rng = np.random.default_rng(1)
    made = np.zeros(len(FEATURES))
    made[FEATURES.index("votes")], made[FEATURES.index("lately")] = 1.5, -1.0
    questions = []
    for _ in range(3_000):
        values = rng.normal(size=(6, len(FEATURES)))
        odds = np.exp(values @ made)
        answered = np.zeros(6, np.bool_)
        answered[rng.choice(6, p=odds / odds.sum())] = True
        questions.append((values, answered))
    found = fit(questions, Ranker({}), pull=1.0)
    assert [found[name] for name in FEATURES] == pytest.approx(made.tolist(), abs=0.12)


def test_weights_stay_as_they_were_without_questions() -> None:
    nobody = (np.ones((3, len(FEATURES))), np.zeros(3, np.bool_))
    found = fit([nobody], SHIPPED, pull=10.0)
    assert found == pytest.approx({name: SHIPPED.weights.get(name, 0.0) for name in FEATURES})


def test_the_shipped_weights_and_votes_name_known_features() -> None:
    assert SHIPPED.weights.keys() | VOTES.weights.keys() <= set(FEATURES)


def test_ranking_1000_people_takes_few_python_calls_for_each() -> None:
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
