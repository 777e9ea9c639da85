"""Lists of answers that somebody should look at, for admins: those that were replaced, flagged or hidden. Each has only
what the reader may read; of the rest not even the number is told."""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from recommender.access import Reader, readable_documents, readable_requests
from recommender.corpus import headings
from recommender.database.item_tables import Replacement
from recommender.database.tables import RESOLVED, Document, Event, HelpRequest
from recommender.datatypes import Heading, Kind, item_key
from recommender.knowledge.outcomes import EventKind

MOST = 200
"""Items of a list: a judgement."""


@dataclass(frozen=True)
class Curated:
    """An item and what is said of it: how many flags are not settled, and what has replaced it (None when that may not
    be read, or was not asked)."""

    item: Heading
    flags: int = 0
    by: Heading | None = None


def replaced(session: Session, reader: Reader) -> list[Curated]:
    """The items that are marked as replaced, the newest marks first."""
    marks = session.execute(select(Replacement.item, Replacement.by).order_by(Replacement.marked_at.desc())).all()
    known = headings(session, {key for mark in marks for key in mark}, reader)
    return [Curated(known[item], by=known.get(by)) for item, by in marks if item in known][:MOST]


def flagged(session: Session, reader: Reader) -> list[Curated]:
    """The items with flags that nobody has settled, those with most first."""
    open_flags = select(Event.item, func.count()).where(Event.kind == EventKind.FLAGGED, Event.settled.is_(False))
    counts = {item: count for item, count in session.execute(open_flags.group_by(Event.item)) if item}
    known = headings(session, counts.keys(), reader)
    ordered = sorted(known.items(), key=lambda pair: (-counts[pair[0]], pair[0]))
    return [Curated(heading, flags=counts[key]) for key, heading in ordered][:MOST]


def hidden(session: Session, reader: Reader) -> list[Curated]:
    """Guides and solved requests that are hidden, and so neither found nor shown."""
    guides = select(Document.id, Document.title, Document.language).where(
        Document.hidden, Document.draft.is_(False), readable_documents(reader)
    )
    requests = select(HelpRequest.id, HelpRequest.title, HelpRequest.language).where(
        HelpRequest.hidden, HelpRequest.status == RESOLVED, readable_requests(reader)
    )
    found = [(Kind.DOCUMENT, row) for row in session.execute(guides.order_by(Document.id.desc()).limit(MOST))]
    found += [(Kind.REQUEST, row) for row in session.execute(requests.order_by(HelpRequest.id.desc()).limit(MOST))]
    return [Curated(Heading(item_key(kind, row.id), kind, row.title, row.language, None)) for kind, row in found][:MOST]
