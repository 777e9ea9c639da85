"""The wheel has everything that running Kollega needs, and nothing that only its developers need."""

import ast
import shutil
import subprocess
import sys
from zipfile import ZipFile

import pytest

from tests.paths import ROOT

PACKAGES = ("recommender", "indexer", "web")
RESEARCH = "indexer/research/"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """{path: content} of the wheel. It is built from a copy, so that no files of an earlier build get into it."""
    copy, built = tmp_path_factory.mktemp("copy"), tmp_path_factory.mktemp("built")
    for name in PACKAGES:
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "NOTICE"):
        shutil.copy(ROOT / name, copy)
    build = f"from setuptools import build_meta; build_meta.build_wheel({str(built)!r})"
    subprocess.run([sys.executable, "-c", build], cwd=copy, capture_output=True, check=True)
    (path,) = built.glob("kollega-*.whl")
    with ZipFile(path) as file:
        return {name: file.read(name) for name in file.namelist()}


def test_the_wheel_has_the_packages_without_research_and_sources_of_translations(wheel: dict[str, bytes]) -> None:
    files = {
        path.relative_to(ROOT).as_posix(): path
        for name in PACKAGES
        for path in (ROOT / name).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    left_out = {name for name in files if name.startswith(RESEARCH) or name.endswith((".po", "babel.cfg"))}
    assert {name for name in wheel if ".dist-info/" not in name} == files.keys() - left_out
    assert RESEARCH + "lock.py" in left_out


@pytest.mark.parametrize(
    "ending",
    [
        "/alignment.npz",
        "/dictionary.json.gz",
        "/rerank.json",
        "/lists/everyday_fi.txt",
        "/lists/vague.txt",
        "/migrations/script.py.mako",
        "/migrations/versions/0001_first_tables.py",
        "/demo/organisation.jsonl",
        "web/templates/layout.html",
        "web/static/ask.js",
        "web/translations/fi/LC_MESSAGES/messages.mo",
        ".dist-info/licenses/LICENSE",
        ".dist-info/licenses/NOTICE",
    ],
)
def test_the_wheel_has_the_file(wheel: dict[str, bytes], ending: str) -> None:
    assert len([name for name in wheel if name.endswith(ending)]) == 1


def test_nothing_in_the_wheel_imports_research_or_tests(wheel: dict[str, bytes]) -> None:
    imported = {
        f"{node.module}.{alias.name}" if isinstance(node, ast.ImportFrom) else alias.name
        for name, content in wheel.items()
        if name.endswith(".py")
        for node in ast.walk(ast.parse(content))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert "recommender.settings.Settings" in imported
    assert {name for name in imported if name.startswith(("indexer.research", "tests"))} == set()


def test_the_metadata_names_the_license_and_the_command(wheel: dict[str, bytes]) -> None:
    texts = {
        name.partition(".dist-info/")[2]: content.decode() for name, content in wheel.items() if "dist-info" in name
    }
    assert "\nLicense-Expression: Apache-2.0\n" in texts["METADATA"]
    assert "kollega = indexer.cli:main" in texts["entry_points.txt"]
    assert "pytest" not in texts["METADATA"]
