"""`kollega calibrate`: the probability that there is an answer, fitted to the organisation's own history.

Past requests are asked again among the items that existed at the time. A request had an answer if somebody answered it
with an item that existed then, or linked it to such an item as a duplicate. It had no answer if later requests were
answered with it and it had no earlier answer itself, or if its asker saw suggestions, sent it nevertheless, and nobody
answered it with an item. A request with an answer is also asked among the items of other teams only, as a question
without an answer. The weights are fitted to the older questions, judged on the newer ones, and used only when they are
better.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from indexer.learning.comparison import Interval, difference
from indexer.learning.history import Progress, reader_then
from indexer.learning.sharing import give_others
from recommender import learned
from recommender.database.tables import RESOLVED, Document, Event, HelpRequest, RequestAttempt, RequestLink
from recommender.datatypes import LEARNED_MISSING, Kind, item_key
from recommender.errors import ModelError
from recommender.index import generations
from recommender.knowledge.outcomes import EventKind
from recommender.monitoring.quality import First, Report, report
from recommender.recommender import Recommender
from recommender.search import calibration
from recommender.search.calibration import SHIPPED, AnswerModel
from recommender.sentences.sentence import Sentence
from recommender.settings import Settings

ANSWERED, FIRST, SENT_ANYWAY, OTHER_TEAMS = "answered", "first of its kind", "sent anyway", "among other teams'"
"""Kinds of past questions: with an answer, and three reasons why there was none."""
LEAST, MOST = 100, 3_000
"""How many questions are needed with and without an answer, and how many requests, the newest, are used at most. A
judgement."""
HELD_OUT = 0.3  # share of the questions, the newest, that the weights are judged on; a judgement
PULL = 5.0  # strength of the prior around the shipped weights; a judgement
LEAST_ITEMS = 50  # other teams' items that are needed to ask among them; a judgement


@dataclass(frozen=True)
class PastMatch:
    """A question of the past: when it was asked, its kind, and the probability that it had an answer at that time, as
    the shipped model gives it. `first` is the probability that the first item answers it, and `is_right` whether that
    item is known to."""

    at: datetime
    kind: str
    probability: float
    first: float = 0.0
    is_right: bool = False

    @property
    def exists(self) -> bool:
        """True when there was an answer."""
        return self.kind == ANSWERED


@dataclass(frozen=True)
class Calibration:
    """The result. `loss` is the log loss by name (own, shipped) on the held-out questions, `gain` the shipped weights'
    loss minus that of the organisation's own. `chosen` names what is used from now on."""

    answered: int
    unanswered: int
    held_out: int
    loss: Mapping[str, float]
    gain: Interval | None
    chosen: str

    def as_text(self) -> str:
        """One sentence with the figures."""
        if self.gain is None:
            return Sentence(
                "Too little history: there are %(answered)s requests that are known to have had an answer when they "
                "were asked (somebody answered with an item, or linked a duplicate), and %(unanswered)s questions that "
                "are known to have had none; %(least)s of each are needed. Nothing was changed.",
                answered=self.answered,
                unanswered=self.unanswered,
                least=LEAST,
            )
        own, shipped = Sentence("Your own calibration is used"), Sentence("The shipped calibration is used")
        return Sentence(
            "%(outcome)s: on the newest %(held_out)s of %(total)s questions the log loss is %(own)s with your own and "
            "%(shipped)s with the shipped one; it is lower by %(gain)s.",
            outcome=own if self.chosen == "own" else shipped,
            held_out=self.held_out,
            total=self.answered + self.unanswered,
            own=f"{self.loss['own']:.3f}",
            shipped=f"{self.loss['shipped']:.3f}",
            gain=self.gain,
        )


def calibrate(
    settings: Settings, recommender: Recommender, session: Session, progress: Progress = lambda _done, _total: None
) -> Calibration:
    """Fit and evaluate an answer model; store it in the live generation of the index if it is better.

    With too little history nothing changes, except that a file that cannot be read is removed. Raises IndexNotFound
    when there is no index, IndexLocked when another process is writing it, ModelError when the model cannot be used.
    """
    with generations.write_lock(settings.index_dir):
        directory = generations.live(settings.index_dir)
        if set(recommender.notices) - {LEARNED_MISSING}:  # which this makes anew
            raise ModelError(
                Sentence("Calibrating needs the model, which cannot be used. See what is wrong: kollega status")
            )
        past = list(past_matches(recommender, session, progress))
        result, answer_model = learn(past)
        if result.gain is None:
            learned.ANSWER_MODEL.remove_unusable(directory)
        elif result.chosen == "shipped":
            learned.ANSWER_MODEL.remove(directory)
        else:
            fitted = {
                "at": datetime.now(UTC).isoformat(timespec="seconds"),
                "generation": directory.name,
                "questions": result.answered + result.unanswered,
                "held_out": result.held_out,
                **result.loss,
            }
            learned.ANSWER_MODEL.save(directory, replace(answer_model, fitted=fitted))
        if result.gain is not None:
            judged(past, result, answer_model).write(settings.index_dir)
            give_others(session, directory / learned.ANSWER_MODEL.name)
    return result


def learn(past: Sequence[PastMatch]) -> tuple[Calibration, AnswerModel]:
    """The result of fitting to the history, and the answer model to use."""
    past = sorted(past, key=lambda match: match.at)
    answered = sum(match.exists for match in past)
    too_little = Calibration(answered, len(past) - answered, 0, {}, None, "shipped")
    if min(answered, len(past) - answered) < LEAST:
        return too_little, SHIPPED
    cut = past[len(past) - round(HELD_OUT * len(past))].at  # one request's questions, of the same time, stay together
    older, newer = [match for match in past if match.at < cut], [match for match in past if match.at >= cut]
    if any(len({match.exists for match in part}) < 2 for part in (older, newer)):
        return too_little, SHIPPED
    truth = [match.exists for match in older]
    own = calibration.fit([match.probability for match in older], truth, calibration.balanced(truth), PULL)
    losses = {name: log_losses(newer, answer_model) for name, answer_model in (("own", own), ("shipped", SHIPPED))}
    gain = difference([(losses["shipped"], losses["own"])])
    chosen = "own" if gain.low > 0 else "shipped"
    loss = {name: float(values.mean()) for name, values in losses.items()}
    result = replace(too_little, held_out=len(newer), loss=loss, gain=gain, chosen=chosen)
    return result, own if chosen == "own" else SHIPPED


def judged(past: Sequence[PastMatch], result: Calibration, answer_model: AnswerModel) -> Report:
    """What the model in use from now on says of the held-out questions, the newest."""
    newest = sorted(past, key=lambda match: match.at)[-result.held_out :]
    given = [answer_model.probability(match.probability) for match in newest]
    own = result.chosen == "own"
    firsts = [First(match.first, match.exists, match.is_right) for match in newest]
    return report(given, [match.exists for match in newest], result.answered, result.unanswered, own, firsts)


def log_losses(past: Sequence[PastMatch], answer_model: AnswerModel) -> NDArray[np.float64]:
    """The log loss of each question, weighted by `calibration.balanced`; shape (questions,)."""
    given = np.clip([answer_model.probability(match.probability) for match in past], 1e-6, 1 - 1e-6)
    truth = np.array([match.exists for match in past])
    return np.asarray(-np.log(np.where(truth, given, 1 - given)) * calibration.balanced(truth.tolist()))


def past_matches(recommender: Recommender, session: Session, progress: Progress) -> Iterator[PastMatch]:
    """The requests of which it is known whether they had an answer, asked again among the items of their time."""
    available, teams = _available_since(session), _teams(session)
    requests = _labelled_requests(session, dict(available))
    for number, request in enumerate(requests):
        before = frozenset(key for key, at in available if at < request.at and key != request.key)
        among_by_kind = {request.kind: before}
        if request.kind == ANSWERED and request.team is not None:
            others = frozenset(key for key in before - request.answers if teams.get(key) != request.team)
            if len(others) >= LEAST_ITEMS:
                among_by_kind[OTHER_TEAMS] = others
        for kind, among in among_by_kind.items():
            reader = reader_then(session, request.asker)
            ranking = recommender.rank(request.text, reader, session, 1, among)
            is_right = kind == ANSWERED and not request.answers.isdisjoint(ranking.keys)
            yield PastMatch(request.at, kind, ranking.uncalibrated, ranking.first, is_right)
            session.expunge_all()
        progress(number + 1, len(requests))


@dataclass(frozen=True)
class LabelledRequest:
    """A past request, its kind (whether there was an answer, and if not, why), and the keys of the answering items."""

    key: str
    kind: str
    text: str
    at: datetime
    asker: int | None
    team: int | None
    answers: frozenset[str]


def _labelled_requests(session: Session, available: Mapping[str, datetime]) -> list[LabelledRequest]:
    """The newest MOST requests whose kind is known, oldest first. `available`: {item key: since when}."""
    answers = _answers(session)
    attempted = exists().where(RequestAttempt.request_id == HelpRequest.id)
    rows = session.execute(
        select(HelpRequest, attempted)
        .where(HelpRequest.status == RESOLVED, HelpRequest.hidden.is_(False))
        .order_by(HelpRequest.created_at, HelpRequest.id)
    ).all()
    existing = {
        row.id: frozenset(
            item for item in answers.get(row.id, ()) if item in available and available[item] < row.created_at
        )
        for row, _attempted in rows
    }
    first = frozenset().union(*existing.values())
    labelled = []
    for row, saw_suggestions in rows:
        key = item_key(Kind.REQUEST, row.id)
        if existing[row.id]:
            kind = ANSWERED
        elif row.id in answers:
            continue  # answered with an item of a later time: unknown
        elif key in first:
            kind = FIRST
        elif saw_suggestions:
            kind = SENT_ANYWAY
        else:
            continue
        text = f"{row.title}\n{row.body}"
        labelled.append(
            LabelledRequest(key, kind, text, row.created_at, row.asked_by_id, row.team_id, existing[row.id])
        )
    session.expunge_all()
    return labelled[-MOST:]


def _answers(session: Session) -> dict[int, set[str]]:
    """{request id: keys of the items that it was answered with, or linked to as a duplicate}."""
    answers: dict[int, set[str]] = {}
    used = select(Event.request_id, Event.item).where(Event.kind == EventKind.USED)
    for identifier, item in session.execute(used):
        if identifier is not None and item is not None:
            answers.setdefault(identifier, set()).add(item)
    created = {identifier: at for identifier, at in session.execute(select(HelpRequest.id, HelpRequest.created_at))}
    linked = select(RequestLink.from_id, RequestLink.to_id).where(RequestLink.kind == "duplicate")
    for ends in session.execute(linked):
        older, newer = sorted(ends, key=lambda identifier: (created[identifier], identifier))
        answers.setdefault(newer, set()).add(item_key(Kind.REQUEST, older))
    return answers


def _available_since(session: Session) -> list[tuple[str, datetime]]:
    """(key, time from which it could be an answer) of every item."""
    requests = session.execute(
        select(HelpRequest.id, HelpRequest.created_at, HelpRequest.resolved_at).where(HelpRequest.status == RESOLVED)
    )
    documents = session.execute(select(Document.id, Document.written_at))
    resolved = [
        (item_key(Kind.REQUEST, number), resolved_at or created_at) for number, created_at, resolved_at in requests
    ]
    return resolved + [(item_key(Kind.DOCUMENT, number), at) for number, at in documents]


def _teams(session: Session) -> dict[str, int | None]:
    """{item key: its team}."""
    requests = session.execute(select(HelpRequest.id, HelpRequest.team_id))
    documents = session.execute(select(Document.id, Document.team_id))
    return {item_key(Kind.REQUEST, number): team for number, team in requests} | {
        item_key(Kind.DOCUMENT, number): team for number, team in documents
    }
