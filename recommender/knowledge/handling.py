"""What agents do with the requests of their teams beyond `requests.py`: take one, undo a solution.

The functions change rows of the session and leave the commit to the caller.
"""

from datetime import timedelta

from sqlalchemy import delete
from sqlalchemy.orm import Session

from recommender.access import Reader, may_handle
from recommender.database.tables import RESOLVED, HelpRequest, Person, Reply, utc_now
from recommender.errors import Conflict, NotAllowed
from recommender.knowledge import requests

UNDO_WITHIN = timedelta(minutes=10)  # a judgement: long enough to notice, too short for others to have built on it


def take(session: Session, request: HelpRequest, reader: Reader, person: Person) -> None:
    """Assign a request to the agent who takes it (`person`, the reader). A request without a team goes to theirs when
    they have only one, else it stays without. Raises as `assign` does."""
    if request.team is None and len(person.teams) == 1:
        requests.move(session, request, reader, person.teams[0])
    if request.team is not None:
        requests.assign(session, request, reader, person)


def may_undo(request: HelpRequest, reply: Reply, reader: Reader) -> bool:
    """True for the agent who has just resolved the request with their own reply."""
    own = reader.person_id is not None and reply.author_id == reader.person_id
    recent = utc_now() - reply.created_at < UNDO_WITHIN
    return own and recent and reply.accepted and request.status == RESOLVED and may_handle(request, reader)


def undo_solution(session: Session, request: HelpRequest, reader: Reader, reply: Reply) -> str:
    """Open the request again and take the reply back that resolved it; its text, to be edited. Raises NotAllowed for
    others than its author, Conflict when it is too late."""
    if reply.author_id is None or reply.author_id != reader.person_id:
        raise NotAllowed("Only its author can take a reply back.")
    if not may_undo(request, reply, reader):
        raise Conflict("It is too late to undo this. Open the request again instead.")
    body = reply.body
    requests.reopen(session, request, reader)
    session.execute(delete(Reply).where(Reply.id == reply.id))
    session.flush()
    session.expire(request, ["replies"])
    return body
