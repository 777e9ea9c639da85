"""The life of a request: filed, answered, resolved, reopened. Who may do what is decided here, on access.py's rule.

Functions change rows of the session they are given and leave the commit to the caller.
"""

from collections.abc import Collection, Iterable
from typing import cast

from sqlalchemy import CursorResult, select, update
from sqlalchemy.orm import Session

from recommender.access import ANY_AGENT, EVERYONE, Reader, may_handle
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
from recommender.errors import Conflict, NotAllowed

LONGEST_TITLE = 500
LONGEST_BODY = 100_000
_RESOLVED_MEANWHILE = "Somebody else has resolved this request meanwhile."


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
) -> HelpRequest:
    """A new open request. `shared` lets everyone read it, else only those in the request: the asker and the team, or
    every agent while no team has it. `attempts` are (item key, opened) of what was suggested before, as shown."""
    request = HelpRequest(
        title=title[:LONGEST_TITLE],
        body=body,
        language=language,
        status=OPEN,
        team=team,
        asked_by=asked_by,
        anonymous=anonymous,
        created_at=utc_now(),
        audience=[RequestAudience(token=token) for token in _tokens(shared, team)],
        attempts=[
            RequestAttempt(item=item, position=position, opened=opened)
            for position, (item, opened) in enumerate(dict(attempts).items())
        ],
    )
    session.add(request)
    session.flush()
    return request


def reply(session: Session, request: HelpRequest, author: Person, body: str) -> Reply:
    """Add a reply; one to a resolved request reopens it."""
    made = Reply(request=request, author=author, body=body, created_at=utc_now())
    session.add(made)
    if request.status == RESOLVED:
        _open_again(request)
    request.updated_at = made.created_at
    session.flush()
    return made


def resolve(session: Session, request: HelpRequest, reader: Reader, solution: Reply) -> None:
    """Resolve a request with the reply that solved it. Allowed to the asker and those who handle it (NotAllowed);
    Conflict when somebody else has resolved it meanwhile."""
    _must_resolve(request, reader)
    if solution.request_id != request.id:
        raise NotAllowed("That reply belongs to another request.")
    session.flush()
    now = utc_now()
    # one statement, so that of two at once only one finds it open
    resolved = session.execute(
        update(HelpRequest)
        .where(HelpRequest.id == request.id, HelpRequest.status == OPEN)
        .values(status=RESOLVED, resolved_at=now, updated_at=now)
        .execution_options(synchronize_session=False)
    )
    session.refresh(request, ["status", "resolved_at", "updated_at"])
    if cast("CursorResult[object]", resolved).rowcount != 1:
        raise Conflict(_RESOLVED_MEANWHILE)
    for each in request.replies:
        each.accepted = each.id == solution.id
    _keep_resolution_as_reply(request)
    session.flush()


def reply_and_resolve(session: Session, request: HelpRequest, reader: Reader, author: Person, body: str) -> Reply:
    """Add a reply and resolve the request with it. Allowed to the asker and those who handle it (NotAllowed); Conflict
    when somebody else has resolved it meanwhile: roll the session back then, so that the reply is not stored."""
    _must_resolve(request, reader)
    if request.status == RESOLVED:  # `reply` would open it again
        raise Conflict(_RESOLVED_MEANWHILE)
    solution = reply(session, request, author, body)
    resolve(session, request, reader, solution)
    return solution


def reopen(session: Session, request: HelpRequest, reader: Reader) -> None:
    """Open a resolved request again. Allowed to the asker and those who handle it (NotAllowed)."""
    if not may_resolve(request, reader):
        raise NotAllowed("Only the person who asked and the team that handles it can reopen a request.")
    if request.status == RESOLVED:
        _open_again(request)
    session.flush()


def assign(session: Session, request: HelpRequest, reader: Reader, person: Person | None) -> None:
    """Give a request to one of its team's agents, or to nobody. Allowed to those who handle it (NotAllowed)."""
    _must_handle(request, reader)
    if person is not None and request.team_id not in {team.id for team in person.teams}:
        raise NotAllowed("A request is given to a member of the team that handles it.")
    request.assigned_to = person
    request.updated_at = utc_now()
    session.flush()


def move(session: Session, request: HelpRequest, reader: Reader, team: Team) -> None:
    """Hand a request to another team. Allowed to those who handle it (NotAllowed). The team before reads it no more
    unless everyone does; one that goes to a restricted team stays as narrow or becomes so."""
    _must_handle(request, reader)
    if request.team_id == team.id:
        return
    leaving = {ANY_AGENT, EVERYONE} if team.restricted else {ANY_AGENT}
    if request.team is not None:
        leaving.add(f"team:{request.team.handle}")
    request.audience = [row for row in request.audience if row.token not in leaving]
    request.updated_at = utc_now()
    request.team, request.assigned_to = team, None
    session.flush()


def share(session: Session, request: HelpRequest, reader: Reader, shared: bool) -> None:
    """Let everyone read a request, or only those in it. Narrowing is allowed to the asker and those who handle it,
    widening to the asker alone (NotAllowed): an agent shares what is worth sharing by drafting a document."""
    asked_it = reader.person_id is not None and request.asked_by_id == reader.person_id
    if not asked_it and (shared or not may_handle(request, reader)):
        raise NotAllowed("Only the person who asked can let everyone read a request.")
    others = [row for row in request.audience if row.token not in (EVERYONE, ANY_AGENT)]
    known = {row.token: row for row in request.audience}
    wanted = _tokens(shared, request.team)
    request.audience = others + [known.get(token) or RequestAudience(token=token) for token in wanted]
    request.updated_at = utc_now()
    session.flush()


def may_resolve(request: HelpRequest, reader: Reader) -> bool:
    """The asker, and those who handle it."""
    asked_it = reader.person_id is not None and request.asked_by_id == reader.person_id
    return asked_it or may_handle(request, reader)


def likely_team(session: Session, handles: Collection[str]) -> Team | None:
    """The team that most of the similar items went to, the earlier in the list the more; None without any."""
    votes: dict[str, float] = {}
    for rank, handle in enumerate(handles, 1):
        votes[handle] = votes.get(handle, 0.0) + 1.0 / rank
    if not votes:
        return None
    return session.scalar(select(Team).where(Team.handle == max(votes, key=lambda handle: votes[handle])))


def _tokens(shared: bool, team: Team | None) -> list[str]:
    return [EVERYONE] if shared else [ANY_AGENT] if team is None else []


def _must_resolve(request: HelpRequest, reader: Reader) -> None:
    if not may_resolve(request, reader):
        raise NotAllowed("Only the person who asked and the team that handles it can resolve a request.")


def _must_handle(request: HelpRequest, reader: Reader) -> None:
    if not may_handle(request, reader):
        raise NotAllowed("Only the team that handles a request can do that.")


def _open_again(request: HelpRequest) -> None:
    _keep_resolution_as_reply(request)
    request.status, request.resolved_at, request.updated_at = OPEN, None, utc_now()
    for each in request.replies:
        each.accepted = False


def _keep_resolution_as_reply(request: HelpRequest) -> None:
    """A resolution that came from elsewhere becomes a reply, so that the next one does not hide or lose it."""
    if request.resolution:
        at = request.resolved_at or request.created_at
        request.replies.append(Reply(body=request.resolution, created_at=at))
    request.resolution = None
