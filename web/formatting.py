"""How values are shown: dates in words, excerpts with their marks, Markdown as safe HTML, teams by name."""

import re
from collections.abc import Sequence
from datetime import date, datetime
from functools import cache

import nh3
from flask import Flask
from flask_babel import format_date, get_locale, gettext, ngettext
from markdown_it import MarkdownIt
from markupsafe import Markup, escape

from recommender.models import Team, utc_now

_TAGS = {
    "a", "blockquote", "br", "code", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "strong",
    "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip


def attach(app: Flask) -> None:
    """Make the filters known to the templates."""
    app.jinja_env.filters.update(day=day, ago=ago, marked=marked, markdown=markdown, team_name=team_name)
    app.jinja_env.filters.update(plain_text=plain_text, language_name=language_name)
    app.jinja_env.globals["current_language"] = lambda: str(get_locale())


def day(value: date | datetime) -> str:
    """A date as the page's language writes it."""
    return str(format_date(value, format="medium"))


def ago(value: datetime) -> str:
    """How long ago, in the largest unit that fits."""
    days = (utc_now() - value).days
    if days < 1:
        return str(gettext("today"))
    if days < 31:
        return str(ngettext("%(num)d day ago", "%(num)d days ago", days))
    if days < 365:
        return str(ngettext("%(num)d month ago", "%(num)d months ago", days // 30))
    return str(ngettext("%(num)d year ago", "%(num)d years ago", days // 365))


def marked(text: str, marks: Sequence[tuple[int, int]]) -> Markup:
    """Escaped text with `<mark>` around the spans (start, end)."""
    parts, at = [], 0
    for start, end in marks:
        parts += [escape(text[at:start]), Markup("<mark>"), escape(text[start:end]), Markup("</mark>")]
        at = end
    return Markup("").join([*parts, escape(text[at:])])


def markdown(text: str) -> Markup:
    """Markdown as HTML: raw HTML is shown as text, links only to web pages and mail, nothing else passes."""
    html = nh3.clean(
        _markdown().render(text),
        tags=_TAGS,
        attributes={"a": {"href", "title"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
    )
    return Markup(re.sub(r"<(/?)h1>", r"<\1h2>", html))  # noqa: S704 - cleaned above


def plain_text(text: str) -> Markup:
    """What people wrote as text: escaped, blank lines make paragraphs, single line breaks stay."""
    paragraphs = [part.strip("\n") for part in re.split(r"\n\s*\n", text.strip())]
    lines = [Markup("<br>").join(escape(line) for line in part.split("\n")) for part in paragraphs if part]
    return Markup("").join(Markup("<p>{}</p>").format(line) for line in lines)


def team_name(team: Team | None) -> str:
    """A team's name in the page's language."""
    if team is None:
        return ""
    return team.name_fi if str(get_locale()) == "fi" and team.name_fi else team.name


def language_name(code: str) -> str:
    """A language's name in the page's language."""
    locale = get_locale()
    return str(locale.languages.get(code, code)) if locale else code


@cache
def _markdown() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}).enable("table")
