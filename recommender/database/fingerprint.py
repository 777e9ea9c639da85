"""Whether the database has changed since somebody last looked."""

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from recommender.database import dialects
from recommender.database.attachment_tables import Attachment
from recommender.database.tables import Document, DocumentAudience, HelpRequest, Person, Reply, RequestAudience


def fingerprint(session: Session) -> tuple[Any, ...]:
    """A value that changes whenever a request, reply, document, audience, person or attached file changes. It is cheap
    to compute.

    It sums the times of the last change and does not take the latest one: the clock may have been set back, and a
    transaction may be committed after one with a later time.
    """
    dialect = dialects.of(session.get_bind())
    parts: list[Any] = []
    for model in (HelpRequest, Reply, Document, RequestAudience, DocumentAudience, Person, Attachment):
        time = dialect.microseconds(model.updated_at)
        parts += session.execute(select(func.count(), func.sum(time)).select_from(model)).one()
    return tuple(parts)
