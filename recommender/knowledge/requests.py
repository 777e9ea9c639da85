"""What can be done with a request: file it, reply, resolve, reopen, assign, move, share. Functions with a `reader`
check whether this person may do that, by the rules of access.py.

The functions change rows of the session and leave the commit to the caller.
"""

from collections.abc import Iterable
from typing import cast

from sqlalchemy import CursorResult, update
from sqlalchemy.orm import Session

from recommender import audit
from recommender.access import ANY_AGENT, EVERYONE, Reader, may_handle, request_audience
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

LONGEST_TITLE = 500  # characters, as in the table
LONGEST_BODY = 100_000  # characters; a judgement
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
    """A new open request. Everyone may read it when it is `shared`, else only the asker and the team, or every agent
    while no team has it. `attempts` are (item key, opened) of the suggestions shown before, in their order."""
    request = HelpRequest(
        title=visible(title)[:LONGEST_TITLE],
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
    """Add a reply. A reply to a resolved request reopens it."""
    added = Reply(request=request, author=author, body=body, created_at=utc_now())
    session.add(added)
    if request.status == RESOLVED:
        _open_again(request)
    request.updated_at = added.created_at
    session.flush()
    return added


def resolve(session: Session, request: HelpRequest, reader: Reader, solution: Reply) -> None:
    """Resolve a request with the reply that solved it.

    Raises NotAllowed unless the reader asked or handles it, Conflict when somebody else has resolved it meanwhile.
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
        raise Conflict(_RESOLVED_MEANWHILE)
    for candidate in request.replies:
        candidate.accepted = candidate.id == solution.id
    _keep_resolution_as_reply(request)
    session.flush()


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
        _open_again(request)
    session.flush()


def assign(session: Session, request: HelpRequest, reader: Reader, person: Person | None) -> None:
    """Assign a request to a member of its team, or to nobody. Raises NotAllowed unless the reader handles it and the
    person is in the team."""
    _must_handle(request, reader)
    if person is not None and request.team_id not in {team.id for team in person.teams}:
        raise NotAllowed("A request can only be assigned to a member of the team that handles it.")
    request.assigned_to = person
    request.updated_at = utc_now()
    session.flush()


def move(session: Session, request: HelpRequest, reader: Reader, team: Team) -> None:
    """Hand a request to another team. Raises NotAllowed unless the reader handles it.

    The previous team can no longer read it, unless everyone may. A move to a restricted team also ends that everyone
    may read it.
    """
    _must_handle(request, reader)
    if request.team_id == team.id:
        return
    before = _readers(request)
    removed = {ANY_AGENT, EVERYONE} if team.restricted else {ANY_AGENT}
    if request.team is not None:
        removed.add(f"team:{request.team.handle}")
    request.audience = [row for row in request.audience if row.token not in removed]
    request.updated_at = utc_now()
    previous, request.team, request.assigned_to = request.team, team, None
    session.flush()
    moved = previous.handle if previous else None, team.handle
    audit.record_change(session, _actor(session, request, reader), "request.team", _key(request), *moved)
    _record_audience(session, request, reader, before)


def share(session: Session, request: HelpRequest, reader: Reader, shared: bool) -> None:
    """Let everyone read a request, or only the asker, the team and the people named in its audience.

    Raises NotAllowed unless the reader asked, or handles it and `shared` is False: an agent who wants to share the
    answer drafts a document from it.
    """
    is_asker = reader.person_id is not None and request.asked_by_id == reader.person_id
    if not is_asker and (shared or not may_handle(request, reader)):
        raise NotAllowed("Only the person who asked can let everyone read a request.")
    before = _readers(request)
    others = [row for row in request.audience if row.token not in (EVERYONE, ANY_AGENT)]
    stored = {row.token: row for row in request.audience}
    wanted = _tokens(shared, request.team)
    request.audience = others + [stored.get(token) or RequestAudience(token=token) for token in wanted]
    request.updated_at = utc_now()
    session.flush()
    _record_audience(session, request, reader, before)


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


def _open_again(request: HelpRequest) -> None:
    _keep_resolution_as_reply(request)
    request.status, request.resolved_at, request.updated_at = OPEN, None, utc_now()
    for candidate in request.replies:
        candidate.accepted = False


def _keep_resolution_as_reply(request: HelpRequest) -> None:
    """Turn an imported resolution into a reply, so that the next solution neither hides nor overwrites it."""
    if request.resolution:
        at = request.resolved_at or request.created_at
        request.replies.append(Reply(body=request.resolution, created_at=at))
    request.resolution = None
