"""Tells owners that their documents are due for review: once a day, from `kollega watch`."""

from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from recommender.database.tables import Document
from recommender.knowledge.documents import due_on
from recommender.notifications import telling


def tell_due(session: Session, today: date) -> int:
    """Tell of every published document whose review is due; returns how many people were told. The caller commits."""
    query = select(Document).where(
        Document.review_days.is_not(None), Document.draft.is_(False), Document.hidden.is_(False)
    )
    told = 0
    for document in session.scalars(query.order_by(Document.id)):
        due = due_on(document)
        if due is not None and due <= today:
            told += telling.tell_review(session, document, due)
    return told
