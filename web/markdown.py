"""Markdown as safe HTML, within a bounded time: what somebody sends is rendered for everybody who opens the page."""

import re
from functools import cache, lru_cache
from itertools import groupby

import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup

_TAGS = {
    "a", "blockquote", "br", "code", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "strong",
    "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
_SIGNS = "*_[]!<>&`~#\\"
_MARKER = re.compile(r"(?<!\S)(?:[-+]|\d{1,9}[.)])(?!\S)")  # of a list; an asterisk counts as a sign anyway
_MOST_SIGNS, _MOST_LINES, _MOST_CELLS, _MOST_READ = 5_000, 5_000, 10_000, 3_000_000
"""A text with more of them is no prose: it is a log or an attack. Each sign, list marker and line takes time, and some
of them twice as much when there are twice as many. `_MOST_READ` are characters that are read to find where links end:
each that is begun is sought to the end of its paragraph. A judgement: the slowest text within these limits takes about
half a second (tests/web/test_markdown.py)."""
MOST_ON_A_PAGE = 3.0  # as `effort` counts: three texts that are as large as one may be, or a very long conversation
_BLANK = re.compile(r"\n[ \t]*\n")
_CACHED = 256  # rendered texts that are kept in memory: at most 100 MB, usually a few


@lru_cache(maxsize=_CACHED)
def markdown(text: str, breaks: bool = False) -> Markup:
    """Markdown as safe HTML: raw HTML is shown as text, links lead to web pages and mail only. `breaks` keeps single
    line breaks, as people write them in messages. Headings of level 1 become level 2, below the page's heading.

    A text with very many signs or lines is shown as it is, and a very large table as its lines."""
    if _is_dense(text):
        return plain(text)
    html = nh3.clean(
        _renderer(breaks, _cells(text) <= _MOST_CELLS).render(text),
        tags=_TAGS,
        attributes={"a": {"href", "title"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
    )
    return Markup(re.sub(r"<(/?)h1>", r"<\1h2>", html))  # noqa: S704 - cleaned above


def plain(text: str) -> Markup:
    """A text as it was written, which takes no time to speak of."""
    return Markup('<pre class="plain">{}</pre>').format(text)


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
def _renderer(breaks: bool, tables: bool) -> MarkdownIt:
    renderer = MarkdownIt("commonmark", {"html": False, "breaks": breaks})
    return renderer.enable("table") if tables else renderer
