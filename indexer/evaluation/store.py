"""An evaluation set in a temporary store: with its own database and index, under `KOLLEGA_HOME/evaluation`.

A store is built again only when the set or something else changes that affects the index. The organisation's own
database and index are not touched.
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
from indexer.evaluation.sets import EvaluationSet, parse_time
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
"""Pools: what is searched, the items of the corpus or each answer by its own text."""
_LONG_AGO = datetime(2000, 1, 1)  # for rows without a time
Progress = Callable[[str, int, int], None]
"""Called with (what is being done, done, total)."""


@dataclass(frozen=True)
class Store:
    """The settings and sessions of a store, and the keys of its items by corpus id."""

    settings: Settings
    sessions: sessionmaker[Session]
    keys: Mapping[str, str]


def home_of(evaluation_set: EvaluationSet, pool: str, settings: Settings, card: ModelCard) -> Path:
    """The directory of a set's store. Its name contains a digest of everything that affects the index, so what is
    stored in an existing directory is valid."""
    digest = _digest(evaluation_set, settings, card)[:16]
    return settings.home / "evaluation" / f"{evaluation_set.name}-{pool}-{digest}"


def open_store(
    evaluation_set: EvaluationSet,
    pool: str,
    settings: Settings,
    encoder: Encoder,
    analyzer: Analyzer,
    progress: Progress,
) -> Store:
    """The set's store: that of an earlier run when nothing has changed that affects it, otherwise a new one.

    Raises EvaluationError when an item cannot be indexed.
    """
    name = evaluation_set.name
    home = home_of(evaluation_set, pool, settings, encoder.card)
    store_settings = replace(
        settings, home=home, database="", index="local"
    )  # what is measured does not depend on servers
    finished = home / "finished"
    if not finished.exists():
        for outdated in (settings.home / "evaluation").glob(f"{name}-{pool}-*"):
            shutil.rmtree(outdated)
        home.mkdir(parents=True)
        sessions = open_database(store_settings)
        _fill(sessions, _rows(evaluation_set, pool))
        report = reindex(
            store_settings, sessions, encoder, analyzer, progress=lambda done, total: progress(name, done, total)
        )
        if report.failed:
            raise EvaluationError(f"{name}: {report.failed[0]}")
        finished.touch()
    else:
        sessions = open_database(store_settings)
    return Store(store_settings, sessions, _keys(sessions))


def _keys(sessions: sessionmaker[Session]) -> dict[str, str]:
    """{corpus id: item key}."""
    with sessions() as session:
        requests = session.execute(select(HelpRequest.id, HelpRequest.external_id))
        keys = {str(external_id): item_key(Kind.REQUEST, number) for number, external_id in requests}
        documents = session.execute(select(Document.id, Document.external_id))
        return keys | {str(external_id): item_key(Kind.DOCUMENT, number) for number, external_id in documents}


def _digest(evaluation_set: EvaluationSet, settings: Settings, card: ModelCard) -> str:
    sizes = f"{settings.passage_tokens} {settings.max_passages} {settings.hnsw_from}"
    inputs = f"{code_digest()} {evaluation_set.digest} {card} {sizes}"
    return hashlib.sha256(inputs.encode()).hexdigest()


def _rows(evaluation_set: EvaluationSet, pool: str) -> Iterable[Mapping[str, Any]]:
    """What is searched: the corpus, or every answer as a separate document."""
    if pool == ITEMS:
        return evaluation_set.corpus.values()
    return [
        {**answer, "kind": "document", "title": "", "language": row["language"]}
        for row in evaluation_set.corpus.values()
        for answer in row.get("answers") or ()
    ]


def _fill(sessions: sessionmaker[Session], rows: Iterable[Mapping[str, Any]]) -> None:
    """Put the rows into an empty database. Everyone may read them, and all requests are resolved."""
    with sessions.begin() as session:
        people = _People(session)
        for row in rows:
            session.add(_document(row) if row["kind"] == "document" else _request(row, people))


class _People:
    """Creates a person for each handle when it is first used."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._ids: dict[str, int] = {}

    def id_of(self, handle: str | None) -> int | None:
        if handle and handle not in self._ids:
            person = Person(handle=handle, name=handle, role="staff", languages=[])
            self._session.add(person)
            self._session.flush()
            self._ids[handle] = person.id
        return self._ids.get(handle or "")


def _document(row: Mapping[str, Any]) -> Document:
    audience = [DocumentAudience(token=EVERYONE)]
    return Document(**_shared(row), written_at=_time(row.get("created_at")), audience=audience)


def _request(row: Mapping[str, Any], people: _People) -> HelpRequest:
    at = _time(row.get("created_at"))
    replies = [
        Reply(
            author_id=people.id_of(answer.get("author")), body=answer["body"], created_at=_time(answer["created_at"]),
            accepted=bool(answer.get("accepted")), score=answer.get("score") or 0, external_id=answer.get("id"),
        )
        for answer in row.get("answers") or ()
    ]  # fmt: skip
    return HelpRequest(
        **_shared(row), status=RESOLVED, tags=row.get("tags") or [], created_at=at, resolved_at=at,
        asked_by_id=people.id_of(row.get("asked_by")), resolution=None if replies else row.get("answer"),
        audience=[RequestAudience(token=EVERYONE)], replies=replies,
    )  # fmt: skip


def _shared(row: Mapping[str, Any]) -> dict[str, Any]:
    """The columns that requests and documents have in common."""
    shared = {name: row[name] for name in ("title", "body", "language")}
    return {**shared, "external_id": row["id"], "source": "evaluation"}


def _time(text: str | None) -> datetime:
    return parse_time(text) if text else _LONG_AGO
