"""A set of questions with known answers in a throw-away store: a database and an index under `KOLLEGA_HOME/evaluation`.

Made anew only when the set or what makes the index changes; vectors are kept beside the stores. Nothing of the
organisation's own is touched.
"""

import hashlib
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from indexer.evaluation.cache import code_digest
from indexer.evaluation.sets import EvaluationSet, moment
from indexer.indexing.reindex import reindex
from recommender.access import EVERYONE
from recommender.database.engine import open_database
from recommender.database.tables import (
    RESOLVED,
    Document,
    DocumentAudience,
    HelpRequest,
    Person,
    Reply,
    RequestAudience,
)
from recommender.datatypes import Kind, item_key
from recommender.encoder import Encoder, ModelCard
from recommender.errors import EvaluationError
from recommender.language.analyzer import Analyzer
from recommender.settings import Settings

ITEMS, ANSWERS = "items", "answers"
_LONG_AGO = datetime(2000, 1, 1)
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Store:
    """A set in a database and an index: its settings, its sessions, and the keys of its items by corpus id."""

    settings: Settings
    sessions: sessionmaker[Session]
    keys: Mapping[str, str]


def home_of(each: EvaluationSet, pool: str, settings: Settings, card: ModelCard) -> Path:
    """The directory of a set's store, named after all that makes its index; what is kept there lasts as long."""
    return settings.home / "evaluation" / f"{each.name}-{pool}-{_digest(each, settings, card)[:16]}"


def open_store(
    each: EvaluationSet, pool: str, settings: Settings, encoder: Encoder, analyzer: Analyzer, progress: Progress
) -> Store:
    """The set's store, from the last run when nothing that makes it has changed. Raises EvaluationError when an item
    cannot be indexed."""
    home = home_of(each, pool, settings, encoder.card)
    own = replace(settings, home=home, database="")
    finished = home / "finished"
    if not finished.exists():
        for old in (settings.home / "evaluation").glob(f"{each.name}-{pool}-*"):
            shutil.rmtree(old)
        home.mkdir(parents=True)
        sessions = open_database(own)
        _fill(sessions, _rows(each, pool))
        report = reindex(own, sessions, encoder, analyzer, progress=lambda n, total: progress(each.name, n, total))
        if report.failed:
            raise EvaluationError(f"{each.name}: {report.failed[0]}")
        finished.touch()
    else:
        sessions = open_database(own)
    with sessions() as session:
        keys = {str(row[1]): item_key(Kind.REQUEST, row[0]) for row in session.execute(_ids(HelpRequest))}
        keys |= {str(row[1]): item_key(Kind.DOCUMENT, row[0]) for row in session.execute(_ids(Document))}
    return Store(own, sessions, keys)


def _ids(model: Any) -> Any:
    return select(model.id, model.external_id)


def _digest(each: EvaluationSet, settings: Settings, card: ModelCard) -> str:
    deciding = f"{code_digest()} {each.digest} {card} {settings.passage_tokens} {settings.hnsw_from}"
    return hashlib.sha256(deciding.encode()).hexdigest()


def _rows(each: EvaluationSet, pool: str) -> Iterable[Mapping[str, Any]]:
    """What is searched: the corpus, or every answer by its own text."""
    if pool == ITEMS:
        return each.corpus.values()
    return [
        {**answer, "kind": "document", "title": "", "language": row["language"]}
        for row in each.corpus.values()
        for answer in row.get("answers") or ()
    ]


def _fill(sessions: sessionmaker[Session], rows: Iterable[Mapping[str, Any]]) -> None:
    """Put the rows into an empty database, readable by everyone; all requests count as resolved."""
    people: dict[str, int] = {}

    def person(handle: str | None) -> int | None:
        if handle and handle not in people:
            known = Person(handle=handle, name=handle, role="staff", languages=[])
            session.add(known)
            session.flush()
            people[handle] = known.id
        return people.get(handle or "")

    with sessions.begin() as session:
        for row in rows:
            at = _time(row.get("created_at"))
            shared = {"title": row["title"], "body": row["body"], "language": row["language"], "external_id": row["id"]}
            if row["kind"] == "document":
                audience = [DocumentAudience(token=EVERYONE)]
                session.add(Document(**shared, written_at=at, audience=audience, source="evaluation"))
                continue
            replies = [
                Reply(
                    author_id=person(answer.get("author")), body=answer["body"], created_at=_time(answer["created_at"]),
                    accepted=bool(answer.get("accepted")), score=answer.get("score") or 0, external_id=answer.get("id"),
                )
                for answer in row.get("answers") or ()
            ]  # fmt: skip
            session.add(
                HelpRequest(
                    **shared, status=RESOLVED, tags=row.get("tags") or [], created_at=at, resolved_at=at,
                    asked_by_id=person(row.get("asked_by")), resolution=None if replies else row.get("answer"),
                    audience=[RequestAudience(token=EVERYONE)], replies=replies, source="evaluation",
                )
            )  # fmt: skip


def _time(text: str | None) -> datetime:
    return moment(text) if text else _LONG_AGO
