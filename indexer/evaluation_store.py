"""A set of questions with known answers in a throw-away store: a database and an index under `KOLLEGA_HOME/evaluation`.

Made anew only when the set or what makes the index changes; vectors are kept beside the stores. Nothing of the
organisation's own is touched.
"""

import hashlib
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

import indexer.passages
import indexer.reindex
import recommender
from indexer.reindex import reindex
from recommender import evaluation
from recommender.access import EVERYONE
from recommender.database import open_database
from recommender.encoder import Encoder, ModelCard, Vectors
from recommender.errors import EvaluationError
from recommender.evaluation import EvaluationSet
from recommender.index.build import Journal
from recommender.language import Analyzer
from recommender.models import (
    RESOLVED,
    Document,
    DocumentAudience,
    HelpRequest,
    Person,
    Reply,
    RequestAudience,
)
from recommender.settings import Settings

ITEMS, ANSWERS = "items", "answers"
_LONG_AGO = datetime(2000, 1, 1)
_MAKES_THE_INDEX = (
    "language.py",
    "corpus.py",
    "space.py",
    "alignment.py",
    "alignment.npz",
    "index/generations.py",
    "index/build.py",
    "index/lexical.py",
    "index/catalogue.py",
    "index/dense.py",
)
Progress = Callable[[str, int, int], None]


class KeepingEncoder:
    """An encoder that keeps every vector it makes, by a hash of the text, for the next run."""

    def __init__(self, real: Encoder, directory: Path) -> None:
        self.card, self.backend, self.count_tokens = real.card, real.backend, real.count_tokens
        self._real = real
        self._kept = Journal(directory, real.card)
        self._near: dict[str, Vectors] = {}

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """As the encoder's."""
        return self._encode("query", texts, self._real.encode_queries)

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """As the encoder's."""
        return self._encode("passage", texts, self._real.encode_passages)

    def _encode(self, kind: str, texts: Sequence[str], encode: Callable[[Sequence[str]], Vectors]) -> Vectors:
        digests = [hashlib.sha256(f"{kind}\0{text}".encode("utf-8", "surrogatepass")).hexdigest() for text in texts]
        self._near |= self._kept.find(digest for digest in digests if digest not in self._near)
        missing = {digest: text for digest, text in zip(digests, texts, strict=True) if digest not in self._near}
        if missing:
            made = dict(zip(missing, encode(list(missing.values())), strict=True))
            self._kept.keep(made)
            self._near |= made
        return np.array([self._near[digest] for digest in digests], np.float32).reshape(len(texts), -1)

    def close(self) -> None:
        """Close the file."""
        self._kept.close()


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
        keys = {str(row[1]): f"request:{row[0]}" for row in session.execute(_ids(HelpRequest))}
        keys |= {str(row[1]): f"document:{row[0]}" for row in session.execute(_ids(Document))}
    return Store(own, sessions, keys)


def _ids(model: Any) -> Any:
    return select(model.id, model.external_id)


def _digest(each: EvaluationSet, settings: Settings, card: ModelCard) -> str:
    digest = hashlib.sha256(f"{each.digest} {card} {settings.passage_tokens} {settings.hnsw_from}".encode())
    own = Path(recommender.__file__).parent
    makers = (Path(indexer.passages.__file__), Path(indexer.reindex.__file__), Path(__file__))
    for path in (*makers, *(own / name for name in _MAKES_THE_INDEX)):
        digest.update(path.read_bytes())
    return digest.hexdigest()


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
    return evaluation.moment(text) if text else _LONG_AGO
