"""The pictures on the page of a topic: how often it was asked, and which part of its questions finds an answer, week by
week."""

from collections.abc import Sequence

from flask_babel import format_date, format_decimal, gettext

from recommender.insights.risk.risk import Week
from web.insights.drawing import Picture, Row, Shown, lines
from web.insights.wording import share

MOST_WEEKS = 52
"""Weeks that are drawn, the newest ones; a judgement."""


def pictures_over_time(weeks: Sequence[Week]) -> list[Picture]:
    """Demand and answerability over the weeks, oldest first; none before there are two weeks."""
    shown = weeks[-MOST_WEEKS:]
    if len(shown) < 2:
        return []
    first, last = shown[0], shown[-1]
    return [
        _line(
            "asked-picture",
            gettext("How often it is asked"),
            gettext("Questions in the year before"),
            [(week, Shown(week.demand, _decimal(week.demand))) for week in shown],
            gettext("From %(first)s to %(last)s.", first=_decimal(first.demand), last=_decimal(last.demand)),
        ),
        _line(
            "answerable-picture",
            gettext("Questions that find an answer"),
            gettext("Find an answer"),
            [(week, Shown(week.answerable, share(week.answerable))) for week in shown],
            gettext("From %(first)s to %(last)s.", first=share(first.answerable), last=share(last.answerable)),
            as_share=True,
        ),
    ]


def _line(
    id: str, title: str, series: str, points: Sequence[tuple[Week, Shown]], description: str, as_share: bool = False
) -> Picture:
    rows = [
        Row(str(format_date(week.monday, "medium")), [shown], str(format_date(week.monday, "short")))
        for week, shown in points
    ]
    return lines(id, title, description, gettext("Week from"), [series], rows, share if as_share else _decimal)


def _decimal(number: float) -> str:
    return str(format_decimal(round(number, 1)))
