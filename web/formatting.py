"""How pages show values: dates, excerpts with marks, names of teams and roles."""

from collections.abc import Sequence
from datetime import date, datetime
from functools import cache
from typing import Any
from urllib.parse import urlencode

from flask import Flask, g, request, url_for
from flask_babel import format_date, format_decimal, format_time, get_locale, get_timezone, gettext, ngettext
from heroicons.jinja import heroicon_micro
from markupsafe import Markup, escape

from recommender.database.days import current_day, day_of
from recommender.database.tables import Team, utc_now
from recommender.datatypes import Expert, Heading, Item, Kind
from recommender.sentences.sentence import Sentence, Size
from web import current
from web.input import parts_of
from web.markdown import MOST_ON_A_PAGE, effort, markdown, plain


def attach(app: Flask) -> None:
    """Make the filters and functions known to the templates."""
    app.jinja_env.filters.update(
        day=day,
        clock=clock,
        ago=ago,
        ago_to_the_minute=ago_to_the_minute,
        marked=marked,
        markdown=markdown_of_page,
        team_name=team_name,
        language_name=language_name,
        in_language=in_language,
        role_name=role_name,
        expert_reason=expert_reason,
        is_web_address=is_web_address,
        said=said,
        file_size=file_size,
    )
    app.jinja_env.tests.update(sentence=lambda text: isinstance(text, Sentence))
    app.jinja_env.globals.update(
        with_language=with_language,
        item_url=item_url,
        icon=icon,
        current_language=lambda: str(get_locale()),
        organisation=current.organisation,
    )


@cache
def icon(name: str) -> Markup:
    """A small picture that helps to find something in a page, from the set Heroicons. It is hidden from screen readers,
    since it stands beside words and never for them; its colour is that of the words."""
    attributes: dict[str, Any] = {"class": "icon"}
    lines = heroicon_micro(name, **attributes).splitlines()
    return Markup("".join(line.strip() for line in lines))  # noqa: S704 - it comes from the package


def day(value: date | datetime) -> str:
    """A date as the page's language writes it."""
    return str(format_date(value, format="medium"))


def clock(value: datetime) -> str:
    """A time of day in the time zone of the settings, as the page's language writes it; in UTC it says so."""
    text = str(format_time(value, format="short"))
    return f"{text} UTC" if str(get_timezone()) == "UTC" else text


def said(text: str) -> str:
    """A sentence of Kollega in the page's language, with days, numbers and sizes as that language writes them; any
    other text as it is."""
    if not isinstance(text, Sentence) or not text:
        return text
    values = {name: _shown(value) for name, value in text.values.items()}
    return str(gettext(text.text) % values if values else gettext(text.text))


def _shown(value: object) -> str:
    if isinstance(value, Size):
        return file_size(value)
    if isinstance(value, datetime):
        return f"{day(value)} {clock(value)}"
    if isinstance(value, date):
        return day(value)
    if isinstance(value, int | float):
        return str(format_decimal(value))
    return said(value) if isinstance(value, str) else str(value)


def file_size(size: int) -> str:
    """A number of bytes in kB, MB or GB, as the page's language writes it."""
    if size < 1e6:
        text = gettext("%(num)s kB", num=format_decimal(max(round(size / 1e3), 1 if size else 0)))
    else:
        number = format_decimal(size / 1e6 if size < 1e9 else size / 1e9, format="#,##0.0")
        text = gettext("%(num)s MB", num=number) if size < 1e9 else gettext("%(num)s GB", num=number)
    return str(text).replace(" ", "\N{NO-BREAK SPACE}")


def ago(value: date | datetime) -> str:
    """How long ago, in the largest unit that fits."""
    days = (current_day() - (day_of(value) if isinstance(value, datetime) else value)).days
    if days < 1:
        return str(gettext("today"))
    if days < 31:
        return str(ngettext("a day ago", "%(num)d days ago", days))
    if days < 365:
        return str(ngettext("a month ago", "%(num)d months ago", days // 30))
    return str(ngettext("a year ago", "%(num)d years ago", days // 365))


def ago_to_the_minute(value: datetime) -> str:
    """How long ago; of the last day with hours and minutes, where the order of what happened today matters."""
    minutes = max(int((utc_now() - value).total_seconds()) // 60, 0)
    if minutes >= 24 * 60:
        return ago(value)
    if minutes >= 60:
        return str(ngettext("an hour ago", "%(num)d hours ago", minutes // 60))
    return str(gettext("%(num)d min ago", num=minutes) if minutes else gettext("just now"))


def markdown_of_page(text: str) -> Markup:
    """Markdown as safe HTML (see markdown.py). All texts of a page together take a bounded time: one that would be too
    much is shown as it was written."""
    work = effort(text) + g.get("markdown_effort", 0.0)
    if work > MOST_ON_A_PAGE:
        return plain(text)
    g.markdown_effort = work
    return markdown(text, gettext("Image not shown"))


def marked(text: str, marks: Sequence[tuple[int, int]]) -> Markup:
    """Escaped text with `<mark>` around the spans (start, end)."""
    parts, last_end = [], 0
    for start, end in marks:
        parts += [escape(text[last_end:start]), Markup("<mark>"), escape(text[start:end]), Markup("</mark>")]
        last_end = end
    return Markup("").join([*parts, escape(text[last_end:])])


def team_name(team: Team | None) -> str:
    """A team's name in the page's language."""
    if team is None:
        return ""
    return team.in_language("name", str(get_locale())) or ""


def role_name(role: str) -> str:
    """A person's role in the page's language."""
    names = {"agent": gettext("Agent"), "lead": gettext("Team lead"), "admin": gettext("Admin")}
    return str(names.get(role, gettext("Staff")))


def expert_reason(expert: Expert) -> str:
    """What a colleague has done with items like the question, in a sentence that a colleague would say, and on which
    words."""
    when = ago(expert.last_at)
    if expert.answered == 1:
        reason = gettext("Solved a similar case %(when)s", when=when)
    elif expert.answered and expert.answered == expert.answered_this_year:
        reason = gettext("Solved %(num)d similar cases this year", num=expert.answered)
    elif expert.answered:
        reason = gettext("Solved %(num)d similar cases, the last one %(when)s", num=expert.answered, when=when)
    elif expert.keeps:
        reason = gettext("Owns a guide on this, last verified %(when)s", when=when)
    elif expert.verified:
        reason = gettext("Verified a guide on this %(when)s", when=when)
    elif expert.replied == 1:
        reason = gettext("Helped with a similar case %(when)s", when=when)
    else:
        reason = gettext("Helped with %(num)d similar cases, the last one %(when)s", num=expert.replied, when=when)
    return f"{reason}: {', '.join(expert.words)}" if expert.words else str(reason)


def language_name(code: str) -> str:
    """A language's name in the page's language."""
    locale = get_locale()
    return str(locale.languages.get(code, code)) if locale else code


def in_language(code: str) -> str:
    """A language's name as it stands after "also in": in Finnish in the case that says so."""
    if str(get_locale()) != "fi":
        return language_name(code)
    return {"fi": "suomeksi", "en": "englanniksi", "sv": "ruotsiksi"}.get(code, language_name(code))


def with_language(code: str) -> str:
    """The address of this page in another language, with the same filters."""
    if request.method != "GET" or not request.endpoint:
        return url_for("ask.index", lang=code)
    return f"{request.path}?{urlencode({**request.args.to_dict(flat=False), 'lang': code}, doseq=True)}"


def item_url(item: Item | Heading) -> str:
    """The path of an item's page."""
    if item.kind is Kind.REQUEST:
        return url_for("requests.show", request_id=item.id)
    return url_for("documents.show", document_id=item.id)


def is_web_address(url: str | None) -> bool:
    """True for http and https, which a page may link to."""
    return parts_of(url or "").scheme in ("http", "https")
