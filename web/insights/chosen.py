"""Which teams a page of insights is about, and who may open it."""

from dataclasses import dataclass

from flask import abort, request

from recommender.access import Reader, led_teams
from recommender.database.tables import Person, Team
from web.reading import team_rows
from web.sign_in.session import current_reader, signed_in

ADMIN = "admin"


@dataclass(frozen=True)
class Chosen:
    """Who reads, the teams they lead by name, and the one of these that the address names; None for all of them."""

    reader: Reader
    teams: tuple[Team, ...]
    team: Team | None


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


def led_by(person: Person | None) -> tuple[Team, ...]:
    """The teams whose pages a person may open, by handle: those they lead, all of them for an admin, who sees only
    topics that they may read. Empty for nobody."""
    if person is None:
        return ()
    led = led_teams(person)
    teams = team_rows().values()
    may_open = [team for team in teams if team.id in led or person.role == ADMIN]
    return tuple(sorted(may_open, key=lambda team: team.handle))
