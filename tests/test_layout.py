"""Which folder may import which, one module per engine, limits of size, and what a light command must not load."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from symtable import symtable

import pytest

from tests.paths import ROOT

PACKAGES = ("recommender", "indexer", "web")

RECOMMENDER = {
    "datatypes": set(),
    "sentences": set(),
    "errors": {"sentences"},
    "setting_values": set(),
    "settings": {"errors", "setting_values"},
    "checksums": {"sentences"},
    "render": {"datatypes"},
    "files": {"errors", "settings"},
    "database": {"errors", "files", "sentences", "settings"},
    "encoder": {"checksums", "errors", "sentences", "settings"},
    "language": {"checksums", "encoder", "errors"},
    "access": {"database"},
    "audit": {"access", "database"},
    "accounts": {"audit", "database", "errors", "outbox", "settings"},
    "outbox": {"database"},
    "first_run": {"accounts", "audit", "database", "errors", "membership", "organisation", "settings", "teams"},
    "uploads": {"database", "errors", "sentences", "settings"},
    "organisation": {"accounts", "audit", "database", "errors", "sentences", "setting_values", "settings"},
    "jobs": {"audit", "database", "render", "sentences", "settings"},
    "notifications": {"access", "database", "datatypes", "outbox", "setting_values", "settings"},
    "corpus": {"access", "database", "datatypes"},
    "filters": {"access", "corpus", "database", "datatypes", "index"},
    "index": {"checksums", "datatypes", "encoder", "errors", "language", "sentences", "settings"},
    "knowledge": {
        "access",
        "audit",
        "corpus",
        "database",
        "datatypes",
        "errors",
        "files",
        "language",
        "notifications",
        "outbox",
        "settings",
    },
    "people": {"access", "corpus", "database", "datatypes", "index", "knowledge", "language"},
    "teams": {"access", "audit", "database", "errors", "knowledge", "outbox", "settings"},
    "search": {
        "access",
        "corpus",
        "database",
        "datatypes",
        "encoder",
        "index",
        "knowledge",
        "language",
        "people",
        "settings",
    },
    "insights": {
        "access",
        "audit",
        "corpus",
        "database",
        "datatypes",
        "encoder",
        "errors",
        "index",
        "knowledge",
        "language",
        "notifications",
        "outbox",
        "people",
        "search",
        "settings",
    },
    "membership": {
        "access",
        "accounts",
        "audit",
        "database",
        "datatypes",
        "errors",
        "insights",
        "knowledge",
        "language",
        "notifications",
        "outbox",
        "settings",
        "teams",
    },
    "provisioning": {"accounts", "audit", "database", "errors", "membership", "teams"},
    "learned": {"index", "people", "search"},
    "monitoring": {
        "accounts",
        "checksums",
        "corpus",
        "database",
        "datatypes",
        "encoder",
        "errors",
        "index",
        "jobs",
        "language",
        "learned",
        "live",
        "outbox",
        "sentences",
        "settings",
    },
    "live": {
        "checksums",
        "datatypes",
        "encoder",
        "errors",
        "index",
        "language",
        "learned",
        "people",
        "search",
        "settings",
    },
    "opening": {"encoder", "errors", "index", "knowledge", "language", "live", "search", "settings"},
}
"""What each folder or module directly in recommender/ may import of the others; `recommender` itself may import all."""

INDEXER = {
    "texts": set(),
    "background": set(),
    "processes": set(),
    "delivery": {"background", "sources"},
    "files": {"background"},
    "sources": {"files", "texts"},
    "loading": {"sources", "texts"},
    "syncing": {"background", "loading", "processes", "sources", "texts"},
    "indexing": {"background", "texts"},
    "learning": set(),
    "jobs": {
        "background",
        "files",
        "indexing",
        "learning",
        "loading",
        "processes",
        "sources",
        "syncing",
        "texts",
    },
    "evaluation": {"indexing", "learning"},
    "research": {"evaluation", "indexing", "learning", "loading", "sources"},
    "commands": {
        "background",
        "delivery",
        "evaluation",
        "files",
        "indexing",
        "jobs",
        "learning",
        "loading",
        "processes",
        "sources",
        "syncing",
        "texts",
    },
    "cli": {"commands"},
    "__main__": {"cli"},
}
"""What each folder or module directly in indexer/ may import of the others."""

WEB = {
    "admin": {"files", "insights", "sign_in"},
    "api": {"files", "requests", "search", "sign_in"},
    "chat": {"search", "sign_in"},
    "desk": {"files", "requests", "search", "sign_in"},
    "documents": {"files", "inbox", "sign_in"},
    "files": {"sign_in"},
    "inbox": {"sign_in"},
    "insights": {"sign_in"},
    "look": set(),
    "mcp": set(),
    "people": {"sign_in"},
    "requests": {"files", "inbox", "search", "sign_in"},
    "scim": {"sign_in"},
    "search": {"sign_in"},
    "set_up": {"files", "sign_in"},
    "sign_in": set(),
    "starting": set(),
}
"""What each folder of web/ may import of the other folders. The modules beside the folders are for all of them."""

INSIGHTS = {
    "topics": set(),
    "risk": {"topics"},
    "gaps": {"risk", "topics"},
    "service": {"topics"},
    "values": {"gaps", "risk", "topics"},
}
"""What each folder or module directly in recommender/insights/ may import of the others."""

BUILT_ON_EACH_OTHER = {"web.admin", "web.sign_in", "web.api"}
"""Folders whose views import each other: the steps of signing in, and the calls of the API and the pages about people
the blueprint that they share."""

ENGINES = {
    "faiss": "recommender/index/dense.py",
    "tantivy": "recommender/index/lexical.py",
    "pymilvus": "recommender/index/milvus/client.py",
    "openvino": "recommender/encoder/openvino.py",
    "sentence_transformers": "recommender/encoder/pytorch.py",
    "alembic": "recommender/database/engine.py",
    "simplemma": "recommender/language/analyzer.py",
    "py3langid": "recommender/language/detector.py",
    "argon2": "recommender/accounts/passwords.py",
    "zxcvbn": "recommender/accounts/passwords.py",
    "pyotp": "recommender/accounts/second_factor.py",
    "segno": "web/sign_in/qr_code.py",
    "authlib": "web/sign_in/oidc.py",
    "waitress": "web/server.py",
    "puremagic": "recommender/knowledge/file_types.py",
    "minio": "recommender/files/bucket.py",
    "uvicorn": "web/mcp/server.py",
    "jwt": "web/chat/teams_token.py",
    "pypdf": "indexer/files/pdf_reader.py",
    "mammoth": "indexer/sources/office/word.py",
    "pptx": "indexer/sources/office/slides.py",
    "python_calamine": "indexer/sources/office/sheets.py",
    "mwparserfromhell": "indexer/texts/wikitext.py",
}
"""The one module that imports each engine or heavy library (migrations of the database aside)."""

LONGEST_MODULE, LONGEST_FUNCTION = 300, 45
MOST_FILES = {"recommender": 14, "web": 21}


@cache
def _modules() -> Mapping[str, Path]:
    """Every module of the three packages by its dotted name; a package goes by the name of its folder."""
    return {
        str(path.relative_to(ROOT).with_suffix("")).replace("/", ".").removesuffix(".__init__"): path
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
        if "versions" not in path.parts
    }


@cache
def _imports(module: str) -> frozenset[str]:
    """Dotted names of what a module imports, anywhere in it: modules of the three packages, else top-level names."""
    imported = set()
    for node in ast.walk(ast.parse(_modules()[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0 and node.module, f"{module} imports relatively"
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            imported |= {name if name in _modules() else node.module for name in names}
    return frozenset(name if name in _modules() else name.partition(".")[0] for name in imported)


def _part(module: str, package: str = "") -> str:
    """The folder or module directly in a package that a module belongs to: `recommender.search`."""
    return ".".join(module.split(".")[: package.count(".") + 2])


def _part_imports(package: str) -> Iterator[tuple[str, str]]:
    """(part, part that it imports) within one package, by their names in it."""
    for module in _modules():
        for imported in _imports(module):
            parts = _part(module, package), _part(imported, package)
            if parts[0] != parts[1] and all(part.startswith(f"{package}.") for part in parts):
                yield parts[0].removeprefix(f"{package}."), parts[1].removeprefix(f"{package}.")


def _forbidden(package: str, allowed: Mapping[str, set[str]], free: set[str]) -> list[str]:
    """Imports that the table does not allow; parts in `free` may import every part of their package."""
    imports = sorted(set(_part_imports(package)))
    return [f"{part} -> {other}" for part, other in imports if part not in free and other not in allowed[part]]


def _importers(name: str) -> set[str]:
    """Paths of the modules that import a package with this top-level name."""
    return {
        str(path.relative_to(ROOT))
        for module, path in _modules().items()
        if name in {imported.partition(".")[0] for imported in _imports(module)}
    }


def _packages(paths: set[str]) -> set[str]:
    return {path.partition("/")[0] for path in paths}


def test_the_checks_find_imports() -> None:
    assert {"web/app.py", "web/server.py"} <= _importers("flask") | _importers("waitress")
    assert "recommender.index.engines" in _imports("recommender.live")
    assert ("search", "index") in set(_part_imports("recommender"))
    assert _forbidden("recommender", {**RECOMMENDER, "search": set()}, {"recommender"}) != []


def test_only_the_web_imports_the_web_and_only_the_indexer_imports_the_indexer() -> None:
    assert _packages(_importers("web")) <= {"web"}
    assert _packages(_importers("indexer")) <= {"indexer"}


def test_each_folder_of_the_recommender_imports_only_what_it_may() -> None:
    assert _forbidden("recommender", RECOMMENDER, {"recommender"}) == []


def test_each_folder_of_the_indexer_imports_only_what_it_may() -> None:
    assert _forbidden("indexer", INDEXER, set()) == []


def test_each_folder_of_the_insights_imports_only_what_it_may() -> None:
    assert ("gaps", "topics") in set(_part_imports("recommender.insights"))
    assert _forbidden("recommender.insights", INSIGHTS, set()) == []


def _views() -> set[str]:
    """Modules of web/ with pages or calls of their own: each has a blueprint, made there or shared by its folder."""
    return {
        module
        for module in _modules()
        if module.startswith("web.")
        and re.search(r"^(blueprint = |@blueprint\.)", _modules()[module].read_text("utf-8"), re.M)
    }


def test_only_the_application_imports_views() -> None:
    assert {"web.search.views", "web.api.search"} <= _views()
    importers = {
        (module, view)
        for module in _modules()
        for view in _imports(module) & _views()
        if module not in ("web.app", "web.admin.pages")
        and not (_part(module) == _part(view) and _part(view) in BUILT_ON_EACH_OTHER)
    }
    assert importers == {("web.errors", "web.sign_in.pages")}  # who is not signed in gets that page


def test_each_folder_of_the_web_imports_only_what_it_may() -> None:
    folders = {_part(module) for module, path in _modules().items() if path.name == "__init__.py"} - {"web"}
    imports = {pair for pair in _part_imports("web") if all(f"web.{part}" in folders for part in pair)}
    assert [f"{part} -> {other}" for part, other in sorted(imports) if other not in WEB[part]] == []


@pytest.mark.parametrize("package", (*PACKAGES, "recommender.insights"))
def test_there_are_no_circular_imports_of_modules_or_folders(package: str) -> None:
    modules: dict[str, set[str]] = {module: set(_imports(module)) & set(_modules()) for module in _modules()}
    parts: dict[str, set[str]] = {}
    for part, other in _part_imports(package):
        parts.setdefault(part, set()).add(other)
    for graph in (modules, parts):
        try:
            TopologicalSorter({name: imported - {name} for name, imported in graph.items()}).prepare()
        except CycleError as error:
            pytest.fail(f"imports in a circle: {' -> '.join(error.args[1])}")


def test_every_folder_has_a_docstring_that_says_what_belongs_in_it() -> None:
    folders = {path for path in _modules().values() if path.name == "__init__.py"}
    undocumented = [path for path in folders if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))]
    assert undocumented == []


@pytest.mark.parametrize(("module", "only_importer"), ENGINES.items())
def test_each_engine_is_imported_by_one_module(module: str, only_importer: str) -> None:
    assert _importers(module) - {"recommender/database/migrations/env.py"} == {only_importer}


def test_only_the_web_imports_flask_and_the_recommender_does_not_import_click() -> None:
    assert _packages(_importers("flask") | _importers("flask_babel")) == {"web"}
    assert "recommender" not in _packages(_importers("click"))


def test_nothing_else_imports_research() -> None:
    importers = {module for module in _modules() if any(n.startswith("indexer.research") for n in _imports(module))}
    assert {_part(module) for module in importers} <= {"indexer.research"}


def test_rows_are_read_again_only_after_what_was_changed_is_written() -> None:
    """`expire_all` throws away what was not written yet."""
    using = {module for module, path in _modules().items() if "expire_all(" in path.read_text("utf-8")}
    assert using == {"recommender.database.storing"}


def test_modules_and_functions_stay_short() -> None:
    long = []
    for module, path in _modules().items():
        text = path.read_text(encoding="utf-8")
        if (lines := text.count("\n")) > LONGEST_MODULE:
            long.append(f"{module}: {lines} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > LONGEST_FUNCTION:
                    long.append(f"{module}.{node.name}: {lines} lines")
    assert long == []


@pytest.mark.parametrize(("package", "most"), MOST_FILES.items())
def test_few_files_are_directly_in_a_package(package: str, most: int) -> None:
    assert len(list((ROOT / package).glob("*.py"))) <= most


def _file_of(module: str) -> Path | None:
    """The file of one of our modules, or of a package."""
    path = ROOT.joinpath(*module.split("."))
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


@cache
def _names_in(path: Path) -> frozenset[str]:
    symbols = symtable(path.read_text(encoding="utf-8"), str(path), "exec").get_symbols()
    return frozenset(symbol.get_name() for symbol in symbols if symbol.is_assigned() or symbol.is_imported())


def test_what_benchmarks_import_is_there() -> None:
    """They run seldom, and the types in them are not checked."""
    missing, found = [], 0
    for path in sorted((ROOT / "tests" / "benchmarks").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in (*PACKAGES, "tests"):
                module, file = str(node.module), _file_of(str(node.module))
                names = [alias.name for alias in node.names if not _file_of(f"{module}.{alias.name}")]
                found += len(names)
                missing += [(path.name, module, name) for name in names if not file or name not in _names_in(file)]
    assert missing == [] and found > 100


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
    engines = {"torch", "transformers", "sentence_transformers", "openvino", "faiss", "tantivy"}
    assert loaded & (engines | {"numpy", "flask", "sqlalchemy"}) == set()


def test_the_server_is_imported_without_what_is_seldom_needed() -> None:
    script = "import sys, web.server, web.api; print(*sys.modules); print(len(web.api.spec.models))"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    modules, schemas = ran.stdout.splitlines()
    loaded = set(modules.split())
    assert {"flask", "faiss", "tantivy", "sqlalchemy"} <= loaded and int(schemas) == 0
    models = {"torch", "transformers", "sentence_transformers", "openvino", "tokenizers", "scipy", "sklearn"}
    others = {"alembic", "authlib", "httpx", "jwt", "mcp", "minio", "pymilvus", "pypdf", "rich", "scim2_models"}
    assert loaded & (models | others | {"zxcvbn"}) == set()
