"""features.py and ranker.py: each feature computed by hand, and weights that are found again by fitting."""

import math
import sys
from datetime import datetime, timedelta
from types import FrameType

import numpy as np
import pytest

from recommender.datatypes import Contribution
from recommender.people.evidence import Trace
from recommender.people.experts import rank
from recommender.people.features import FEATURES, candidates
from recommender.people.ranker import SHIPPED, VOTES, Ranker, fit

NOW = datetime(2026, 6, 1)


def _trace(
    number: int, score: float, *parts: tuple[int, float, float], team: str | None = None, language: str = "en"
) -> Trace:
    made = tuple(Contribution(person, weight, NOW - timedelta(days=age)) for person, weight, age in parts)
    return Trace(f"request:{number}", score, team, language, made)


def _log(share: float) -> float:
    return math.log(share + 0.03)


def test_each_feature_by_hand() -> None:
    traces = [
        _trace(1, 1.0, (7, 1.0, 10), team="it"),
        _trace(2, 0.5, (7, 0.5, 30), (8, 1.0, 20), team="hr", language="fi"),
        _trace(3, 0.4, (8, 0.2, 40)),
    ]
    found = candidates(traces, NOW, half_life_days=10, language="en")
    assert found.people == (7, 8)
    assert found.nearest.tolist() == [1.0, 0.5]
    values = {name: column.tolist() for name, column in zip(FEATURES, found.values.T, strict=True)}
    # items were last answered 10, 20 and 40 days ago: items answered since are 0 for day 10, 1 for 20, 2 for 30 and 40
    votes = [0.5 + 0.25 * 0.5 / 8, 0.25 / 4 + 0.16 * 0.2 / 16]
    assert values["votes"] == pytest.approx([_log(1), _log(votes[1] / votes[0])])
    # the nearest are it's, 1, and hr's, 0.25; request 3 has no team
    for ending, half in (("_now", 15), ("", 150)):
        similar = [1 + 0.25**2 * 0.5 ** (2 / half), 0.25**2 * 0.5 ** (1 / half) + 0.1 * 0.16 * 0.5 ** (2 / half)]
        assert values[f"similar{ending}"] == pytest.approx([_log(1), _log(similar[1] / similar[0])])
        active = [1 + 0.25 * 0.5 ** (2 / half), 0.25 * 0.5 ** (1 / half) + 0.1 * 0.5 ** (2 / half)]
        assert values[f"active{ending}"] == pytest.approx([_log(1), _log(active[1] / active[0])])
    assert values["ranks"] == pytest.approx([_log(1), _log((1 / 6 + 1 / 7) / (1 / 5 + 1 / 6))])
    assert values["nearest"] == [1.0, 0.5]
    assert values["specialist"] == pytest.approx([0.75, 0.45])
    assert values["quality"] == pytest.approx([0.75, 0.6])
    # of 1 + .25 + .16, it has 1 and hr .25
    assert values["team"] == pytest.approx([_log(1), _log(0.25 / 1.25)])
    assert values["language"] == pytest.approx([0.5, 0.5])
    assert values["lately"] == pytest.approx([-math.log1p(10) / 5, -math.log1p(20) / 5])


def test_without_contributions_there_are_no_candidates() -> None:
    found = candidates([_trace(1, 1.0)], NOW, 365, "en")
    assert (found.people, found.values.shape, SHIPPED.shares(found).tolist()) == ((), (0, len(FEATURES)), [])
    assert candidates([_trace(1, 1.0, (7, 1.0, 1))], NOW, 365, "en", {7}).people == ()


def test_the_reasons_are_the_features_that_put_a_person_above_the_others() -> None:
    ranker = Ranker({"nearest": 1.0, "specialist": 2.0, "lately": -1.0})
    found = candidates([_trace(1, 1.0, (7, 1.0, 0)), _trace(2, 0.5, (8, 1.0, 9))], NOW, 365, "en")
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
        _trace(number, 1 - number / 250, *((next(people), 1.0, float(number)) for _ in range(5)), team=f"t{number % 9}")
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
