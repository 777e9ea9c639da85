"""docs/generate_figures.py: a figure in a page that differs from tests/benchmarks/results is reported and rewritten."""

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

from tests.paths import ROOT

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


def test_a_changed_figure_in_a_page_is_reported_and_corrected(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = copy / "docs" / "search.md"
    before = page.read_text(encoding="utf-8")
    page.write_text(before.replace("| se_quantum | similar | 95 |", "| se_quantum | similar | 96 |"), encoding="utf-8")
    assert figures.main(check=True, root=copy, results=copy / "results") == 1
    assert "docs/search.md" in capsys.readouterr().err
    assert figures.main(check=False, root=copy, results=copy / "results") == 0
    assert page.read_text(encoding="utf-8") == before


def test_a_changed_result_is_reported_and_written_to_the_page(copy: Path) -> None:
    file = copy / "results" / "load.json"
    result = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps(result | {"errors": 1}), encoding="utf-8")
    assert figures.main(check=True, root=copy, results=copy / "results") == 1
    assert figures.main(check=False, root=copy, results=copy / "results") == 0
    assert "| errors | 1 | 0 |" in (copy / "docs" / "performance.md").read_text(encoding="utf-8")


def test_a_block_shows_the_figures_of_its_file() -> None:
    result = json.loads((RESULTS / "speed.json").read_text(encoding="utf-8"))
    rows = figures.BLOCKS["scale"](figures.read_results(RESULTS)).splitlines()
    largest = result["scale"][-1]
    assert rows[4].startswith(f"| {largest['items']:,} | {largest['p50_ms']:.0f} ms | {largest['p95_ms']:.0f} ms |")
    assert f"commit {result['commit']} on {result['measured_on']}" in rows[-1]


def test_every_block_is_in_a_page_and_names_commit_and_machine() -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in figures.pages(ROOT))
    blocks = re.findall(r"<!-- figures: ([a-z0-9-]+) -->\n(.*?)<!-- end -->", text, re.DOTALL)
    assert {name for name, _content in blocks} == set(figures.BLOCKS)
    assert text.count("<!-- figures:") == len(blocks)
    for name, content in blocks:
        assert re.search(r"\bcommit [0-9a-f]{7}\b", content), name
        assert "x86_64" in content or "aarch64" in content, name


def test_an_unknown_block_is_an_error() -> None:
    with pytest.raises(KeyError):
        figures.rewritten("<!-- figures: nothing -->\n<!-- end -->\n", figures.read_results(RESULTS))


@pytest.mark.parametrize("name", sorted(path.stem for path in RESULTS.glob("*.json")))
def test_every_result_says_where_it_was_measured(name: str) -> None:
    result: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    if name == "targets":
        assert result["about"]
        return
    measured = result["trials"] if name == "trials" else [result]
    for measurement in measured:
        assert re.fullmatch(r"[0-9a-f]{7}(\+changes)?", measurement["commit"])
        assert {"system", "instructions"} <= measurement["machine"].keys()
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", measurement["measured_on"])
        assert "command" in measurement or "again" in measurement


def test_the_output_of_evaluate_is_saved_with_its_commit_and_machine(tmp_path: Path) -> None:
    """`kollega evaluate --json | python -m tests.benchmarks.record quality`, in a copy of the folder of results."""
    rows = [
        {"set": "office", "protocol": "similar", "method": "fusion", "n": 2, "metrics": {"nDCG@10": 0.123456}},
        {"set": "office", "protocol": "experts, rolling", "method": "ranker", "n": 2, "metrics": {"RR": 0.5}},
    ]
    code = (
        "import pathlib, sys; from tests.benchmarks import record; "
        f"record.RESULTS = pathlib.Path({str(tmp_path)!r}); record.main('quality')"
    )
    ran = subprocess.run([sys.executable, "-c", code], input=json.dumps(rows), text=True, cwd=ROOT, capture_output=True)
    assert ran.returncode == 0, ran.stderr
    quality, experts = (json.loads((tmp_path / f"{name}.json").read_text("utf-8")) for name in ("quality", "experts"))
    assert [row["metrics"] for row in quality["rows"]] == [{"nDCG@10": 0.1235}]
    assert [row["protocol"] for row in experts["rows"]] == ["experts, rolling"]
    assert quality["commit"] == experts["commit"] and quality["machine"]["cores"] >= 1
    assert quality["command"] == "kollega evaluate SETS/*/ --json"
