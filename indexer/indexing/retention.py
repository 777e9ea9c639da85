"""Erases what has been kept long enough, also from the index: `kollega retention`, and once a day `kollega watch`."""

from sqlalchemy.orm import Session

from recommender.database import encode_batches, shared_texts
from recommender.database.tables import utc_now
from recommender.index.generations import ask_for_rewrite
from recommender.knowledge import attachments, erasure, retention, reviews
from recommender.notifications import inbox
from recommender.settings import Settings


def erase_what_is_due(settings: Settings, session: Session) -> int:
    """Erase requests, entries of the audit log, notifications, and texts that a killed run of `reindex --share` has
    left, whose time has come, and commit. Returns the number of requests; when there are any, the next run of `reindex`
    writes the index anew without them."""
    now = utc_now()
    if some_are_due := next(retention.due(session, now), None) is not None:
        ask_for_rewrite(settings.index_dir)  # before the commit, so that whoever sees that change sees this too
        shared_texts.ask_all_for_rewrite(session)
    try:
        erased = retention.erase_due(session, now, settings.audit_days)
    finally:
        if some_are_due:
            ask_for_rewrite(settings.index_dir)  # again: a run that began before a commit has read what is erased
    inbox.forget_old(session, now)
    session.commit()
    if some_are_due:
        shared_texts.ask_all_for_rewrite(session)
    encode_batches.remove_old(session.get_bind().engine, now)
    if erased:
        attachments.clean_up(session, settings)
    erasure.forget_pages(session)
    return erased


def tell_what_is_due(session: Session) -> int:
    """Tell owners of the documents that are due for review, and commit. Returns how many people were told."""
    told = reviews.tell_due(session, utc_now().date())
    session.commit()
    return told
