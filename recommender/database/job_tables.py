"""The tables of work that a web page or a program has asked for, and that `kollega watch` does."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, false
from sqlalchemy.orm import Mapped, mapped_column

from recommender.database.sentence_column import WithSentences
from recommender.database.tables import Base, utc_now


class Job(Base):
    """One piece of work.

    `source` keeps the order: the jobs of one source, or of one index, are done one after the other. `payload` is what a
    job works on: the items that a program has sent, or the choices of who asked for it. Items are deleted once the job
    has ended, because they may have texts that not everyone may read. `result` is what came of it: counts, and under
    "problems" sentences about what could not be used.

    `attempts` counts how often it was begun, and is never lowered; whoever does it names the number of its attempt each
    time it writes, so that one which was taken for dead changes nothing. `tries` counts those for which the job is
    given up when there are too many: not those that were interrupted, or from before it was begun again by hand.
    `next_attempt_at` is when it may be begun, and while it is being done, when it may be taken by another process.
    `done` and `total` count in `unit` how far it is, `stage` says what is being done.
    """

    __tablename__ = "jobs"
    __table_args__ = (Index("ix_jobs_state", "state", "id"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    source: Mapped[str] = mapped_column(String(80))
    title: Mapped[str] = mapped_column(String(200), default="")
    payload: Mapped[Any] = mapped_column(JSON, default=list)
    state: Mapped[str] = mapped_column(String(12))
    made_by_id: Mapped[int | None] = mapped_column(ForeignKey("people.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    attempts: Mapped[int] = mapped_column(default=0)
    tries: Mapped[int] = mapped_column(default=0, server_default="0")
    next_attempt_at: Mapped[datetime] = mapped_column(default=utc_now)
    started_at: Mapped[datetime | None]
    updated_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    done: Mapped[int | None]
    total: Mapped[int | None]
    unit: Mapped[str] = mapped_column(String(16), default="")
    stage: Mapped[str] = mapped_column(String(200), default="")
    cancel_asked: Mapped[bool] = mapped_column(default=False, server_default=false())
    result: Mapped[dict[str, Any]] = mapped_column(WithSentences, default=dict)


class JobLine(Base):
    """A line of the log of a job. It never has a text that not everyone may read. `said` is the sentence that `text`
    is, with what is needed to say it in another language; None for other texts, and in lines from before."""

    __tablename__ = "job_lines"
    __table_args__ = (Index("ix_job_lines_job_id", "job_id", "id"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[int] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"))
    at: Mapped[datetime] = mapped_column(default=utc_now)
    text: Mapped[str] = mapped_column(String(500))
    said: Mapped[str | None] = mapped_column(WithSentences)

    @property
    def sentence(self) -> str:
        """What the line says."""
        return self.said or self.text
