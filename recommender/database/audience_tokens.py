"""The columns that name people or teams in tokens of an audience, such as `person:42` and `team:hr`, and what becomes
of such a name when two people or two teams become one."""

from typing import Any

from sqlalchemy import Text, cast, delete, exists, select, update
from sqlalchemy.orm import Session

from recommender.database.documents_tables import DocumentVersion
from recommender.database.insight_tables import TopicItem, TopicRow
from recommender.database.tables import DocumentAudience, RequestAudience, utc_now
from recommender.database.words_tables import Pin

COLUMNS = (
    "request_audience.token", "document_audience.token", "document_versions.audience", "topics.audience",
    "pins.audience",
)  # fmt: skip
"""All of them. A test compares them with the tables, so that a new one is not forgotten in `rename`."""


def rename(session: Session, before: str, after: str) -> None:
    """Let every audience name `after` in place of `before`, once. Loaded rows have to be read again."""
    session.flush()
    _rename_rows(session, RequestAudience, RequestAudience.request_id, before, after)
    _rename_rows(session, DocumentAudience, DocumentAudience.document_id, before, after)
    named = cast(DocumentVersion.audience, Text).contains(f'"{before}"', autoescape=True)
    for row in session.scalars(select(DocumentVersion).where(named)):
        row.audience = sorted({after if token == before else token for token in row.audience})
    _rename_topics(session, before, after)
    session.execute(update(Pin).where(Pin.audience == before).values(audience=after))
    session.flush()


def _rename_rows(session: Session, audience: Any, item: Any, before: str, after: str) -> None:
    named = select(item).where(audience.token == after).scalar_subquery()
    own = {"synchronize_session": False}
    session.execute(delete(audience).where(audience.token == before, item.in_(named)).execution_options(**own))
    new = update(audience).where(audience.token == before).values(token=after, updated_at=utc_now())
    session.execute(new.execution_options(**own))


def _rename_topics(session: Session, before: str, after: str) -> None:
    """The topics of the one go on among those of the other. An item is in one topic of a token: in the one it has
    there."""
    there = select(TopicItem.item).join(TopicRow).where(TopicRow.audience == after).scalar_subquery()
    moving = exists().where(TopicRow.id == TopicItem.topic_id, TopicRow.audience == before)
    own = {"synchronize_session": False}
    session.execute(delete(TopicItem).where(moving, TopicItem.item.in_(there)).execution_options(**own))
    new = update(TopicRow).where(TopicRow.audience == before).values(audience=after, updated_at=utc_now())
    session.execute(new.execution_options(**own))
