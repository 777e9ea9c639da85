"""Markdown as safe HTML, within a bounded time: what somebody sends is rendered for everybody who opens the page.

There is one dialect, for requests, replies, documents and cards: CommonMark with tables. Line breaks are kept as they
are written, addresses become links, HTML is shown as text, and in the place of an image stands a link to it.
"""

import re
from collections.abc import Collection, Iterator, MutableMapping, Sequence
from functools import cache, lru_cache
from itertools import groupby
from typing import Any

import nh3
from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from markdown_it.utils import OptionsDict
from markupsafe import Markup

from recommender.language.terms import WRITTEN_TOKEN

TAGS = {
    "a", "blockquote", "br", "code", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "span",
    "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
_ADDRESS = re.compile(
    r"https?://[^\s<>]{1,2000}|(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}", re.IGNORECASE
)
"""A web address with its beginning, or a mail address. The library for this (linkify-it-py) takes 47 seconds for a text
of 100,000 characters made of `://`."""
_AFTER_ADDRESS = ".,;:!?'\"*_~”’»)]}"
_TAG_OR_WORD = re.compile(rf"""<[^>"]*(?:"[^"]*"[^>"]*)*>|&\#?\w+;|(?P<word>{WRITTEN_TOKEN.pattern})""")
_SIGNS = "*_[]!<>&`~#\\"
_MARKER = re.compile(r"(?<!\S)(?:[-+]|\d{1,9}[.)])(?!\S)")  # of a list; an asterisk counts as a sign anyway
_MOST_SIGNS, _MOST_LINES, _MOST_CELLS, _MOST_READ = 5_000, 5_000, 10_000, 3_000_000
"""A text with more of them is no prose: it is a log or an attack. Each sign, list marker and line takes time, and some
of them twice as much when there are twice as many. `_MOST_READ` are characters that are read to find where links end:
each that is begun is sought to the end of its paragraph. A judgement: the slowest text within these limits takes about
half a second (tests/web/test_markdown.py)."""
MOST_ON_A_PAGE = 3.0  # as `effort` counts: three texts that are as large as one may be, or a very long conversation
_BLANK = re.compile(r"\n[ \t]*\n")
_IMAGE = "image"  # the key of the words about an image that is left out
_CACHED = 512  # rendered texts that are kept in memory: at most 200 MB, usually a few


@lru_cache(maxsize=_CACHED)
def markdown(text: str, image: str = "Image not shown") -> Markup:
    """Markdown as safe HTML: raw HTML is shown as text, links lead to web pages and mail only. `image` are the words
    that say that an image is left out, before the link to it. Headings of level 1 become level 2, below the page's
    heading.

    A text with very many signs or lines is shown as it is, and a very large table as its lines."""
    if _is_dense(text):
        return plain(text)
    html = nh3.clean(
        _renderer(_cells(text) <= _MOST_CELLS).render(text, {_IMAGE: image}),
        tags=TAGS,
        attributes={"a": {"href", "title"}, "ol": {"start"}},
        allowed_classes={"span": {"dropped"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
    )
    return Markup(re.sub(r"<(/?)h1>", r"<\1h2>", html))  # noqa: S704 - cleaned above


def tokens_of(text: str) -> list[Token]:
    """What `markdown` makes HTML of, for those who write it in another form. The text is one that was cut to a few
    hundred characters."""
    return _renderer(True).parse(text, {})


def with_marks(html: Markup, words: Collection[str]) -> Markup:
    """The HTML of `markdown` with `<mark>` around these words, which are in small letters. Tags stay as they are."""
    if not words:
        return html

    def marked(match: re.Match[str]) -> str:
        word = match.group("word")
        return f"<mark>{word}</mark>" if word and word.lower() in words else match.group()

    return Markup(_TAG_OR_WORD.sub(marked, html))  # noqa: S704 - it was safe, and a word has no < or &


def plain(text: str) -> Markup:
    """A text as it was written, which takes no time to speak of."""
    return Markup('<pre class="plain">{}</pre>').format(text)


@lru_cache(maxsize=_CACHED)
def effort(text: str) -> float:
    """About how much work a text is: 1 when it has as many signs, lines, links or cells of tables as one may have and
    nothing else, 0 when it is shown as it was written."""
    if _is_dense(text):
        return 0.0
    cells = _cells(text)
    return sum(_shares(text)) + (cells / _MOST_CELLS if cells <= _MOST_CELLS else 0)


def _is_dense(text: str) -> bool:
    return max(_shares(text)) > 1


def _shares(text: str) -> tuple[float, float, float]:
    """(signs and list markers, lines, characters read for links) of a text, as shares of the most that it may have."""
    signs = sum(map(text.count, _SIGNS)) + len(_MARKER.findall(text))
    links, longest = text.count("]("), max(map(len, _BLANK.split(text)))
    return signs / _MOST_SIGNS, len(text.splitlines()) / _MOST_LINES, links * longest / _MOST_READ


def _cells(text: str) -> int:
    """As many cells as the tables in a text could have: rows are filled up to the widest of their table."""
    cells = 0
    for is_table, lines in groupby(text.splitlines(), key=lambda line: "|" in line):
        widths = [line.count("|") + 1 for line in lines]
        cells += len(widths) * max(widths) if is_table else 0
    return cells


@cache
def _renderer(tables: bool) -> MarkdownIt:
    renderer = MarkdownIt("commonmark", {"html": False, "breaks": True})
    renderer.core.ruler.push("addresses", _link_addresses)
    renderer.add_render_rule("image", _image_left_out)
    return renderer.enable("table") if tables else renderer


def _image_left_out(
    _renderer: RendererHTML,
    tokens: Sequence[Token],
    place: int,
    _options: OptionsDict,
    env: MutableMapping[str, Any],
) -> str:
    """The words that say that an image is left out, and a link to it."""
    image = tokens[place]
    address = escapeHtml(str(image.attrs.get("src", "")))
    name = escapeHtml(image.content) or address
    return f'<span class="dropped">{escapeHtml(env[_IMAGE])}: <a href="{address}">{name}</a></span>'


def _link_addresses(state: StateCore) -> None:
    """Make links of the addresses in the text that are not in a link already."""
    for token in state.tokens:
        if token.type == "inline" and token.children:
            children: list[Token] = []
            inside = 0
            for child in token.children:
                inside += child.nesting if child.type.startswith("link_") else 0
                children += _linked(state.md, child) if child.type == "text" and not inside else [child]
            token.children = children


def _linked(md: MarkdownIt, token: Token) -> Iterator[Token]:
    """A piece of text as pieces of text and links."""
    last, text = 0, token.content
    for found in _ADDRESS.finditer(text):
        shown = _without_what_follows(found.group())
        address = md.normalizeLink(shown if "://" in shown else f"mailto:{shown}")
        if not md.validateLink(address):
            continue
        yield Token("text", "", 0, content=text[last : found.start()])
        yield Token("link_open", "a", 1, attrs={"href": address})
        yield Token("text", "", 0, content=shown)
        yield Token("link_close", "a", -1)
        last = found.start() + len(shown)
    yield Token("text", "", 0, content=text[last:])


def _without_what_follows(address: str) -> str:
    """An address without the punctuation after it; a closing bracket stays when it was opened in the address."""
    while address[-1] in _AFTER_ADDRESS:
        opening = {")": "(", "]": "[", "}": "{"}.get(address[-1])
        if opening and address.count(opening) >= address.count(address[-1]):
            break
        address = address[:-1]
    return address
