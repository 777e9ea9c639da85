"""The acts of the transfer plan as they are stored: proposed, started, done or dropped, and what came of them.

Whoever leads the team of a topic sees its acts, starts and drops them. An act ends by itself when what it is about has
happened: the document is verified by somebody else than its owner alone, the translation is published, the colleague
has watched as many questions as agreed. The share of questions that find an answer without the one who knows is noted
when an act starts, and measured again after it is done.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, exists, func, select
from sqlalchemy.orm import Session

from recommender import audit
from recommender.access import Reader
from recommender.corpus import ids_of
from recommender.database.days import day_of
from recommender.database.documents_tables import DocumentTranslation
from recommender.database.insight_tables import TopicItem
from recommender.database.risk_tables import (
    DONE,
    DROPPED,
    PAIR,
    PROPOSED,
    STARTED,
    TRANSLATE,
    WRITE,
    TransferAct,
    TransferActItem,
)
from recommender.database.storing import in_chunks
from recommender.database.tables import RESOLVED, Document, HelpRequest, Reply, Team
from recommender.datatypes import Kind, item_key
from recommender.errors import Conflict, NotAllowed
from recommender.insights.risk.judging import Figures
from recommender.insights.risk.risk import TopicRisk, topic_risks
from recommender.insights.risk.transfer import WATCHED, Proposal
from recommender.insights.topics.left_out import left_out
from recommender.insights.topics.topic import Topic

_CHUNK = 500
"""Rows per statement: a judgement."""
_NOT_AGAIN = timedelta(days=180)
"""An act that was dropped is not proposed again for this time; a judgement."""


@dataclass(frozen=True)
class Act:
    """An act as a lead sees it, as in `transfer.Proposal`. `loss_before` and `loss_after` are the expected loss of its
    topic in questions a year, as it was estimated. `answered_before` and `answered_after` are the shares of the topic's
    questions that find an answer without `person_id`, measured when the act started and after it was done; None where
    that is not so yet."""

    id: int
    topic: Topic
    kind: str
    state: str
    person_id: int | None
    colleague_id: int | None
    items: tuple[str, ...]
    document_id: int | None
    language: str | None
    minutes: int
    loss_before: float
    loss_after: float
    answered_before: float | None
    answered_after: float | None

    @property
    def people(self) -> tuple[int, ...]:
        """The ids of the people it names."""
        return tuple(person for person in (self.person_id, self.colleague_id) if person is not None)

    @property
    def document(self) -> str | None:
        """The key of its document, if it has one."""
        return item_key(Kind.DOCUMENT, self.document_id) if self.document_id is not None else None


def plan(session: Session, reader: Reader, team: Team | None = None) -> list[Act]:
    """The acts of the topics that this reader leads, of `team` or of all of them: those that are started, then those
    that are proposed, the one that takes away most first, then those that are done. Empty for everybody else."""
    return plan_of(session, [risk.topic for risk in topic_risks(session, reader, team)])


def plan_of(session: Session, shown: Collection[Topic]) -> list[Act]:
    """The acts of topics whose plan may be read, in the order of `plan`; none of a topic of which somebody is left
    out, since the acts were chosen by what everybody knows."""
    hidden = left_out(session, {topic.id for topic in shown})
    topics = {topic.id: topic for topic in shown if topic.id not in hidden}
    rows = session.scalars(
        select(TransferAct).where(TransferAct.topic_id.in_(topics), TransferAct.state != DROPPED)
    ).all()
    order = {STARTED: 0, PROPOSED: 1, DONE: 2}
    rows = sorted(rows, key=lambda row: (order[row.state], row.loss_after - row.loss_before, row.id))
    items = _items(session, [row.id for row in rows])
    return [_act(row, topics[row.topic_id], items[row.id]) for row in rows]


def get_act(session: Session, reader: Reader, act_id: int) -> tuple[TransferAct, TopicRisk]:
    """An act that the reader may see, with what hangs on people in its topic. Raises NotAllowed when there is none."""
    row = session.get(TransferAct, act_id)
    risks = {risk.topic.id: risk for risk in topic_risks(session, reader)}
    if row is not None and left_out(session, {row.topic_id}):  # the acts were chosen by what everybody knows
        row = None
    if row is None or row.topic_id not in risks:
        raise NotAllowed("Only the leads of the team that handles a topic can plan for it.")
    return row, risks[row.topic_id]


def begin(session: Session, reader: Reader, act_id: int, now: datetime) -> TransferAct:
    """Start an act that is proposed. WRITE is started by `drafting.start_document`, which makes the draft. Raises
    NotAllowed as `get_act` does, and Conflict when somebody else has started or dropped it meanwhile."""
    row, risk = get_act(session, reader, act_id)
    mark_started(session, reader, row, risk, now)
    return row


def mark_started(session: Session, reader: Reader, row: TransferAct, risk: TopicRisk, now: datetime) -> None:
    """Start an act that `get_act` has given to this reader. Raises Conflict as `begin` does."""
    if row.state != PROPOSED:
        raise Conflict("Somebody else has started or dropped this meanwhile. Open the page again.")
    without = {knower.person_id: knower.answerable_without for knower in risk.knowers}
    row.measured_before = risk.answerable if row.person_id is None else without.get(row.person_id, risk.answerable)
    row.state, row.started_at = STARTED, now
    _record(session, reader, row, "started")


def drop(session: Session, reader: Reader, act_id: int, now: datetime) -> None:
    """Take an act off the plan; it is not proposed again for half a year. Raises NotAllowed as `get_act` does."""
    row, _risk = get_act(session, reader, act_id)
    row.state, row.ended_at = DROPPED, now
    _record(session, reader, row, "dropped")


def _record(session: Session, reader: Reader, row: TransferAct, what: str) -> None:
    session.flush()
    details = {"kind": row.kind, "topic": row.topic_id}
    audit.record(session, audit.actor(session, reader.person_id), f"transfer.{what}", f"act:{row.id}", details)


def store_proposals(session: Session, topics: Collection[int], acts: Sequence[Proposal], now: datetime) -> None:
    """Replace the acts that are proposed for these topics. One that was proposed before keeps its id; one that is under
    way, or was dropped a while ago, is not proposed."""
    rows = session.scalars(select(TransferAct).where(TransferAct.topic_id.in_(sorted(topics)))).all()
    before = {_identity(row): row for row in rows if row.state == PROPOSED}
    closed = {
        _identity(row)
        for row in rows
        if row.state == STARTED or (row.state == DROPPED and row.ended_at and row.ended_at > now - _NOT_AGAIN)
    }
    stored: list[tuple[TransferAct, Proposal]] = []
    for act in acts:
        document = ids_of([act.document], Kind.DOCUMENT)[0] if act.document else None
        identity = (act.topic, act.kind, act.person_id, document, act.language)  # as in `_identity`
        if identity in closed:
            continue
        row = before.get(identity) or TransferAct(
            topic_id=act.topic, kind=act.kind, person_id=act.person_id, document_id=document, language=act.language,
            state=PROPOSED, proposed_at=now,
        )  # fmt: skip
        row.colleague_id, row.minutes = act.colleague_id, act.minutes
        row.loss_before, row.loss_after = act.loss_before, act.loss_after
        session.add(row)
        stored.append((row, act))
    session.flush()
    kept = {row.id: act.items for row, act in stored}
    for ids in in_chunks(sorted(kept), _CHUNK):
        session.execute(delete(TransferActItem).where(TransferActItem.act_id.in_(ids)))
    session.add_all(TransferActItem(act_id=number, item=item) for number, items in kept.items() for item in items)
    for row in before.values():
        if row.id not in kept:
            session.delete(row)
    session.flush()


def _identity(row: TransferAct) -> tuple[int, str, int | None, int | None, str | None]:
    document = None if row.kind == WRITE else row.document_id  # which is made when it starts
    return row.topic_id, row.kind, row.person_id, document, row.language


def settle(session: Session, topics: Collection[int], now: datetime) -> None:
    """Mark the acts of these topics as done whose aim has been reached."""
    rows = select(TransferAct).where(TransferAct.topic_id.in_(sorted(topics)), TransferAct.state == STARTED)
    for row in session.scalars(rows).all():
        if row.kind == PAIR:
            watched = _watched(session, row)
            reached = len(watched) >= WATCHED
            if reached:
                session.add_all(TransferActItem(act_id=row.id, item=item) for item in watched)
        else:
            reached = _document_ready(session, row)
        if reached:
            row.state, row.ended_at = DONE, now
    session.flush()


def _document_ready(session: Session, row: TransferAct) -> bool:
    """True when the document of an act is published, and verified by somebody else than the one who knows, since the
    act was started; for a translation, when a document in that language is published as one of it."""
    document = session.get(Document, row.document_id) if row.document_id is not None else None
    if document is None or row.started_at is None:
        return False
    if row.kind == TRANSLATE:
        translated = exists().where(
            DocumentTranslation.original_id == document.id, DocumentTranslation.document_id == Document.id
        )
        found = select(Document.id).where(
            translated, Document.language == row.language, Document.draft.is_(False), Document.hidden.is_(False)
        )
        return session.scalar(found.limit(1)) is not None
    verified = document.verified_on is not None and document.verified_on >= day_of(row.started_at)
    return verified and not document.draft and not document.hidden and document.verified_by_id != row.person_id


def _watched(session: Session, row: TransferAct) -> list[str]:
    """The first requests of the topic that the one who knows has answered since the pairing was agreed."""
    query = (
        select(HelpRequest.id)
        .where(HelpRequest.status == RESOLVED, HelpRequest.created_at >= row.started_at)
        .where(exists().where(Reply.request_id == HelpRequest.id, Reply.author_id == row.person_id))
        .order_by(HelpRequest.created_at, HelpRequest.id)
    )
    members = set(session.scalars(select(TopicItem.item).where(TopicItem.topic_id == row.topic_id)))
    answered = (item_key(Kind.REQUEST, identifier) for identifier in session.scalars(query))
    return [key for key in answered if key in members][:WATCHED]


def rewritten(session: Session, topics: Collection[int]) -> dict[int, datetime]:
    """When the document of an act that is not measured yet was last changed, by topic: what was found before that says
    nothing of it."""
    rows = session.execute(
        select(TransferAct.topic_id, func.max(Document.updated_at))
        .join(Document, Document.id == TransferAct.document_id)
        .where(TransferAct.state.in_((STARTED, DONE)), TransferAct.measured_after.is_(None))
        .group_by(TransferAct.topic_id)
    )
    return {topic: at for topic, at in rows if topic in topics}


def measure_done(session: Session, figures: Mapping[int, Figures], now: datetime) -> None:
    """Note what has come of the acts that are done, by the figures of their topics."""
    rows = select(TransferAct).where(
        TransferAct.topic_id.in_(sorted(figures)), TransferAct.state == DONE, TransferAct.measured_after.is_(None)
    )
    for row in session.scalars(rows):
        of_topic = figures[row.topic_id]
        without = {knower.person_id: knower.answerable_without for knower in of_topic.knowers}
        alone = row.person_id is not None
        row.measured_after = without.get(row.person_id or 0, of_topic.answerable) if alone else of_topic.answerable
    session.flush()


def items_of(session: Session, row: TransferAct) -> tuple[str, ...]:
    """The keys of the items that an act is about."""
    return _items(session, [row.id])[row.id]


def _items(session: Session, acts: Collection[int]) -> dict[int, tuple[str, ...]]:
    items = defaultdict[int, list[str]](list)
    rows = select(TransferActItem).where(TransferActItem.act_id.in_(sorted(acts))).order_by(TransferActItem.item)
    for row in session.scalars(rows):
        items[row.act_id].append(row.item)
    return {act: tuple(items[act]) for act in acts}


def _act(row: TransferAct, topic: Topic, items: tuple[str, ...]) -> Act:
    return Act(
        row.id, topic, row.kind, row.state, row.person_id, row.colleague_id, items, row.document_id, row.language,
        row.minutes, row.loss_before, row.loss_after, row.measured_before, row.measured_after,
    )  # fmt: skip
