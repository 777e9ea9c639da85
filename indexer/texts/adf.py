"""Atlassian Document Format, in which Jira and Confluence Cloud give texts, as Markdown.

Bold, italic, colours and sizes are left out, as in HTML. Of a node that is not known, the text stays: apps define their
own, and new ones appear.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from indexer.texts import markdown

Node = Mapping[str, Any]
_LEFT_OUT = frozenset({"placeholder"})
_NO_TEXT = frozenset({"toc", "children", "pagetree", "recently-updated", "livesearch", "contributors", "anchor"})
"""Extensions that show what stands elsewhere."""
_INLINE = frozenset(
    {"text", "hardBreak", "mention", "emoji", "date", "status", "inlineCard", "mediaInline", "inlineExtension"}
)


def from_adf(document: Node) -> str:
    """A document, or one node of it, as Markdown; empty when it has no text."""
    if not isinstance(document, Mapping):
        return ""
    try:
        return _block(document).strip()
    except RecursionError:  # nested too deeply
        return markdown.one_line(" ".join(_all_text(document)))


def _children(node: Node) -> list[Node]:
    content = node.get("content")
    return [child for child in content if isinstance(child, Mapping)] if isinstance(content, list) else []


def _attribute(node: Node, name: str) -> str:
    """An attribute as text; empty when the node has none of that name."""
    attributes = node.get("attrs")
    value = attributes.get(name) if isinstance(attributes, Mapping) else None
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def _is_inline(node: Node) -> bool:
    return node.get("type") in _INLINE or ("text" in node and not _children(node))


def _runs(nodes: Iterable[Node]) -> list[list[Node]]:
    """The nodes apart; inline nodes that follow each other stay together."""
    runs: list[list[Node]] = []
    for node in nodes:
        if runs and _is_inline(node) and _is_inline(runs[-1][-1]):
            runs[-1].append(node)
        else:
            runs.append([node])
    return runs


def _part(run: list[Node]) -> str:
    return _inline(run) if _is_inline(run[0]) else _block(run[0])


def _inside(node: Node) -> str:
    return markdown.blocks(map(_part, _runs(_children(node))))


def _block(node: Node) -> str:
    kind = str(node.get("type"))
    if kind in _LEFT_OUT:
        return ""
    if _is_inline(node):
        return _inline([node])
    convert = _BLOCKS.get(kind)
    return convert(node) if convert else _inside(node) or _words(node)


def _heading(node: Node) -> str:
    level = _attribute(node, "level")
    return markdown.heading(int(level) if level.isdecimal() else 1, _inline(_children(node)))


def _list(node: Node) -> str:
    """A list with bullets or numbers. What stands in it and is no item, such as a list, belongs to the item before."""
    start = _attribute(node, "order")
    number = int(start) if start.isdecimal() else 1
    ordered = node.get("type") == "orderedList"
    items: list[str] = []
    for child in _children(node):
        if child.get("type") == node.get("type") and items:
            items[-1] += "\n" + _indented(_block(child))
            continue
        marker = f"{number + len(items)}." if ordered else "-"
        items.append(markdown.item(_item(child), marker))
    return "\n".join(entry for entry in items if entry.strip(" -"))


def _item(node: Node) -> str:
    """The text of an item: a list in it stands right below the line that it belongs to."""
    text = ""
    for run in _runs(_children(node)):
        part, close = _part(run), run[0].get("type") in ("bulletList", "orderedList", "taskList")
        text += ("\n" if close else "\n\n") + part if text and part else part
    box = {"DONE": "[x] ", "TODO": "[ ] "}.get(_attribute(node, "state"), "") if node.get("type") != "listItem" else ""
    return box + text


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.split("\n"))


def _code_block(node: Node) -> str:
    return markdown.fenced("".join(_all_text(node)), _attribute(node, "language").replace("none", ""))


def _expand(node: Node) -> str:
    return markdown.blocks([_attribute(node, "title"), _inside(node)])


def _table(node: Node) -> str:
    rows = [row for row in _children(node) if row.get("type") == "tableRow"]
    return markdown.table([_row(row) for row in rows])


def _row(row: Node) -> list[str]:
    cells: list[str] = []
    for cell in _children(row):
        span = _attribute(cell, "colspan")
        cells += [_inside(cell), *[""] * (min(int(span), 50) - 1 if span.isdecimal() else 0)]
    return cells


def _media(node: Node) -> str:
    """A picture or file: its address when it lies elsewhere, else its name or the words that describe it."""
    words = _attribute(node, "alt") or _attribute(node, "__fileName")
    address = _attribute(node, "url")
    return f"![{markdown.one_line(words)}]({address})" if address and " " not in address else words


def _card(node: Node) -> str:
    data = node.get("attrs", {}).get("data") if isinstance(node.get("attrs"), Mapping) else None
    named = data if isinstance(data, Mapping) else {}
    return markdown.link(str(named.get("name") or ""), _attribute(node, "url") or str(named.get("url") or ""))


def _extension(node: Node) -> str:
    """What an app or a macro shows: its own content, a table that it holds, else the words it gives instead."""
    if _attribute(node, "extensionKey") in _NO_TEXT:
        return ""
    held = node.get("attrs", {}).get("parameters") if isinstance(node.get("attrs"), Mapping) else None
    document = held.get("adf") if isinstance(held, Mapping) else None
    if isinstance(document, str):
        try:
            return from_adf(json.loads(document))
        except (ValueError, RecursionError):
            pass
    return _inside(node) or _words(node)


def _words(node: Node) -> str:
    return _attribute(node, "text") or _attribute(node, "title")


_BLOCKS: dict[str, Callable[[Node], str]] = {
    "paragraph": lambda node: _inline(_children(node)),
    "heading": _heading,
    "bulletList": _list,
    "orderedList": _list,
    "taskList": _list,
    "decisionList": _list,
    "codeBlock": _code_block,
    "blockquote": lambda node: markdown.quoted(_inside(node)),
    "panel": lambda node: markdown.quoted(_inside(node)),
    "expand": _expand,
    "nestedExpand": _expand,
    "rule": lambda node: "---",
    "table": _table,
    "media": _media,
    "blockCard": _card,
    "embedCard": _card,
    "extension": _extension,
    "bodiedExtension": _extension,
}


def _inline(nodes: Sequence[Node]) -> str:
    """Inline nodes as lines. Neighbours with the same address are one link."""
    texts = [
        markdown.link("".join(map(_word, group)), address) if address else "".join(map(_word, group))
        for address, group in ((address, list(group)) for address, group in groupby(nodes, key=_address))
    ]
    return "\n".join(line.strip() for line in "".join(texts).replace("\u00a0", " ").split("\n")).strip()


def _address(node: Node) -> str:
    """Where the link on an inline node leads to; empty when there is none."""
    for mark in _marks(node):
        if mark.get("type") == "link":
            return _attribute(mark, "href")
    return ""


def _marks(node: Node) -> list[Node]:
    marks = node.get("marks")
    return [mark for mark in marks if isinstance(mark, Mapping)] if isinstance(marks, list) else []


def _word(node: Node) -> str:
    kind = node.get("type")
    if kind == "hardBreak":
        return "\n"
    if kind == "mention":
        name = _attribute(node, "text") or _attribute(node, "id")
        return name if name.startswith("@") or not name else f"@{name}"
    if kind == "emoji":
        return _attribute(node, "text") or _attribute(node, "shortName")
    if kind == "date":
        return markdown.day_of(_attribute(node, "timestamp"))
    if kind == "inlineCard":
        return _card(node)
    if kind == "mediaInline":
        return _media(node)
    if kind == "inlineExtension":
        return _extension(node)
    text = node.get("text")
    if not isinstance(text, str):
        return "" if kind in _LEFT_OUT else _inside(node) or _words(node)
    marks = {mark.get("type") for mark in _marks(node)}
    if "code" in marks:
        return markdown.code(text)
    return f"~~{text}~~" if "strike" in marks and text.strip() == text and text else text


def _all_text(node: Node) -> list[str]:
    """The texts of a node and of all below it, in order, however deep they are."""
    texts, waiting = [], [node]
    while waiting:
        current = waiting.pop()
        if isinstance(current.get("text"), str):
            texts.append(current["text"])
        waiting += reversed(_children(current))
    return texts
