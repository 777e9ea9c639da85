"""What agents do with requests of their teams beyond `requests.py`: take, undo a solution, snooze, mark as the same.

The functions change rows of the session and leave the commit to the caller.
"""

from datetime import datetime, timedelta

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from recommender.access import EVERYONE, Reader, may_handle, readable_requests, request_audience
from recommender.database.attachment_tables import Attachment
from recommender.database.request_tables import SnoozedRequest
from recommender.database.storing import insert_or_keep, insert_or_update
from recommender.database.tables import OPEN, RESOLVED, HelpRequest, Person, Reply, RequestLink, Team, utc_now
from recommender.errors import Conflict, NotAllowed
from recommender.knowledge import attachments, outcomes, requests, rewriting
from recommender.notifications import following

UNDO_WITHIN = timedelta(minutes=10)  # a judgement: long enough to notice, too short for others to have built on it

SAME = "duplicate"  # the kind of link between two requests about the same
_MERGED = {
    "en": ("Merged into", "You will be told when it is solved.", "See its solution."),
    "fi": ("Yhdistetty pyyntöön", "Saat ilmoituksen, kun se on ratkaistu.", "Katso sen ratkaisu."),
    "sv": ("Sammanslagen med", "Du får besked när den är löst.", "Se lösningen där."),
}
"""The reply to a request that is closed as the same as another: how it begins, and how it ends when the other one is
open and when it is solved. `recommender.search.replies` reads the beginnings."""
OLD = timedelta(days=30)  # since the solution; a judgement


def private_to(request: HelpRequest, person: Person) -> Team | None:
    """The restricted team that a request gets when this person takes it, if everyone can read it now and only that team
    and the asker can then; else None. Whoever takes it should know before."""
    team = person.teams[0] if request.team is None and len(person.teams) == 1 else None
    return team if team is not None and team.restricted and EVERYONE in request_audience(request) else None


def take(session: Session, request: HelpRequest, reader: Reader, person: Person) -> None:
    """Assign a request to the agent who takes it (`person`, the reader). A request without a team goes to theirs when
    they have only one, else it stays without. Raises as `assign` does."""
    if request.team is None and len(person.teams) == 1:
        requests.move(session, request, reader, person.teams[0])
    if request.team is not None:
        requests.assign(session, request, reader, person)


def is_old_and_others(request: HelpRequest, reader: Reader) -> bool:
    """True for a request that was solved some time ago and that somebody else asked: opening it again surprises
    them."""
    own = reader.person_id is not None and request.asked_by_id == reader.person_id
    solved = request.resolved_at or request.created_at
    return request.status == RESOLVED and not own and utc_now() - solved > OLD


def may_undo(request: HelpRequest, reply: Reply, reader: Reader) -> bool:
    """True for the agent who has just resolved the request with their own reply."""
    own = reader.person_id is not None and reply.author_id == reader.person_id
    recent = utc_now() - reply.created_at < UNDO_WITHIN
    return own and recent and reply.accepted and request.status == RESOLVED and may_handle(request, reader)


def undo_solution(session: Session, request: HelpRequest, reader: Reader, reply: Reply) -> tuple[str, list[Attachment]]:
    """Open the request again and take the reply back that resolved it; its text and files, to be edited. The text stays
    in the history too. Raises NotAllowed for others than its author, Conflict when it is too late."""
    if reply.author_id is None or reply.author_id != reader.person_id:
        raise NotAllowed("Only its author can take a reply back.")
    if not may_undo(request, reply, reader):
        raise Conflict("It is too late to undo this. Open the request again instead.")
    body, files = reply.body, attachments.detach(session, reply)
    requests.reopen(session, request, reader)
    outcomes.take_back_reopened(session, request.id)
    rewriting.keep(session, request, reply.author_id, None, body, reply, withdrawn=True)
    session.execute(delete(Reply).where(Reply.id == reply.id))
    session.flush()
    session.expire(request, ["replies"])
    return body, files


def snooze(session: Session, request: HelpRequest, reader: Reader, until: datetime | None) -> None:
    """Leave a request out of the queue until a time, or bring it back with None. It comes back earlier when something
    happens to it. Raises NotAllowed unless the reader handles it."""
    _must_handle(request, reader)
    if until is None:
        session.execute(delete(SnoozedRequest).where(SnoozedRequest.request_id == request.id))
    else:
        values = {"until": until, "snoozed_at": utc_now()}
        insert_or_update(session, SnoozedRequest, {"request_id": request.id}, values)


def snoozed_until(session: Session, request: HelpRequest) -> datetime | None:
    """Until when a request is left out of the queue; None when it is not."""
    mark = session.get(SnoozedRequest, request.id)
    asleep = mark is not None and mark.until > utc_now() and request.updated_at <= mark.snoozed_at
    return mark.until if mark is not None and asleep else None


def mark_same(session: Session, request: HelpRequest, reader: Reader, other: HelpRequest) -> None:
    """Note that two requests are about the same. Raises NotAllowed unless the reader handles both."""
    for each in (request, other):
        _must_handle(each, reader)
    if request.id != other.id:
        insert_or_keep(session, RequestLink, {"from_id": request.id, "to_id": other.id, "kind": SAME})


def merge(session: Session, request: HelpRequest, reader: Reader, author: Person, other: HelpRequest) -> None:
    """Mark a request as the same as another one and close it with a reply that leads there. Who asked it is told when
    the other one is solved, and who followed it follows the other one. Whether its readers may read the other one is
    checked by the caller. Raises as `mark_same` and `reply_and_resolve` do.

    The reply has the number only: a title that is copied would stay when the other request is changed, withdrawn or
    made private. Those who may read that one see its title beside this one (`same_as`)."""
    mark_same(session, request, reader, other)
    following.follow_instead(session, request, other)
    merged, told, solved = _MERGED.get(request.language, _MERGED["en"])
    ending = told if other.status == OPEN else solved
    leading = f"{merged} #{other.id}: [#{other.id}](/requests/{other.id}). {ending}"
    requests.reply_and_resolve(session, request, reader, author, leading)


def same_as(session: Session, request: HelpRequest, reader: Reader) -> list[HelpRequest]:
    """The requests that are marked as the same as this one, either way, as far as the reader may read them."""
    here, there = RequestLink.from_id == request.id, RequestLink.to_id == request.id
    linked = or_(
        HelpRequest.id.in_(select(RequestLink.to_id).where(here, RequestLink.kind == SAME)),
        HelpRequest.id.in_(select(RequestLink.from_id).where(there, RequestLink.kind == SAME)),
    )
    query = select(HelpRequest).where(linked, HelpRequest.hidden.is_(False), readable_requests(reader))
    return list(session.scalars(query.order_by(HelpRequest.id)))


def _must_handle(request: HelpRequest, reader: Reader) -> None:
    if not may_handle(request, reader):
        raise NotAllowed("Only the team that handles a request can do that.")
