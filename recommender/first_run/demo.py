"""The demo organisation in an installation that is used: whether it may come in, whether it is here, and what hangs on
it. Everything of it is invented; its requests and guides have the source `demo`."""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from recommender.database.tables import Document, HelpRequest, Reply

SOURCE = "demo"
REQUESTS, DOCUMENTS, PEOPLE, TEAMS = 310, 46, 28, 6
"""What it brings; a test compares."""


@dataclass(frozen=True)
class DemoHere:
    """How much of the demo is here: its requests and documents, and the replies that people have written to its
    requests in Kollega."""

    requests: int
    documents: int
    own_replies: int

    def __bool__(self) -> bool:
        return bool(self.requests or self.documents)


def is_possible(session: Session) -> bool:
    """True while there is no request and no document but those of the demo."""
    return not any(session.scalar(select(table.id).where(table.source != SOURCE).limit(1)) for table in _TABLES)


def here(session: Session) -> DemoHere:
    """How much of the demo is here."""
    requests, documents = (
        session.scalar(select(func.count()).select_from(table).where(table.source == SOURCE)) or 0 for table in _TABLES
    )
    own = select(func.count()).select_from(Reply).join(HelpRequest, Reply.request_id == HelpRequest.id)
    replies = session.scalar(own.where(HelpRequest.source == SOURCE, Reply.external_id.is_(None))) or 0
    return DemoHere(requests, documents, replies)


_TABLES: tuple[type[HelpRequest] | type[Document], ...] = (HelpRequest, Document)
