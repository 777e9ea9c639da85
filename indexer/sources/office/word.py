"""Word files as Markdown. mammoth reads them; which styles are headings is found here by their outline levels, since
the names of styles are translated, and organisations have their own."""

import re
from pathlib import Path
from typing import Any

import mammoth
from defusedxml import ElementTree

from indexer.sources.office.package import check_package, part_of
from indexer.texts.html import from_html

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_DEEPEST = 6
_BACK = re.compile(r'<a href="#[a-z]+-ref-[^"]*">↑</a>')  # from a footnote to its place in the text


def markdown_of(path: Path) -> dict[str, str]:
    """The text of a Word file with its text boxes and footnotes, without tracked deletions. Raises SourceError."""
    check_package(path)
    with path.open("rb") as file:
        html = mammoth.convert_to_html(
            file, style_map=_headings(path), convert_image=mammoth.images.img_element(lambda _image: {"src": ""})
        ).value
    return {"text": from_html(_BACK.sub("", html).replace("\u2011", "-"))}


def _headings(path: Path) -> str:
    """The style map of mammoth for every style that has an outline level, of its own or of the style it is based on."""
    content = part_of(path, "word/styles.xml")
    if not content:
        return ""
    styles = {
        style.get(f"{_W}styleId"): style for style in ElementTree.fromstring(content).iter(f"{_W}style")
        if style.get(f"{_W}type") == "paragraph"
    }  # fmt: skip
    lines = []
    for style in styles.values():
        level, name = _level(style, styles), style.find(f"{_W}name")
        if level is not None and name is not None and "'" not in (written := name.get(f"{_W}val") or ""):
            lines.append(f"p[style-name='{written}'] => h{min(level + 1, _DEEPEST)}:fresh")
    return "\n".join(lines)


def _level(style: Any, styles: dict[Any, Any]) -> int | None:
    """The outline level of a style, from 0; None for body text."""
    for _step in range(10):
        found = style.find(f"{_W}pPr/{_W}outlineLvl")
        if found is not None:
            level = int(found.get(f"{_W}val") or 9)
            return level if level < 9 else None
        based_on = style.find(f"{_W}basedOn")
        style = styles.get(based_on.get(f"{_W}val")) if based_on is not None else None
        if style is None:
            return None
    return None
