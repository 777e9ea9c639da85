"""Whether the database has changed since somebody last looked."""

from typing import Any

from sqlalchemy import Integer, cast, func, select
from sqlalchemy.orm import Session

from recommender.database.attachment_tables import Attachment
from recommender.database.tables import Document, DocumentAudience, HelpRequest, Person, Reply, RequestAudience


def fingerprint(session: Session) -> tuple[Any, ...]:
    """A value that changes whenever a request, reply, document, audience, person or attached file changes. It is cheap
    to compute.

    It sums the times of the last change and does not take the latest one: the clock may have been set back, and a
    transaction may be committed after one with a later time.
    """
    sqlite = session.get_bind().dialect.name == "sqlite"
    parts: list[Any] = []
    for model in (HelpRequest, Reply, Document, RequestAudience, DocumentAudience, Person, Attachment):
        time = _microseconds(model.updated_at, sqlite)
        parts += session.execute(select(func.count(), func.sum(time)).select_from(model)).one()
    return tuple(parts)


def _microseconds(column: Any, sqlite: bool) -> Any:
    """A time as a whole number of microseconds, without the days beyond the last eleven: their sum stays below the
    largest integer of SQLite."""
    if not sqlite:
        return func.extract("epoch", column) * 1_000_000
    seconds = cast(func.strftime("%s", column), Integer) % 1_000_000
    return seconds * 1_000_000 + cast(func.substr(column, 21, 6), Integer)
