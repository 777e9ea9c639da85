"""Whether the database has changed since somebody last looked."""

import contextlib
from collections.abc import Mapping
from datetime import datetime
from hashlib import blake2b
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, sessionmaker

from recommender.database import dialects
from recommender.database.attachment_tables import Attachment
from recommender.database.dialects.commits import Commits
from recommender.database.dialects.marks import Marks
from recommender.database.tables import Document, DocumentAudience, HelpRequest, Person, Reply, RequestAudience, utc_now

TABLES = (HelpRequest, Reply, Document, RequestAudience, DocumentAudience, Person, Attachment)
"""The tables of what is indexed."""
Totals = tuple[int, Any, datetime]
"""How many rows a table has, the sum of the times of their last changes in microseconds, and the latest of them."""


def fingerprint(session: Session) -> tuple[Any, ...]:
    """A value that changes whenever a request, reply, document, audience, person or attached file changes. It is cheap
    to compute, and where the database marks what is changed (`dialects/marks.py`), no table of these is looked at.

    Without marks it sums the times of the last change and does not take the latest one: the clock may have been set
    back, and a transaction may be committed after one with a later time.
    """
    return fingerprint_and_newest(session)[0]


def mark_changes(sessions: sessionmaker[Session]) -> None:
    """Have the database mark from now on what is changed, where it can. While it cannot be written, nothing changes."""
    engine = sessions.kw["bind"]
    with contextlib.suppress(DBAPIError):
        dialects.of(engine).mark_changes(engine)


def marks_of(session: Session) -> Marks | None:
    """What the database has marked as changed; None where it marks nothing."""
    return dialects.of(session.get_bind()).marks(session.connection())


def fingerprint_and_newest(
    session: Session, known: Mapping[Any, Totals] | Marks | None = None
) -> tuple[tuple[Any, ...], datetime | None]:
    """(the fingerprint, the time of the newest change), from marks or from looking at each table once; what is `known`
    already is not looked at."""
    marks = known if isinstance(known, Marks) else marks_of(session) if known is None else None
    if marks is not None:
        all_marks = blake2b(repr(marks.of_blocks).encode(), digest_size=16).hexdigest()
        return (all_marks,), max((time for time in marks.times if time <= utc_now()), default=None)
    totals = {} if known is None or isinstance(known, Marks) else known
    dialect = dialects.of(session.get_bind())
    parts: list[Any] = []
    newest: list[datetime] = []
    for model in TABLES:
        time = dialect.microseconds(model.updated_at)
        query = select(func.count(), func.sum(time), func.max(model.updated_at)).select_from(model)
        *counted, latest = totals.get(model) or session.execute(query).one()
        parts += counted
        newest += [latest] if latest else []
    return tuple(parts), max(newest, default=None)


class Fingerprints:
    """The fingerprint of one database, for who asks for it again and again: where the database tells that nothing was
    committed, it is not computed again. For one thread."""

    def __init__(self, sessions: sessionmaker[Session]) -> None:
        self._sessions, self._engine = sessions, sessions.kw["bind"]
        self._commits: Commits | None = None
        self._mark: int | None = None
        self._last: tuple[Any, ...] = ()

    def now(self) -> tuple[Any, ...]:
        """The fingerprint of now. Raises the errors of the database when it is computed."""
        mark = self._latest_commit()  # before the tables are read, so that a commit meanwhile is noticed
        if mark is None or mark != self._mark:
            self._mark = None
            with self._sessions() as session:
                self._last = fingerprint(session)
            self._mark = mark
        return self._last

    def close(self) -> None:
        """Close what tells of commits."""
        if self._commits is not None:
            self._commits.close()
            self._commits = None

    def _latest_commit(self) -> int | None:
        try:
            self._commits = self._commits or dialects.of(self._engine).commits(self._engine)
            return self._commits.mark() if self._commits else None
        except self._engine.dialect.loaded_dbapi.Error:
            return None
