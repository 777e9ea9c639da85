"""Which package may import which, and what a light command must not load."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.paths import ROOT


def _imports(path: Path) -> Iterator[str]:
    """Top-level names of everything a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} imports relatively"
            yield (node.module or "").partition(".")[0]


def _importers(module: str) -> set[str]:
    return {
        str(path.relative_to(ROOT))
        for package in ("recommender", "indexer", "web")
        for path in (ROOT / package).rglob("*.py")
        if module in _imports(path)
    }


def _packages(paths: set[str]) -> set[str]:
    return {path.partition("/")[0] for path in paths}


def test_the_search_for_imports_finds_those_that_are_there() -> None:
    assert {"web/app.py", "web/server.py"} <= _importers("flask") | _importers("waitress")
    assert "recommender/recommender.py" in _importers("recommender")
    assert "indexer/cli.py" in _importers("click")


def test_the_recommender_knows_neither_the_web_nor_the_indexer() -> None:
    assert _packages(_importers("web")) <= {"web"}
    assert _packages(_importers("indexer")) <= {"indexer"}


@pytest.mark.parametrize(
    ("module", "door"),
    [
        ("faiss", "recommender/index/dense.py"),
        ("tantivy", "recommender/index/lexical.py"),
        ("sentence_transformers", "recommender/encoder.py"),
    ],
)
def test_each_engine_has_one_door(module: str, door: str) -> None:
    assert _importers(module) == {door}


def test_flask_stays_in_the_web() -> None:
    assert _packages(_importers("flask") | _importers("flask_babel")) == {"web"}


def test_help_is_shown_without_loading_models_or_engines() -> None:
    ran = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "indexer", "--help"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    assert ran.stdout.startswith("Usage: ")
    loaded = {line.rpartition("|")[2].strip() for line in ran.stderr.splitlines() if line.startswith("import time:")}
    assert {"click", "recommender.settings"} <= loaded
    heavy = {"torch", "transformers", "sentence_transformers", "openvino", "faiss", "tantivy", "numpy", "flask"}
    assert loaded & heavy == set()
