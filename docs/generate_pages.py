"""Writes docs/commands.md from the commands themselves and docs/settings.md from the table of settings.

Usage: python docs/generate_pages.py [--check]
With --check nothing is written; the exit status is 1 when a page is not what would be written.
"""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from indexer.cli import main as kollega
from recommender.organisation.values import NEEDS_RESTART
from recommender.settings import Settings

DOCS = Path(__file__).parent
_MADE = "<!-- Made by `make docs` from {source}. Change it there, not here. -->\n\n"


def commands_page() -> str:
    """All commands, in the order of their names: what each does, how it is called, its options."""
    parts = [
        _MADE.format(source="the commands' own help"),
        "# Commands\n\n",
        "In the repository the command is `.venv/bin/kollega`. Every command prints its own help with `--help`, and "
        "reads its [settings](settings.md) from environment variables. A command that could not do all of its work "
        "ends with an exit status other than 0.\n\n",
    ]
    for name, command, context in commands(kollega, click.Context(kollega, info_name="kollega")):
        parts.append(f"## {name}\n\n")
        parts.append(f"```sh\n{context.command_path} {' '.join(command.collect_usage_pieces(context))}\n```\n\n")
        parts.append(f"{_paragraphs(command.help or '')}\n\n")
        options = [option for option in command.params if isinstance(option, click.Option) and not option.hidden]
        if options:
            rows = [f"| `{_names(option, context)}` | {_described(option, context)} |\n" for option in options]
            parts += ["| option | what it does |\n", "|---|---|\n", *rows, "\n"]
    return "".join(parts).rstrip() + "\n"


def commands(group: click.Group, context: click.Context) -> Iterator[tuple[str, click.Command, click.Context]]:
    """(name, command, context) of every command that can be run, the group itself first when it is `kollega`."""
    if context.parent is None:
        yield "kollega", group, context
    found = ((name, group.get_command(context, name)) for name in group.list_commands(context))
    for name, command in ((name, command) for name, command in found if command is not None and not command.hidden):
        below = click.Context(command, info_name=name, parent=context)
        if isinstance(command, click.Group):
            if command.invoke_without_command:
                yield below.command_path, command, below
            yield from commands(command, below)
        else:
            yield below.command_path, command, below


def settings_page() -> str:
    """The table of settings."""
    rows = []
    for variable, default, help in Settings.table():
        shown = f"`{default}`" if default else "(empty)"
        rows.append(f"| `{variable}` | {shown} | {_cell(help)} |\n")
    return "".join([
        _MADE.format(source="recommender/settings.py"),
        "# Settings\n\n",
        "Kollega is set up by environment variables. A variable that is not set, or is empty, has its default. A value "
        "that cannot be used is an error that names the variable.\n\n",
        "An admin can change these in Kollega too, unless the environment sets them: "
        f"{_listed(NEEDS_RESTART)}. The environment wins over what was set there, and that over the default. Of these, "
        f"{_listed(name for name, restart in NEEDS_RESTART.items() if restart)} take effect when the programs are "
        "started again, the others within seconds.\n\n",
        "| variable | default | meaning |\n",
        "|---|---|---|\n",
        *rows,
    ])  # fmt: skip


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


PAGES = {"commands.md": commands_page, "settings.md": settings_page}


def main(check: bool) -> int:
    """Write the pages, or say which of them differ; returns the exit status."""
    differing = [name for name, page in PAGES.items() if _read(DOCS / name) != page()]
    for name in differing:
        if check:
            print(f"docs/{name} is not up to date. Run: make docs", file=sys.stderr)
        else:
            (DOCS / name).write_text(PAGES[name](), encoding="utf-8")
            print(f"docs/{name}")
    return 1 if check and differing else 0


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _paragraphs(help: str) -> str:
    """A command's help, each paragraph on one line, without the marks that are meant for a terminal."""
    paragraphs = [
        part.replace("\b\n", "") if part.startswith("\b") else " ".join(part.split()) for part in help.split("\n\n")
    ]
    return "\n\n".join(paragraphs)


def _names(option: click.Option, context: click.Context) -> str:
    names = ", ".join([*option.opts, *option.secondary_opts])
    if option.is_flag or option.count:
        return names
    values = option.type.choices if isinstance(option.type, click.Choice) else [option.make_metavar(context)]
    return f"{names} {'/'.join(str(value) for value in values)}"


def _described(option: click.Option, context: click.Context) -> str:
    """The option's help with its default and whether it may be repeated."""
    record = option.get_help_record(context)
    text = record[1] if record else ""
    if option.multiple and "several times" not in text:
        text = f"{text}  May be given several times.".strip()
    return _cell(text)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    sys.exit(main(check="--check" in sys.argv[1:]))
