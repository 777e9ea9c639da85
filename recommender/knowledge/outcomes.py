"""The outcomes of suggestions (solved, used, flagged ...), counted for each item. Who searched is not stored.

Explicit outcomes (a person said so) and implicit ones (a person left without filing a request) are counted separately.
"""

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import lru_cache

from sqlalchemy import Executable, delete, exists, func, insert, literal, or_, select
from sqlalchemy.orm import Session

from recommender.access import Reader, readable_requests
from recommender.database.days import day_of
from recommender.database.reading import KEYS, one_of, rows
from recommender.database.sent_tables import CountedOutcome, OutcomeKey
from recommender.database.storing import changes_a_row, insert_or_keep, inserting
from recommender.database.tables import Event, HelpRequest, utc_now
from recommender.knowledge.keyed_digest import keyed_digest

LONGEST_NOTE = 1_000  # characters; a judgement
DAYS_KEPT = 30
"""Days after which it can no longer be found out who has caused an outcome, so that the same person counts again."""


class EventKind(StrEnum):
    """The kinds of outcomes."""

    SOLVED = "solved"  # explicit: "this solved it"
    UNHELPFUL = "unhelpful"  # explicit: "not helpful"
    USED = "used"  # explicit: an agent answered with it
    FLAGGED = "flagged"  # explicit: wrong or outdated, with a reason
    NOT_MY_TOPIC = "not_my_topic"  # explicit: a person says that they are not an expert on the item's topic
    LEFT = "left"  # implicit: opened the item, then left without filing a request
    REOPENED = "reopened"  # a solved request was opened again; who did so is not stored


@dataclass(frozen=True)
class Usage:
    """How often an item has helped, on which day it last did, how many people left after opening it (the implicit
    outcome), how many flags are not settled, and how many people said that it did not help."""

    used: int = 0
    last_on: date | None = None
    left: int = 0
    flags: int = 0
    unhelpful: int = 0


def record(
    session: Session,
    kind: EventKind,
    item: str | None,
    *,
    request_id: int | None = None,
    subject_id: int | None = None,
    note: str | None = None,
) -> int | None:
    """Store an event of today, and return its id. An item that is marked as used in the same request again is not
    counted again: then None."""
    if kind is EventKind.USED and item is not None and request_id is not None:
        return _record_use(session, item, request_id)
    note = note.strip()[:LONGEST_NOTE] if note else None
    event = Event(
        kind=kind,
        item=item,
        day=day_of(utc_now()),
        request_id=request_id,
        subject_id=subject_id,
        note=note or None,
        settled=False,
    )
    session.add(event)
    session.flush()
    return event.id


def _record_use(session: Session, item: str, request_id: int) -> int | None:
    """Store that an item was used in a request, in one statement that does nothing when that is stored already: two
    agents may say so at the same moment."""
    session.flush()
    values = {"kind": str(EventKind.USED), "item": item, "day": day_of(utc_now()), "request_id": request_id}
    values["settled"] = False
    stored = select(Event.id).where(*(getattr(Event, name) == values[name] for name in ("kind", "item", "request_id")))
    new = select(*(literal(value, Event.__table__.c[name].type) for name, value in values.items()))
    added = changes_a_row(session, insert(Event).from_select(list(values), new.where(~stored.exists())))
    return session.scalar(stored) if added else None


def record_once(session: Session, kind: EventKind, item: str, who: str, secret: str, note: str | None = None) -> bool:
    """Store an event of today, unless the same person has caused one of this kind for the item while the item has the
    same key: for at most 30 days. A second flag adds its note to the first, until somebody has settled that. Who says
    that an item solved something takes back that it did not help, and the other way round. Returns whether there is
    anything new.

    `who` identifies the person; it is not stored. A digest of it and the kind is (HMAC-SHA256, keyed with the item's
    key and `secret`, the key of the installation, which is not in the database).
    """
    if kind in _OPPOSITE:
        take_back(session, _OPPOSITE[kind], item, who, secret)
    today = day_of(utc_now())
    digest = _digest(session, kind, item, who, secret)
    mark = inserting(session, CountedOutcome).values(digest=digest, day=today)
    earlier = None
    if not changes_a_row(session, mark.on_conflict_do_nothing()):
        if kind is not EventKind.FLAGGED:
            return False
        marked = select(CountedOutcome.event_id).where(CountedOutcome.digest == digest)
        earlier = session.scalar(select(Event).where(Event.id == marked.scalar_subquery(), Event.settled.is_(False)))
    if earlier is not None:
        before = earlier.note
        lines = dict.fromkeys([*(before or "").splitlines(), *(note or "").strip().splitlines()])
        earlier.note = "\n".join(lines)[:LONGEST_NOTE]
        session.flush()
        return earlier.note != before
    flag = record(session, kind, item, note=note)
    if kind is EventKind.FLAGGED:
        session.get_one(CountedOutcome, digest).event_id = flag
        session.flush()
    return True


_OPPOSITE = {EventKind.SOLVED: EventKind.UNHELPFUL, EventKind.UNHELPFUL: EventKind.SOLVED}


def take_back(session: Session, kind: EventKind, item: str, who: str, secret: str) -> bool:
    """Delete the event of this kind that the same person has caused for the item; False when there is none, or when it
    can no longer be found out which one."""
    mark = session.get(CountedOutcome, _digest(session, kind, item, who, secret))
    if mark is None:
        return False
    alike = (Event.kind == kind, Event.item == item, Event.day == mark.day, Event.request_id.is_(None))
    event = session.scalar(select(Event).where(*alike).order_by(Event.id.desc()).limit(1))
    session.delete(mark)
    if event is not None:  # those of one day are equal, so it does not matter which
        session.delete(event)
    session.flush()
    return event is not None


def forget_who(session: Session, today: date) -> None:
    """Destroy the keys that were made 30 days ago or earlier, and the marks of that time. What was counted stays."""
    oldest = today - timedelta(days=DAYS_KEPT)
    session.execute(delete(OutcomeKey).where(OutcomeKey.made_on <= oldest))
    session.execute(delete(CountedOutcome).where(CountedOutcome.day <= oldest))


def _digest(session: Session, kind: EventKind, item: str, who: str, secret: str) -> str:
    """What is stored of a person who causes an outcome, with the item's key, which is made when there is none."""
    today = day_of(utc_now())
    forget_who(session, today)
    values = {"key": secrets.token_hex(32), "made_on": today}
    return keyed_digest(insert_or_keep(session, OutcomeKey, {"item": item}, values).key, secret, kind, who)


def usage(session: Session, items: Collection[str], reader: Reader) -> dict[str, Usage]:
    """The usage of each of `items`, by key, as `reader` may know it; also of items without an event. That an item was
    used in a request counts only for those who may read that request."""
    found = rows(session, _usage(reader), keys=sorted(items))
    counted = {item: Usage(*numbers) for item, *numbers in found if item}
    return {item: counted.get(item, Usage()) for item in items}


@lru_cache(maxsize=64)
def _usage(reader: Reader) -> Executable:
    """The statement for `usage`, built once for each reader: it runs while people type."""
    in_readable_request = exists().where(
        HelpRequest.id == Event.request_id, HelpRequest.hidden.is_(False), readable_requests(reader)
    )
    helped = or_(
        Event.kind == EventKind.SOLVED,
        (Event.kind == EventKind.USED) & or_(Event.request_id.is_(None), in_readable_request),
    )
    return (
        select(
            Event.item,
            func.count().filter(helped),
            func.max(Event.day).filter(helped),
            func.count().filter(Event.kind == EventKind.LEFT),
            func.count().filter(Event.kind == EventKind.FLAGGED, Event.settled.is_(False)),
            func.count().filter(Event.kind == EventKind.UNHELPFUL),
        )
        .where(one_of(Event.item, KEYS))
        .group_by(Event.item)
    )


def take_back_reopened(session: Session, request_id: int) -> None:
    """Delete the newest event that a request was opened again, because that was only the undoing of a click."""
    events = select(Event).where(Event.request_id == request_id, Event.kind == EventKind.REOPENED)
    newest = session.scalar(events.order_by(Event.id.desc()).limit(1))
    if newest is not None:
        session.delete(newest)
        session.flush()


def flags(session: Session, item: str) -> list[Event]:
    """The flags on an item that nobody has settled, oldest first."""
    query = select(Event).where(Event.item == item, Event.kind == EventKind.FLAGGED, Event.settled.is_(False))
    return list(session.scalars(query.order_by(Event.id)))


def declined(session: Session, subject_id: int) -> frozenset[str]:
    """Keys of the items that a person has marked as not their topic."""
    return frozenset(declined_on(session, subject_id))


def declined_on(session: Session, subject_id: int) -> dict[str, date]:
    """Keys of the items that a person has marked as not their topic, with the day of the first mark."""
    query = select(Event.item, func.min(Event.day)).where(
        Event.kind == EventKind.NOT_MY_TOPIC, Event.subject_id == subject_id
    )
    return {item: day for item, day in session.execute(query.group_by(Event.item)) if item}


def take_back_declined(session: Session, subject_id: int, item: str) -> None:
    """Remove a person's mark that an item is not their topic."""
    marks = select(Event).where(
        Event.kind == EventKind.NOT_MY_TOPIC, Event.subject_id == subject_id, Event.item == item
    )
    for event in session.scalars(marks):
        session.delete(event)
    session.flush()


def who_declined(session: Session, items: Collection[str]) -> frozenset[tuple[str, int]]:
    """(item key, person id) for each of `items` that a person has marked as not their topic."""
    if len(items) > _MANY:
        wanted = frozenset(items)
        return frozenset((item, subject) for item, subject in session.execute(_DECLINED) if item in wanted and subject)
    found = rows(session, _DECLINED_OF, keys=sorted(items))
    return frozenset((item, subject) for item, subject in found if item and subject)


_MANY = 1_000
"""Items from which on all such marks are read: a judgement."""
_DECLINED = select(Event.item, Event.subject_id).where(Event.kind == EventKind.NOT_MY_TOPIC)
_DECLINED_OF = _DECLINED.where(one_of(Event.item, KEYS))
# built once: they run while people type


def settle_flags(session: Session, item: str, last: int) -> None:
    """Mark an item's flags as settled, after somebody has looked at it: those up to the one with the id `last`, which
    is the newest that they have seen."""
    for flag in flags(session, item):
        flag.settled = flag.settled or flag.id <= last
    session.flush()
