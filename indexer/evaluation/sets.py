"""Evaluation sets: folders with a corpus and queries whose relevant items are known."""

import gzip
import hashlib
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from recommender.errors import EvaluationError

FILES = ("corpus.jsonl.gz", "queries.jsonl.gz")


@dataclass(frozen=True)
class Query:
    """One question and what is relevant to it: {corpus id: grade}. Only what `filter` allows may be found. `experts`
    are those who really answered, {person: grade}."""

    id: str
    text: str
    language: str
    protocol: str
    relevant: Mapping[str, int]
    filter: Mapping[str, Any] = field(default_factory=dict)
    experts: Mapping[str, int] = field(default_factory=dict)
    asked_at: datetime | None = None
    asked_by: str | None = None

    @property
    def part(self) -> str:
        """`train` or `test`, by the hash of the id after its first ":", else "-": what asks the same falls together."""
        key = self.id.partition(":" if ":" in self.id else "-")[2] or self.id
        return "test" if int(hashlib.sha1(key.encode()).hexdigest(), 16) % 2 else "train"  # noqa: S324


@dataclass(frozen=True)
class EvaluationSet:
    """A corpus (rows by id, as they are in the file) and the queries asked of it."""

    name: str
    corpus: Mapping[str, Mapping[str, Any]]
    queries: Sequence[Query]
    digest: str

    @classmethod
    def read(cls, folder: Path) -> "EvaluationSet":
        """Read a set. Raises EvaluationError, one sentence, when a file is missing or damaged, the corpus is empty, or
        a query names an id that the corpus does not hold."""
        held, asked = (folder / name for name in FILES)
        rows, digest = _rows(held, ("id", "kind", "title", "body", "language"))
        corpus = {str(row["id"]): row for row in rows}
        if not corpus:
            raise EvaluationError(f"{held} holds no items.")
        try:
            answers = {answer for row in rows for answer in _answers(row)}
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise EvaluationError(f"{held} holds an item that cannot be used: {error!r}.") from error
        try:
            queries = [_query(row) for row in _rows(asked, ("id", "text", "language", "protocol"))[0]]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise EvaluationError(f"{asked} holds a query that cannot be used: {error!r}.") from error
        for query in queries:
            pool = answers if query.filter.get("pool") == "answers" else corpus.keys()
            unknown = sorted(set(query.relevant) - pool)
            if unknown:
                raise EvaluationError(f"{asked}: query {query.id} names {unknown[0]}, which is not in the corpus.")
        return cls(folder.resolve().name, corpus, queries, digest)


def allowed(corpus: Mapping[str, Mapping[str, Any]], filter: Mapping[str, Any]) -> frozenset[str] | None:
    """The corpus ids that a query's filter leaves; None when it leaves all."""
    wanted = {name: filter[name] for name in ("kind", "language", "team") if filter.get(name)}
    before, exclude = filter.get("before"), set(filter.get("exclude") or ())
    if not wanted and not before and not exclude:
        return None
    until = moment(before) if before else None
    return frozenset(
        identifier
        for identifier, row in corpus.items()
        if identifier not in exclude
        and all(row.get(name) == value for name, value in wanted.items())
        and (until is None or (row.get("created_at") and moment(row["created_at"]) < until))
    )


def _rows(path: Path, needed: Sequence[str]) -> tuple[list[dict[str, Any]], str]:
    try:
        content = path.read_bytes()
        rows = [json.loads(line) for line in gzip.decompress(content).decode().splitlines() if line.strip()]
    except FileNotFoundError:
        raise EvaluationError(f"{path} is missing: a set needs {' and '.join(FILES)}.") from None
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise EvaluationError(f"{path} cannot be read: {error}.") from error
    for number, row in enumerate(rows, 1):
        missing = [name for name in needed if not isinstance(row, dict) or row.get(name) is None]
        if missing:
            raise EvaluationError(f"{path}: record {number} has no {missing[0]}: each needs {', '.join(needed)}.")
    return rows, hashlib.sha256(content).hexdigest()


def _answers(row: Mapping[str, Any]) -> list[str]:
    """The ids of an item's answers, once its times and theirs can be read."""
    if row.get("created_at"):
        moment(row["created_at"])
    answers = row.get("answers") or ()
    for answer in answers:
        answer["body"].strip()
        moment(answer["created_at"])
    return [str(answer.get("id")) for answer in answers]


def _query(row: Mapping[str, Any]) -> Query:
    grades = {
        str(each["id"]) if isinstance(each, dict) else str(each): int(each["grade"]) if isinstance(each, dict) else 1
        for each in row.get("relevant") or ()
    }
    allows = dict(row.get("filter") or {})
    if allows.get("before"):
        moment(allows["before"])
    experts = row.get("expert_grades") or dict.fromkeys(row.get("experts") or (), 1)
    asked_at = moment(row["asked_at"]) if row.get("asked_at") else None
    return Query(
        str(row["id"]), str(row["text"]), row["language"], row["protocol"], grades, allows,
        experts, asked_at, row.get("asked_by"),
    )  # fmt: skip


def moment(text: str) -> datetime:
    """A time of a set, without its zone."""
    return datetime.fromisoformat(text).replace(tzinfo=None)
