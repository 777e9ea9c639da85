"""README.md names every setting with its default and every command."""

from pathlib import Path

import click
import pytest

from indexer.cli import main
from recommender.settings import Settings

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


def _commands(group: click.Group, prefix: str) -> list[str]:
    found: list[str] = []
    for name, command in sorted(group.commands.items()):
        if isinstance(command, click.Group):
            found += _commands(command, f"{prefix} {name}")
        else:
            found.append(f"{prefix} {name}")
    return found


@pytest.mark.parametrize(("name", "default", "meaning"), Settings.table())
def test_every_setting_is_in_the_readme_with_its_default_and_meaning(name: str, default: str, meaning: str) -> None:
    rows = [line for line in README.splitlines() if line.startswith("|") and f"`{name}`" in line]
    assert len(rows) == 1, f"{name} has {len(rows)} rows in the README's table"
    assert default in rows[0] and meaning in rows[0]


@pytest.mark.parametrize("command", _commands(main, "kollega"))
def test_every_command_is_in_the_readme(command: str) -> None:
    assert command in README
