"""The HTML that Discourse makes of a post (`cooked`) as Markdown."""

from typing import Any

from indexer.texts import markdown
from indexer.texts.html import from_html
from indexer.texts.html_links import with_whole_addresses
from indexer.texts.html_to_markdown import parse, write

_DROPPED = frozenset(
    {"meta", "quote-controls", "onebox-avatar", "site-icon", "badge-wrapper", "poll-info", "cooked-selection"}
)


def from_cooked(html: str, site: str = "") -> str:
    """Emoji as their signs or names, pictures as what describes them, quotes as quotes; sizes of files and portraits
    are left out. `site` is the address of the forum, from which addresses without a host are seen."""
    root = parse(html) if html else None
    if root is None:
        return ""
    for element in list(root.iter("img", "div", "aside", "span", "a")):
        kinds = set((element.get("class") or "").split())
        if element.tag == "img":
            _picture(element, kinds)
        elif element.tag == "a" and "mention" in kinds:
            element.tag = "span"
        elif kinds & _DROPPED or (element.tag == "div" and "title" in kinds and _is_in_quote(element)):
            element.set("hidden", "hidden")
    with_whole_addresses(root, site)
    try:
        return write(root)
    except RecursionError:
        return from_html(html)


def _picture(element: Any, kinds: set[str]) -> None:
    words = markdown.one_line(element.get("alt") or element.get("title") or "")
    element.tag, element.text = "span", "" if "avatar" in kinds else words


def _is_in_quote(element: Any) -> bool:
    parent = element.getparent()
    return parent is not None and "quote" in (parent.get("class") or "").split()
