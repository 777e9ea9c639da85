"""Which elements of HTML a browser shows as text."""

import re
from typing import Any

_NOT_TEXT = (
    "applet audio button canvas datalist embed head iframe map noembed noframes object option script select style svg "
    "template textarea title video xml"
)
_HIDDEN = frozenset(_NOT_TEXT.split())
_NOT_SHOWN = re.compile(r"(?i)display\s*:\s*none|visibility\s*:\s*hidden|mso-hide\s*:\s*all|font-size\s*:\s*0(?![.\d])")
_GUTTER = frozenset({"gutter", "lineno", "linenos", "line-numbers", "linenumber", "blob-num"})


def name_of(element: Any) -> str:
    """The name of an element; empty for a comment or the like."""
    return element.tag.lower() if isinstance(element.tag, str) else ""


def is_hidden(element: Any, name: str) -> bool:
    """True for what a browser does not show, and for the numbers of lines beside code."""
    if not name or name in _HIDDEN:
        return True
    attributes = element.attrib
    if not attributes:
        return False
    if "hidden" in attributes or ("style" in attributes and _NOT_SHOWN.search(attributes["style"])):
        return True
    return "class" in attributes and not _GUTTER.isdisjoint(attributes["class"].split())
