"""past_questions.py and train_experts.py: history asked again as it was, weights kept only when they are better."""

import random
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session, sessionmaker

from indexer.indexing.status import read_status
from indexer.learning.history import PastQuestion, past_questions
from indexer.learning.train_experts import HELD_OUT, LEAST, WARM_UP, learn, reciprocal_ranks, train
from recommender.database.tables import SENT_HERE, HelpRequest
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
    """`nearest` replied to what is nearest, the popular one has five accepted answers a little farther away."""
    at = START + timedelta(days=number)
    parts = [(nearest, 0.2)] + [(POPULAR, 1.0)] * 5
    traces = [
        Trace(f"request:{place}", 1.0 if place == 0 else 0.8, None, "en", (Contribution(person, weight, START),))
        for place, (person, weight) in enumerate(parts)
    ]
    return PastQuestion(f"request:{number}", at, None, frozenset({answered}), traces, "en")


def test_weights_that_are_better_on_the_newest_questions_are_kept() -> None:
    found, ranker = learn([_question(number, EXPERT, EXPERT) for number in range(LEAST)], 365)
    assert found.kept == "learned"
    assert found.held_out == round(HELD_OUT * (LEAST - WARM_UP))
    assert (found.mrr["learned"], found.mrr["votes"]) == (1.0, 0.5)
    assert found.gain is not None and (found.gain.mean, found.gain.low) == (0.5, 0.5)
    assert ranker.weights == found.weights
    assert reciprocal_ranks([_question(1, EXPERT, EXPERT)], ranker, 365).tolist() == [1.0]
    assert found.as_text().startswith("The learned weights are used: on the newest 45 of 200 questions")
    assert "is 1.000 with learned weights" in found.as_text() and "+0.500 [+0.500, +0.500]" in found.as_text()


def test_weights_that_are_no_better_than_votes_are_not_kept() -> None:
    rng = random.Random(0)  # noqa: S311
    past = [_question(number, rng.choice((EXPERT, POPULAR)), EXPERT) for number in range(LEAST)]
    found, ranker = learn(past, 365)
    assert found.gain is not None and found.gain.low <= 0 <= found.gain.high
    assert found.kept == "shipped" and ranker is SHIPPED
    assert found.as_text().startswith("The shipped weights are used: ")


def test_votes_alone_are_used_where_the_shipped_weights_are_worse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("indexer.learning.train_experts.SHIPPED", Ranker({"nearest": 9.0}))
    found, ranker = learn([_question(number, POPULAR, EXPERT) for number in range(LEAST)], 365)
    assert (found.mrr["shipped"], found.mrr["votes"]) == (0.5, 1.0)
    assert found.kept == "votes" and ranker is VOTES
    assert found.as_text().startswith("Votes alone are used: ")


def test_too_little_history_says_how_much_is_needed() -> None:
    found, ranker = learn([_question(number, EXPERT, EXPERT) for number in range(LEAST - 1)], 365)
    assert (found.kept, ranker) == ("shipped", SHIPPED)
    assert found.as_text() == (
        "Too little history: 199 answered requests that were imported (colleagues were suggested beside those that "
        "were sent here); 200 are needed. Nothing was changed."
    )


def test_somebody_who_is_not_named_counts_zero() -> None:
    assert reciprocal_ranks([_question(1, OTHER, EXPERT)], VOTES, 365).tolist() == [0.0]


def test_a_question_of_the_past_sees_only_what_was_there_and_its_asker_may_read(
    sessions: sessionmaker[Session], add_request: Callable[..., int], open_recommender: Callable[[], Recommender]
) -> None:
    when = [START + timedelta(days=number) for number in range(6)]
    add_request("printer jam", by="aino", at=when[0])
    add_request("printer jam again", by="eero", at=when[1], audience=("team:hr",), team="hr")
    asked = add_request("printer jam once more", by="matti", asked_by="liisa", at=when[2])
    add_request("printer jam later", by="aino", at=when[3])
    add_request("printer jam suggested", by="aino", at=when[4], source=SENT_HERE)
    with sessions.begin() as session:
        unanswered = session.get_one(HelpRequest, add_request("printer jam alone", by="aino", at=when[5]))
        unanswered.replies[0].author_id = unanswered.asked_by_id = None
    with sessions() as session:
        found = list(past_questions(open_recommender(), session))
        assert [question.key for question in found] == [f"request:{number}" for number in (1, 2, 3, 4)]
        third = found[2]
        assert third.key == f"request:{asked}" and third.at == when[2]
        assert [trace.key for trace in third.traces] == ["request:1"]  # not hr's, not itself, nothing later
        assert {person for trace in third.traces for person in (p.person_id for p in trace.contributions)} == {1}
        assert third.answered.isdisjoint(third.excluded) and len(third.excluded) == 1
        assert [q.key for q in past_questions(open_recommender(), session, most=1, before=when[3])] == ["request:3"]


def test_training_goes_with_the_live_generation_and_takes_back_what_was_learned_before(
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
        found = train(settings, recommender, session)
        assert RANKER.load(directory).weights == found.weights
        assert RANKER.load(directory).trained["generation"] == directory.name
        recommender.refresh()
        assert recommender.snapshot.ranker.weights == found.weights
        assert f"colleagues ranked by weights fitted to your own history, {LEAST}" in read_status(settings).as_text()
        monkeypatch.setattr("indexer.learning.train_experts.past_questions", lambda *_args, **_named: better[:3])
        assert train(settings, recommender, session).gain is None
        recommender.refresh()
        assert recommender.snapshot.ranker.weights == found.weights  # too little to judge by changes nothing
        (directory / "experts.json").write_text("{")
        assert "Run: kollega train-experts" in read_status(settings).ranker
        assert train(settings, recommender, session).gain is None
        recommender.refresh()
        assert recommender.snapshot.ranker is SHIPPED and read_status(settings).ranker == ""
        monkeypatch.setattr("indexer.learning.train_experts.past_questions", lambda *_args, **_named: better)
        train(settings, recommender, session)
        random_ones = [_question(number, (EXPERT, POPULAR)[number % 2], EXPERT) for number in range(LEAST)]
        monkeypatch.setattr("indexer.learning.train_experts.past_questions", lambda *_args, **_named: random_ones)
        assert train(settings, recommender, session).kept == "shipped"
        recommender.refresh()
        assert recommender.snapshot.ranker is SHIPPED


def test_without_an_index_or_a_model_there_is_nothing_to_train_for(
    settings: Settings,
    sessions: sessionmaker[Session],
    add_request: Callable[..., int],
    open_recommender: Callable[[], Recommender],
    analyzer: Analyzer,
) -> None:
    add_request("printer jam")
    recommender = open_recommender()
    words = make_recommender(settings, analyzer, None, LocalIndex.open(settings.index_dir, None), (DENSE_MISSING,))
    with sessions() as session, pytest.raises(ModelError, match="kollega status"):
        train(settings, words, session)
    (settings.index_dir / "CURRENT").unlink()
    with sessions() as session, pytest.raises(IndexNotFound):
        train(settings, recommender, session)


def test_saved_weights_rank_from_the_next_question_on(
    settings: Settings, add_request: Callable[..., int], open_recommender: Callable[[], Recommender]
) -> None:
    add_request("printer jam")
    recommender = open_recommender()
    assert recommender.snapshot.ranker is SHIPPED
    RANKER.save(generations.live(settings.index_dir), Ranker({"nearest": 2.0}))
    recommender.refresh()
    assert recommender.snapshot.ranker.weights == {"nearest": 2.0}
