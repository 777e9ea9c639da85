"""HTML in texts that people or programs wrote: which tags are HTML, and the same text without tags and entities.

Code is never changed: fenced and indented blocks and words in backticks stay as they are, and so does a word in angle
brackets that is no HTML (`<service>`), or that is only mentioned ("the <b> tag").
"""

import re
from collections.abc import Callable
from html import unescape
from html.entities import html5

_INLINE = (
    "a abbr b big center cite code del em font i ins kbd label mark o:p q s samp small span strike strong sub sup tt u "
    "var"
)
_BLOCKS = (
    "address article aside blockquote body caption dd details div dl dt fieldset figcaption figure footer form h1 h2 "
    "h3 h4 h5 h6 head header html li main nav ol p pre section summary table tbody td tfoot th thead title tr ul"
)
_HIDDEN = "script style"
_EMPTY = frozenset({"br", "hr", "wbr"})  # tags without an end tag
_NAMES = frozenset(f"{_INLINE} {_BLOCKS} {_HIDDEN}".split())
_BREAKING = frozenset(_BLOCKS.split()) - {"td", "th", "summary"}
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9:]*)(\s[^<>]*)?/?>")
_PICTURE = re.compile(r"<img\s[^<>]*>", re.IGNORECASE)
_COMMENT = re.compile(r"<!--(?:(?!<!--).)*?-->|<!doctype[^>]*>", re.IGNORECASE | re.DOTALL)
_NOT_SHOWN = re.compile(r"<(script|style)\b[^<>]*>(?:(?!<\1\b).)*?</\1\s*>", re.IGNORECASE | re.DOTALL)
_CODE_ELEMENT = re.compile(r"<(pre|code)\b[^<>]*>((?:(?!<\1\b).)*?)</\1\s*>", re.IGNORECASE | re.DOTALL)
_CODE = re.compile(
    r"^ {0,3}(?P<fence>`{3,}|~{3,})[^\n]*\n.*?(?:^ {0,3}(?P=fence)[`~]*[ \t\r]*$|\Z)"
    r"|(?:\A|(?<=\n\n)|(?<=\n\r\n))(?:(?: {4}|\t)[^\n]*(?:\n|\Z))+"
    r"|(?<!`)(?P<ticks>`{1,2})(?!`)[^\n]{1,2000}?(?<!`)(?P=ticks)(?!`)",
    re.MULTILINE | re.DOTALL,
)
_MARKDOWN = re.compile(r"^(?:#{1,6} |[-*+] |\d{1,3}[.)] |\||> |```|~~~)", re.MULTILINE)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")
_ALTERNATIVE = re.compile(r"""\balt\s*=\s*(?:"([^"]*)"|'([^']*)')""", re.IGNORECASE)


def elements(text: str) -> frozenset[str]:
    """The names of the HTML elements in a text: those that have a start and an end tag, and empty ones (`<br>`). Names
    are in lower case."""
    started: set[str] = set()
    ended: set[str] = set()
    for tag in _TAG.finditer(text):
        (ended if tag[1] else started).add(tag[2].lower())
    return frozenset((started & ended & _NAMES) | (started & _EMPTY))


def is_tag(text: str, names: frozenset[str]) -> bool:
    """True when the text is one tag of these elements, a picture or a comment."""
    tag = _TAG.fullmatch(text)
    known = tag is not None and tag[2].lower() in names
    return known or bool(_PICTURE.fullmatch(text) or _COMMENT.fullmatch(text))


def without_tags(text: str, names: frozenset[str]) -> str:
    """The text without the tags of these elements, pictures and comments. The end of a paragraph or a table row
    becomes the end of a line; of a picture its alternative text stays."""
    text = _NOT_SHOWN.sub("", _COMMENT.sub("", text))
    text = _PICTURE.sub(lambda picture: alternative_text(picture[0]), text)
    return _TAG.sub(lambda tag: _in_place_of(tag) if tag[2].lower() in names else tag[0], text)


def alternative_text(picture: str) -> str:
    """The alternative text of an `<img>` tag; empty when it has none."""
    found = _ALTERNATIVE.search(picture)
    return (found[1] or found[2] or "") if found else ""


def _in_place_of(tag: re.Match[str]) -> str:
    name, closing = tag[2].lower(), bool(tag[1])
    if name in ("td", "th", "wbr", "summary"):
        return " " if closing and name != "wbr" else ""
    if name in ("br", "hr") or (closing and name in _BREAKING):
        line_start = tag.string.rfind("\n", 0, tag.start()) + 1
        in_a_row = tag.string[line_start : tag.start()].lstrip().startswith("|")
        return " " if in_a_row else "\n"
    return "- " if name == "li" else ""


def decoded(text: str, keep: str = "") -> str:
    """The text with entities (`&auml;`, `&#228;`) as characters, decoded once; those of characters in `keep` stay."""

    def character(entity: re.Match[str]) -> str:
        if entity[0][1] != "#" and entity[0][1:] not in html5:
            return entity[0]
        value = unescape(entity[0]).replace("\xa0", " ")
        return entity[0] if value in keep else value

    return _ENTITY.sub(character, text)


def plain(text: str, markdown: bool = False) -> str:
    """A text as people read it: HTML as Markdown, entities as characters, code as it is.

    Entities of `<`, `>` and `&` stay in a Markdown document (`markdown`), where they keep words from being read as
    tags.
    """
    if "<" not in text and "&" not in text:
        return text
    if _is_html(text):
        return from_html(text)
    text = _CODE_ELEMENT.sub(_as_code, text) if "</" in text else text
    names = elements(_CODE.sub("", text))
    keep = "<>&" if markdown else ""
    return _outside_code(text, lambda part: decoded(_without_tags_but_pictures(part, names), keep))


def from_html(text: str) -> str:
    """HTML as Markdown: headings, lists, tables, quotes, links, code; pictures with their addresses. What a browser
    does not show is left out. Entities that were encoded twice are decoded twice, and so is HTML that was written as
    text (`&lt;p&gt;`) as a whole. HTML that is nested too deeply becomes its text."""
    from indexer.texts.html_to_markdown import convert

    if "<" not in text and "&lt;" in text and elements(once := decoded(text)) & _BREAKING:
        text = once
    try:
        return convert(text)
    except RecursionError:
        return decoded(without_tags(text, elements(text))).strip()


def _is_html(text: str) -> bool:
    """True when the whole text is HTML: it starts and ends with a tag, and has no lines of Markdown."""
    start, end = text.lstrip()[:1], text.rstrip()[-1:]
    if start != "<" or end != ">" or _MARKDOWN.search(text):
        return False
    names = elements(text)
    first = _COMMENT.sub("", text).lstrip()
    tag = _TAG.match(first)
    return bool(_PICTURE.match(first)) or (tag is not None and tag[2].lower() in names)


def _without_tags_but_pictures(part: str, names: frozenset[str]) -> str:
    """As `without_tags`, but a picture with an address stays, as Markdown."""
    return without_tags(_PICTURE.sub(lambda picture: from_html(picture[0]), part), names)


def _outside_code(text: str, change: Callable[[str], str]) -> str:
    parts, last = [], 0
    for code in _CODE.finditer(text):
        parts += [change(text[last : code.start()]), code[0]]
        last = code.end()
    return "".join([*parts, change(text[last:])])


def _as_code(element: re.Match[str]) -> str:
    """A `<pre>` or `<code>` element as Markdown."""
    inside = element[2]
    code = decoded(without_tags(inside, elements(inside) | {"code", "br"}))
    if element[1].lower() == "pre":
        return f"\n```\n{code.strip(chr(10))}\n```\n"
    return f"`{code}`" if code.strip() and "`" not in code and "\n" not in code else code
