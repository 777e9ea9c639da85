"""HTML as Markdown: headings, lists, tables, quotes, links, code and pictures; what is not shown is left out.

The tree is made by lxml, which reads broken HTML as browsers do, and is written in one pass. A table whose cells are
only there for the layout is written as the texts of its cells.
"""

import re
from collections.abc import Iterator
from html import unescape
from html.entities import html5
from typing import Any

from lxml import etree

from indexer.texts.html_shown import is_hidden, name_of
from indexer.texts.html_tables import cells_of, is_layout, table_lines
from indexer.texts.html_words import around, in_backticks, language_of, link, picture, whole_number

_BLOCK_NAMES = (
    "address article aside blockquote body caption center dd details dialog div dl dt fieldset figcaption figure "
    "footer form h1 h2 h3 h4 h5 h6 header hr html legend li main menu nav ol p pre section summary table tbody td "
    "tfoot th thead tr ul"
)
_BLOCKS = frozenset(_BLOCK_NAMES.split())
_HEADINGS = {f"h{level}": "#" * level for level in range(1, 7)}
_SPACE = re.compile(r"[ \t\r\n\f\xa0]+")
_UNSEEN = re.compile("[\u00ad\u200b\u200c\u2060\ufeff]")
_SPACES = re.compile(" {2,}")
_AROUND_BREAK = re.compile(r" *\n *")
_TWICE = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z]{2,24});")
_SAME_AS_WRITTEN = frozenset({"lt;", "gt;", "amp;", "copy;", "reg;"})
"""Entities that may be meant as they are: they alone do not show that a text was encoded twice."""
_WORD_LIST = re.compile(r"(?i)mso-list\s*:\s*l\d+\s+level(\d)")
_DEEPEST = 150  # levels of elements; a text that is nested deeper was not made by people: a judgement


def convert(html: str) -> str:
    """Markdown of HTML; empty when nothing in it is shown. Raises RecursionError when it is nested too deeply."""
    root = parse(html)
    return "" if root is None else write(root)


def parse(html: str) -> Any:
    """The tree of HTML, as of lxml; None when there is nothing."""
    parser = etree.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True, no_network=True)
    try:
        return etree.fromstring(html.replace("\0", "").encode("utf-8", "replace"), parser)
    except etree.XMLSyntaxError:  # nothing, or nothing but comments
        return None


def write(root: Any) -> str:
    """Markdown of an element and what is in it. Raises RecursionError when it is nested too deeply."""
    writer = _Writer(root)
    return "\n\n".join(writer.blocks(root)).strip()


class _Writer:
    """Writes one tree. Every method leaves the tail of its element, the text behind it, to its caller."""

    def __init__(self, root: Any) -> None:
        self._with_blocks = _ancestors_of_blocks(root)
        self._is_twice = _is_encoded_twice(root)

    def blocks(self, element: Any, depth: int = 0) -> list[str]:
        """Paragraphs, lists, tables and so on, which an element has in it."""
        if depth > _DEEPEST:
            raise RecursionError
        found: list[str] = []
        line = [self._text(element.text)]
        for child in element:
            name = name_of(child)
            if name in _BLOCKS or child in self._with_blocks:
                if not is_hidden(child, name):
                    self._end(line, found)
                    self._add_block(child, name, depth + 1, found)
            else:
                line.append(self._inline(child, name, depth + 1))
            line.append(self._text(child.tail))
        self._end(line, found)
        return found

    def _end(self, line: list[str], found: list[str]) -> None:
        text = _one_paragraph(line)
        if text:
            found.append(text)
        line.clear()

    def _add_block(self, element: Any, name: str, depth: int, found: list[str]) -> None:
        if name in ("ul", "ol", "menu", "dl"):
            found += filter(None, [self._list(element, name, depth)])
        elif name in _HEADINGS:
            text = " ".join(self._within(element, depth).split())
            found += [f"{_HEADINGS[name]} {text}"] if text else []
        elif name == "table":
            found += self._table(element, depth)
        elif name == "pre":
            found += filter(None, [self._code_block(element)])
        elif name == "blockquote":
            quoted = "\n\n".join(self.blocks(element, depth))
            found += ["\n".join(f"> {line}".rstrip() for line in quoted.split("\n"))] if quoted else []
        elif name == "hr":
            found.append("---")
        elif level := _WORD_LIST.search(element.get("style") or ""):
            self._add_word_item(element, int(level[1]), depth, found)
        elif name == "li":  # outside of a list
            found += filter(None, [self._item(element, "- ", depth)])
        else:
            found += self.blocks(element, depth)

    def _within(self, element: Any, depth: int) -> str:
        """All that is in an element, on as few lines as its own line breaks allow."""
        if element in self._with_blocks:
            return "\n".join(self.blocks(element, depth))
        line = [self._text(element.text)]
        for child in element:
            line += [self._inline(child, name_of(child), depth + 1), self._text(child.tail)]
        return _one_paragraph(line)

    def _list(self, element: Any, name: str, depth: int) -> str:
        items, number = [], whole_number(element.get("start"), 1)
        for child in element:
            kind = name_of(child)
            if kind in ("ul", "ol", "menu", "dl"):  # a list that is not in an item, as Word and old editors write it
                nested = self._list(child, kind, depth + 1)
                items += [_indented(nested, 2)] if nested else []
            elif kind == "dt":
                items += filter(None, [self._item(child, "- ", depth)])
            elif kind == "dd" and items:
                described = self._within(child, depth)
                items[-1] += ": " * bool(described) + _indented(described, 2).lstrip()
            elif kind and not is_hidden(child, kind):
                marker = f"{whole_number(child.get('value'), number)}. " if name == "ol" else "- "
                text = self._item(child, marker, depth)
                items += [text] if text else []
                number += bool(text)
        return "\n".join(items)

    def _item(self, element: Any, marker: str, depth: int) -> str:
        text = ""
        for block in self.blocks(element, depth):
            is_list = block.startswith(("- ", "1. "))
            text += block if not text else ("\n" if is_list else "\n\n") + block
        return marker + _indented(text, len(marker)).lstrip() if text else ""

    def _add_word_item(self, element: Any, level: int, depth: int, found: list[str]) -> None:
        """An item of a list of Word, which is a paragraph whose first element has the bullet or number."""
        marker = "- "
        for part in element.iter("span"):
            if "mso-list" in (part.get("style") or "").lower():
                number = re.match(r"\s*(\d{1,3})[.)]", "".join(part.itertext()))
                marker = f"{number[1]}. " if number else marker
                for inside in list(part):
                    part.remove(inside)
                part.text = ""
                break
        text = self._within(element, depth)
        if not text:
            return
        item = _indented(marker + _indented(text, len(marker)).lstrip(), 3 * (level - 1))
        if found and re.match(r" *(?:- |\d+\. )", found[-1]) and re.match(r" *(?:- |\d+\. )", item):
            found[-1] += f"\n{item}"
        else:
            found.append(item)

    def _table(self, element: Any, depth: int) -> list[str]:
        captions = [text for caption in element.findall("caption") if (text := self._within(caption, depth))]
        if is_layout(element):
            cells = (cell for row in cells_of(element) for cell in row)
            return captions + [block for cell in cells for block in self.blocks(cell, depth)]
        return captions + table_lines(element, lambda cell: self._in_a_cell(cell, depth))

    def _in_a_cell(self, cell: Any, depth: int) -> str:
        """The text of a cell in one line; `|` is escaped."""
        parts = []
        for block in self.blocks(cell, depth):
            code = re.fullmatch(r"(`{3,})[^\n]*\n(.*)\n\1", block, re.DOTALL)
            parts.append(in_backticks(" ".join(code[2].split())) if code else block)
        return " ".join(" ".join(parts).split()).replace("|", "\\|")

    def _code_block(self, element: Any) -> str:
        code = self._code_text(element).replace("\xa0", " ").strip("\n").rstrip()
        if not code.strip():
            return ""
        fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", code)), default=0))
        return f"{fence}{language_of(element)}\n{code}\n{fence}"

    def _code_text(self, element: Any) -> str:
        parts = [element.text or ""]
        for child in element:
            name = name_of(child)
            if name == "br":
                parts.append("\n")
            elif name and not is_hidden(child, name):
                text = self._code_text(child)
                is_line = name in ("div", "p", "li", "tr")
                parts.append(f"{text}\n" if is_line and not text.endswith("\n") else text)
            parts.append(child.tail or "")
        return "".join(parts)

    def _inline(self, element: Any, name: str, depth: int) -> str:
        """The text of an element that is a part of a line."""
        if name == "br":
            return "\n"
        if is_hidden(element, name):
            return ""
        if name == "img":
            return picture(element)
        if name == "input":
            is_box = (element.get("type") or "").lower() == "checkbox"
            return ("[x] " if element.get("checked") is not None else "[ ] ") if is_box else ""
        if depth > _DEEPEST:
            raise RecursionError
        if name in ("code", "kbd", "samp", "tt"):
            return in_backticks(" ".join(self._code_text(element).replace("\xa0", " ").split(" ")))
        inside = [self._text(element.text)]
        for child in element:
            inside += [self._inline(child, name_of(child), depth + 1), self._text(child.tail)]
        text = "".join(inside)
        if name == "a":
            return link(text, (element.get("href") or "").strip())
        if name in ("del", "s", "strike"):
            return around(text, "~~", "~~")
        return f"“{text.strip()}”" if name == "q" else text

    def _text(self, text: str | None) -> str:
        if not text or (text.isprintable() and "  " not in text and not self._is_twice):
            return text or ""
        if self._is_twice and "&" in text:
            text = unescape(text)
        return _UNSEEN.sub("", _SPACE.sub(" ", text))


def _ancestors_of_blocks(root: Any) -> set[Any]:
    """The elements that have a block in them, also further down."""
    found: set[Any] = set()
    for element in root.iter(*_BLOCKS):
        parent = element.getparent()
        while parent is not None and parent not in found:
            found.add(parent)
            parent = parent.getparent()
    return found


def _is_encoded_twice(root: Any) -> bool:
    """True when entities are left in the text beside code: what made the HTML encoded what was encoded already."""
    if not any("&" in text for text in root.itertext()):
        return False
    for text in _texts_beside_code(root):
        if "&" in text:
            names = {entity[0][1:] for entity in _TWICE.finditer(text)}
            if any(name[0] == "#" or name in html5 for name in names - _SAME_AS_WRITTEN):
                return True
    return False


def _texts_beside_code(root: Any) -> Iterator[str]:
    for element in root.iter():
        if element.text and name_of(element) not in ("code", "pre", "kbd", "samp", "tt", "script", "style"):
            yield element.text
        if element.tail:
            yield element.tail


def _one_paragraph(line: list[str]) -> str:
    text = "".join(line)
    if "\n" in text:
        text = re.sub(r"\n{3,}", "\n\n", _AROUND_BREAK.sub("\n", text))
    return (_SPACES.sub(" ", text) if "  " in text else text).strip()


def _indented(text: str, width: int) -> str:
    return "\n".join(" " * width + line if line else "" for line in text.split("\n"))
