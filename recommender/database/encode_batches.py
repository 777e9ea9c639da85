"""Batches of texts that several machines encode together, on PostgreSQL.

Who takes a batch locks its row until the vectors are stored, and skips those that others have locked. When a process
is killed, its connection ends, and the batch is free again at once. Batches are written without the lock with which
records are written one transaction at a time, so that machines wait neither for each other nor for an import.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Engine, delete, func, insert, select, update
from sqlalchemy.exc import OperationalError

from recommender.database import dialects
from recommender.database.encode_tables import EncodeBatch
from recommender.errors import DatabaseUnusable

Encode = Callable[[list[str]], bytes]
_OLD = timedelta(days=1)  # a batch of a run waits for minutes at most: a judgement
_LOCK_NOT_AVAILABLE = "55P03"  # of PostgreSQL
_LONGEST_BATCH = 300  # seconds in which any machine has encoded a batch: a judgement


class EncodeBatches:
    """The batches of one model. Raises DatabaseUnusable on SQLite, which one machine uses alone."""

    def __init__(self, engine: Engine, of_model: str) -> None:
        if engine.dialect.name == "sqlite":
            raise DatabaseUnusable(
                "Several machines encode together only when the records are on PostgreSQL. Set KOLLEGA_DATABASE; "
                "docs/postgresql.md says how to move a store."
            )
        self._engine = engine.execution_options(**{dialects.OUT_OF_ORDER: True})
        self._of_model = of_model

    def add(self, of_index: str, texts: Sequence[str]) -> int:
        """Let somebody encode these texts; the number of the batch."""
        values = {"of_index": of_index, "of_model": self._of_model, "texts": list(texts)}
        with self._engine.begin() as connection:
            return int(connection.execute(insert(EncodeBatch).values(**values).returning(EncodeBatch.id)).scalar_one())

    def work(self, encode: Encode) -> int:
        """Encode the oldest batch that nobody works on; how many texts it had, 0 when there is none. What `encode`
        raises leaves the batch to others."""
        mine = EncodeBatch.of_model == self._of_model, EncodeBatch.vectors.is_(None)
        oldest = select(EncodeBatch.id, EncodeBatch.texts).where(*mine).order_by(EncodeBatch.id).limit(1)
        with self._engine.begin() as connection:
            row = connection.execute(oldest.with_for_update(skip_locked=True)).first()
            if row is None:
                return 0
            vectors = encode(row.texts)
            connection.execute(update(EncodeBatch).where(EncodeBatch.id == row.id).values(vectors=vectors))
        return len(row.texts)

    def collect(self, of_index: str) -> list[tuple[list[str], bytes]]:
        """(texts, vectors) of the batches of an index that are done, which are removed."""
        done = (
            EncodeBatch.of_index == of_index,
            EncodeBatch.of_model == self._of_model,
            EncodeBatch.vectors.is_not(None),
        )
        with self._engine.begin() as connection:
            rows = connection.execute(
                delete(EncodeBatch).where(*done).returning(EncodeBatch.texts, EncodeBatch.vectors)
            ).all()
        return [(row.texts, row.vectors) for row in rows]

    def waiting(self, of_index: str) -> int:
        """How many batches of an index are not collected, done or not."""
        with self._engine.connect() as connection:
            query = select(func.count()).select_from(EncodeBatch).where(EncodeBatch.of_index == of_index)
            return connection.scalar(query) or 0

    def other_models(self) -> frozenset[str]:
        """The keys of other models whose batches wait to be encoded."""
        waiting = EncodeBatch.of_model != self._of_model, EncodeBatch.vectors.is_(None)
        with self._engine.connect() as connection:
            return frozenset(connection.scalars(select(EncodeBatch.of_model).where(*waiting).distinct()))

    def drop(self, of_index: str) -> None:
        """Remove the batches of an index that nobody works on."""
        free = select(EncodeBatch.id).where(EncodeBatch.of_index == of_index).with_for_update(skip_locked=True)
        with self._engine.begin() as connection:
            connection.execute(delete(EncodeBatch).where(EncodeBatch.id.in_(free)))


def remove_old(engine: Engine, now: datetime) -> None:
    """Remove the batches that a killed run has left and that nobody works on; `now` in UTC. Nothing on SQLite."""
    if engine.dialect.name == "sqlite":
        return
    old = select(EncodeBatch.id).where(EncodeBatch.made_at < now - _OLD).with_for_update(skip_locked=True)
    with engine.execution_options(**{dialects.OUT_OF_ORDER: True}).begin() as connection:
        connection.execute(delete(EncodeBatch).where(EncodeBatch.id.in_(old)))


def remove_all(engine: Engine) -> None:
    """Remove the batches of all indexes; waits until those are done that somebody works on, and keeps nobody from
    writing meanwhile. Raises DatabaseUnusable when that takes more than some minutes."""
    with engine.execution_options(**{dialects.OUT_OF_ORDER: True}).begin() as connection:
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_LONGEST_BATCH}s'")
        try:
            connection.execute(delete(EncodeBatch))
        except OperationalError as error:
            if getattr(error.orig, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
                raise
            raise DatabaseUnusable(
                "An encode-worker has not ended its texts for some minutes, so what may be erased is still among them. "
                "Stop the workers, then try again."
            ) from error
