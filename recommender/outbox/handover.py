"""The queue of requests that are sent on to where a team works: its ticket system, its mailbox, a webhook."""

import re
import secrets
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from recommender.database.handover_tables import Handover, HandoverReply, TeamDestination
from recommender.database.storing import take
from recommender.database.tables import HelpRequest, Reply, Team, utc_now

WAITING, SENT, FAILED = "waiting", "sent", "failed"
HERE = "here"
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(seconds=20), timedelta(hours=1)  # doubled after each failure: judgements
_TRIED = timedelta(days=5)  # after which it is given up: as for mail, RFC 5321 (4.5.4.1)
_AT_WORK = timedelta(minutes=3)  # for one attempt, more than the other side may take: a judgement
_A_ROUND = 20
_KEY = re.compile(r"(kollega-[0-9]{1,12}-[0-9a-f]{12})(?:-r([0-9]{1,12}))?@")
_MOST_ATTEMPTS = 200  # more than the pauses allow in that time: who takes it is stopped each time


@dataclass(frozen=True)
class Ticket:
    """What the other side has given a request: its id there, the number that people use, and its address."""

    external_id: str = ""
    number: str = ""
    url: str = ""


def key_in(message_id: str) -> str:
    """The key of the request that was mailed with this Message-ID; empty for any other mail."""
    found = _KEY.match(message_id)
    return found[1] if found else ""


def set_destination(session: Session, team: Team, target: str, options: dict[str, str]) -> None:
    """Send new questions to a team on to `target`; HERE keeps them here."""
    row = session.get(TeamDestination, team.id)
    if target == HERE:
        if row is not None:
            session.delete(row)
    elif row is None:
        session.add(TeamDestination(team_id=team.id, target=target, options=options))
    else:
        row.target, row.options = target, options
    session.flush()


def destination_of(session: Session, team: Team) -> TeamDestination | None:
    """Where new questions to a team go on to; None when they stay here."""
    return session.get(TeamDestination, team.id)


def send_on(session: Session, request: HelpRequest) -> Handover | None:
    """Queue an open request for where its team works; None when it stays here, or was sent on before."""
    destination = session.get(TeamDestination, request.team_id) if request.team_id is not None else None
    if destination is None or session.get(Handover, request.id) is not None:
        return None
    row = Handover(
        request_id=request.id,
        target=destination.target,
        team_handle=request.team.handle if request.team else None,
        options=dict(destination.options),
        key=f"kollega-{request.id}-{secrets.token_hex(6)}",
        state=WAITING,
    )
    session.add(row)
    session.flush()
    return row


def due(session: Session) -> list[int]:
    """The ids of some requests to send on now, oldest first; reads only."""
    waiting = select(Handover.request_id).where(Handover.state == WAITING, Handover.next_attempt_at <= utc_now())
    return list(session.scalars(waiting.order_by(Handover.request_id).limit(_A_ROUND)))


def send_reply_on(session: Session, reply: Reply) -> None:
    """Queue a reply for where its request was sent on to; nothing when that stays here, or another
    team has it now."""
    row = session.get(Handover, reply.request_id)
    team = reply.request.team
    if row is not None and team is not None and row.team_handle == team.handle:
        session.add(HandoverReply(reply_id=reply.id, request_id=reply.request_id, state=WAITING))
        session.flush()


def due_replies(session: Session) -> list[int]:
    """The ids of some replies to send on now: the oldest one that waits of each request that the other side has taken,
    so that they arrive in their order. None of a request that another team has now, whose replies are no longer for the
    team that it was sent to; reads only."""
    oldest = select(func.min(HandoverReply.reply_id)).where(HandoverReply.state == WAITING)
    query = select(HandoverReply.reply_id).join(Handover, Handover.request_id == HandoverReply.request_id)
    query = query.join(HelpRequest, HelpRequest.id == Handover.request_id).join(Team, Team.id == HelpRequest.team_id)
    due = Handover.state == SENT, Team.handle == Handover.team_handle, HandoverReply.next_attempt_at <= utc_now()
    query = query.where(HandoverReply.reply_id.in_(oldest.group_by(HandoverReply.request_id)), *due)
    return list(session.scalars(query.order_by(HandoverReply.reply_id).limit(_A_ROUND)))


def claim(session: Session, request_id: int) -> Handover | None:
    """Take one for a few minutes in which nobody else sends it; None when somebody was faster. It is given up (FAILED)
    when every attempt was cut off. Commit before it is sent: who is killed then has an attempt counted, by which the
    next one knows that it may have arrived."""
    if not _take(session, Handover, Handover.request_id == request_id):
        return None
    row = session.get_one(Handover, request_id, populate_existing=True)
    _give_up_when_cut_off(row)
    return row


def claim_reply(session: Session, reply_id: int) -> HandoverReply | None:
    """Take a reply as `claim` takes a request."""
    if not _take(session, HandoverReply, HandoverReply.reply_id == reply_id):
        return None
    row = session.get_one(HandoverReply, reply_id, populate_existing=True)
    _give_up_when_cut_off(row)
    return row


def _take(session: Session, table: type[Handover] | type[HandoverReply], which: ColumnElement[bool]) -> bool:
    now = utc_now()
    free = which, table.state == WAITING, table.next_attempt_at <= now
    return take(session, table, *free, next_attempt_at=now + _AT_WORK, attempts=table.attempts + 1)


def _give_up_when_cut_off(row: Handover | HandoverReply) -> None:
    if row.attempts > _MOST_ATTEMPTS:
        row.state, row.problem = FAILED, "Kollega was stopped each time while it was at this."


def succeed(row: Handover, ticket: Ticket, source: str | None) -> None:
    """Store that the other side has taken it."""
    row.state, row.sent_at, row.problem = SENT, utc_now(), None
    row.source = source
    row.external_id = ticket.external_id[:200] or None
    row.number, row.url = ticket.number[:100] or None, ticket.url or None


def succeed_reply(row: HandoverReply, external_id: str) -> None:
    """Store that the other side has taken a reply, and its id there."""
    row.state, row.problem, row.external_id = SENT, None, external_id[:200] or None


def fail(row: Handover | HandoverReply, problem: str, for_good: bool = False) -> None:
    """Store what went wrong, and try again later unless that is of no use."""
    now = utc_now()
    row.problem = problem
    if for_good or now - row.created_at > _TRIED:
        row.state = FAILED
        return
    row.next_attempt_at = now + min(_FIRST_PAUSE * 2 ** min(row.attempts - 1, 12), _LONGEST_PAUSE)


def try_again(session: Session, team: Team) -> int:
    """Send the requests of a team that were given up, or wait for their next attempt, to where the team works now;
    returns how many."""
    destination = session.get(TeamDestination, team.id)
    if destination is None:
        return 0
    own = select(HelpRequest.id).where(HelpRequest.team_id == team.id)
    query = select(Handover).where(Handover.state != SENT, Handover.request_id.in_(own))
    undone = list(session.scalars(query))
    for row in undone:
        row.target, row.options, row.team_handle = destination.target, dict(destination.options), team.handle
        row.state, row.attempts = WAITING, row.attempts and 1  # an attempt before this may have been taken
        row.next_attempt_at = row.created_at = utc_now()
    replies = select(HandoverReply).where(HandoverReply.state != SENT, HandoverReply.request_id.in_(own))
    for reply in session.scalars(replies):
        reply.state, reply.attempts = WAITING, reply.attempts and 1
        reply.next_attempt_at = reply.created_at = utc_now()
    return len(undone)


def of_request(session: Session, request_id: int) -> Handover | None:
    """What became of a request that was sent on; None for one that stays here."""
    return session.get(Handover, request_id)


def is_private_there(session: Session, request_id: int) -> bool:
    """True when others than the team may not read the ticket of a request, as its system says."""
    row = session.get(Handover, request_id)
    return row is not None and row.is_private_there


def undone_replies(session: Session, request_id: int) -> list[HandoverReply]:
    """The replies to a request that could not be sent on yet, or were given up."""
    undone = HandoverReply.state != SENT, HandoverReply.problem.is_not(None)
    query = select(HandoverReply).where(HandoverReply.request_id == request_id, *undone)
    return list(session.scalars(query.order_by(HandoverReply.reply_id)))
