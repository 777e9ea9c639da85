"""What can be done with a request: file it, reply, resolve, reopen, assign, move, share, show a name. Functions with
a `reader` check whether this person may do that, by the rules of access.py.

Two people may act at the same moment. So the state of a request is changed by one statement that finds the request only
as the session has read it (`_claim`). The functions change rows of the session and leave the commit to the caller.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, update
from sqlalchemy.orm import Session

from recommender import audit
from recommender.access import AGENTS, ANY_AGENT, EVERYONE, Reader, may_handle, request_audience
from recommender.database.handles import visible
from recommender.database.tables import (
    OPEN,
    RESOLVED,
    HelpRequest,
    Person,
    Reply,
    RequestAttempt,
    RequestAudience,
    Team,
    utc_now,
)
from recommender.datatypes import Kind, item_key
from recommender.errors import Conflict, NotAllowed
from recommender.knowledge import outcomes
from recommender.notifications import telling
from recommender.outbox import handover

LONGEST_TITLE = 500  # characters, as in the table
LONGEST_BODY = 100_000  # characters; a judgement
_RESOLVED_MEANWHILE = "Somebody else has solved this request in the meantime."
_CHANGED_MEANWHILE = "Somebody else has changed this request in the meantime. Look at it again."


def file_request(
    session: Session,
    asked_by: Person,
    title: str,
    body: str,
    language: str,
    team: Team | None,
    *,
    shared: bool,
    anonymous: bool = False,
    attempts: Iterable[tuple[str, bool]] = (),
    asks: Person | None = None,
) -> HelpRequest:
    """A new open request. Everyone may read it when it is `shared`, else only the asker and the team, or every agent
    while no team has it. An `anonymous` asker is known to the agents of this team only. `attempts` are (item key,
    opened) of the suggestions shown before, in their order. `asks` is a colleague whom the asker means: an agent of the
    team gets it, anybody else may read it, unless it is private to a restricted team: nobody else ever reads that."""
    tokens = _tokens(shared, team)
    asks = None if asks is asked_by else asks
    given = asks if asks is not None and asks.role in AGENTS and team in asks.teams else None
    if asks is not None and given is None and not shared and not (team is not None and team.restricted):
        tokens.append(f"person:{asks.id}")
    request = HelpRequest(
        title=visible(title)[:LONGEST_TITLE], body=body, language=language, status=OPEN, team=team, asked_by=asked_by,
        assigned_to=given, anonymous=anonymous, name_known_to=[team.id] if team else [], created_at=utc_now(),
        audience=[RequestAudience(token=token) for token in tokens],
        attempts=[
            RequestAttempt(item=item, position=position, opened=opened)
            for position, (item, opened) in enumerate(dict(attempts).items())
        ],
    )  # fmt: skip
    session.add(request)
    session.flush()
    who = audit.actor(session, None if anonymous else asked_by.id)
    audit.record(session, who, "request.filed", _key(request), {"audience": sorted(_readers(request))})
    telling.tell_suggested(session, request, asks)
    handover.send_on(session, request)
    return request


def reply(session: Session, request: HelpRequest, author: Person, body: str) -> Reply:
    """Add a reply. A reply to a resolved request reopens it."""
    added = Reply(request=request, author=author, body=body, created_at=utc_now())
    session.add(added)
    if request.status == RESOLVED:
        _open_again(session, request)
    request.updated_at = added.created_at
    telling.tell_reply(session, added)
    handover.send_reply_on(session, added)
    return added


def resolve(session: Session, request: HelpRequest, reader: Reader, solution: Reply) -> None:
    """Resolve a request with the reply that solved it.

    Nothing changes when it is resolved with that reply already. Raises NotAllowed unless the reader asked or handles
    it, Conflict when somebody else has resolved it meanwhile.
    """
    _must_resolve(request, reader)
    if solution.request_id != request.id:
        raise NotAllowed("That reply belongs to another request.")
    session.flush()
    now = utc_now()
    # a single statement, so that only one of two simultaneous callers finds the request open
    resolved = session.execute(
        update(HelpRequest)
        .where(HelpRequest.id == request.id, HelpRequest.status == OPEN)
        .values(status=RESOLVED, resolved_at=now, updated_at=now)
        .execution_options(synchronize_session=False)
    )
    session.refresh(request, ["status", "resolved_at", "updated_at"])
    if cast("CursorResult[object]", resolved).rowcount != 1:
        session.refresh(solution, ["accepted"])
        if solution.accepted:
            return
        raise Conflict(_RESOLVED_MEANWHILE)
    for candidate in request.replies:
        candidate.accepted = candidate.id == solution.id
    _keep_resolution_as_reply(request, now)
    session.flush()
    telling.tell_resolution(session, request, solution, reader.person_id)


def reply_and_resolve(session: Session, request: HelpRequest, reader: Reader, author: Person, body: str) -> Reply:
    """Add a reply and resolve the request with it. `author` is the reader's person.

    Raises NotAllowed unless the reader asked or handles it, and Conflict when somebody else has resolved it meanwhile.
    Roll the session back then, so that the reply is not stored.
    """
    _must_resolve(request, reader)
    if request.status == RESOLVED:  # `reply` would open it again
        raise Conflict(_RESOLVED_MEANWHILE)
    solution = reply(session, request, author, body)
    resolve(session, request, reader, solution)
    return solution


def reopen(session: Session, request: HelpRequest, reader: Reader) -> None:
    """Open a resolved request again. Raises NotAllowed unless the reader asked or handles it."""
    if not may_resolve(request, reader):
        raise NotAllowed("Only the person who asked and the team that handles it can reopen a request.")
    if request.status == RESOLVED:
        _open_again(session, request)
        telling.tell_reopened(session, request, reader.person_id)
    session.flush()


def assign(session: Session, request: HelpRequest, reader: Reader, person: Person | None) -> None:
    """Assign a request to a member of its team, or to nobody. Raises NotAllowed unless the reader handles it and the
    person is in the team, and Conflict when somebody else has moved, assigned or resolved it meanwhile."""
    _must_handle(request, reader)
    if person is not None and request.team_id not in {team.id for team in person.teams}:
        raise NotAllowed("A request can only be assigned to a member of the team that handles it.")
    _claim(session, request, assigned_to_id=person.id if person else None)
    telling.tell_assignment(session, request, reader.person_id)


def move(session: Session, request: HelpRequest, reader: Reader, team: Team) -> None:
    """Hand a request to another team, and on to where that works. Raises NotAllowed unless the reader handles it, and
    Conflict when somebody else has moved, assigned or resolved it meanwhile.

    The previous team can no longer read it, unless everyone may. After a move to a restricted team only that team and
    the asker can. The new team does not learn who an anonymous asker is (`show_name`).
    """
    _must_handle(request, reader)
    if request.team_id == team.id:
        return
    before, previous = _readers(request), request.team
    _claim(session, request, team_id=team.id, assigned_to_id=None)
    removed = {ANY_AGENT, f"team:{previous.handle}" if previous else ""}
    request.audience = [] if team.restricted else [row for row in request.audience if row.token not in removed]
    session.flush()
    moved = previous.handle if previous else None, team.handle
    audit.record_change(session, _actor(session, request, reader), "request.team", _key(request), *moved)
    _record_audience(session, request, reader, before)
    handover.send_on(session, request)


def share(session: Session, request: HelpRequest, reader: Reader, shared: bool) -> None:
    """Let everyone read a request, or only the asker and the team: nobody else then, whoever could read it before.

    Raises NotAllowed unless the reader asked, or handles it and `shared` is False: an agent drafts a document to share
    an answer; and while its ticket elsewhere is private. Raises Conflict when somebody else has changed it meanwhile.
    """
    is_asker = reader.person_id is not None and request.asked_by_id == reader.person_id
    if not is_asker and (shared or not may_handle(request, reader)):
        raise NotAllowed("Only the person who asked can let everyone read a request.")
    if shared and handover.is_private_there(session, request.id):
        raise NotAllowed("The system of the team lets nobody else read this, so it cannot be shared here.")
    before = _readers(request)
    _claim(session, request)
    wanted = _tokens(shared, request.team)
    staying = [row for row in request.audience if row.token in wanted or (shared and row.token != ANY_AGENT)]
    added = [token for token in wanted if token not in {row.token for row in staying}]
    request.audience = staying + [RequestAudience(token=token) for token in added]
    session.flush()
    _record_audience(session, request, reader, before)


def show_name(session: Session, request: HelpRequest, reader: Reader, team: str) -> None:
    """Tell the agents of the team that handles an anonymous request who asked. Raises NotAllowed unless the reader
    asked, and Conflict when it is not (any more) with `team`, the handle of the team that the reader means."""
    if reader.person_id is None or request.asked_by_id != reader.person_id:
        raise NotAllowed("Only the person who asked can show their name.")
    if request.team is None or request.team.handle != team:
        raise Conflict("This request was moved in the meantime. Check who handles it now.")
    if request.team.id not in request.name_known_to:
        _claim(session, request, name_known_to=[*request.name_known_to, request.team.id])
        told = {"team": request.team.handle, "widened": True}
        audit.record(session, _actor(session, request, reader), "request.name", _key(request), told)


def is_shared_further(request: HelpRequest) -> bool:
    """True when others than the asker and the team can read a request, so that it can be kept to these."""
    own = {*_tokens(False, request.team), f"team:{request.team.handle}" if request.team else ""}
    return any(row.token not in own for row in request.audience)


def may_resolve(request: HelpRequest, reader: Reader) -> bool:
    """True for the asker and for the agents who handle the request."""
    is_asker = reader.person_id is not None and request.asked_by_id == reader.person_id
    return is_asker or may_handle(request, reader)


def _readers(request: HelpRequest) -> set[str]:
    """Who may read a request, for the audit log; an anonymous asker is not named there."""
    asker = f"person:{request.asked_by_id}"
    tokens = request_audience(request)
    return {"asker" if token == asker else token for token in tokens} if request.anonymous else set(tokens)


def _record_audience(session: Session, request: HelpRequest, reader: Reader, before: set[str]) -> None:
    who = _actor(session, request, reader)
    audit.record_audience(session, who, _key(request), before, _readers(request))


def _actor(session: Session, request: HelpRequest, reader: Reader) -> audit.Actor:
    """The reader as an actor; nobody when that would name an anonymous asker."""
    hidden = request.anonymous and reader.person_id == request.asked_by_id
    return audit.actor(session, None if hidden else reader.person_id)


def _key(request: HelpRequest) -> str:
    return item_key(Kind.REQUEST, request.id)


def _tokens(shared: bool, team: Team | None) -> list[str]:
    return [EVERYONE] if shared else [ANY_AGENT] if team is None else []


def _must_resolve(request: HelpRequest, reader: Reader) -> None:
    if not may_resolve(request, reader):
        raise NotAllowed("Only the person who asked and the team that handles it can resolve a request.")


def _must_handle(request: HelpRequest, reader: Reader) -> None:
    if not may_handle(request, reader):
        raise NotAllowed("Only the team that handles a request can do that.")


def _claim(session: Session, request: HelpRequest, **values: Any) -> None:
    """Set columns of a request, in one statement that does so only while its status, team and assignee are as this
    session has read them. Raises Conflict otherwise. Nobody else can change the request until the commit."""
    session.flush()
    seen = (HelpRequest.status, HelpRequest.team_id, HelpRequest.assigned_to_id)
    claimed = session.execute(
        update(HelpRequest)
        .where(HelpRequest.id == request.id)
        .where(*(column.is_not_distinct_from(getattr(request, column.key)) for column in seen))
        .values(updated_at=utc_now(), **values)
        .execution_options(synchronize_session=False)
    )
    if cast("CursorResult[object]", claimed).rowcount != 1:
        raise Conflict(_CHANGED_MEANWHILE)
    session.refresh(request)  # also its audience, which another transaction may have changed since
    session.refresh(request, ["team", "assigned_to", "audience"])


def _open_again(session: Session, request: HelpRequest) -> None:
    """Open a resolved request. When somebody else has just done so, there is nothing left to do."""
    at = request.resolved_at or request.created_at
    opened = session.execute(
        update(HelpRequest)
        .where(HelpRequest.id == request.id, HelpRequest.status == RESOLVED)
        .values(status=OPEN, resolved_at=None, updated_at=utc_now())
        .execution_options(synchronize_session=False)
    )
    session.refresh(request, ["status", "resolved_at", "resolution", "updated_at"])
    if cast("CursorResult[object]", opened).rowcount == 1:
        _keep_resolution_as_reply(request, at)
        for candidate in request.replies:
            candidate.accepted = False
        outcomes.record(session, outcomes.EventKind.REOPENED, _key(request), request_id=request.id)


def _keep_resolution_as_reply(request: HelpRequest, at: datetime) -> None:
    """Turn an imported resolution into a reply, so that the next solution neither hides nor overwrites it."""
    if request.resolution:
        request.replies.append(Reply(body=request.resolution, created_at=at))
    request.resolution = None
