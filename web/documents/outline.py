"""The table of contents of a long text: its headings, with links to them."""

import re
from dataclasses import dataclass

from markupsafe import Markup

LEAST_HEADINGS, LEAST_LENGTH = 3, 2_000  # a text with fewer, or shorter (characters of HTML), has none: a judgement
_HEADING = re.compile(r"<h([1-6])>(.*?)</h\1>", re.DOTALL)
_TAG = re.compile(r"<[^>]*>")


@dataclass(frozen=True)
class Section:
    """A heading of a text: the id of its element, its words, and how deep it is below the highest headings, from 0."""

    id: str
    text: str
    depth: int


@dataclass(frozen=True)
class Outlined:
    """A text as safe HTML whose headings have ids, and its sections; none when it is short or has few."""

    html: Markup
    sections: tuple[Section, ...]


def outlined(html: Markup) -> Outlined:
    """Give the headings of a text that `markdown` has rendered ids, and list them."""
    found = [(int(level), _TAG.sub("", text).strip()) for level, text in _HEADING.findall(html)]
    if len(html) < LEAST_LENGTH or sum(bool(text) for _level, text in found) < LEAST_HEADINGS:
        return Outlined(html, ())
    highest, numbers = min(level for level, _text in found), iter(range(1, len(found) + 1))

    def with_id(match: re.Match[str]) -> str:
        return f'<h{match[1]} id="section-{next(numbers)}" tabindex="-1">{match[2]}</h{match[1]}>'

    sections = tuple(
        Section(f"section-{number}", Markup(text).unescape(), min(level - highest, 2))  # noqa: S704 - it is escaped again
        for number, (level, text) in enumerate(found, 1)
        if text
    )
    return Outlined(Markup(_HEADING.sub(with_id, html)), sections)  # noqa: S704 - cleaned by `markdown`
