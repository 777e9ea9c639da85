"""How much waits for a person, for the counters in the navigation: one query each, on every page. What they may not
read does not count."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, String, and_, cast, func, literal, or_, select
from sqlalchemy.orm import Session

from recommender.access import Reader, readable_requests
from recommender.database.request_tables import SnoozedRequest
from recommender.database.tables import OPEN, Document, Event, HelpRequest, Person, utc_now
from recommender.datatypes import Kind
from recommender.knowledge.outcomes import EventKind
from recommender.notifications import inbox

COUNTED_AT_MOST = 100
"""Where each counter stops: the pages say "99+" then. Counting thousands would make each page of an agent slower."""


@dataclass(frozen=True)
class Waiting:
    """The person's own requests with something unread, the open requests of their teams and of no team that are not
    snoozed, the flagged documents that they maintain, and their unread notifications; each at most COUNTED_AT_MOST."""

    requests: int = 0
    queue: int = 0
    flagged: int = 0
    unread: int = 0


def waiting(session: Session, reader: Reader, today: date) -> Waiting:
    """What waits for a person who has signed in."""
    return Waiting(
        _count(session, inbox.own_requests_with_unread(reader)),
        _count(session, _open_in_queue(reader)) if reader.agent else 0,
        _count(session, _flagged_documents(reader, today)),
        _count(session, inbox.unread(reader)),
    )


def in_queue(reader: Reader) -> list[ColumnElement[bool]]:
    """What a request must be to stand in an agent's queue: of one of their teams or of none, in any state."""
    return [
        HelpRequest.hidden.is_(False),
        readable_requests(reader),
        or_(HelpRequest.team_id.in_(sorted(reader.serves_teams)), HelpRequest.team_id.is_(None)),
    ]


def snoozed() -> ColumnElement[bool]:
    """The condition for requests that are snoozed until later, when nothing has happened since."""
    mark = select(SnoozedRequest.request_id).where(
        SnoozedRequest.request_id == HelpRequest.id,
        SnoozedRequest.until > utc_now(),
        HelpRequest.updated_at <= SnoozedRequest.snoozed_at,
    )
    return mark.correlate(HelpRequest).exists()


def _count(session: Session, wanted: Select[Any]) -> int:
    """How many rows there are, at most COUNTED_AT_MOST."""
    return session.scalar(select(func.count()).select_from(wanted.limit(COUNTED_AT_MOST).subquery())) or 0


def _open_in_queue(reader: Reader) -> Select[Any]:
    """The open requests in an agent's queue."""
    return select(HelpRequest.id).where(HelpRequest.status == OPEN, *in_queue(reader), ~snoozed())


def _flagged_documents(reader: Reader, today: date) -> Select[Any]:
    """The documents with flags that nobody has settled, of those that the reader owns, and for agents of those of their
    teams whose owner has left."""
    without_owner = Document.owner_id.is_(None) | Document.owner.has(Person.left_on <= today)
    key = literal(f"{Kind.DOCUMENT}:").concat(cast(Document.id, String))
    flag = select(Event.id).where(Event.item == key, Event.kind == EventKind.FLAGGED, Event.settled.is_(False))
    mine = or_(
        Document.owner_id == reader.person_id,
        and_(Document.team_id.in_(sorted(reader.serves_teams)), without_owner),
    )
    return select(Document.id).where(Document.hidden.is_(False), mine, flag.correlate(Document).exists())
