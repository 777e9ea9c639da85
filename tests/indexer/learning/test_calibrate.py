"""learning/calibrate.py: which past requests had an answer, and a calibration that is used only when it is better."""

from collections.abc import Callable
from datetime import datetime, timedelta

import numpy as np
import pytest
from click.testing import CliRunner
from sqlalchemy.orm import Session, sessionmaker

from indexer import cli
from indexer.indexing.status import read_status
from indexer.learning.calibrate import (
    ANSWERED,
    FIRST,
    HELD_OUT,
    LEAST,
    OTHER_TEAMS,
    SENT_ANYWAY,
    PastMatch,
    calibrate,
    learn,
    log_losses,
    past_matches,
)
from recommender import learned
from recommender.database.tables import RequestAttempt, RequestLink
from recommender.datatypes import DENSE_MISSING
from recommender.errors import IndexNotFound, ModelError
from recommender.index import generations
from recommender.index.local import LocalIndex
from recommender.knowledge import outcomes
from recommender.knowledge.outcomes import EventKind
from recommender.language.analyzer import Analyzer
from recommender.recommender import Recommender
from recommender.search.calibration import SHIPPED, AnswerModel
from recommender.settings import Settings
from tests.conftest import make_recommender

START = datetime(2026, 1, 1)
Open = Callable[[], Recommender]


def _history(answer_model: AnswerModel, questions: int) -> list[PastMatch]:
    """Questions that have an answer with the probability that `answer_model` makes of the shipped one's."""
    rng = np.random.default_rng(0)
    past = []
    for number in range(questions):
        given = float(rng.uniform(0.05, 1.0))
        kind = ANSWERED if rng.random() < answer_model.probability(given) else FIRST
        past.append(PastMatch(START + timedelta(hours=number), kind, given))
    return past


def test_a_fit_that_is_better_on_the_newest_questions_is_used() -> None:
    past = _history(AnswerModel(-1.0, 3.0), 1_000)
    result, answer_model = learn(past[::-1])
    assert (result.chosen, result.held_out) == ("own", round(HELD_OUT * 1_000))
    assert result.answered + result.unanswered == 1_000
    assert result.gain is not None and result.gain.low > 0
    assert result.gain.mean == pytest.approx(result.loss["shipped"] - result.loss["own"])
    assert log_losses(past[-300:], answer_model).mean() == pytest.approx(result.loss["own"])
    assert answer_model.slope > 1.5 * SHIPPED.slope
    assert result.as_text().startswith("Your own calibration is used: on the newest 300 of 1000 questions the log loss")


def test_a_fit_that_is_no_better_is_not_used() -> None:
    result, answer_model = learn(_history(SHIPPED, 600))  # the mean of its probabilities is about 0.55
    assert result.gain is not None and result.gain.low <= 0
    assert (result.chosen, answer_model) == ("shipped", SHIPPED)
    assert result.as_text().startswith("The shipped calibration is used: ")


def test_too_little_history_says_what_is_needed() -> None:
    past = [PastMatch(START + timedelta(hours=n), ANSWERED if n < LEAST - 1 else FIRST, 0.5) for n in range(500)]
    result, answer_model = learn(past)
    assert (result.chosen, result.gain, answer_model) == ("shipped", None, SHIPPED)
    message = f"Too little history: there are {LEAST - 1} requests that are known to have had an answer"
    assert result.as_text().startswith(message)
    answered_first = [PastMatch(match.at, ANSWERED if n < 200 else FIRST, 0.5) for n, match in enumerate(past)]
    assert learn(answered_first)[0].gain is None  # none of the newest has an answer, so the fits cannot be compared


def test_the_log_loss_by_hand() -> None:
    past = [PastMatch(START, ANSWERED, 0.8), PastMatch(START, FIRST, 0.8)]
    best = AnswerModel(0.0, 1.0)
    assert log_losses(past, best).tolist() == pytest.approx([-2 * 0.55 * np.log(0.8), -2 * 0.45 * np.log(0.2)])


def _use(sessions: sessionmaker[Session], request: int, item: str) -> None:
    with sessions.begin() as session:
        outcomes.record(session, EventKind.USED, item, request_id=request)


def _kinds(recommender: Recommender, session: Session) -> list[tuple[int, str]]:
    return [((match.at - START).days, match.kind) for match in past_matches(recommender, session, lambda _d, _t: None)]


def test_used_items_duplicates_and_requests_sent_anyway_label_past_requests(
    sessions: sessionmaker[Session], add_request: Callable[..., int], open_recommender: Open
) -> None:
    ids = [add_request(f"printer jam {n}", at=START + timedelta(days=n)) for n in range(8)]
    _use(sessions, ids[2], f"request:{ids[0]}")  # answered with an item that existed then
    _use(sessions, ids[3], f"request:{ids[5]}")  # with a later item, which says nothing about that time
    _use(sessions, ids[6], "document:99")  # with a deleted item, which says nothing either
    with sessions.begin() as session:
        session.add(RequestLink(from_id=ids[4], to_id=ids[1], kind="duplicate"))
        session.add(RequestLink(from_id=ids[7], to_id=ids[5], kind="related"))
        session.add(RequestAttempt(request_id=ids[7], item=f"request:{ids[0]}", position=0, opened=True))
    with sessions() as session:
        result = _kinds(open_recommender(), session)
    assert result == [(0, FIRST), (1, FIRST), (2, ANSWERED), (4, ANSWERED), (7, SENT_ANYWAY)]


def test_a_past_request_is_searched_among_the_items_that_existed_then_and_its_asker_may_read(
    sessions: sessionmaker[Session], add_request: Callable[..., int], open_recommender: Open
) -> None:
    first = add_request("printer jam", at=START)
    add_request("printer jam secret", at=START, audience=("team:hr",), team="hr")
    later = add_request("printer jam", at=START + timedelta(days=3))
    add_request("printer jam", at=START + timedelta(days=4))
    _use(sessions, later, f"request:{first}")
    with sessions() as session:
        first_request, later_request = past_matches(open_recommender(), session, lambda _done, _total: None)
    assert (first_request.kind, first_request.probability) == (FIRST, 0.0)
    assert later_request.kind == ANSWERED and later_request.probability > 0.9


def test_a_question_has_no_answer_among_the_items_of_other_teams(
    sessions: sessionmaker[Session], add_request: Callable[..., int], open_recommender: Open
) -> None:
    first = add_request("printer jam", team="it", at=START)
    for number in range(50):
        add_request(f"payroll matter {number}", team="hr", at=START)
    later = add_request("printer jam", team="it", at=START + timedelta(days=3))
    _use(sessions, later, f"request:{first}")
    with sessions() as session:
        result = list(past_matches(open_recommender(), session, lambda _done, _total: None))
    assert [match.kind for match in result] == [FIRST, ANSWERED, OTHER_TEAMS]
    assert result[1].probability > 0.9 > 0.5 > result[2].probability


def test_a_calibration_is_saved_with_the_live_generation_and_shown_in_the_status(
    settings: Settings,
    sessions: sessionmaker[Session],
    add_request: Callable[..., int],
    open_recommender: Open,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    add_request("printer jam")
    recommender = open_recommender()
    directory = generations.live(settings.index_dir)
    history = _history(AnswerModel(-1.0, 3.0), 1_000)
    monkeypatch.setattr("indexer.learning.calibrate.past_matches", lambda *_args: history)
    assert read_status(settings).calibration == ""
    with sessions() as session:
        result = calibrate(settings, recommender, session)
        recommender.refresh()
        answer_model = recommender.snapshot.answer_model
        assert result.chosen == "own" and answer_model == learned.ANSWER_MODEL.load(directory) != SHIPPED
        assert answer_model.fitted["questions"] == 1_000
        assert "calibration fitted to 1000 questions of your own, 20" in read_status(settings).as_text()
        (directory / "calibration.json").write_text("{")
        assert "Run: kollega calibrate" in read_status(settings).calibration
        monkeypatch.setattr("indexer.learning.calibrate.past_matches", lambda *_args: history[:20])
        assert calibrate(settings, recommender, session).chosen == "shipped"
        recommender.refresh()
        assert recommender.snapshot.answer_model is SHIPPED
        assert read_status(settings).calibration == ""  # the unusable file was removed
        learned.ANSWER_MODEL.save(directory, saved := AnswerModel(-1.0, 0.5, {"questions": 300}))
        assert "Nothing was changed." in calibrate(settings, recommender, session).as_text()
        recommender.refresh()
        assert recommender.snapshot.answer_model == saved


def test_calibrating_needs_an_index_and_a_model(
    settings: Settings,
    sessions: sessionmaker[Session],
    add_request: Callable[..., int],
    open_recommender: Open,
    analyzer: Analyzer,
) -> None:
    add_request("printer jam")
    recommender = open_recommender()
    index = LocalIndex.open(settings.index_dir, None)
    words_alone = make_recommender(settings, analyzer, None, index, (DENSE_MISSING,))
    with sessions() as session:
        with pytest.raises(ModelError, match="kollega status"):
            calibrate(settings, words_alone, session)
        (settings.index_dir / "CURRENT").unlink()
        with pytest.raises(IndexNotFound, match="kollega reindex"):
            calibrate(settings, recommender, session)


def test_the_command_prints_the_outcome(
    settings: Settings,
    add_request: Callable[..., int],
    open_recommender: Open,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    add_request("printer jam")
    recommender = open_recommender()
    monkeypatch.setattr(Recommender, "open", lambda _settings: recommender)
    ran = CliRunner().invoke(cli.main, ["calibrate"], env={"KOLLEGA_HOME": str(settings.home)})
    assert ran.exit_code == 0, ran.output
    assert "Nothing was changed." in ran.stdout
