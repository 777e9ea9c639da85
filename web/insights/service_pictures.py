"""The pictures on the page of a team."""

from collections.abc import Callable, Mapping, Sequence

from flask_babel import format_date, format_decimal, gettext

from recommender.database.service_tables import SuccessMeasure
from recommender.database.tables import Team
from recommender.insights.service.measures import numbers_by_day
from recommender.insights.service.service import Part, TeamService
from web.insights.drawing import Picture, Row, Shown, bars, lines
from web.insights.service_words import duration, figure, group_name, period, waits
from web.insights.wording import topic_name

_HOUR = 3600
_TOPICS = 12  # in the picture of topics: a judgement


def pictures_of(service: TeamService, teams: Mapping[str, Team]) -> dict[str, Picture]:
    """The pictures that have something to show, by name: groups, came_of, topics, demand, waits."""
    made = {
        "groups": _groups(service, teams),
        "came_of": _came_of(service),
        "topics": _topics(service),
        "demand": _demand(service),
        "waits": _waits(service),
    }
    return {name: picture for name, picture in made.items() if picture is not None}


def measure_picture(measure: SuccessMeasure) -> Picture | None:
    """The numbers of a measure over time; None for a single one."""
    numbers = numbers_by_day(measure)
    if len(numbers) < 2:
        return None
    rows = [Row(str(format_date(day, "medium")), [Shown(number, _decimal(number))]) for day, number in numbers]
    description = gettext("From %(first)s to %(last)s.", first=rows[0].values[0].text, last=rows[-1].values[0].text)
    heading = gettext("Day")
    return lines(
        f"measure-{measure.id}-picture", measure.sentence, description, heading, [gettext("Number")], rows, _decimal
    )


def _groups(service: TeamService, teams: Mapping[str, Team]) -> Picture | None:
    rows = [Row(group_name(group, teams), [_count(group.requests)]) for group in service.groups]
    if not any(group.requests for group in service.groups):
        return None
    title = gettext("Whose requests the team has got")
    description = gettext("Bars with the number of requests for each team that asks; all others are one bar.")
    return bars("groups-picture", title, description, gettext("Team"), [gettext("Requests sent")], rows)


def _came_of(service: TeamService) -> Picture | None:
    came_of = service.whole.came_of
    if (came_of.solved, came_of.left, came_of.sent) == (None, None, None):
        return None
    rows = [
        Row(gettext("Solved by itself: “This solved it” was clicked"), [_count(came_of.solved)]),
        Row(gettext("Left: an answer was read, and nothing was sent"), [_count(came_of.left)]),
        Row(gettext("Sent: a request was sent to the team"), [_count(came_of.sent)]),
    ]
    title = gettext("Solved by itself, left, sent")
    description = gettext("Three bars, for three different things that are not added up.")
    return bars("came-of-picture", title, description, gettext("What came of it"), [gettext("Times")], rows)


def _topics(service: TeamService) -> Picture | None:
    parts = [part for part in service.topics if part.sent and part.topic][:_TOPICS]
    if not parts:
        return None
    rows = [Row(topic_name(part.topic), [_count(part.sent)]) for part in parts if part.topic]
    title = gettext("What the team is asked about most")
    description = gettext("Bars with the number of requests for each topic, the largest first.")
    return bars("topics-picture", title, description, gettext("Topic"), [gettext("Requests sent")], rows)


def _demand(service: TeamService) -> Picture | None:
    return _over_time(
        service.periods,
        "demand-picture",
        gettext("Requests over time"),
        [gettext("Requests sent")],
        lambda part: [_count(part.sent)],
    )


def _waits(service: TeamService) -> Picture | None:
    def shown(part: Part) -> list[Shown]:
        both = part.first_answer, part.solution
        return [
            Shown(found.half.total_seconds() / _HOUR, duration(found.half)) if found.half else Shown(None, waits(found))
            for found in both
        ]

    series = [gettext("First answer: half within"), gettext("Solution: half within")]
    return _over_time(service.periods, "waits-picture", gettext("Hours that people wait"), series, shown)


def _over_time(
    parts: Sequence[Part], id: str, title: str, series: Sequence[str], shown: Callable[[Part], Sequence[Shown]]
) -> Picture | None:
    """Lines over the periods; None when fewer than two points could be drawn."""
    rows = [
        Row(period(*part.period), list(shown(part)), str(format_date(part.period[0], "short")))
        for part in parts
        if part.period
    ]
    if sum(row.values[0].number is not None for row in rows) < 2:
        return None
    description = gettext("A line over time; where fewer than five are behind a point, it has a gap.")
    return lines(id, title, description, gettext("Time"), series, rows, _decimal)


def _count(count: int | None) -> Shown:
    return Shown(count, figure(count))


def _decimal(number: float) -> str:
    return str(format_decimal(number))
