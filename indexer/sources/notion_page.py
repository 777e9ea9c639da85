"""A page of a Notion export, Markdown or HTML: its title, its properties, and its text without links to other files."""

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote
from zoneinfo import ZoneInfo

from indexer.texts import markdown
from indexer.texts.html_to_markdown import parse, write

_LINK = re.compile(r"(!?)\[((?:[^\[\]\n]|\[[^\[\]\n]*\])*)\]\(((?:[^()\s]|\([^()\s]*\))*)\)")
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_PAGES = frozenset({".md", ".html", ".csv"})
_TASK = re.compile(r"^([ \t]*[-*] \[[ x]\]) {2,}(?=\S)", re.MULTILINE)
_EMPTY_TASK = re.compile(r"^[ \t]*[-*] \[[ x]\][ \t]*$\n?", re.MULTILINE)
_ASIDE = re.compile(r"<aside>\s*(.*?)\s*</aside>", re.DOTALL)
_FENCE = re.compile(r"(^ {0,12}```.*?^ {0,12}```[ \t]*$)", re.MULTILINE | re.DOTALL)
_PROPERTY = re.compile(r"(?P<name>[^\s:#>|*-][^:\n]{0,80}): (?P<value>\S.*)")
_EDITED = ("last edited time", "last edited", "edited", "updated", "created time", "created")
_TIMES = ("%B %d, %Y %I:%M %p", "%B %d, %Y %H:%M", "%B %d, %Y", "%Y/%m/%d %H:%M", "%d/%m/%Y %H:%M")


@dataclass(frozen=True)
class NotionPage:
    """A page. `id` are its 32 digits where the text has them, `files` are names of files beside it, and `properties`
    are its values as they are written."""

    title: str
    body: str
    id: str = ""
    files: tuple[str, ...] = ()
    properties: tuple[tuple[str, str], ...] = ()

    def changed_at(self, zone: str) -> datetime | None:
        """When it was changed, or made, where a property says so; else None."""
        values = {name.lower(): value for name, value in self.properties}
        for name in _EDITED:
            for form in _TIMES:
                try:
                    time = datetime.strptime(values.get(name, ""), form)
                except ValueError:
                    continue
                return time.replace(tzinfo=ZoneInfo(zone))
        return None


def from_markdown_page(text: str) -> NotionPage:
    """A page of an export as Markdown: its first heading is the title, and lines below it may be properties."""
    first, _, rest = text.lstrip().partition("\n")
    title = first.removeprefix("# ").strip() if first.startswith("# ") else ""
    rest = rest if title else text
    properties, rest = _properties(rest) if title else ((), rest)
    files: list[str] = []
    parts = _FENCE.split(rest)
    parts[::2] = [_cleaned(part, files) for part in parts[::2]]
    said = "\n".join(f"- {name}: {value}" for name, value in properties)
    body = re.sub(r"\n{3,}", "\n\n", "".join(parts)).strip()
    return NotionPage(title, markdown.blocks([said, body]), files=tuple(files), properties=properties)


def _properties(text: str) -> tuple[tuple[tuple[str, str], ...], str]:
    """(the properties before the first empty line, the text after it)."""
    block, _, rest = text.lstrip("\n").partition("\n\n")
    lines = block.rstrip("\n").split("\n")
    found = [_PROPERTY.fullmatch(line.strip()) for line in lines]
    if not text.startswith("\n") or not all(found):
        return (), text
    return tuple((each["name"].strip(), _without_links(each["value"], [])) for each in found if each), rest


def _cleaned(text: str, files: list[str]) -> str:
    text = _ASIDE.sub(lambda aside: markdown.quoted(aside[1]), text)
    return _TASK.sub(r"\1 ", _EMPTY_TASK.sub("", _without_links(text, files)))


def _without_links(text: str, files: list[str]) -> str:
    """The text whose links to pages and files of the export are their words. Names of files go to `files`."""

    def words(link: re.Match[str]) -> str:
        address = link[3]
        if _ADDRESS.match(address) or address.startswith("#"):
            return link[0]
        path = PurePosixPath(unquote(address))
        if path.suffix.lower() not in _PAGES and path.name:
            files.append(path.name)
        said = "" if link[1] and link[2] == path.name else link[2]
        return said or (path.name if path.suffix.lower() not in _PAGES else "")

    return _LINK.sub(words, text)


def from_html_page(text: str) -> NotionPage:
    """A page of an export as HTML."""
    root = parse(text)
    if root is None:
        return NotionPage("", "")
    article = next(root.iter("article"), root)
    identifier = re.sub("[^0-9a-f]", "", article.get("id") or "")
    title, properties = "", list[tuple[str, str]]()
    for header in list(article.iter("header")):
        heading = next(header.iter("h1"), None)
        title = title or ("".join(heading.itertext()).strip() if heading is not None else "")
        for row in header.iter("tr"):
            name, value = row.find("th"), row.find("td")
            if name is not None and value is not None and (said := _value(value)):
                properties.append((markdown.one_line("".join(name.itertext())), said))
        parent = header.getparent()
        if parent is not None:
            parent.remove(header)
    files: list[str] = []
    _prepare(article, files)
    said = "\n".join(f"- {name}: {value}" for name, value in properties)
    try:
        body = write(article)
    except RecursionError:
        body = markdown.one_line(" ".join(article.itertext()))
    page_id = identifier if len(identifier) == 32 else ""
    return NotionPage(title, markdown.blocks([said, body]), page_id, tuple(files), tuple(properties))


def _value(cell: Any) -> str:
    """The value of a property: whether a box is checked, several choices, a day, a text."""
    boxes = [each.get("class") or "" for each in cell.iter("div") if "checkbox" in (each.get("class") or "")]
    if boxes:
        return "yes" if "checkbox-on" in boxes[0] else "no"
    choices = [each for each in cell.iter("span") if "selected-value" in (each.get("class") or "")]
    if choices:
        return ", ".join(markdown.one_line("".join(each.itertext())) for each in choices)
    return markdown.one_line("".join(cell.itertext())).removeprefix("@")


def _prepare(article: Any, files: list[str]) -> None:
    """Make HTML that says what is shown: boxes of tasks, callouts, and links to other files as their words."""
    for element in list(article.iter("a", "img", "div", "figure", "time")):
        kind = element.get("class") or ""
        if element.tag == "div" and "checkbox" in kind:
            element.tag, element.text = "span", "[x] " if "checkbox-on" in kind else "[ ] "
        elif element.tag == "figure" and "callout" in kind:
            element.tag = "blockquote"
        elif element.tag == "time" and (element.text or "").startswith("@"):
            element.text = element.text[1:]
        elif element.tag in ("a", "img"):
            _rename_link(element, files)


def _rename_link(element: Any, files: list[str]) -> None:
    address = element.get("href" if element.tag == "a" else "src") or ""
    if not address or _ADDRESS.match(address) or address.startswith("#"):
        return
    path = PurePosixPath(unquote(address))
    if path.suffix.lower() not in _PAGES:
        files.append(path.name)
        if element.tag == "img":
            element.text = element.get("alt") or path.name
    element.tag = "span"
