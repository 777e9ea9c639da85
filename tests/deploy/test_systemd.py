"""deploy/systemd: systemd accepts the units, and they close what Kollega does not need."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from indexer.cli import main as kollega
from recommender.settings import Settings
from tests.paths import ROOT

UNITS = sorted((ROOT / "deploy" / "systemd").iterdir())
SERVICES = [unit for unit in UNITS if unit.suffix == ".service"]
NAMES = [unit.name for unit in SERVICES]
PROGRAM = "/opt/kollega/.venv/bin/kollega"
MOST_EXPOSED = 2.0  # of 10, as `systemd-analyze security` counts: what is left is that it listens on the network
needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")


@pytest.fixture
def units(tmp_path: Path) -> list[Path]:
    """The units with a program that exists here."""
    program = shutil.which("true") or ""
    copies = []
    for unit in UNITS:
        copy = tmp_path / unit.name
        copy.write_text(unit.read_text(encoding="utf-8").replace(PROGRAM, program), encoding="utf-8")
        copies.append(copy)
    return copies


def _setting(unit: Path, name: str) -> list[str]:
    return re.findall(rf"^{name}=(.*)$", unit.read_text(encoding="utf-8"), re.MULTILINE)


@needs_systemd
def test_systemd_accepts_the_units(units: list[Path]) -> None:
    ran = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True)
    assert (ran.returncode, ran.stdout + ran.stderr) == (0, "")


@needs_systemd
def test_a_mistake_in_a_unit_is_found(units: list[Path]) -> None:
    service = next(unit for unit in units if unit.suffix == ".service")
    service.write_text(service.read_text(encoding="utf-8").replace("NoNewPrivileges=true", "NoNewPrivilege=maybe"))
    ran = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True)
    assert "NoNewPrivilege" in ran.stderr


@needs_systemd
@pytest.mark.parametrize("name", NAMES)
def test_a_service_is_closed_against_what_it_does_not_need(units: list[Path], name: str) -> None:
    (unit,) = [unit for unit in units if unit.name == name]
    ran = subprocess.run(["systemd-analyze", "security", "--offline=true", unit], capture_output=True, text=True)
    (exposed,) = re.findall(r"Overall exposure level for \S+: ([\d.]+)", ran.stdout)
    assert float(exposed) <= MOST_EXPOSED, ran.stdout


@pytest.mark.parametrize("unit", SERVICES, ids=NAMES)
def test_a_service_writes_into_the_home_directory_alone_and_runs_as_nobody_else(unit: Path) -> None:
    assert _setting(unit, "ProtectSystem") == ["strict"] and _setting(unit, "UMask") == ["0077"]
    (paths,) = _setting(unit, "ReadWritePaths")
    home = re.findall(r"^KOLLEGA_HOME=(.*)$", (ROOT / "deploy" / "kollega.env").read_text(), re.MULTILINE)
    assert paths.split()[:1] == home
    assert set(paths.split()[1:]) <= {"/var/backups/kollega"}
    assert _setting(unit, "User") == ["kollega"]


@pytest.mark.parametrize("unit", [unit for unit in SERVICES if "backup" not in unit.name], ids=lambda unit: unit.name)
def test_systemd_waits_longer_than_kollega_takes_to_stop(unit: Path) -> None:
    (seconds,) = _setting(unit, "TimeoutStopSec")
    assert float(seconds) > Settings().stop_seconds + 10


@pytest.mark.parametrize("unit", SERVICES, ids=NAMES)
def test_the_commands_of_the_services_exist(unit: Path) -> None:
    (command,) = re.findall(rf"{PROGRAM} (\w+)", unit.read_text(encoding="utf-8"))
    if command == "backup" and command not in kollega.commands:
        pytest.skip("this version has no command for backups")
    assert CliRunner().invoke(kollega, [command, "--help"]).exit_code == 0


def test_the_settings_file_is_read_as_systemd_reads_it() -> None:
    lines = (ROOT / "deploy" / "kollega.env").read_text(encoding="utf-8").splitlines()
    values = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    settings = Settings.from_environment(values)
    assert settings.log_format == "json" and settings.public_url.startswith("https://")
    commented = {line[1:].partition("=")[0] for line in lines if line.startswith("#KOLLEGA_")}
    assert commented <= {name for name, _default, _help in Settings.table()}
