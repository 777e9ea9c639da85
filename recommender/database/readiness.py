"""Whether the database can be read, for monitoring."""

import logging

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.orm import Session

from recommender.database.account_tables import Account
from recommender.database.failures import reason
from recommender.database.tables import Base, Document, HelpRequest, Person, Reply

log = logging.getLogger(__name__)
_TABLES: tuple[type[Base], ...] = (HelpRequest, Reply, Document, Person, Account)


def readable(session: Session) -> bool:
    """True when the oldest and the newest row of each large table can be read, which takes a millisecond. It finds a
    file that is gone, cut, or none of a database; `kollega verify` reads all of it."""
    try:
        for table in _TABLES:
            key = table.__mapper__.primary_key[0]
            for order in (key, key.desc()):
                session.execute(select(table.__table__).order_by(order).limit(1)).all()
    except (SQLAlchemyError, OSError, ValueError) as error:  # ValueError: a damaged time or JSON value
        log.error("The database cannot be read: %s", reason(error) if isinstance(error, DBAPIError) else error)
        return False
    return True
