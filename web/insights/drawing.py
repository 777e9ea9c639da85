"""Pictures of figures, drawn as SVG on the server: bars, and lines over time.

They can be read in black and white, since series differ by pattern, dash and mark, and without seeing them:
each has a title, a description, and a table with everything it shows (templates/insights/_picture.html). Colours and
letters come from css/insights.css. A picture is as wide as a phone and is made larger by the page.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup

WIDTH = 360  # units: the width of a phone, so that letters keep their size there
_LINE, _BAR, _GAP = 18, 14, 6
_ROOM_FOR_TEXT = 90  # at the end of the longest bar
_PLOT = (44, 10, 306, 130)  # left, top, width and height of the plot of a line
_LONGEST_LABEL = 52  # characters that fit
_DASHES = ("", "6 3", "2 3")


@dataclass(frozen=True)
class Shown:
    """A number and how it is written; without a number nothing is drawn, and the text says why."""

    number: float | None
    text: str


@dataclass(frozen=True)
class Row:
    """A label with a number for each series. `tick` is a shorter label, for the scale of a line."""

    label: str
    values: Sequence[Shown]
    tick: str = ""


@dataclass(frozen=True)
class Picture:
    """A drawing with what it shows in words and as a table. `columns` has a heading for the labels and one for each
    series; `rows` are the cells."""

    id: str
    title: str
    description: str
    svg: Markup
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def bars(id: str, title: str, description: str, heading: str, series: Sequence[str], rows: Sequence[Row]) -> Picture:
    """Bars from left to right: for each row one for each series, with its number beside it. All have the same scale."""
    parts = _legend(id, series)
    y = _LINE * len(series) + _GAP if len(series) > 1 else 0
    largest = max((value.number or 0 for row in rows for value in row.values), default=0) or 1
    for row in rows:
        parts.append(_text(0, y + 13, _short(row.label, _LONGEST_LABEL)))
        y += _LINE
        for place, value in enumerate(row.values):
            width = (value.number or 0) / largest * (WIDTH - _ROOM_FOR_TEXT)
            if value.number:
                parts.append(_box(id, place, 0, y, width, _BAR))
            parts.append(
                _text(width + 5 if value.number else 0, y + 12, value.text, "quiet" if not value.number else "")
            )
            y += _BAR + 3
        y += _GAP
    return _picture(id, title, description, parts, y, (heading, *series), rows)


def lines(
    id: str,
    title: str,
    description: str,
    heading: str,
    series: Sequence[str],
    rows: Sequence[Row],
    written: Callable[[float], str] = lambda number: f"{number:g}",
) -> Picture:
    """Lines over time: a row for each point in time, oldest first. Where a number is missing, the line has a gap.
    `written` writes the numbers of the scale."""
    left, top, width, height = _PLOT
    legend = _LINE * len(series) if len(series) > 1 else 0
    top += legend
    numbers = [value.number for row in rows for value in row.values if value.number is not None]
    largest = _scale(max(numbers, default=0))
    least = min(0.0, -_scale(-min(numbers, default=0))) if numbers and min(numbers) < 0 else 0.0
    parts = _legend(id, series, as_lines=True)
    for part in (0, 0.5, 1):
        y = top + height * (1 - part)
        parts.append(Markup('<line class="scale" x1="{}" y1="{}" x2="{}" y2="{}"/>').format(left, _n(y), WIDTH, _n(y)))
        parts.append(_text(left - 5, y + 4, written(least + part * (largest - least)), anchor="end"))
    step = width / max(len(rows) - 1, 1)
    for place in range(len(series)):
        points = [
            (left + 4 + number * step, top + height * (1 - (shown - least) / (largest - least)))
            if (shown := row.values[place].number) is not None
            else None
            for number, row in enumerate(rows)
        ]
        parts += _line(place, points)
    for number in sorted({0, len(rows) // 2, len(rows) - 1} if len(rows) > 2 else range(len(rows))):
        anchor = "start" if number == 0 else "end" if number == len(rows) - 1 else "middle"
        x = WIDTH if anchor == "end" else 0 if len(rows) == 1 else left + 4 + number * step
        parts.append(
            _text(
                left if anchor == "start" else x,
                top + height + 18,
                rows[number].tick or rows[number].label,
                anchor=anchor,
            )
        )
    return _picture(id, title, description, parts, top + height + 26, (heading, *series), rows)


def _picture(
    id: str,
    title: str,
    description: str,
    parts: Sequence[Markup],
    height: float,
    columns: tuple[str, ...],
    rows: Sequence[Row],
) -> Picture:
    svg = Markup(
        '<svg class="drawing" role="img" aria-labelledby="{id}-title {id}-desc" viewBox="0 0 {width} {height}">'
        '<title id="{id}-title">{title}</title><desc id="{id}-desc">{description}</desc>{defs}{parts}</svg>'
    ).format(
        id=id, width=WIDTH, height=_n(max(height, 1)), title=title, description=description, defs=_patterns(id),
        parts=Markup("").join(parts),
    )  # fmt: skip
    cells = tuple((row.label, *(value.text for value in row.values)) for row in rows)
    return Picture(id, title, description, svg, columns, cells)


_PATTERN_LINES = (
    '<rect class="solid" width="8" height="8"/>',
    '<path class="stroke" d="M0 8L8 0M-2 2L2 -2M6 10L10 6"/>',
    '<circle class="solid" cx="4" cy="4" r="1.6"/>',
    '<path class="stroke" d="M0 0L8 8M8 0L0 8"/>',
    "",
)
"""Full, slanted, dotted, crossed and empty: the patterns of series."""


def _patterns(id: str) -> Markup:
    each = '<pattern id="{}-{}" width="8" height="8" patternUnits="userSpaceOnUse">{}</pattern>'
    made = [Markup(each).format(id, place, Markup(inner)) for place, inner in enumerate(_PATTERN_LINES)]  # noqa: S704
    return Markup("<defs>{}</defs>").format(Markup("").join(made))


def _box(id: str, pattern: int, x: float, y: float, width: float, height: float) -> Markup:
    return Markup('<rect class="edge" x="{}" y="{}" width="{}" height="{}" fill="url(#{}-{})"/>').format(
        _n(x), _n(y), _n(max(width, 1)), _n(height), id, pattern % len(_PATTERN_LINES)
    )


def _legend(id: str, series: Sequence[str], as_lines: bool = False) -> list[Markup]:
    """A line for each series with its pattern, or with its dash and mark; none when there is only one."""
    parts: list[Markup] = []
    for place, name in enumerate(series if len(series) > 1 else ()):
        y = place * _LINE
        parts += _line(place, [(2, y + 8), (24, y + 8)]) if as_lines else [_box(id, place, 0, y + 1, 24, 12)]
        parts.append(_text(30, y + 12, _short(name, _LONGEST_LABEL)))
    return parts


def _line(place: int, points: Sequence[tuple[float, float] | None]) -> list[Markup]:
    """The line through neighbouring points, and a mark on each point."""
    dash = _DASHES[place % len(_DASHES)]
    drawn = [
        Markup('<line class="stroke" x1="{}" y1="{}" x2="{}" y2="{}" stroke-dasharray="{}"/>').format(
            *map(_n, (*one, *next_)), dash or "none"
        )
        for one, next_ in pairwise(points)
        if one is not None and next_ is not None
    ]
    return drawn + [_mark(place, *point) for point in points if point is not None]


def _mark(place: int, x: float, y: float) -> Markup:
    """A full circle, an empty square or a full triangle."""
    if place % 3 == 0:
        return Markup('<circle class="solid" cx="{}" cy="{}" r="3"/>').format(_n(x), _n(y))
    if place % 3 == 1:
        return Markup('<rect class="edge paper" x="{}" y="{}" width="6" height="6"/>').format(_n(x - 3), _n(y - 3))
    return Markup('<path class="solid" d="M{} {}l4 7h-8z"/>').format(_n(x), _n(y - 4))


def _text(x: float, y: float, text: str, kind: str = "", anchor: str = "start") -> Markup:
    return Markup('<text x="{}" y="{}" class="{}" text-anchor="{}">{}</text>').format(_n(x), _n(y), kind, anchor, text)


def _scale(largest: float) -> float:
    """The end of a scale: the next number from 1, 2, 4, 6, 8 and 10 times a power of ten."""
    power = 10.0 ** len(str(int(largest))) / 10 if largest >= 1 else 1.0
    return next((step * power for step in (1, 2, 4, 6, 8, 10) if step * power >= largest), largest) or 1.0


def _short(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1].rstrip()}…"


def _n(number: float) -> str:
    """A coordinate with one decimal at most."""
    return f"{number:.1f}".removesuffix(".0")
