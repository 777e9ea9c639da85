"""Evaluation sets: folders with a corpus and with queries whose relevant items are known."""

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
_UNUSABLE = (KeyError, TypeError, ValueError, AttributeError)


@dataclass(frozen=True)
class Query:
    """A question and what is relevant to it: {corpus id: grade}. Only what `filter` allows may be searched. `experts`
    are the people who really answered, {person: grade}."""

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
        """`train` or `test`, by a hash of the id after its first ":" (or "-", when it has no ":"), so that queries that
        ask the same, in two languages for example, are in the same part."""
        key = self.id.partition(":" if ":" in self.id else "-")[2] or self.id
        return "test" if int(hashlib.sha1(key.encode()).hexdigest(), 16) % 2 else "train"  # noqa: S324


@dataclass(frozen=True)
class EvaluationSet:
    """A corpus (its rows by id, as they are in the file), the queries, and the digest of the corpus file."""

    name: str
    corpus: Mapping[str, Mapping[str, Any]]
    queries: Sequence[Query]
    digest: str

    @classmethod
    def read(cls, folder: Path) -> "EvaluationSet":
        """Read a set. Raises EvaluationError, one sentence, when a file is missing or damaged, the corpus is empty, or
        a query names an id that the corpus does not contain."""
        corpus_path, queries_path = (folder / name for name in FILES)
        rows, digest = _read_rows(corpus_path, ("id", "kind", "title", "body", "language"))
        corpus = {str(row["id"]): row for row in rows}
        if not corpus:
            raise EvaluationError(f"{corpus_path} contains no items.")
        try:
            answers = {answer for row in rows for answer in _answer_ids(row)}
        except _UNUSABLE as error:
            raise EvaluationError(f"{corpus_path} contains an item that cannot be used: {error!r}.") from error
        try:
            queries = [_query(row) for row in _read_rows(queries_path, ("id", "text", "language", "protocol"))[0]]
        except _UNUSABLE as error:
            raise EvaluationError(f"{queries_path} contains a query that cannot be used: {error!r}.") from error
        for query in queries:
            pool = answers if query.filter.get("pool") == "answers" else corpus.keys()
            unknown = sorted(set(query.relevant) - pool)
            if unknown:
                raise EvaluationError(
                    f"{queries_path}: query {query.id} names {unknown[0]}, which is not in the corpus."
                )
        return cls(folder.resolve().name, corpus, queries, digest)


def folders_with_sets(folders: Sequence[Path]) -> list[Path]:
    """The folders that contain a file of a set, so that `DIR/*/` may also match other folders. Paths that are not
    folders stay in the list, and all paths do when no folder contains a set: reading them then reports what is
    wrong."""
    wanted = [folder for folder in folders if any((folder / name).exists() for name in FILES) or not folder.is_dir()]
    return wanted or list(folders)


def undated(evaluation_set: EvaluationSet, query: Query) -> bool:
    """True for a query that may only search what is older than a time, although one of its relevant items has none."""
    if not query.filter.get("before") or query.filter.get("pool") == "answers":
        return False
    return any(not evaluation_set.corpus[identifier].get("created_at") for identifier in query.relevant)


def answers_of(corpus: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Every answer in the corpus by its id, as a row with its own time and what it shares with its item. Its `item` is
    the id of that."""
    return {
        str(answer.get("id")): {**row, "item": identifier, "created_at": answer["created_at"]}
        for identifier, row in corpus.items()
        for answer in row.get("answers") or ()
    }


def allowed(corpus: Mapping[str, Mapping[str, Any]], filter: Mapping[str, Any]) -> frozenset[str] | None:
    """The ids of the corpus (or of `answers_of` it) that a query's filter allows; None when it allows all. An item
    without a time is not before any time."""
    wanted = {name: filter[name] for name in ("kind", "language", "team") if filter.get(name)}
    before, exclude = filter.get("before"), set(filter.get("exclude") or ())
    if not wanted and not before and not exclude:
        return None
    until = parse_time(before) if before else None
    return frozenset(
        identifier
        for identifier, row in corpus.items()
        if identifier not in exclude
        and row.get("item") not in exclude
        and all(row.get(name) == value for name, value in wanted.items())
        and (until is None or (row.get("created_at") and parse_time(row["created_at"]) < until))
    )


def parse_time(text: str) -> datetime:
    """A time of a set, without its time zone. Raises ValueError when it is not in ISO 8601."""
    return datetime.fromisoformat(text).replace(tzinfo=None)


def _read_rows(path: Path, needed: Sequence[str]) -> tuple[list[dict[str, Any]], str]:
    """(rows, digest of the file)."""
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
            raise EvaluationError(
                f"{path}: record {number} has no {missing[0]}; every record needs {', '.join(needed)}."
            )
    return rows, hashlib.sha256(content).hexdigest()


def _answer_ids(row: Mapping[str, Any]) -> list[str]:
    """The ids of an item's answers. Raises one of _UNUSABLE when a time or a text cannot be read."""
    if row.get("created_at"):
        parse_time(row["created_at"])
    answers = row.get("answers") or ()
    for answer in answers:
        answer["body"].strip()
        parse_time(answer["created_at"])
    return [str(answer.get("id")) for answer in answers]


def _query(row: Mapping[str, Any]) -> Query:
    filter = dict(row.get("filter") or {})
    if filter.get("before"):
        parse_time(filter["before"])
    return Query(
        id=str(row["id"]),
        text=str(row["text"]),
        language=row["language"],
        protocol=row["protocol"],
        relevant=dict(_grade(entry) for entry in row.get("relevant") or ()),
        filter=filter,
        experts=row.get("expert_grades") or dict.fromkeys(row.get("experts") or (), 1),
        asked_at=parse_time(row["asked_at"]) if row.get("asked_at") else None,
        asked_by=row.get("asked_by"),
    )


def _grade(entry: Any) -> tuple[str, int]:
    """(corpus id, grade) of a relevant item, which is given as an id or as an object."""
    return (str(entry["id"]), int(entry["grade"])) if isinstance(entry, dict) else (str(entry), 1)
