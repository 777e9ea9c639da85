"""Templates and stylesheets are written so that they stay readable and their changes show line by line."""

import ast
import re
from pathlib import Path

import pytest

WEB = Path(__file__).parents[2] / "web"
TEMPLATES = sorted((WEB / "templates").rglob("*.html"))
STYLESHEETS = sorted((WEB / "static" / "css").glob("*.css"))
LONGEST_LINE = 139
LONG_RULE = 7  # declarations
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_STYLESHEET_LINE = re.compile(
    r"""
    \s*                     # an empty line, or one that held only a comment
    | \s*[^;{}]+[{,]        # the beginning of a rule, or one of several selectors
    | \s*[\w-]+:\ [^;{}]+;  # a declaration
    | \s*}                  # the end of a rule
    """,
    re.VERBOSE,
)


def _long_lines(text: str) -> list[int]:
    """Numbers of the lines that are longer than a template's line may be, from 1."""
    return [number for number, line in enumerate(text.splitlines(), 1) if len(line) > LONGEST_LINE]


def _crowded_lines(css: str) -> list[str]:
    """Lines of a stylesheet with more than one declaration or brace."""
    lines = _COMMENT.sub("", css).splitlines()
    return [line for line in lines if not _STYLESHEET_LINE.fullmatch(line)]


def test_the_checks_find_long_and_crowded_lines() -> None:
    assert _long_lines(f"{'x' * 139}\n{'x' * 140}\nx") == [2]
    good = "/* a; b */\n@media (min-width: 60rem) {\n  h1,\n  h2 > a:hover {\n    margin: 0 auto;\n  }\n}\n"
    assert _crowded_lines(good) == []
    for bad in ("h1 { margin: 0; }", "  margin: 0; padding: 0;", "  margin: 0; }", "}}", "  margin: 0"):
        assert _crowded_lines(bad) == [bad]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(WEB)))
def test_lines_of_a_template_are_shorter_than_140_columns(path: Path) -> None:
    assert _long_lines(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", STYLESHEETS, ids=lambda path: path.name)
def test_a_stylesheet_has_one_declaration_per_line(path: Path) -> None:
    assert _crowded_lines(path.read_text(encoding="utf-8")) == []


def _rules(css: str) -> list[tuple[str, frozenset[str]]]:
    """(selectors, declarations) of each rule of a stylesheet, also of those for some sizes of screen."""
    rules = re.findall(r"([^{}]+){([^{}]*)}", _COMMENT.sub("", css))
    return [(selectors.strip(), frozenset(filter(None, map(str.strip, text.split(";"))))) for selectors, text in rules]


def test_no_long_rule_is_written_twice_under_two_names() -> None:
    assert _rules("a {\n  x: 1;\n  y: 2;\n}\n") == [("a", frozenset({"x: 1", "y: 2"}))]
    named: dict[frozenset[str], list[str]] = {}
    for path in STYLESHEETS:
        for selectors, declarations in _rules(path.read_text(encoding="utf-8")):
            named.setdefault(declarations, []).append(selectors)
    assert [names for declarations, names in named.items() if len(names) > 1 and len(declarations) >= LONG_RULE] == []


def test_every_page_links_the_stylesheets_from_the_general_to_the_special() -> None:
    layout = (WEB / "templates" / "layout.html").read_text(encoding="utf-8")
    (linked,) = re.findall(r"{% for name in (\([^%]+\)) %}", layout)
    names = ast.literal_eval(linked)
    assert names[:4] == ("tokens", "layout", "components", "pages")
    assert sorted(names) == [path.stem for path in STYLESHEETS]


def test_no_table_has_a_class_that_lays_out_something_else() -> None:
    """A table with the class of a grid or of a row of boxes is no table any more: its headings part from its cells."""
    boxes = {
        selector.strip().removeprefix(".")
        for sheet in STYLESHEETS
        for selectors, declarations in _rules(sheet.read_text(encoding="utf-8"))
        if declarations & {"display: grid", "display: flex"}
        for selector in selectors.split(",")
    }
    assert "columns" in boxes
    for template in TEMPLATES:
        for names in re.findall(r'<table[^>]* class="([^"]*)"', template.read_text(encoding="utf-8")):
            assert not boxes & set(names.split()), f"{template.name}: {names}"
