"""cli.py: what holds for all commands."""

from importlib.metadata import version
from pathlib import Path

import pytest

from indexer.cli import main
from tests.indexer.conftest import Kollega


def test_a_database_or_home_that_cannot_be_used_is_reported_in_one_sentence(
    kollega: Kollega, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for url in ("nonsense", "nosuchdialect://x", "sqlite:////nowhere/at/all.db"):
        with monkeypatch.context() as patch:
            patch.setenv("KOLLEGA_DATABASE", url)
            result = kollega("status")
            assert result.exit_code == 1 and len(result.stderr.strip().splitlines()) <= 2, result.output
            assert "database" in result.stderr.lower()
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("KOLLEGA_HOME", str(tmp_path / "file"))
    result = kollega("status")
    assert result.exit_code == 1 and "KOLLEGA_HOME" in result.stderr


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("KOLLEGA_PORT", "many", "KOLLEGA_PORT must be a value like 8080, not 'many'."),
        ("KOLLEGA_PORT", "99999", "KOLLEGA_PORT must be a port number."),
        ("KOLLEGA_BACKEND", "gpu", "KOLLEGA_BACKEND must be auto, openvino or torch."),
    ],
)
def test_an_invalid_setting_is_named(
    kollega: Kollega, monkeypatch: pytest.MonkeyPatch, name: str, value: str, sentence: str
) -> None:
    monkeypatch.setenv(name, value)
    result = kollega("status")
    assert (result.exit_code, result.stderr) == (1, f"Error: {sentence}\n")


def test_every_command_has_a_help_text(kollega: Kollega) -> None:
    overview = kollega("--help").stdout
    for name, command in main.commands.items():
        assert name in overview
        shown = kollega(name, "--help")
        assert shown.exit_code == 0 and command.help
        assert command.help.split("\n")[0][:40] in shown.stdout
    assert kollega("nonsense").exit_code == 2


def test_the_version_is_that_of_the_package(kollega: Kollega) -> None:
    assert version("kollega") in kollega("--version").stdout
