"""`kollega calibrate`: how much suggestions tell, from the organisation's own history, kept when better.

A request had an answer when somebody answered it with an item, or linked it as a duplicate of one, that was there when
it was asked. It had none when it was itself the first of such a kind, or when its asker saw suggestions and sent it all
the same and nobody used any; and one that had an answer has none among what is neither its own team's nor that answer.
Each is asked again as it was then. Learned from the older ones, judged on the newer.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from indexer.evaluation import measures
from indexer.evaluation.measures import Interval
from indexer.learning.history import Progress, reader_then
from recommender import learned
from recommender.database.tables import RESOLVED, Document, Event, HelpRequest, RequestAttempt, RequestLink
from recommender.datatypes import Kind, item_key
from recommender.errors import ModelError
from recommender.index import generations
from recommender.knowledge.outcomes import EventKind
from recommender.recommender import Recommender
from recommender.search import calibration
from recommender.search.calibration import SHIPPED, AnswerModel
from recommender.settings import Settings

ANSWERED, FIRST, SENT_ANYWAY, OTHER_TEAMS = "answered", "first of its kind", "sent anyway", "among other teams'"
LEAST, MOST = 100, 3_000
HELD_OUT = 0.3
PULL = 5.0
LEAST_ITEMS = 50


@dataclass(frozen=True)
class PastMatch:
    """A question of the past: when it was asked, why it had an answer or none, and its suggestions' matches then."""

    at: datetime
    kind: str
    matches: tuple[float, ...]

    @property
    def exists(self) -> bool:
        """True when an answer was there."""
        return self.kind == ANSWERED


@dataclass(frozen=True)
class Calibration:
    """What came of it. `loss` is the log loss by name (own, shipped) on the held-out questions, `gain` how much less
    the own weights lose; `kept` names what is used from now on."""

    answered: int
    unanswered: int
    held_out: int
    loss: Mapping[str, float]
    gain: Interval | None
    kept: str

    def as_text(self) -> str:
        """One plain sentence with the figures."""
        if self.gain is None:
            return (
                f"Too little history: of {self.answered} requests it is known that an answer was there when they were "
                f"asked (somebody answered with it, or linked a duplicate), of {self.unanswered} questions that none "
                f"was; {LEAST} of each are needed. Nothing was changed."
            )
        outcome = "Your own calibration is used" if self.kept == "own" else "The shipped calibration is used"
        return (
            f"{outcome}: on the newest {self.held_out} of {self.answered + self.unanswered} questions the log loss is "
            f"{self.loss['own']:.3f} with your own and {self.loss['shipped']:.3f} with the shipped one; better by "
            f"{self.gain}."
        )


def calibrate(
    settings: Settings, recommender: Recommender, session: Session, progress: Progress = lambda _done, _total: None
) -> Calibration:
    """Learn, judge, and keep what is better with the live generation. Raises IndexNotFound when there is no index,
    IndexLocked when it is being written, ModelError when words alone answer. What is there stays when there is too
    little to judge by."""
    with generations.write_lock(settings.index_dir):
        directory = generations.live(settings.index_dir)
        if recommender.notices:
            raise ModelError("Without the model there is nothing to calibrate. See what is wrong: kollega status")
        found, answer_model = learn(list(past_matches(recommender, session, progress)))
        if found.gain is None:
            learned.ANSWER_MODEL.remove_unusable(directory)
            return found
        if found.kept == "shipped":
            learned.ANSWER_MODEL.remove(directory)
        else:
            now = datetime.now(UTC).isoformat(timespec="seconds")
            told = {"at": now, "generation": directory.name, "questions": found.answered + found.unanswered}
            learned.ANSWER_MODEL.save(
                directory, replace(answer_model, fitted={**told, "held_out": found.held_out, **found.loss})
            )
    return found


def learn(past: Sequence[PastMatch]) -> tuple[Calibration, AnswerModel]:
    """What the history teaches, and the answer_model to use."""
    past = sorted(past, key=lambda each: each.at)
    answered = sum(each.exists for each in past)
    nothing = Calibration(answered, len(past) - answered, 0, {}, None, "shipped")
    if min(answered, len(past) - answered) < LEAST:
        return nothing, SHIPPED
    cut = past[len(past) - round(HELD_OUT * len(past))].at  # what asks the same at the same time falls together
    older, newer = [each for each in past if each.at < cut], [each for each in past if each.at >= cut]
    if any(len({each.exists for each in part}) < 2 for part in (older, newer)):
        return nothing, SHIPPED
    truth = [each.exists for each in older]
    own = calibration.fit([each.matches for each in older], truth, calibration.balanced(truth), SHIPPED, PULL)
    losses = {name: log_losses(newer, answer_model) for name, answer_model in (("own", own), ("shipped", SHIPPED))}
    gain = measures.difference([(losses["shipped"], losses["own"])])
    kept = "own" if gain.low > 0 else "shipped"
    loss = {name: float(values.mean()) for name, values in losses.items()}
    found = replace(nothing, held_out=len(newer), loss=loss, gain=gain, kept=kept)
    return found, own if kept == "own" else SHIPPED


def log_losses(past: Sequence[PastMatch], answer_model: AnswerModel) -> NDArray[np.float64]:
    """What each question loses, weighted as `calibration.balanced` says; shape (questions,)."""
    given = np.clip([answer_model.probability(each.matches) for each in past], 1e-6, 1 - 1e-6)
    truth = np.array([each.exists for each in past])
    return np.asarray(-np.log(np.where(truth, given, 1 - given)) * calibration.balanced(truth.tolist()))


def past_matches(recommender: Recommender, session: Session, progress: Progress) -> Iterator[PastMatch]:
    """The requests of which it is known whether an answer was there, asked again of what was there then."""
    there, teams = _there(session), _teams(session)
    asked = _asked(session, {key: at for key, at in there})
    for number, each in enumerate(asked):
        before = frozenset(key for key, at in there if at < each.at and key != each.key)
        kinds = {each.kind: before}
        if each.kind == ANSWERED and each.team is not None:
            others = frozenset(key for key in before - each.answers if teams.get(key) != each.team)
            if len(others) >= LEAST_ITEMS:
                kinds[OTHER_TEAMS] = others
        for kind, among in kinds.items():
            reader = reader_then(session, each.asker)
            found = recommender.rank(each.text, reader, session, calibration.BESIDE, among)
            yield PastMatch(each.at, kind, found.matches)
            session.expunge_all()
        progress(number + 1, len(asked))


@dataclass(frozen=True)
class _Asked:
    key: str
    kind: str
    text: str
    at: datetime
    asker: int | None
    team: int | None
    answers: frozenset[str]


def _asked(session: Session, there: Mapping[str, datetime]) -> list[_Asked]:
    """The newest MOST requests of which it is known, oldest first."""
    answers = _answers(session)
    attempted = exists().where(RequestAttempt.request_id == HelpRequest.id)
    rows = session.execute(
        select(HelpRequest, attempted)
        .where(HelpRequest.status == RESOLVED, HelpRequest.hidden.is_(False))
        .order_by(HelpRequest.created_at, HelpRequest.id)
    ).all()
    known = {
        row.id: frozenset(item for item in answers.get(row.id, ()) if item in there and there[item] < row.created_at)
        for row, _attempted in rows
    }
    first = frozenset().union(*known.values())
    found = []
    for row, shown in rows:
        key = item_key(Kind.REQUEST, row.id)
        if known[row.id]:
            kind = ANSWERED
        elif row.id in answers:
            continue  # answered with what came later: neither
        elif key in first:
            kind = FIRST
        elif shown:
            kind = SENT_ANYWAY
        else:
            continue
        text = f"{row.title}\n{row.body}"
        found.append(_Asked(key, kind, text, row.created_at, row.asked_by_id, row.team_id, known[row.id]))
    session.expunge_all()
    return found[-MOST:]


def _answers(session: Session) -> dict[int, set[str]]:
    """{request id: keys of the items that somebody answered it with or said it is a duplicate of}."""
    found: dict[int, set[str]] = {}
    used = select(Event.request_id, Event.item).where(Event.kind == EventKind.USED)
    for identifier, item in session.execute(used):
        if identifier is not None and item is not None:
            found.setdefault(identifier, set()).add(item)
    made = {identifier: at for identifier, at in session.execute(select(HelpRequest.id, HelpRequest.created_at))}
    linked = select(RequestLink.from_id, RequestLink.to_id).where(RequestLink.kind == "duplicate")
    for ends in session.execute(linked):
        older, newer = sorted(ends, key=lambda identifier: (made[identifier], identifier))
        found.setdefault(newer, set()).add(item_key(Kind.REQUEST, older))
    return found


def _there(session: Session) -> list[tuple[str, datetime]]:
    """(key, since when it could answer) of every item."""
    requests = session.execute(
        select(HelpRequest.id, HelpRequest.created_at, HelpRequest.resolved_at).where(HelpRequest.status == RESOLVED)
    )
    documents = session.execute(select(Document.id, Document.written_at))
    solved = [(item_key(Kind.REQUEST, i), resolved or made) for i, made, resolved in requests]
    return solved + [(item_key(Kind.DOCUMENT, i), at) for i, at in documents]


def _teams(session: Session) -> dict[str, int | None]:
    """{item key: its team}."""
    requests = session.execute(select(HelpRequest.id, HelpRequest.team_id))
    documents = session.execute(select(Document.id, Document.team_id))
    return {item_key(Kind.REQUEST, i): team for i, team in requests} | {
        item_key(Kind.DOCUMENT, i): team for i, team in documents
    }
