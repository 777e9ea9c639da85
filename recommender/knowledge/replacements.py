"""Marks that another item has replaced a resolved request or a published document. Functions with a `reader` check
whether this person may do that, by the rules of access.py.

The functions change rows of the session and leave the commit to the caller.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from recommender import audit
from recommender.access import Reader, may_edit, may_handle
from recommender.corpus import headings, is_key, readable_items
from recommender.database.item_tables import Replacement
from recommender.database.storing import insert_or_update
from recommender.database.tables import RESOLVED, Document, HelpRequest, Person, utc_now
from recommender.datatypes import Heading, Kind, item_key
from recommender.errors import CannotReplace, NotAllowed

UNKNOWN, ITSELF, CIRCLE = "unknown", "itself", "circle"
"""Why an item cannot be the replacement: the person may not read it or there is no such answered item; it is the
replaced item itself; it has been replaced, directly or through others that the person may read, by the item that it
should replace."""

_WHO = "Only the agents of its team, or the owner of a document, can say what has replaced it."


@dataclass(frozen=True)
class Replaced:
    """A mark as a reader sees it: the item that replaces (`by`; None when they may not read it, or it is no longer an
    answer), who set the mark (None when unknown) and when."""

    by: Heading | None
    marked_by: Person | None
    at: datetime


def may_mark(row: HelpRequest | Document, reader: Reader) -> bool:
    """True for the agents who handle a resolved request, and for the owner of a published document and the agents of
    its team."""
    if isinstance(row, HelpRequest):
        return row.status == RESOLVED and may_handle(row, reader)
    return not row.draft and may_edit(row, reader)


def may_unmark(row: HelpRequest | Document, reader: Reader) -> bool:
    """True as for `may_mark`, also while the request is open again or the document is a draft."""
    return may_handle(row, reader) if isinstance(row, HelpRequest) else may_edit(row, reader)


def mark(session: Session, row: HelpRequest | Document, reader: Reader, person: Person, by: str) -> None:
    """Mark a request or document as replaced by the item with the key `by`. `person` is the reader's. An earlier mark
    is overwritten.

    Raises NotAllowed unless `may_mark`, and CannotReplace with one of UNKNOWN, ITSELF and CIRCLE as its reason.
    """
    if not may_mark(row, reader):
        raise NotAllowed(_WHO)
    key = key_of(row)
    if by == key:
        raise CannotReplace("An item cannot replace itself. Name the item that is right now.", ITSELF)
    if not is_key(by) or by not in headings(session, [by], reader):
        raise CannotReplace(
            f"There is no resolved request or document {by!r} that you may read. Use a key such as request:12, or the "
            "address of its page.",
            UNKNOWN,
        )
    if key in _chain(session, by, reader):
        raise CannotReplace(f"{by} has itself been replaced by {key}. Take off that mark first.", CIRCLE)
    insert_or_update(session, Replacement, {"item": key}, {"by": by, "marked_by_id": person.id, "marked_at": utc_now()})
    audit.record(session, audit.actor(session, reader.person_id), f"{key.partition(':')[0]}.replaced", key, {"by": by})


def unmark(session: Session, row: HelpRequest | Document, reader: Reader) -> None:
    """Take the mark off; nothing happens when there is none. Raises NotAllowed unless `may_unmark`."""
    if not may_unmark(row, reader):
        raise NotAllowed(_WHO)
    stored = session.get(Replacement, key_of(row))
    if stored is None:
        return
    session.delete(stored)
    session.flush()
    who, key = audit.actor(session, reader.person_id), key_of(row)
    audit.record(session, who, f"{key.partition(':')[0]}.not_replaced", key, {"by": stored.by})


def replaced(session: Session, key: str, reader: Reader) -> Replaced | None:
    """The mark of an item; None when it has none."""
    stored = session.get(Replacement, key)
    if stored is None:
        return None
    return Replaced(headings(session, [stored.by], reader).get(stored.by), stored.marked_by, stored.marked_at)


def key_of(row: HelpRequest | Document) -> str:
    """The item key of a request or document."""
    return item_key(Kind.REQUEST if isinstance(row, HelpRequest) else Kind.DOCUMENT, row.id)


def _chain(session: Session, key: str, reader: Reader) -> set[str]:
    """The keys of the items that have replaced this one, one after the other, as far as the reader may read them: a
    refusal would tell of a mark that leads on from a hidden one. A circle through hidden items does no harm."""
    seen: set[str] = set()
    following: str | None = key
    while following is not None and following not in seen:
        seen.add(following)
        following = session.scalar(select(Replacement.by).where(Replacement.item == following))
        if following is not None and following not in readable_items(session, [following], reader):
            return seen
    return seen
