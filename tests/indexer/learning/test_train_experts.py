"""learning/train_experts.py: weights learned from history are used only when better, and stored with the index."""

import random
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session, sessionmaker

from indexer.indexing.status import read_status
from indexer.learning.history import PastQuestion
from indexer.learning.train_experts import (
    HELD_OUT,
    LEAST,
    SHARED_FEATURES,
    WARM_UP,
    fit_shared,
    learn,
    reciprocal_ranks,
    train,
)
from recommender.datatypes import DENSE_MISSING, Contribution
from recommender.errors import IndexNotFound, ModelError
from recommender.index import generations
from recommender.index.local import LocalIndex
from recommender.language.analyzer import Analyzer
from recommender.learned import RANKER
from recommender.people.evidence import Trace
from recommender.people.ranker import SHIPPED, VOTES, Ranker
from recommender.recommender import Recommender
from recommender.settings import Settings
from tests.conftest import make_recommender

START = datetime(2026, 1, 1)
EXPERT, POPULAR, OTHER = 1, 2, 3


def _question(number: int, answered: int, nearest: int) -> PastQuestion:
    """Person `nearest` replied to the nearest item, POPULAR has accepted answers in five items a bit farther away."""
    at = START + timedelta(days=number)
    parts = [(nearest, 0.2)] + [(POPULAR, 1.0)] * 5
    traces = [
        Trace(f"request:{place}", 1.0 if place == 0 else 0.8, None, "en", (Contribution(person, weight, START),))
        for place, (person, weight) in enumerate(parts)
    ]
    return PastQuestion(f"request:{number}", at, None, frozenset({answered}), traces, "en")


def test_weights_that_are_better_on_the_newest_questions_are_used() -> None:
    training, ranker = learn([_question(number, EXPERT, EXPERT) for number in range(LEAST)], 365)
    assert training.chosen == "learned"
    assert training.held_out == round(HELD_OUT * (LEAST - WARM_UP))
    assert (training.mrr["learned"], training.mrr["votes"]) == (1.0, 0.5)
    assert training.gain is not None and (training.gain.mean, training.gain.low) == (0.5, 0.5)
    assert ranker.weights == training.weights
    assert reciprocal_ranks([_question(1, EXPERT, EXPERT)], ranker, 365).tolist() == [1.0]
    assert training.as_text().startswith("The learned weights are used: on the newest 45 of 200 questions")
    assert "is 1.000 with learned weights" in training.as_text() and "+0.500 [+0.500, +0.500]" in training.as_text()


def test_shared_weights_have_few_features_and_are_held_to_votes_however_many_questions_there_are() -> None:
    past = [_question(number, EXPERT if number % 3 else POPULAR, EXPERT) for number in range(LEAST)]
    shared = fit_shared(past, 365)
    assert shared.keys() == set(SHARED_FEATURES)
    assert fit_shared([*past, *past], 365) == pytest.approx(shared, abs=1e-4)


def test_weights_that_are_no_better_than_votes_are_not_used() -> None:
    rng = random.Random(0)  # noqa: S311
    past = [_question(number, rng.choice((EXPERT, POPULAR)), EXPERT) for number in range(LEAST)]
    training, ranker = learn(past, 365)
    assert training.gain is not None and training.gain.low <= 0 <= training.gain.high
    assert training.chosen == "shipped" and ranker is SHIPPED
    assert training.as_text().startswith("The shipped weights are used: ")


def test_only_votes_are_used_where_the_shipped_weights_are_worse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("indexer.learning.train_experts.SHIPPED", Ranker({"nearest": 9.0}))
    training, ranker = learn([_question(number, POPULAR, EXPERT) for number in range(LEAST)], 365)
    assert (training.mrr["shipped"], training.mrr["votes"]) == (0.5, 1.0)
    assert training.chosen == "votes" and ranker is VOTES
    assert training.as_text().startswith("Votes alone are used: ")


def test_too_little_history_says_how_much_is_needed() -> None:
    training, ranker = learn([_question(number, EXPERT, EXPERT) for number in range(LEAST - 1)], 365)
    assert (training.chosen, ranker) == ("shipped", SHIPPED)
    assert training.as_text() == (
        "Too little history: there are 199 imported requests with an answer, and 200 are needed. (Requests sent in "
        "Kollega do not count, since colleagues were suggested for them.) Nothing was changed."
    )


def test_the_reciprocal_rank_is_zero_when_nobody_who_answered_is_suggested() -> None:
    assert reciprocal_ranks([_question(1, OTHER, EXPERT)], VOTES, 365).tolist() == [0.0]


def test_learned_weights_are_saved_with_the_live_generation_and_removed_when_no_longer_better(
    settings: Settings,
    sessions: sessionmaker[Session],
    add_request: Callable[..., int],
    open_recommender: Callable[[], Recommender],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    add_request("printer jam")
    recommender = open_recommender()
    directory = generations.live(settings.index_dir)
    better = [_question(number, EXPERT, EXPERT) for number in range(LEAST)]
    monkeypatch.setattr("indexer.learning.train_experts.past_questions", lambda *_args, **_named: better)
    with sessions() as session:
        training = train(settings, recommender, session)
        assert RANKER.load(directory).weights == training.weights
        assert RANKER.load(directory).trained["generation"] == directory.name
        recommender.refresh()
        assert recommender.snapshot.ranker.weights == training.weights
        assert f"colleagues ranked by weights fitted to your own history, {LEAST}" in read_status(settings).as_text()
        monkeypatch.setattr("indexer.learning.train_experts.past_questions", lambda *_args, **_named: better[:3])
        assert train(settings, recommender, session).gain is None
        recommender.refresh()
        assert recommender.snapshot.ranker.weights == training.weights  # with too little history nothing is changed
        (directory / "experts.json").write_text("{")
        assert "Run: kollega train-experts" in read_status(settings).ranker
        assert train(settings, recommender, session).gain is None
        recommender.refresh()
        assert recommender.snapshot.ranker is SHIPPED and read_status(settings).ranker == ""
        monkeypatch.setattr("indexer.learning.train_experts.past_questions", lambda *_args, **_named: better)
        train(settings, recommender, session)
        no_pattern = [_question(number, (EXPERT, POPULAR)[number % 2], EXPERT) for number in range(LEAST)]
        monkeypatch.setattr("indexer.learning.train_experts.past_questions", lambda *_args, **_named: no_pattern)
        assert train(settings, recommender, session).chosen == "shipped"
        recommender.refresh()
        assert recommender.snapshot.ranker is SHIPPED


def test_training_needs_an_index_and_a_model(
    settings: Settings,
    sessions: sessionmaker[Session],
    add_request: Callable[..., int],
    open_recommender: Callable[[], Recommender],
    analyzer: Analyzer,
) -> None:
    add_request("printer jam")
    recommender = open_recommender()
    index = LocalIndex.open(settings.index_dir, None)
    words_alone = make_recommender(settings, analyzer, None, index, (DENSE_MISSING,))
    with sessions() as session, pytest.raises(ModelError, match="kollega status"):
        train(settings, words_alone, session)
    (settings.index_dir / "CURRENT").unlink()
    with sessions() as session, pytest.raises(IndexNotFound):
        train(settings, recommender, session)


def test_saved_weights_are_used_from_the_next_question_on(
    settings: Settings, add_request: Callable[..., int], open_recommender: Callable[[], Recommender]
) -> None:
    add_request("printer jam")
    recommender = open_recommender()
    recommender.refresh()
    assert recommender.snapshot.ranker is SHIPPED
    RANKER.save(generations.live(settings.index_dir), Ranker({"nearest": 2.0}))
    recommender.refresh()
    assert recommender.snapshot.ranker.weights == {"nearest": 2.0}
