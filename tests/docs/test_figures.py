"""Figures in the pages come from tests/benchmarks/results: a page that differs is noticed, and rewritten."""

import importlib.util
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent
RESULTS = ROOT / "tests" / "benchmarks" / "results"


def _script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


figures = _script("generate_figures")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the pages and the results, up to date."""
    for name in figures.pages(ROOT):
        target = tmp_path / name.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(name, target)
    shutil.copytree(RESULTS, tmp_path / "results")
    assert figures.main(check=True, root=tmp_path, results=tmp_path / "results") == 0
    return tmp_path


def test_a_changed_figure_in_a_page_is_noticed_and_put_right(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = copy / "docs" / "search.md"
    before = page.read_text(encoding="utf-8")
    page.write_text(before.replace("| se_quantum | similar | 95 |", "| se_quantum | similar | 96 |"), encoding="utf-8")
    assert figures.main(check=True, root=copy, results=copy / "results") == 1
    assert "docs/search.md" in capsys.readouterr().err
    assert figures.main(check=False, root=copy, results=copy / "results") == 0
    assert page.read_text(encoding="utf-8") == before


def test_a_changed_result_is_noticed(copy: Path) -> None:
    file = copy / "results" / "load.json"
    held = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps(held | {"errors": 1}), encoding="utf-8")
    assert figures.main(check=True, root=copy, results=copy / "results") == 1
    assert figures.main(check=False, root=copy, results=copy / "results") == 0
    assert "| errors | 1 | 0 |" in (copy / "docs" / "performance.md").read_text(encoding="utf-8")


def test_a_block_shows_the_figures_of_its_file() -> None:
    held = json.loads((RESULTS / "speed.json").read_text(encoding="utf-8"))
    rows = figures.BLOCKS["scale"](figures.read_results(RESULTS)).splitlines()
    largest = held["scale"][-1]
    assert rows[4].startswith(f"| {largest['items']:,} | {largest['p50_ms']:.0f} ms | {largest['p95_ms']:.0f} ms |")
    assert f"commit {held['commit']} on {held['measured_on']}" in rows[-1]


def test_every_block_stands_in_some_page_and_names_commit_and_machine() -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in figures.pages(ROOT))
    used = re.findall(r"<!-- figures: ([a-z0-9-]+) -->\n(.*?)<!-- end -->", text, re.DOTALL)
    assert {name for name, _content in used} == set(figures.BLOCKS)
    assert text.count("<!-- figures:") == len(used)
    for name, content in used:
        assert re.search(r"\bcommit [0-9a-f]{7}\b", content), name
        assert "x86_64" in content or "aarch64" in content, name


def test_a_block_that_nobody_makes_is_an_error() -> None:
    with pytest.raises(KeyError):
        figures.rewritten("<!-- figures: nothing -->\n<!-- end -->\n", figures.read_results(RESULTS))


@pytest.mark.parametrize("name", sorted(path.stem for path in RESULTS.glob("*.json")))
def test_every_result_says_where_it_was_measured(name: str) -> None:
    held: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    if name == "targets":
        assert held["about"]
        return
    measured = held["trials"] if name == "trials" else [held]
    for each in measured:
        assert re.fullmatch(r"[0-9a-f]{7}(\+changes)?", each["commit"])
        assert {"system", "instructions"} <= each["machine"].keys()
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", each["measured_on"])
        assert "command" in each or "again" in each


def test_what_evaluate_prints_is_kept_with_its_commit_and_machine(tmp_path: Path) -> None:
    """`kollega evaluate --json | python -m tests.benchmarks.record quality`, in a copy of the folder of results."""
    rows = [
        {"set": "office", "protocol": "similar", "method": "fusion", "n": 2, "metrics": {"nDCG@10": 0.123456}},
        {"set": "office", "protocol": "experts, rolling", "method": "ranker", "n": 2, "metrics": {"RR": 0.5}},
    ]
    code = (
        "import pathlib, sys; from tests.benchmarks import record; "
        f"record.RESULTS = pathlib.Path({str(tmp_path)!r}); record.main('quality')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], input=json.dumps(rows), text=True, cwd=ROOT, capture_output=True
    )
    assert done.returncode == 0, done.stderr
    quality, experts = (json.loads((tmp_path / f"{name}.json").read_text("utf-8")) for name in ("quality", "experts"))
    assert [row["metrics"] for row in quality["rows"]] == [{"nDCG@10": 0.1235}]
    assert [row["protocol"] for row in experts["rows"]] == ["experts, rolling"]
    assert quality["commit"] == experts["commit"] and quality["machine"]["cores"] >= 1
    assert quality["command"] == "kollega evaluate SETS/*/ --json"
