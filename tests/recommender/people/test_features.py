"""people/features.py: each feature of a candidate, computed by hand."""

import math

import numpy as np
import pytest

from recommender.people.features import FEATURES, candidates
from recommender.people.ranker import SHIPPED
from tests.recommender.people.conftest import NOW, make_trace


def _log(share: float) -> float:
    return math.log(share + 0.03)


def test_each_feature_by_hand() -> None:
    traces = [
        make_trace(1, 1.0, (7, 1.0, 10), team="it"),
        make_trace(2, 0.5, (7, 0.5, 30), (8, 1.0, 20), team="hr", language="fi"),
        make_trace(3, 0.4, (8, 0.2, 40)),
    ]
    result = candidates(traces, NOW, half_life_days=10, language="en")
    assert result.people == (7, 8)
    assert result.nearest.tolist() == [1.0, 0.5]
    values = {name: column.tolist() for name, column in zip(FEATURES, result.values.T, strict=True)}
    # items were last answered 10, 20 and 40 days ago: items answered since are 0 for day 10, 1 for 20, 2 for 30 and 40
    votes = [0.5 + 0.25 * 0.5 / 8, 0.25 / 4 + 0.16 * 0.2 / 16]
    assert values["votes"] == pytest.approx([_log(1), _log(votes[1] / votes[0])])
    # squared scores of the nearest items: 1 of it and 0.25 of hr; request 3 has no team
    for ending, half in (("_now", 15), ("", 150)):
        similar = [1 + 0.25**2 * 0.5 ** (2 / half), 0.25**2 * 0.5 ** (1 / half) + 0.1 * 0.16 * 0.5 ** (2 / half)]
        assert values[f"similar{ending}"] == pytest.approx([_log(1), _log(similar[1] / similar[0])])
        active = [1 + 0.25 * 0.5 ** (2 / half), 0.25 * 0.5 ** (1 / half) + 0.1 * 0.5 ** (2 / half)]
        assert values[f"active{ending}"] == pytest.approx([_log(1), _log(active[1] / active[0])])
    quarter = [0.5 ** (1 / 9) + 0.25 * 0.5 ** (1 / 3), 0.25 * 0.5 ** (2 / 9) + 0.1 * 0.5 ** (4 / 9)]
    assert values["active_quarter"] == pytest.approx([_log(1), _log(quarter[1] / quarter[0])])
    assert values["ranks"] == pytest.approx([_log(1), _log((1 / 6 + 1 / 7) / (1 / 5 + 1 / 6))])
    assert values["nearest"] == [1.0, 0.5]
    assert values["specialist"] == pytest.approx([0.75, 0.45])
    assert values["quality"] == pytest.approx([0.75, 0.6])
    # of 1 + 0.25 + 0.16, it has 1 and hr has 0.25
    assert values["team"] == pytest.approx([_log(1), _log(0.25 / 1.25)])
    assert values["language"] == pytest.approx([0.5, 0.5])
    assert values["lately"] == pytest.approx([-math.log1p(10) / 5, -math.log1p(20) / 5])


def test_without_contributions_there_are_no_candidates() -> None:
    result = candidates([make_trace(1, 1.0)], NOW, 365, "en")
    assert (result.people, result.values.shape, SHIPPED.shares(result).tolist()) == ((), (0, len(FEATURES)), [])
    assert candidates([make_trace(1, 1.0, (7, 1.0, 1))], NOW, 365, "en", {7}).people == ()


def test_features_that_the_ranker_gives_no_weight_are_not_computed_and_it_ranks_the_same() -> None:
    traces = [
        make_trace(1, 1.0, (7, 1.0, 10), team="it"),
        make_trace(2, 0.5, (7, 0.5, 30), (8, 1.0, 20), (9, 0.2, 5), team="hr", language="fi"),
    ]
    whole, part = (candidates(traces, NOW, 10, "en", names=names) for names in (FEATURES, SHIPPED.used))
    used = np.array([name in ("votes", "similar_now", "active_quarter") for name in FEATURES])
    assert (part.values[:, used] == whole.values[:, used]).all() and not part.values[:, ~used].any()
    assert whole.values[:, ~used].any() and part.nearest.tolist() == whole.nearest.tolist()
    assert SHIPPED.shares(part).tolist() == SHIPPED.shares(whole).tolist()
