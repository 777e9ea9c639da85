"""requirements*.lock: packages for running and for tests are separate, in one version each, and with hashes."""

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from indexer.research.lock import LOAD, RUN, TEST, add_hashes, hashes_of, packages
from tests.paths import ROOT

LOCKS = {name: (ROOT / name).read_text(encoding="utf-8") for name in (RUN, TEST, LOAD)}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
GROUPS = PROJECT["dependency-groups"]
REQUIRED = {
    RUN: [*PROJECT["project"]["dependencies"], *PROJECT["project"]["optional-dependencies"]["oidc"], *GROUPS["build"]],
    TEST: GROUPS["test"],
    LOAD: GROUPS["load"],
}


@pytest.mark.parametrize("name", LOCKS)
def test_everything_in_a_lock_has_a_version_and_hashes(name: str) -> None:
    entries = [line for line in LOCKS[name].splitlines() if line[:1].strip() and not line.startswith("#")]
    assert entries and all(re.match(r"\S+==\S+ .*\\$", line) for line in entries)
    assert all(hashes_of(package, LOCKS[name]) for package in packages(LOCKS[name]))
    assert "://" not in LOCKS[name], "an address of an index is in the lock"


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_has_the_packages_and_versions_that_the_project_requires(name: str) -> None:
    locked = packages(LOCKS[RUN]) | packages(LOCKS[name])
    for requirement in map(Requirement, REQUIRED[name]):
        assert requirement.specifier.contains(locked[canonicalize_name(requirement.name)]), requirement


def test_running_needs_no_test_tools() -> None:
    on_windows = re.findall(r"^([a-z0-9-]+)==\S+ ; sys_platform == 'win32'", LOCKS[RUN], re.M)
    run = packages(LOCKS[RUN]).keys() - set(on_windows)  # tests may need these everywhere
    assert run & packages(LOCKS[TEST]).keys() == run & packages(LOCKS[LOAD]).keys() == set()
    assert run & {"pytest", "playwright", "mypy", "ruff", "schemathesis", "matplotlib", "ir-measures"} == set()
    assert {"flask", "torch", "authlib", "setuptools"} <= run


def test_a_package_has_the_same_version_for_tests_and_load_tests() -> None:
    test, load = packages(LOCKS[TEST]), packages(LOCKS[LOAD])
    shared = test.keys() & load.keys()
    assert shared and {name: test[name] for name in shared} == {name: load[name] for name in shared}


def test_hashes_of_other_builds_are_added_to_one_package() -> None:
    first, second, third = "1" * 64, "2" * 64, "3" * 64
    text = (
        f"torch==2.0 \\\n    --hash=sha256:{second}\n"
        f"torchlike==1.0 ; python_version < '3.12' \\\n    --hash=sha256:{third}\n"
    )
    assert hashes_of("torch", text) == [second]
    added = add_hashes(text, "torch", [first, second])
    assert added == text.replace(
        f"    --hash=sha256:{second}", f"    --hash=sha256:{first} \\\n    --hash=sha256:{second}"
    )
    assert packages(added) == {"torch": "2.0", "torchlike": "1.0"}
