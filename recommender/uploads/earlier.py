"""The uploads that were loaded, by the names of their sources, so that a newer version can replace what one said."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from recommender.database.source_tables import SourceState, names_in, state_of
from recommender.database.tables import utc_now
from recommender.settings import Settings
from recommender.uploads.upload import Upload

_KIND = "upload"  # in place of the digest of options, which a source that is read on its own has
_MOST = 100


@dataclass(frozen=True)
class Earlier:
    """The `source` of an upload that was loaded, how its file was called (`name`), when it was last loaded, and how
    many records that file had."""

    source: str
    name: str
    loaded_at: datetime | None
    records: int


def remember(session: Session, upload: Upload, counts: Mapping[str, int]) -> None:
    """Note that a file was loaded. The caller commits."""
    row = state_of(session, upload.source)
    row.options, row.finished_at = _KIND, utc_now()
    row.counts = {**counts, "file": upload.name}


def earlier_uploads(session: Session, settings: Settings) -> list[Earlier]:
    """What was uploaded and loaded, the newest first; no source that is read on its own."""
    query = select(SourceState).where(SourceState.options == _KIND).order_by(SourceState.finished_at.desc())
    configured = names_in(settings.sources_file)
    rows = session.scalars(query.limit(_MOST))
    return [_of(row) for row in rows if row.name not in configured]


def _of(row: SourceState) -> Earlier:
    counts: dict[str, Any] = row.counts
    records = sum(int(counts.get(name, 0)) for name in ("added", "updated", "unchanged"))
    return Earlier(row.name, str(counts.get("file", row.name)), row.finished_at, records)
