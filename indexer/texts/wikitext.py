"""Wikitext, the markup of MediaWiki, as Markdown.

It is parsed by mwparserfromhell. Bold and italic are left plain, as in HTML. Links to pages and files are their words,
categories and templates without parameters are left out, and of other templates the parameters stay.
"""

import re
from collections.abc import Callable, Iterable
from typing import Any

import mwparserfromhell
from mwparserfromhell.nodes import Argument, Comment, ExternalLink, Heading, HTMLEntity, Tag, Template, Text, Wikilink
from mwparserfromhell.parser import ParserError

from indexer.texts import markdown

FILES = frozenset("file image media tiedosto kuva fil bild datei fichier archivo imagen".split())  # noqa: SIM905
CATEGORIES = frozenset("category luokka kategori kategorie catégorie categoría kategooria".split())  # noqa: SIM905
_FILE_OPTION = re.compile(
    r"(?:thumb|thumbnail|frame|frameless|border|right|left|center|none|upright|top|middle|bottom|pienoiskuva|kehys|"
    r"oikea|vasen|keski|miniatyr|höger|vänster|(?:\d*x)?\d+px|(?:link|alt|page|lang|class|upright)=.*)\s*"
)
_BEHAVIOUR = re.compile(r"__[A-ZÅÄÖ]{3,30}__")
_REDIRECT = re.compile(r"\s*#\w{3,30}\s*:?\s*\[\[([^\]|#]{1,300})", re.IGNORECASE)
_MARKER = re.compile(r"(?P<marker>[*#:;]{1,20})[ \t]*(?P<text>.*)")
_KEPT = re.compile("\0(\\d+)\0")
_BLOCKS = frozenset({"pre", "syntaxhighlight", "source"})
_CODE = frozenset({"code", "tt", "kbd", "samp", "math", "var"})
_LEFT_OUT = frozenset({"references", "includeonly", "templatestyles", "indicator", "style", "script", "section"})
_STRUCK = frozenset({"s", "del", "strike"})
_PARAGRAPHS = frozenset({"p", "div", "center", "blockquote", "gallery", "ul", "ol", "dl"})
_MOST_UNENDED = 200
_LONGEST = 5_000_000  # characters; a longer text is no page: a judgement


def redirect_of(text: str) -> str | None:
    """The title of the page that a page leads to, when it is a redirect."""
    found = _REDIRECT.match(text[:1000])
    return found[1].strip() if found else None


def from_wikitext(text: str, files: Iterable[str] = FILES, categories: Iterable[str] = CATEGORIES) -> str:
    """The text as Markdown. `files` and `categories` are the names of those namespaces, in small letters."""
    return _Converter(frozenset(files), frozenset(categories)).convert(text[:_LONGEST])


class _Converter:
    """Converts one text. What must not be changed any more is kept aside, with its number between two NULs."""

    def __init__(self, files: frozenset[str], categories: frozenset[str]) -> None:
        self._files, self._categories = files, categories
        self._kept: list[str] = []
        self._ways: dict[type, Callable[[Any], str]] = {
            Text: lambda node: str(node.value),
            Wikilink: self._wikilink,
            ExternalLink: self._external_link,
            Heading: self._heading,
            Template: self._template,
            Tag: self._tag,
            Comment: lambda node: "",
            HTMLEntity: self._entity,
            Argument: lambda node: self._written(node.default) if node.default is not None else "",
        }

    def convert(self, text: str) -> str:
        text = _BEHAVIOUR.sub("", text.replace("\0", "").replace("\r\n", "\n"))
        try:
            written = text if _is_unbalanced(text) else self._written(mwparserfromhell.parse(text))
        except (ParserError, RecursionError):
            written = text
        return re.sub(r"\n{3,}", "\n\n", self._restored(_lines(written))).strip()

    def _restored(self, text: str) -> str:
        for _ in range(20):  # as deep as tables and quotes may stand in each other
            if "\0" not in text:
                break
            text = "\n".join(self._restored_line(line) for line in text.split("\n"))
        return text

    def _restored_line(self, line: str) -> str:
        before, mark, rest = line.partition("\0")
        if only := re.fullmatch("(\\d+)\0", rest) if mark else None:
            margin = " " * len(before) if not before.startswith(">") else before
            return before + self._kept[int(only[1])].replace("\n", f"\n{margin}")
        return _KEPT.sub(lambda found: self._kept[int(found[1])], line)

    def _keep(self, text: str) -> str:
        self._kept.append(text)
        return f"\0{len(self._kept) - 1}\0"

    def _written(self, code: Any) -> str:
        return "".join(self._ways.get(type(node), str)(node) for node in code.nodes) if code is not None else ""

    def _block(self, code: Any) -> str:
        """Markdown of a part that stands by itself, such as a cell."""
        return self._restored(_lines(self._written(code))).strip()

    def _heading(self, node: Any) -> str:
        return f"\n\n{self._keep(markdown.heading(node.level, self._restored(self._written(node.title))))}\n\n"

    def _entity(self, node: Any) -> str:
        try:
            return str(node.normalize()).replace("\xa0", " ").replace("\0", "")
        except (ValueError, OverflowError):
            return ""

    def _wikilink(self, node: Any) -> str:
        title = str(node.title).strip()
        words = self._written(node.text).strip() if node.text is not None else ""
        space = title.removeprefix(":").partition(":")[0].strip().lower() if ":" in title else ""
        if not title.startswith(":") and space in self._categories:
            return ""
        if not title.startswith(":") and space in self._files:
            said = [part.strip() for part in words.split("|") if not _FILE_OPTION.fullmatch(part)]
            return (said[-1] if said and said[-1] else title.partition(":")[2]).strip()
        return words or title.removeprefix(":").replace("_", " ").lstrip("#")

    def _external_link(self, node: Any) -> str:
        address = str(node.url).strip()
        words = self._written(node.title).strip() if node.title is not None else ""
        address = f"https:{address}" if address.startswith("//") else address
        return self._keep(markdown.link(words, address)) if node.brackets else address

    def _template(self, node: Any) -> str:
        """The parameters of a template: texts as they are, named ones after their names."""
        name = str(node.name).strip()
        if name.startswith("#") or not node.params:
            return ""
        values = [(str(each.name).strip(), self._block(each.value), each.showkey) for each in node.params]
        said = [f"{key}: {value}" if shown and not key.isdecimal() else value for key, value, shown in values if value]
        if len(said) > 1 and any(shown for _key, value, shown in values if value):
            return "\n\n" + "\n".join(f"* {markdown.one_line(each)}" for each in said) + "\n\n"
        return ", ".join(said)

    def _tag(self, node: Any) -> str:
        name = str(node.tag).strip().lower()
        if node.wiki_markup and name in ("li", "dt", "dd"):
            return str(node.wiki_markup)
        if name in ("br", "hr"):
            return "\n" if name == "br" else "\n\n---\n\n"
        if name in _LEFT_OUT or node.contents is None:
            return ""
        if name in _BLOCKS or name in _CODE or name == "nowiki":
            return self._code(node, name)
        if name == "table":
            return f"\n\n{self._keep(self._table(node))}\n\n"
        inside = self._written(node.contents)
        if name == "ref":
            return f" ({markdown.one_line(inside)})" if inside.strip() else ""
        if name == "blockquote":
            return f"\n\n{self._keep(markdown.quoted(self._block(node.contents)))}\n\n"
        if name == "gallery":
            return (
                "\n\n"
                + "\n".join(f"* {line.rpartition('|')[2]}" for line in inside.split("\n") if line.strip())
                + "\n\n"
            )
        if name == "li":
            return f"\n* {inside.strip()}"
        if name in _STRUCK and inside.strip():
            return f"~~{inside.strip()}~~"
        return f"\n\n{inside}\n\n" if name in _PARAGRAPHS else inside

    def _code(self, node: Any, name: str) -> str:
        text = _plain(node.contents)
        if name == "nowiki":
            return self._keep(text) if "\n" not in text else text
        is_inline = name in _CODE or node.has("inline")
        if is_inline:
            return self._keep(markdown.code(text))
        language = str(node.get("lang").value) if node.has("lang") else ""
        block = markdown.fenced(text, language)
        return f"\n\n{self._keep(block)}\n\n" if block else ""

    def _table(self, node: Any) -> str:
        rows: list[list[str]] = []
        caption = ""
        for part in _tags(node.contents):
            kind = str(part.tag).lower()
            if kind == "tr":
                rows.append([self._block(cell.contents) for cell in _tags(part.contents) if _is_cell(cell)])
            elif str(part).startswith("|+"):
                caption = self._block(part.contents).lstrip("+ ")
            elif _is_cell(part):  # of the first row, which needs no mark
                rows = rows or [[]]
                rows[-1].append(self._block(part.contents))
            elif kind == "caption":  # of a table of HTML
                caption = self._block(part.contents)
        return markdown.blocks([caption, markdown.table(rows)])


def _is_unbalanced(text: str) -> bool:
    """True for a text that begins very many templates, tables or links and does not end them: the parser would take
    minutes for it."""
    pairs = (("{{", "}}"), ("{|", "|}"), ("[", "]"))
    return any(text.count(begin) > text.count(end) + _MOST_UNENDED for begin, end in pairs)


def _is_cell(tag: Any) -> bool:
    return str(tag.tag).lower() in ("td", "th")


def _tags(code: Any) -> list[Any]:
    return [node for node in code.nodes if isinstance(node, Tag)] if code is not None else []


def _plain(code: Any) -> str:
    """The text of code as it is, with entities as characters."""
    return "".join(
        str(node.normalize()) if isinstance(node, HTMLEntity) else str(node)
        for node in (code.nodes if code is not None else ())
    )


def _lines(text: str) -> str:
    """Lists and preformatted lines as Markdown."""
    written: list[str] = []
    code: list[str] = []
    levels: list[tuple[str, int]] = []  # (kind, number of the last item), by depth
    for line in text.split("\n"):
        if line.startswith(" ") and line.strip() and not levels and "\0" not in line:
            code.append(line[1:])
            continue
        if code:
            written += ["", markdown.fenced("\n".join(code)), ""]
            code = []
        found = _MARKER.fullmatch(line)
        if found is None or not found["text"].strip(" \0"):
            levels = []
            written.append(" ".join(line.split()))
            continue
        if not levels:
            written.append("")
        levels, lines = _item(found["marker"], found["text"], levels)
        written += lines
    if code:
        written += ["", markdown.fenced("\n".join(code))]
    return "\n".join(written)


def _item(marks: str, text: str, levels: list[tuple[str, int]]) -> tuple[list[tuple[str, int]], list[str]]:
    """(the levels after an item, its lines). `:` stands for a further paragraph of the item before, or for none."""
    text, depth = " ".join(text.split()), len(marks.rstrip(":;")) or 1
    same = len(levels) >= depth and levels[depth - 1][0] == marks[depth - 1]
    if marks[-1] in ":;" and not marks.strip(":;"):
        term, colon, meaning = text.partition(" : ")
        return [(":", 0)], [f"{term}: {meaning}" if colon else text]
    number = levels[depth - 1][1] if same else 0
    number += marks[-1] not in ":;"
    levels = [*levels[: depth - 1], (marks[depth - 1], number)]
    marker = f"{number}." if marks[depth - 1] == "#" else "-"
    margin = " " * sum(len(f"{count}.") + 1 if kind == "#" else 2 for kind, count in levels[: depth - 1])
    if marks[-1] in ":;":
        return levels, [f"{margin}{' ' * (len(marker) + 1)}{text}"]
    return levels, [f"{margin}{line}" for line in markdown.item(text, marker).split("\n")]
