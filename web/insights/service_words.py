"""How the figures of a team's service are put into words, on its page and in its CSV file."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta

from flask import Flask
from flask_babel import format_date, format_decimal, gettext, npgettext

from recommender.database.service_tables import SuccessMeasure
from recommender.database.tables import Team
from recommender.insights.service.measures import numbers_by_day
from recommender.insights.service.service import Group, Part, TeamService
from recommender.insights.service.waits import LEAST, Missing, Waits
from web.formatting import team_name
from web.insights.wording import topic_name


def attach(app: Flask) -> None:
    """Make the filters known to the templates."""
    app.jinja_env.filters.update(
        figure=figure, number=number, waits=waits, group_name=group_name, shown_figures=shown_figures
    )


def number(value: float) -> str:
    """A number as the page's language writes it."""
    return str(format_decimal(value))


def figure(count: int | None) -> str:
    """A count in words; one that is too small to be shown is told as that."""
    if count is None:
        return str(gettext("fewer than %(least)d", least=LEAST))
    return str(format_decimal(count))


def duration(time: timedelta) -> str:
    """A time as it stands after "within": in whole minutes, hours or days, rounded up."""
    minutes = max(1, -(-int(time.total_seconds()) // 60))
    if minutes < 60:
        return str(npgettext("within", "%(num)d minute", "%(num)d minutes", minutes))
    hours = -(-minutes // 60)
    if hours < 48:
        return str(npgettext("within", "%(num)d hour", "%(num)d hours", hours))
    return str(npgettext("within", "%(num)d day", "%(num)d days", -(-hours // 24)))


def waits(found: Waits) -> str:
    """How long people wait, in a sentence without its point."""
    if found.missing is not None:
        reasons = {
            Missing.FEW: gettext("not shown: fewer than %(least)d requests", least=LEAST),
            Missing.COLLEAGUES: gettext("not shown: it would tell how fast single colleagues are"),
            Missing.UNTIMED: gettext("not known: these requests came without times"),
        }
        return str(reasons[found.missing])
    if found.half is None:
        return str(gettext("fewer than half have got it so far"))
    if found.most is None:
        half = duration(found.half)
        return str(gettext("half within %(half)s; fewer than nine of ten have got it so far", half=half))
    half, most = duration(found.half), duration(found.most)
    if half == most:
        return str(gettext("nine of ten within %(most)s", most=most))
    return str(gettext("half within %(half)s, nine of ten within %(most)s", half=half, most=most))


def period(first: date, after: date) -> str:
    """The days of a period, in the short form of the page's language."""
    return f"{format_date(first, 'short')} – {format_date(after - timedelta(days=1), 'short')}"


def group_name(group: Group, teams: Mapping[str, Team]) -> str:
    """The name of those whom the team serves."""
    team = teams.get(group.handle) if group.handle else None
    return team_name(team) if team else str(gettext("Others"))


def missing(service: TeamService) -> list[str]:
    """What cannot be shown, why, and what to do about it: a sentence for each."""
    if not service.any:
        nothing = gettext(
            "Nothing has been sent to this team yet. Figures appear here from %(least)d requests on. Requests from "
            "another system can be imported.",
            least=LEAST,
        )
        return [str(nothing)]
    whole = service.whole
    reasons = (
        (whole.sent is None, _few_requests),
        (service.untimed is not None, lambda: _without_times(service.untimed)),
        (Missing.COLLEAGUES in (whole.first_answer.missing, whole.solution.missing), _few_colleagues),
        (whole.sent is not None and not any(group.handle for group in service.groups), _few_askers),
        (whole.came_of.solved is None and whole.came_of.left is None, _few_outcomes),
        (not service.topics, _no_topics),
    )
    return [str(sentence()) for holds, sentence in reasons if holds]


def _few_requests() -> str:
    text = gettext("Fewer than %(least)d requests were sent in this time: there is little to show yet.", least=LEAST)
    return str(text)


def _without_times(untimed: int | None) -> str:
    text = gettext(
        "Of %(count)s requests it is not known how long they took: their source did not say when they were answered. "
        "Import them again with created_at and resolved_at.",
        count=figure(untimed),
    )
    return str(text)


def _few_colleagues() -> str:
    text = gettext(
        "Times are shown when at least three colleagues have answered and none of them gave more than half of the "
        "answers. Otherwise they would tell how fast somebody is."
    )
    return str(text)


def _few_askers() -> str:
    text = gettext("A team is named among those who ask once %(least)d of its people have asked.", least=LEAST)
    return str(text)


def _few_outcomes() -> str:
    text = gettext(
        "What answers led to is counted when people search here and click. It is told a week later, and from "
        "%(least)d times on.",
        least=LEAST,
    )
    return str(text)


def _no_topics() -> str:
    text = gettext(
        "There are no topics to show yet. They are found from at least %(least)d solved requests or guides about the "
        "same thing, when an admin runs “kollega insights update” or leaves “kollega watch” running.",
        least=LEAST,
    )
    return str(text)


def part_figures(part: Part) -> list[tuple[str, str]]:
    """(name, value) of the figures of a topic, a period or all."""
    return [
        (gettext("Requests sent"), figure(part.sent)),
        (gettext("Solved by itself"), figure(part.came_of.solved)),
        (gettext("Read and left"), figure(part.came_of.left)),
        (gettext("Said it did not help"), figure(part.marks.not_helped)),
        (gettext("Opened again"), figure(part.marks.reopened)),
        (gettext("First answer"), waits(part.first_answer)),
        (gettext("Solution"), waits(part.solution)),
    ]


def shown_figures(part: Part) -> list[tuple[str, str]]:
    """The same without counts that are too small to be shown, of which a page would be full."""
    few = figure(None)
    return [(name, value) for name, value in part_figures(part) if value != few]


def csv_rows(
    service: TeamService, teams: Mapping[str, Team], measures: Sequence[SuccessMeasure]
) -> Iterator[tuple[object, ...]]:
    """The rows of the CSV file, the head first: what, of what, which figure, its value."""
    yield gettext("Part"), gettext("Of"), gettext("Figure"), gettext("Value")
    days = period(service.window.since, service.window.until + timedelta(days=1))
    for name, value in part_figures(service.whole):
        yield gettext("All"), days, name, value
    for group in service.groups:
        yield (
            gettext("Whom the team serves"),
            group_name(group, teams),
            gettext("Requests sent"),
            figure(group.requests),
        )
        for topic, count in group.topics:
            yield gettext("Whom the team serves"), group_name(group, teams), topic_name(topic), figure(count)
    for part in service.topics:
        for name, value in part_figures(part):
            yield gettext("Topic"), topic_name(part.topic) if part.topic else "", name, value
    for part in service.periods:
        days = period(*part.period) if part.period else ""
        for name, value in part_figures(part):
            yield gettext("Time"), days, name, value
    for measure in measures:
        for day, counted in numbers_by_day(measure):
            yield gettext("What the team measures itself"), measure.sentence, day.isoformat(), counted
