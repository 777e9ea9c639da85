"""Which teams a page of insights is about, and who may open it."""

from dataclasses import dataclass

from flask import abort, request

from recommender.access import Reader, led_teams
from recommender.database.tables import Team
from recommender.insights.risk.risk import topic_risks
from web.current import session
from web.reading import led_by
from web.sign_in.session import current_reader, signed_in


@dataclass(frozen=True)
class Chosen:
    """Who reads, the teams they lead by name, and the one of these that the address names; None for all of them."""

    reader: Reader
    teams: tuple[Team, ...]
    team: Team | None


def topics_to_open(team: Team) -> frozenset[int]:
    """Ids of the topics of a team whose pages the reader may open: as its lead, those with figures."""
    if team.id not in led_teams(signed_in()):
        return frozenset()
    return frozenset(risk.topic.id for risk in topic_risks(session(), current_reader(), team))


def chosen_teams() -> Chosen:
    """What the address asks for; 401 when nobody has signed in, 403 for people who lead no team, 404 for a team that
    they do not lead."""
    person = signed_in()
    teams = led_by(person)
    if not teams:
        abort(403)
    handle = request.args.get("team", "")
    team = next((each for each in teams if each.handle == handle), None)
    if handle and team is None:
        abort(404)
    return Chosen(current_reader(), teams, team)
