"""How far the index is behind the database. Whoever updates the index notes how the database was when it began;
comparing that with the database as it is now is cheap, so that a monitor can ask every few seconds.

The note is `index/seen.json`, and the time of that file is when somebody last found that nothing was waiting.
"""

import contextlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from recommender.database.attachment_tables import Attachment
from recommender.database.dialects.marks import Marks
from recommender.database.fingerprint import TABLES, Totals, fingerprint, fingerprint_and_newest
from recommender.database.tables import (
    Document,
    DocumentAudience,
    HelpRequest,
    Reply,
    RequestAudience,
    utc_now,
)
from recommender.datatypes import Kind, item_key
from recommender.index import generations

_NOTE = "seen.json"


@dataclass(frozen=True)
class Seen:
    """The database as it was when the index was last brought up to date with it: its fingerprint, the time of its
    newest change (None when it was empty), and the index generation."""

    fingerprint: tuple[str, ...]
    newest: datetime | None
    generation: str

    def write(self, index_dir: Path) -> None:
        """Write the note in one step."""
        new = index_dir / f"{_NOTE}.new"
        newest = self.newest.isoformat() if self.newest else None
        values = {"fingerprint": self.fingerprint, "newest": newest, "generation": self.generation}
        new.write_text(json.dumps(values), encoding="utf-8")
        os.replace(new, index_dir / _NOTE)

    @classmethod
    def read(cls, index_dir: Path) -> "Seen | None":
        """The note; None when there is none that can be read, or when it is about another generation than the live
        one, as after `kollega rollback`."""
        try:
            values = json.loads((index_dir / _NOTE).read_text(encoding="utf-8"))
            newest = datetime.fromisoformat(values["newest"]) if values["newest"] else None
            seen = cls(tuple(values["fingerprint"]), newest, values["generation"])
        except (OSError, ValueError, TypeError, KeyError):
            return None
        return seen if seen.generation == generations.live_name(index_dir) else None


@dataclass(frozen=True)
class Lag:
    """How many changes wait for the index, at least, and how old the oldest of them is, at most."""

    waiting: int
    age: timedelta


def look(
    session: Session, known: Mapping[Any, Totals] | Marks | None = None
) -> tuple[tuple[str, ...], datetime | None]:
    """(fingerprint, time of the newest change) of the database now, to be noted after the index was updated. What is
    `known` is not looked at."""
    found, newest = fingerprint_and_newest(session, known)
    return as_texts(found), newest


def as_texts(values: Sequence[Any]) -> tuple[str, ...]:
    """A fingerprint as it is noted."""
    return tuple(str(value) for value in values)


def still_current(index_dir: Path) -> None:
    """Note that nothing waits for the index now."""
    with contextlib.suppress(FileNotFoundError):  # the index was deleted
        os.utime(index_dir / _NOTE)


def lag(session: Session, index_dir: Path) -> Lag | None:
    """How far the index is behind; None when that is not known because nobody has noted it."""
    seen = Seen.read(index_dir)
    if seen is None:
        return None
    if as_texts(fingerprint(session)) == seen.fingerprint:
        return Lag(0, timedelta())
    waiting, oldest = 0, None
    for table in TABLES:
        changed = select(func.count(), func.min(table.updated_at))
        if seen.newest is not None:
            changed = changed.where(table.updated_at > seen.newest)
        count, first = session.execute(changed).one()
        waiting += count
        oldest = min(time for time in (oldest, first) if time) if oldest or first else None
    since = oldest or _last_current(index_dir)  # what was deleted has no time of its own
    return Lag(max(1, waiting), max(timedelta(), utc_now() - since))


def changed_since(session: Session, seen: Seen) -> frozenset[str] | None:
    """The keys of the items that were changed after `seen` was noted, as far as their times say: what was removed has
    no time. None when nothing was changed at all. A time that has not come yet is no change but damage."""
    if as_texts(fingerprint(session)) == seen.fingerprint:
        return None
    columns = (
        (HelpRequest, HelpRequest.id, Kind.REQUEST),
        (Reply, Reply.request_id, Kind.REQUEST),
        (RequestAudience, RequestAudience.request_id, Kind.REQUEST),
        (Document, Document.id, Kind.DOCUMENT),
        (DocumentAudience, DocumentAudience.document_id, Kind.DOCUMENT),
        (Attachment, Attachment.request_id, Kind.REQUEST),
        (Attachment, Attachment.document_id, Kind.DOCUMENT),
    )
    keys: set[str] = set()
    for table, column, kind in columns:
        changed = select(column).where(table.updated_at <= utc_now())
        if seen.newest is not None:
            changed = changed.where(table.updated_at > seen.newest)
        keys.update(item_key(kind, number) for number in session.scalars(changed) if number)
    return frozenset(keys)


def _last_current(index_dir: Path) -> datetime:
    return datetime.fromtimestamp((index_dir / _NOTE).stat().st_mtime, UTC).replace(tzinfo=None)
