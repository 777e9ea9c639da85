"""What became of suggestions: solved, used, flagged ... counted per item, without who searched.

Explicit outcomes (somebody said so) and implicit ones (somebody left without filing) are different kinds,
never added up.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from recommender.database.tables import Event, utc_now

LONGEST_NOTE = 1_000


class EventKind(StrEnum):
    """What an event says of an item."""

    SOLVED = "solved"  # explicit: "this solved it"
    USED = "used"  # explicit: an agent answered with it
    FLAGGED = "flagged"  # explicit: wrong or outdated, with a word why
    NOT_MY_TOPIC = "not_my_topic"  # explicit: a person says an item tells nothing of what they know
    LEFT = "left"  # implicit: opened, then left without filing


@dataclass(frozen=True)
class Usage:
    """How often an item has helped, and when it last did. `left` is the implicit count, kept apart."""

    used: int = 0
    last_on: date | None = None
    left: int = 0
    flags: int = 0


def record(
    session: Session,
    kind: EventKind,
    item: str | None,
    *,
    request_id: int | None = None,
    subject_id: int | None = None,
    note: str | None = None,
) -> None:
    """Store one event of today. The same item marked used in the same request counts once."""
    if kind is EventKind.USED and request_id is not None:
        same = select(Event.id).where(Event.kind == kind, Event.item == item, Event.request_id == request_id)
        if session.scalar(same) is not None:
            return
    note = note.strip()[:LONGEST_NOTE] if note else None
    session.add(
        Event(
            kind=kind,
            item=item,
            day=utc_now().date(),
            request_id=request_id,
            subject_id=subject_id,
            note=note or None,
            settled=False,
        )
    )
    session.flush()


def usage(session: Session, items: Collection[str]) -> dict[str, Usage]:
    """Usage per item key; every key asked for is in the answer."""
    helped = Event.kind.in_((EventKind.SOLVED, EventKind.USED))
    rows = session.execute(
        select(
            Event.item,
            func.count().filter(helped),
            func.max(Event.day).filter(helped),
            func.count().filter(Event.kind == EventKind.LEFT),
            func.count().filter(Event.kind == EventKind.FLAGGED, Event.settled.is_(False)),
        )
        .where(Event.item.in_(sorted(items)))
        .group_by(Event.item)
    )
    found = {item: Usage(used, last_on, left, flags) for item, used, last_on, left, flags in rows if item}
    return {item: found.get(item, Usage()) for item in items}


def flags(session: Session, item: str) -> list[Event]:
    """Flags on an item that nobody has settled, oldest first."""
    query = select(Event).where(Event.item == item, Event.kind == EventKind.FLAGGED, Event.settled.is_(False))
    return list(session.scalars(query.order_by(Event.id)))


def declined(session: Session, subject_id: int) -> frozenset[str]:
    """Keys of the items that a person has said tell nothing of what they know."""
    return frozenset(declined_on(session, subject_id))


def declined_on(session: Session, subject_id: int) -> dict[str, date]:
    """These items, and the day since which they said so."""
    query = select(Event.item, func.min(Event.day)).where(
        Event.kind == EventKind.NOT_MY_TOPIC, Event.subject_id == subject_id
    )
    return {item: day for item, day in session.execute(query.group_by(Event.item)) if item}


def take_back_declined(session: Session, subject_id: int, item: str) -> None:
    """The item is their topic after all."""
    found = select(Event).where(
        Event.kind == EventKind.NOT_MY_TOPIC, Event.subject_id == subject_id, Event.item == item
    )
    for event in session.scalars(found):
        session.delete(event)
    session.flush()


def who_declined(session: Session, items: Collection[str]) -> frozenset[tuple[str, int]]:
    """(item key, person id) of the items among `items` that tell nothing of what that person knows."""
    found = session.execute(_DECLINED, {"items": sorted(items)})
    return frozenset((item, subject) for item, subject in found if item and subject)


_DECLINED = select(Event.item, Event.subject_id).where(
    Event.kind == EventKind.NOT_MY_TOPIC, Event.item.in_(bindparam("items", expanding=True))
)  # built once: it is asked while people type


def settle_flags(session: Session, item: str) -> None:
    """The item has been looked at: its flags are done."""
    for flag in flags(session, item):
        flag.settled = True
    session.flush()
