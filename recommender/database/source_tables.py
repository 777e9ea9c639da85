"""The table that says how far each source was read, and what came of it; and the names of sources in sources.toml."""

import tomllib
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import JSON, String, Text
from sqlalchemy.orm import Mapped, Session, mapped_column

from recommender.database.sentence_column import WithSentences
from recommender.database.tables import Base


class SourceState(Base):
    """How far the source of this name was read.

    `mark` is what a later read begins from, and `options` a digest of the options with which it was read: with others
    it is read from the beginning. `is_due` is set when the source itself has said that something changed. `started_at`
    and `finished_at` are of the last run, `read_whole_at` of the last one from the beginning to the end. `error` is why
    the last run broke off, and `error_said` the same with what is needed to say it in another language. `failures` is
    how many broke off in a row, `problems` are records that could not be used (the first ones), and `counts` what the
    last run did.
    """

    __tablename__ = "source_states"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    mark: Mapped[str | None] = mapped_column(Text)
    options: Mapped[str] = mapped_column(String(16), default="")
    is_due: Mapped[bool] = mapped_column(default=False)
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    read_whole_at: Mapped[datetime | None]
    error: Mapped[str | None] = mapped_column(Text)
    failures: Mapped[int] = mapped_column(default=0)
    error_said: Mapped[str | None] = mapped_column(WithSentences)
    problems: Mapped[list[str]] = mapped_column(WithSentences, default=list)
    counts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)


def state_of(session: Session, name: str) -> SourceState:
    """The state of a source; a new row when it was never read."""
    row = session.get(SourceState, name)
    if row is None:
        row = SourceState(name=name, mark=None, options="", is_due=False, failures=0, problems=[], counts={})
        session.add(row)
    return row


def names_in(path: Path) -> frozenset[str]:
    """The names of the sources in sources.toml; none when there is no such file, or it cannot be read."""
    try:
        return frozenset(tomllib.loads(path.read_text(encoding="utf-8-sig")))
    except (OSError, ValueError):  # those who read the sources themselves say what is wrong with it
        return frozenset()


def mark_as_due(session: Session, name: str) -> None:
    """Have a source read soon, because it has said that something changed."""
    state_of(session, name).is_due = True
