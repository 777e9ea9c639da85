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
_MOST_SIGNS, _MOST_LINES, _MOST_CELLS, _MOST_READ = 5_000, 5_000, 10_000, 3_000_000
"""A text with more of them is no prose: it is a log or an attack. Each sign and line takes time, and some of them twice
as much when there are twice as many. `_MOST_READ` are characters that are read to find where links end: each that is
begun is sought to the end of its paragraph. A judgement: the slowest text within these limits takes about half a second
(tests/web/test_markdown.py)."""
_BLANK = re.compile(r"\n[ \t]*\n")
_CACHED = 256  # rendered texts that are kept in memory: at most 100 MB, usually a few


@lru_cache(maxsize=_CACHED)
def markdown(text: str, breaks: bool = False) -> Markup:
    """Markdown as safe HTML: raw HTML is shown as text, links lead to web pages and mail only. `breaks` keeps single
    line breaks, as people write them in messages. Headings of level 1 become level 2, below the page's heading.

    A text with very many signs or lines is shown as it is, and a very large table as its lines."""
    if _is_dense(text):
        return Markup('<pre class="plain">{}</pre>').format(text)
    html = nh3.clean(
        _renderer(breaks, _cells(text) <= _MOST_CELLS).render(text),
        tags=_TAGS,
        attributes={"a": {"href", "title"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
    )
    return Markup(re.sub(r"<(/?)h1>", r"<\1h2>", html))  # noqa: S704 - cleaned above


def _is_dense(text: str) -> bool:
    links, longest = text.count("]("), max(map(len, _BLANK.split(text)))
    return (
        sum(map(text.count, _SIGNS)) > _MOST_SIGNS
        or len(text.splitlines()) > _MOST_LINES
        or links * longest > _MOST_READ
    )


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
