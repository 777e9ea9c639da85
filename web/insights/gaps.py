"""What is missing in what a team has written down, and how well its guides are kept, for the people of the team."""

from flask import Blueprint, abort, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from recommender.access import Reader
from recommender.database.days import current_day
from recommender.database.tables import Team
from recommender.insights.gaps import gap as found_gaps
from recommender.insights.gaps.gap import ORDER, Gap, GapKind
from recommender.insights.gaps.half_life import LEAST_CHANGES
from recommender.insights.gaps.health import document_health
from web.current import session
from web.insights.chosen import topics_to_open
from web.reading import team_rows
from web.sign_in.session import current_reader, signed_in

blueprint = Blueprint("insight_gaps", __name__, url_prefix="/insights/gaps")
AT_ONCE = 10
"""Gaps of a kind that are shown before "more"; a judgement."""


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """The page of the only team that somebody is in, else a choice of them; 401 when nobody has signed in."""
    signed_in()
    teams = _own_teams(current_reader())
    if len(teams) == 1:
        return redirect(url_for("insight_gaps.show", handle=teams[0].handle))
    heading = gettext("What is missing")
    return render_template("insights/teams.html", teams=teams, heading=heading, endpoint="insight_gaps.show")


@blueprint.get("/<handle>")
def show(handle: str) -> ResponseReturnValue:
    """What is missing in the topics that a team handles; 404 for people who are not in it."""
    reader, team = _member_of(handle)
    today, now = current_day(), session()
    topics = found_gaps.team_topics(now, reader, team.id)
    weeks = found_gaps.searched(now, topics, today)
    return render_template(
        "insights/gaps.html",
        team=team,
        teams=_own_teams(reader),
        by_kind=_by_kind(found_gaps.gaps_of(now, reader, topics)),
        topics=topics,
        to_open=topics_to_open(team),
        searched={topic.id: weeks[topic.id] for topic in topics if topic.id in weeks},
        without_topic=found_gaps.without_topic(now, today),
        known_ages={topic: age for topic, age in found_gaps.ages(now, topics).items() if age.half_life_days},
        least_changes=LEAST_CHANGES,
        computed_on=found_gaps.computed_on(now),
        first=AT_ONCE,
    )


@blueprint.get("/<handle>/guides")
def guides(handle: str) -> ResponseReturnValue:
    """How well the guides of a team are kept; 404 for people who are not in it."""
    reader, team = _member_of(handle)
    found = document_health(session(), reader, team.id)
    return render_template(
        "insights/health.html",
        team=team,
        teams=_own_teams(reader),
        guides=found,
        fine=sum(not each.problems for each in found),
        computed_on=found_gaps.computed_on(session()),
    )


def _by_kind(found: list[Gap]) -> dict[GapKind, list[Gap]]:
    return {kind: of_kind for kind in ORDER if (of_kind := [gap for gap in found if gap.kind is kind])}


def _member_of(handle: str) -> tuple[Reader, Team]:
    """Who reads, and the team with this handle; 404 unless they are in it."""
    signed_in()
    reader, team = current_reader(), team_rows().get(handle)
    if team is None or team.id not in reader.team_ids:
        abort(404)
    return reader, team


def _own_teams(reader: Reader) -> list[Team]:
    return sorted((team for team in team_rows().values() if team.id in reader.team_ids), key=lambda team: team.handle)
