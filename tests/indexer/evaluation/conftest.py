"""Writes small evaluation sets."""

import gzip
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

WriteSet = Callable[..., Path]


def make_item(name: str, **changes: Any) -> dict[str, Any]:
    row = {"id": name, "kind": "request", "title": name, "body": "", "answer": None, "language": "en", "answers": []}
    return {**row, "created_at": None, **changes}


def make_query(
    name: str, text: str, relevant: Sequence[Any], protocol: str = "similar", **changes: Any
) -> dict[str, Any]:
    row = {"id": name, "text": text, "language": "en", "protocol": protocol, "relevant": relevant, "filter": {}}
    return {**row, **changes}


@pytest.fixture
def write_set(tmp_path: Path) -> WriteSet:
    """`write_set(corpus, queries, name)` writes a set and returns its folder."""

    def make(corpus: Sequence[Mapping[str, Any]], queries: Sequence[Mapping[str, Any]], name: str = "office") -> Path:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        for file, rows in (("corpus", corpus), ("queries", queries)):
            lines = "".join(json.dumps(row) + "\n" for row in rows)
            (folder / f"{file}.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
        return folder

    return make
