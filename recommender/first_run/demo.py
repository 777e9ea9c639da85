"""The demo organisation in an installation that is used: whether it may come in, whether it is here, and what hangs on
it. Everything of it is invented; its requests and guides have the source `demo`, and ids that are known here: a source
of the organisation's own could once have that name too."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, func, not_, select
from sqlalchemy.orm import Session

from recommender.database.tables import Document, HelpRequest, Reply

SOURCE = "demo"
REQUESTS, DOCUMENTS, PEOPLE, TEAMS = 310, 46, 28, 6
"""What it brings; a test compares."""
_REQUESTS = {"facilities": 52, "finance": 47, "hr": 47, "it": 54, "legal": 47, "sales": 47, "sv": 16}
_DOCUMENTS = {"facilities": 7, "finance": 7, "hr": 7, "it": 7, "legal": 7, "sales": 7, "sv": 4}
REQUEST_IDS = frozenset(f"{name}-{place:03}" for name, last in _REQUESTS.items() for place in range(1, last + 1))
DOCUMENT_IDS = frozenset(f"{name}-doc-{place:02}" for name, last in _DOCUMENTS.items() for place in range(1, last + 1))
"""The ids of its requests and documents; a test compares these too."""


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
    return not any(session.scalar(select(table.id).where(not_(_came_with_it(table))).limit(1)) for table in _IDS)


def here(session: Session) -> DemoHere:
    """How much of the demo is here."""
    requests, documents = (
        session.scalar(select(func.count()).select_from(table).where(_came_with_it(table))) or 0 for table in _IDS
    )
    own = select(func.count()).select_from(Reply).join(HelpRequest, Reply.request_id == HelpRequest.id)
    replies = session.scalar(own.where(_came_with_it(HelpRequest), Reply.external_id.is_(None))) or 0
    return DemoHere(requests, documents, replies)


_IDS: dict[type[HelpRequest] | type[Document], frozenset[str]] = {HelpRequest: REQUEST_IDS, Document: DOCUMENT_IDS}


def _came_with_it(table: type[HelpRequest] | type[Document]) -> ColumnElement[bool]:
    identifier = func.coalesce(table.external_id, "")
    return and_(table.source == SOURCE, identifier.in_(_IDS[table]))
