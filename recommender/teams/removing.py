"""Removes a team: outright when nothing belongs to it, else by moving what belongs to it to another team."""

from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, exists, func, insert, or_, select, update
from sqlalchemy.orm import Session

from recommender import audit
from recommender.access import EVERYONE
from recommender.audit import Actor
from recommender.database import audience_tokens
from recommender.database.gap_tables import GapRow, TopicAge
from recommender.database.handover_tables import Handover, TeamDestination
from recommender.database.request_tables import CannedReply, InternalNote
from recommender.database.risk_tables import TopicFigure
from recommender.database.service_tables import ReadingMark, SentAfterwards, SuccessMeasure
from recommender.database.storing import flush_and_expire
from recommender.database.tables import (
    OPEN,
    Document,
    DocumentAudience,
    HelpRequest,
    RequestAudience,
    Team,
    team_members,
    utc_now,
)
from recommender.database.words_tables import Pin
from recommender.errors import TeamRefused
from recommender.outbox.handover import SENT

_MOVED = (
    HelpRequest, Document, InternalNote, CannedReply, SuccessMeasure, SentAfterwards, ReadingMark, GapRow, TopicAge,
    TopicFigure, Pin,
)  # fmt: skip
"""The tables whose rows belong to a team and go to the other one."""


@dataclass(frozen=True)
class Belongings:
    """How much belongs to a team. `shared` are items of others that the team may read because they name it, `sent_on`
    requests whose ticket is where this team works. Members and settings alone do not keep a team from being removed."""

    members: int
    open_requests: int
    solved_requests: int
    documents: int
    notes: int
    canned_replies: int
    measures: int
    shared: int
    sent_on: int

    @property
    def keep_it(self) -> bool:
        """True when the team cannot simply be removed."""
        left = self.open_requests, self.solved_requests, self.documents, self.notes, self.canned_replies
        return any((*left, self.measures, self.shared))

    def as_json(self) -> dict[str, int]:
        """The numbers by their names."""
        return asdict(self)


@dataclass(frozen=True)
class Merging:
    """What a merge means for readers: `joining` people become members of the other team, and may then read
    `for_joining` of its items that not everybody may read; the `others`, its present members, may then read
    `for_others` such items of the team that is removed."""

    joining: int
    for_joining: int
    others: int
    for_others: int


def belongings(session: Session, team: Team) -> Belongings:
    """How much belongs to a team."""
    session.flush()
    is_open = HelpRequest.status == OPEN
    token = f"team:{team.handle}"
    other = HelpRequest.team_id.is_distinct_from(team.id), Document.team_id.is_distinct_from(team.id)
    shared = _count(session, RequestAudience, RequestAudience.token == token, _is_of(RequestAudience, other[0]))
    shared += _count(session, DocumentAudience, DocumentAudience.token == token, _is_of(DocumentAudience, other[1]))
    own = select(HelpRequest.id).where(HelpRequest.team_id == team.id)
    return Belongings(
        members=session.scalar(_members(team).with_only_columns(func.count())) or 0,
        open_requests=_count(session, HelpRequest, HelpRequest.team_id == team.id, is_open),
        solved_requests=_count(session, HelpRequest, HelpRequest.team_id == team.id, ~is_open),
        documents=_count(session, Document, Document.team_id == team.id),
        notes=_count(session, InternalNote, InternalNote.team_id == team.id),
        canned_replies=_count(session, CannedReply, CannedReply.team_id == team.id),
        measures=_count(session, SuccessMeasure, SuccessMeasure.team_id == team.id),
        shared=shared,
        sent_on=_count(session, Handover, Handover.request_id.in_(own), Handover.state == SENT),
    )


def what_merging_means(session: Session, team: Team, into: Team) -> Merging:
    """Who may read more after `team` was merged into another one, in numbers."""
    session.flush()
    joining = session.scalar(_joining(team, into).with_only_columns(func.count())) or 0
    others = session.scalar(_joining(into, team).with_only_columns(func.count())) or 0
    return Merging(joining, _only_for(session, into), others, _only_for(session, team))


def remove(session: Session, team: Team, by: Actor) -> None:
    """Remove a team to which nothing belongs; its memberships and settings go with it. Raises TeamRefused when
    something belongs to it."""
    found = belongings(session, team)
    if found.keep_it:
        raise TeamRefused(
            f"Requests, guides or other things belong to {team.handle}. Move them to another team: "
            f"kollega team remove {team.handle} --merge-into HANDLE",
            "team", "here",
        )  # fmt: skip
    audit.record(session, by, "team.removed", f"team:{team.handle}", {"members": found.members})
    session.delete(team)
    session.flush()


def merge(session: Session, team: Team, into: Team, by: Actor) -> Belongings:
    """Move everything of a team to another one, and remove it. Its members join the other team; who may read what was
    kept to the team are now the members of the other one. Agents of the other team do not learn who has asked without
    a name. New requests go where those of the other team go. Returns what was moved. Raises TeamRefused when both are
    the same."""
    if team.id == into.id:
        raise TeamRefused("A team cannot be merged into itself. Name another team.", "into", "here")
    moved, means = belongings(session, team), what_merging_means(session, team, into)
    joining = session.scalars(_joining(team, into)).all()
    if joining:
        session.execute(insert(team_members), [{"team_id": into.id, "person_id": number} for number in joining])
    audience_tokens.rename(session, f"team:{team.handle}", f"team:{into.handle}")
    for table in (HelpRequest, Document):
        session.execute(update(table).where(table.team_id == team.id).values(updated_at=utc_now()))
    for moving in _MOVED:
        session.execute(update(moving).where(moving.team_id == team.id).values(team_id=into.id))
    session.execute(delete(TeamDestination).where(TeamDestination.team_id == team.id))
    details: dict[str, Any] = {"into": into.handle, "moved": moved.as_json(), "people": sorted(joining)}
    if (means.joining and means.for_joining) or (means.others and means.for_others):
        details["widened"] = True
    audit.record(session, by, "team.merged", f"team:{team.handle}", details)
    flush_and_expire(session)
    session.delete(team)
    session.flush()
    return moved


def _members(team: Team) -> Select[tuple[int]]:
    return select(team_members.c.person_id).where(team_members.c.team_id == team.id)


def _joining(team: Team, into: Team) -> Select[tuple[int]]:
    """The members of `team` who are not members of `into`."""
    return _members(team).where(team_members.c.person_id.not_in(_members(into)))


def _only_for(session: Session, team: Team) -> int:
    """How many items a team may read that not everybody may read."""
    token, count = f"team:{team.handle}", 0
    for table, audience, number in (
        (HelpRequest, RequestAudience, RequestAudience.request_id),
        (Document, DocumentAudience, DocumentAudience.document_id),
    ):
        named = exists().where(number == table.id, audience.token == token)
        for_all = exists().where(number == table.id, audience.token == EVERYONE)
        count += _count(session, table, or_(table.team_id == team.id, named), ~for_all)
    return count


def _is_of(audience: Any, condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """That the item of a row of an audience fulfils a condition."""
    if audience is RequestAudience:
        return exists().where(HelpRequest.id == RequestAudience.request_id, condition)
    return exists().where(Document.id == DocumentAudience.document_id, condition)


def _count(session: Session, table: Any, *conditions: ColumnElement[bool]) -> int:
    return session.scalar(select(func.count()).select_from(table).where(*conditions)) or 0
