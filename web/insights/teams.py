"""The page of a team for its members: whom it serves, what came of it, how long people wait, and how the team measures
its own success. All members see the same figures; nothing is counted for a person."""

from dataclasses import dataclass, field
from datetime import date

from babel.numbers import NumberFormatError, parse_decimal
from flask import Blueprint, Response, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale, gettext

from recommender.access import led_teams
from recommender.database.days import current_day
from recommender.database.service_tables import SuccessMeasure
from recommender.database.tables import Team, utc_now
from recommender.insights.risk import wishes
from recommender.insights.service import measures
from recommender.insights.service.service import service_of
from web import once
from web.current import session
from web.insights.chosen import topics_to_open
from web.insights.csv_file import csv_file
from web.insights.service_pictures import measure_picture, pictures_of
from web.insights.service_words import csv_rows, missing
from web.reading import team_rows
from web.sign_in.session import current_reader, signed_in

blueprint = Blueprint("insight_teams", __name__, url_prefix="/insights/teams")
_EARLIEST = date(2000, 1, 1)  # of a number that a team writes down: a judgement


@dataclass(frozen=True)
class Typed:
    """What somebody has typed into the form of a new measure, or of a further number of the measure `of`."""

    sentence: str = ""
    number: str = ""
    day: str = ""
    of: int | None = None
    problems: dict[str, str] = field(default_factory=dict)

    def named(self, prefix: str) -> dict[str, str]:
        """What is wrong, by the id of its field in a form whose ids begin with `prefix`."""
        return {f"{prefix}{name}": text for name, text in self.problems.items()}


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """The teams of the person; with only one it is opened. 403 for people who are in no team."""
    teams = sorted(signed_in().teams, key=lambda team: team.handle)
    if not teams:
        abort(403)
    if len(teams) == 1:
        return redirect(url_for("insight_teams.show", handle=teams[0].handle))
    heading = gettext("Our service")
    return render_template("insights/teams.html", teams=teams, heading=heading, endpoint="insight_teams.show")


@blueprint.get("/<handle>")
def show(handle: str) -> ResponseReturnValue:
    """The page of a team; 404 for an unknown one, 403 for people who are not its members."""
    return _page(_own_team(handle), Typed())


@blueprint.get("/<handle>.csv")
def as_csv(handle: str) -> Response:
    """What the page shows, as a CSV file."""
    team = _own_team(handle)
    teams = {row.handle: row for row in team_rows().values()}
    rows = csv_rows(service_of(session(), team, utc_now()), teams, measures.measures_of(session(), team))
    return csv_file(rows, f"service-{team.handle}.csv")


@blueprint.post("/<handle>/measures")
def add_measure(handle: str) -> ResponseReturnValue:
    """Write down a new measure with its first number; 422 when something is wrong with it."""
    team, reader = _own_team(handle), current_reader()
    if not measures.may_write(team, reader):
        abort(403)
    if earlier := once.earlier_result():
        return redirect(earlier)
    typed, number, day = _typed(None)
    in_use = len(measures.measures_of(session(), team))
    if not typed.sentence or len(typed.sentence) > measures.LONGEST_SENTENCE:
        typed.problems["sentence"] = gettext(
            "Write a sentence of at most %(most)d characters.", most=measures.LONGEST_SENTENCE
        )
    elif in_use >= measures.MOST_MEASURES:
        typed.problems["sentence"] = gettext("These are enough. Stop using one before you add another.")
    if typed.problems or number is None or day is None:
        return _page(team, typed), 422
    added = measures.add_measure(session(), team, reader, typed.sentence, number, day)
    return redirect(once.commit_once(url_for("insight_teams.show", handle=handle, _anchor=f"measure-{added.id}")))


@blueprint.post("/<handle>/measures/<int(max=2147483647):number>")
def add_number(handle: str, number: int) -> ResponseReturnValue:
    """Write down a further number of a measure; 422 when something is wrong with it."""
    team, measure = _measure(handle, number)
    if earlier := once.earlier_result():
        return redirect(earlier)
    typed, value, day = _typed(measure.id)
    if len(measure.values) >= measures.MOST_VALUES:
        typed.problems["number"] = gettext("This measure has very many numbers. Stop using it and begin a new one.")
    if typed.problems or value is None or day is None:
        return _page(team, typed), 422
    measures.add_number(session(), team, current_reader(), measure, value, day)
    return redirect(once.commit_once(url_for("insight_teams.show", handle=handle, _anchor=f"measure-{number}")))


@blueprint.post("/<handle>/measures/<int(max=2147483647):number>/end")
def end_measure(handle: str, number: int) -> ResponseReturnValue:
    """Stop using a measure. What was written down is kept."""
    team, measure = _measure(handle, number)
    measures.end_measure(session(), team, current_reader(), measure)
    session().commit()
    return redirect(url_for("insight_teams.show", handle=handle, _anchor="measures"))


def _own_team(handle: str) -> Team:
    """A team of the person who reads; 401 when nobody has signed in, 404 for an unknown team, 403 for another one."""
    person = signed_in()
    team = team_rows().get(handle)
    if team is None:
        abort(404)
    if team not in person.teams:
        abort(403)
    return team


def _measure(handle: str, number: int) -> tuple[Team, SuccessMeasure]:
    """(the team, one of its measures that it uses); 404 when there is none, 403 for people who may not change it."""
    team = _own_team(handle)
    if not measures.may_write(team, current_reader()):
        abort(403)
    found = session().get(SuccessMeasure, number)
    if found is None or found.team_id != team.id or found.ended_on is not None:
        abort(404)
    return team, found


def _page(team: Team, typed: Typed) -> str:
    service = service_of(session(), team, utc_now())
    teams = {row.handle: row for row in team_rows().values()}
    used = measures.measures_of(session(), team)
    leads = team.id in led_teams(signed_in())
    return render_template(
        "insights/team.html",
        team=team,
        teams=teams,
        service=service,
        to_open=topics_to_open(team),
        missing=missing(service),
        pictures=pictures_of(service, teams),
        measures=[(measure, measures.numbers_by_day(measure), measure_picture(measure)) for measure in used],
        writes=measures.may_write(team, current_reader()),
        teachings=wishes.teachings_for(session(), team, current_reader()) if leads else [],
        typed=typed,
        today=current_day(),
        longest=measures.LONGEST_SENTENCE,
    )


def _typed(of: int | None) -> tuple[Typed, float | None, date | None]:
    """(what was typed, the number, the day); with what is wrong in its `problems`."""
    sent = {name: request.form.get(name, "").strip() for name in ("sentence", "number", "day")}
    typed = Typed(" ".join(sent["sentence"].split()), sent["number"], sent["day"], of)
    number, day = _number(typed.number), _day(typed.day)
    if number is None:
        typed.problems["number"] = gettext("Write a number, such as 12 or 3.5, without a unit.")
    if day is None:
        typed.problems["day"] = gettext("Write a day that is not in the future as year-month-day, such as 2026-01-31.")
    return typed, number, day


def _number(text: str) -> float | None:
    """A number as the page's language writes it, or with a point."""
    try:
        number = float(parse_decimal(text, locale=get_locale(), strict=True))
    except (NumberFormatError, ArithmeticError, ValueError):
        try:
            number = float(text)
        except ValueError:
            return None
    return number if measures.is_number(number) and len(text) < 40 else None


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if _EARLIEST <= day <= current_day() else None
