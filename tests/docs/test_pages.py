"""README.md and docs/: links, commands, variables, the import format and generated pages are right."""

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from indexer.cli import main as kollega
from indexer.sources.configuration import read_sources
from recommender.settings import Settings
from tests.paths import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_VARIABLE = re.compile(r"\bKOLLEGA_[A-Z][A-Z_]*")
_NOT_SETTINGS = {"KOLLEGA_LEAK_CASES", "KOLLEGA_DAMAGE_CASES", "KOLLEGA_KILLS"}
"""Variables that only the tests read."""
_SECRET_OF_A_SOURCE = re.compile(r"KOLLEGA_[A-Z_]+_(TOKEN|PASSWORD|WEBHOOK_SECRET)")


_CONTEXT = click.Context(kollega)


def _commands(group: click.Group, prefix: str) -> Iterator[str]:
    for name in group.list_commands(_CONTEXT):
        command = group.get_command(_CONTEXT, name)
        if isinstance(command, click.Group):
            yield from _commands(command, f"{prefix} {name}")
        elif command is not None and not command.hidden:
            yield f"{prefix} {name}"


def _prose(page: Path) -> str:
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def _anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, made as GitHub makes them."""
    titles = _HEADING.findall(_prose(page))
    return {re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-") for title in titles}


def _code(page: Path, language: str) -> list[str]:
    return [code for name, code in _FENCE.findall(page.read_text(encoding="utf-8")) if name == language]


def _kollega_calls(page: Path) -> Iterator[str]:
    """Every `kollega` command line in a page: in its code blocks and in `inline code`."""
    text = page.read_text(encoding="utf-8")
    lines = [line for block in _code(page, "sh") for line in block.splitlines()]
    lines += [code.replace("\\|", "|") for code in re.findall(r"`([^`\n]+)`", _FENCE.sub("", text))]
    for line in lines:
        match = re.search(r"(?:^|\s|/bin/)(kollega(?: .*)?)$", line.partition(" | ")[0].partition("   #")[0].strip())
        if match and not line.startswith("make "):
            yield match[1]


def test_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 90


def test_readme_shows_the_search_page() -> None:
    picture = ROOT / "docs" / "images" / "search.png"
    assert "docs/images/search.png" in (ROOT / "README.md").read_text(encoding="utf-8")
    content = picture.read_bytes()
    assert content.startswith(b"\x89PNG") and len(content) < 200_000
    assert int.from_bytes(content[16:20], "big") == 1280


@pytest.mark.parametrize("command", ["make demo", "make test"])
def test_readme_names_the_first_two_commands(command: str) -> None:
    (block,) = _code(ROOT / "README.md", "sh")
    assert command in block


@pytest.mark.parametrize("script", ["generate_pages.py", "generate_figures.py"])
def test_generated_parts_are_up_to_date(script: str) -> None:
    ran = subprocess.run([sys.executable, ROOT / "docs" / script, "--check"], capture_output=True, text=True, cwd=ROOT)
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize(("name", "default", "meaning"), Settings.table())
def test_every_setting_is_described(name: str, default: str, meaning: str) -> None:
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith(f"| `{name}` |")]
    assert len(rows) == 1
    assert default in rows[0] and " ".join(meaning.split()) in rows[0]


@pytest.mark.parametrize("command", sorted(_commands(kollega, "kollega")))
def test_every_command_is_described(command: str) -> None:
    page = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    assert f"\n## {command}\n" in page


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_link_has_a_target(page: Path) -> None:
    for target in _LINK.findall(_prose(page)):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), target
        assert file.is_relative_to(ROOT), target
        if anchor:
            assert anchor in _anchors(file), target


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_page_is_linked_from_the_readme_or_an_index(page: Path) -> None:
    pages = [ROOT / "docs" / folder / "index.md" for folder in ("decisions", "sources")]
    starts = [ROOT / "README.md", ROOT / "docs" / "index.md", *pages]
    linked = {
        (start.parent / target.partition("#")[0]).resolve()
        for start in starts
        for target in _LINK.findall(_prose(start))
    }
    assert page in linked or page == starts[0] or page == starts[1]


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_kollega_command_in_the_pages_is_valid(page: Path) -> None:
    for call in _kollega_calls(page):
        words = [word for word in shlex.split(call, comments=True) if word not in ("...", "SETS...")]
        _assert_valid(kollega, words[1:], call)


def test_invalid_kollega_commands_are_reported(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "Run `kollega reindex --ful` or:\n\n```sh\n.venv/bin/kollega import json x\n```\n", encoding="utf-8"
    )
    calls = list(_kollega_calls(page))
    assert calls == ["kollega import json x", "kollega reindex --ful"]
    for call in calls:
        with pytest.raises(AssertionError):
            _assert_valid(kollega, call.split()[1:], call)


def _assert_valid(command: click.Command, words: list[str], call: str) -> None:
    """Asserts that the command has these options, with values of their types. Arguments may be missing, as in prose
    ("kollega import jsonl"), and the placeholders [OPTIONS] and ARGUMENT are valid."""
    context = click.Context(command, info_name="kollega")
    while words and isinstance(command, click.Group):
        if words[0].startswith("-"):
            assert words[0] in {name for option in command.params for name in option.opts} | {"--help"}, call
            words = words[1:]
        elif words[0] in ("[OPTIONS]", "COMMAND", "[ARGS]..."):
            return
        else:
            below = command.get_command(_CONTEXT, words[0])
            assert below is not None, call
            command, words = below, words[1:]
    found = command.get_params(click.Context(command))  # those of a source are loaded then
    options = {name: option for option in found for name in (*option.opts, *option.secondary_opts)}
    arguments = 0
    words = [word for word in words if word != "[OPTIONS]"]
    while words:
        word, words = words[0], words[1:]
        if not word.startswith("-"):
            arguments += 1
            continue
        assert word in options or word == "--help", f"{call}: {word}"
        option = options.get(word)
        if isinstance(option, click.Option) and not option.is_flag and words:
            option.type.convert(words[0], option, context)
            words = words[1:]
    most = sum(abs(argument.nargs) for argument in found if isinstance(argument, click.Argument))
    unlimited = any(argument.nargs < 0 for argument in found if isinstance(argument, click.Argument))
    assert unlimited or arguments <= most, f"{call}: {arguments} arguments, at most {most} are valid"


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_variable_in_the_pages_is_a_setting(page: Path) -> None:
    known = {name for name, _default, _meaning in Settings.table()} | _NOT_SETTINGS
    named = set(_VARIABLE.findall(page.read_text(encoding="utf-8")))
    assert {name for name in named if not _SECRET_OF_A_SOURCE.fullmatch(name)} <= known


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_make_target_in_the_pages_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", page.read_text(encoding="utf-8"), re.MULTILINE))
    assert named <= targets


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_source_file_named_in_the_pages_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    files = re.findall(r"`((?:recommender|indexer|web|tests|docs)/[\w/.-]+)`", text)
    modules = [name.replace(".", "/") + ".py" for name in re.findall(r"python -m ((?:indexer|tests)\.[\w.]+\w)", text)]
    assert [name for name in (*files, *modules) if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("page", sorted((ROOT / "docs" / "sources").glob("*.md")), ids=lambda page: page.name)
def test_every_example_of_sources_toml_can_be_read(page: Path, tmp_path: Path) -> None:
    examples = [text for kind, text in _FENCE.findall(page.read_text(encoding="utf-8")) if kind == "toml"]
    for text in examples:
        if 'kind = "request"' in text:  # a mapping of columns
            continue
        file = tmp_path / "sources.toml"
        file.write_text(text if "\nkind = " in text else "", encoding="utf-8")  # else a part of a table
        assert len(read_sources(file)) == text.count("\nkind = ")


def test_the_example_of_the_import_format_can_be_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (example,) = _code(ROOT / "docs" / "import-format.md", "json")
    assert {json.loads(line)["type"] for line in example.splitlines()} == {"team", "person", "request", "document"}
    file = tmp_path / "example.jsonl"
    file.write_text(example, encoding="utf-8")
    monkeypatch.setenv("KOLLEGA_HOME", str(tmp_path / "home"))
    first = CliRunner().invoke(kollega, ["import", "jsonl", str(file)])
    assert (first.exit_code, first.stdout) == (0, "4 added, 0 updated, 0 unchanged\n"), first.output
    again = CliRunner().invoke(kollega, ["import", "jsonl", str(file)])
    assert (again.exit_code, again.stdout) == (0, "0 added, 0 updated, 4 unchanged\n"), again.output
