"""Real files of other systems, which tests read where they are: KOLLEGA_FIXTURES names their folder. Without it, the
tests that read them are skipped. Nothing of them is in this repository but counts, ids, times and hashes of texts."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.paths import ROOT

_FOLDER = os.environ.get("KOLLEGA_FIXTURES", "")
FIXTURES = Path(_FOLDER)
needs_fixtures = pytest.mark.skipif(not _FOLDER or not FIXTURES.is_dir(), reason="KOLLEGA_FIXTURES names no folder")


def expectations(name: str) -> list[dict[str, Any]]:
    """The lines of tests/indexer/sources/expectations/NAME.jsonl."""
    lines = (ROOT / "tests/indexer/sources/expectations" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def folded_hash(text: str) -> str:
    """The first 12 hex digits of a text's SHA-256, with white space folded."""
    return hashlib.sha256(" ".join(text.split()).encode()).hexdigest()[:12]
