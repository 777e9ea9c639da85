"""texts/adf.py: texts of Jira and Confluence Cloud as Markdown; of nodes that are not known, the text stays."""

import json
from typing import Any

import pytest

from indexer.texts.adf import from_adf

Node = dict[str, Any]


def node(kind: str, *content: Node | str, **attrs: Any) -> Node:
    """A node with these children and attributes; a text stands for a text node."""
    children = [{"type": "text", "text": child} if isinstance(child, str) else child for child in content]
    return {"type": kind, "content": children, "attrs": attrs}


def text(words: str, *marks: str, href: str = "") -> Node:
    """A text node with marks; `href` makes it a link."""
    link = [{"type": "link", "attrs": {"href": href}}] if href else []
    return {"type": "text", "text": words, "marks": [*({"type": mark} for mark in marks), *link]}


def p(*content: Node | str) -> Node:
    return node("paragraph", *content)


def row(kind: str, *cells: Node | str) -> Node:
    return node("tableRow", *(node(kind, p(cell) if isinstance(cell, str) else cell) for cell in cells))


@pytest.mark.parametrize(
    ("content", "markdown"),
    [
        ([p("Printer ", text("is", "strong", "em"), " stuck.")], "Printer is stuck."),
        ([p("one"), p(), p("two")], "one\n\ntwo"),
        ([p("a", {"type": "hardBreak"}, "b")], "a\nb"),
        ([node("heading", "Steps  to take", level=2)], "## Steps to take"),
        ([p(text("run "), text("ls -l", "code"))], "run `ls -l`"),
        ([p(text("old", "strike"))], "~~old~~"),
        (
            [p("see ", text("the ", href="https://x.example/a"), text("guide", "strong", href="https://x.example/a"))],
            "see [the guide](https://x.example/a)",
        ),
        ([p(text("https://x.example/a", href="https://x.example/a"))], "https://x.example/a"),
        ([p(text("click", href="javascript:alert(1)"))], "click"),
        ([p(node("inlineCard", url="https://x.example/t/1"))], "https://x.example/t/1"),
        ([p("ask ", node("mention", id="712020:ab", text="@Aino Virtanen"))], "ask @Aino Virtanen"),
        ([p("ask ", node("mention", id="712020:ab", text="Aino"))], "ask @Aino"),
        ([p(node("status", text="WAITING", color="blue"), " ", node("date", timestamp="1772409600000"))],
         "WAITING 2026-03-02"),
        ([p(node("date", timestamp="soon"))], "soon"),
        ([p(node("emoji", shortName=":wave:", text="👋"), node("emoji", shortName=":own:"))], "👋:own:"),
        ([node("codeBlock", "a = 1\n  b = ```", language="python")], "````python\na = 1\n  b = ```\n````"),
        ([node("blockquote", p("one"), p("two"))], "> one\n>\n> two"),
        ([node("panel", p("Mind the gap"), panelType="warning")], "> Mind the gap"),
        ([node("expand", p("inside"), title="More")], "More\n\ninside"),
        ([p("a"), node("rule"), p("b")], "a\n\n---\n\nb"),
        (
            [node("mediaSingle", node("media", type="file", id="1", alt="error.png"), node("caption", "the error"))],
            "error.png\n\nthe error",
        ),
        ([node("mediaSingle", node("media", type="external", url="https://x.example/i.png"))],
         "![](https://x.example/i.png)"),
        ([node("extension", extensionKey="toc")], ""),
        ([node("extension", extensionKey="diagram", text="Network plan")], "Network plan"),
        ([node("newThing", p("kept"), node("newer", node("newest", "also kept")))], "kept\n\nalso kept"),
        ([p({"type": "newInline", "text": "still"}, " here")], "still here"),
        ([p({"type": "placeholder", "attrs": {"text": "Type something"}}, "x")], "x"),
    ],
)  # fmt: skip
def test_nodes_become_markdown(content: list[Node], markdown: str) -> None:
    assert from_adf(node("doc", *content)) == markdown


def test_lists_keep_their_depth_their_numbers_and_what_is_done() -> None:
    inner = node("orderedList", node("listItem", p("first")), node("listItem", p("second")), order=9)
    outer = node("bulletList", node("listItem", p("one"), inner), node("listItem", p("two"), p("more")))
    assert from_adf(outer) == "- one\n  9. first\n  10. second\n- two\n\n  more"
    tasks = node(
        "taskList",
        node("taskItem", "done", state="DONE"),
        node("taskList", node("taskItem", "below", state="TODO")),
        node("taskItem", "not yet", state="TODO"),
    )
    assert from_adf(tasks) == "- [x] done\n  - [ ] below\n- [ ] not yet"
    assert from_adf(node("decisionList", node("decisionItem", "we buy it", state="DECIDED"))) == "- we buy it"


def test_a_table_has_a_row_a_line_whatever_is_in_its_cells() -> None:
    several = node("bulletList", node("listItem", p("x")), node("listItem", p("y|z")))
    wide = node("tableCell", p("both"), colspan=2)
    held = node("doc", node("table", row("tableHeader", "a", "b"), row("tableCell", "1", "2")))
    nested = node("extension", extensionKey="nested-table", parameters={"adf": json.dumps(held)})
    table = node(
        "table",
        row("tableHeader", "Name", "Value"),
        row("tableCell", "list", several),
        node("tableRow", wide),
        row("tableCell", node("codeBlock", "ls\ncd"), nested),
    )
    assert from_adf(table) == (
        "| Name | Value |\n| --- | --- |\n| list | x; y\\|z |\n| both |  |\n| ls; cd | a, b; 1, 2 |"
    )


def test_what_is_no_document_or_is_nested_too_deeply_raises_nothing() -> None:
    deep = p("bottom")
    for _ in range(5_000):
        deep = node("panel", deep)
    assert from_adf(deep) == "bottom"
    for broken in ({}, {"type": "doc"}, {"type": "doc", "content": "text"}, {"content": [None, 1, {"type": "table"}]}):
        assert from_adf(broken) == ""
    assert from_adf(None) == ""  # type: ignore[arg-type]
    assert from_adf(p({"type": "text", "text": None, "marks": "x"}, node("mention"), node("date"))) == ""
