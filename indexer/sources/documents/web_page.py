"""A web page as a document: its title, its language, and what it is about without menus and footers."""

from dataclasses import dataclass
from typing import Any

from indexer.texts.html_to_markdown import parse, write

_FURNITURE = ("nav", "header", "footer", "aside")
_MAIN = ".//main|.//*[@role='main']|.//article"


@dataclass(frozen=True)
class WebPage:
    """A page; `title` and `language` are empty when it does not say them."""

    title: str
    language: str
    text: str
    author: str = ""


def read_page(html: str) -> WebPage:
    """The page that this HTML is. Raises RecursionError when it is nested too deeply."""
    root = parse(html)
    if root is None:
        return WebPage("", "", "")
    titles = [" ".join("".join(title.itertext()).split()) for title in root.iter("title")][:1]
    language = (root.get("lang") or "").split("-")[0].lower()
    author = "".join(root.xpath("string(//meta[translate(@name,'AUTHOR','author')='author']/@content)"))
    main = root.xpath(_MAIN)
    if len(main) == 1:
        root = main[0]
    else:
        for part in [part for name in _FURNITURE for part in root.iter(name)]:
            _remove(part)
    return WebPage(titles[0] if titles else "", language, write(root), author)


def _remove(element: Any) -> None:
    """Take an element out of its tree; the text behind it stays."""
    parent = element.getparent()
    if parent is None:
        return
    tail, before = element.tail or "", element.getprevious()
    if before is not None:
        before.tail = (before.tail or "") + tail
    else:
        parent.text = (parent.text or "") + tail
    parent.remove(element)
