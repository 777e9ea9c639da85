"""Whom a page offers to ask when the answers do not help: the team that only few can read, for what is private; the
teams that are likely to handle the question; and a colleague."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

from flask import Flask
from flask_babel import get_locale

from recommender.database.tables import Team
from recommender.datatypes import Expert, Recommendation, Verdict
from recommender.search.people_beside import People
from web.formatting import expert_reason
from web.search.question import TypedQuestion

_TONES = 6  # background colours of faces in tokens.css


@dataclass(frozen=True)
class Door:
    """Whom to ask: `private` is the team for health, harassment, pay and family, when the question is about these;
    `likely` are one or two teams. `nothing` says that no answer was found, so that this is what the page has to
    offer."""

    private: Team | None = None
    likely: tuple[Team, ...] = ()
    nothing: bool = False


def attach(app: Flask) -> None:
    """Make the filters known to the templates."""
    app.jinja_env.filters.update(tone=tone, short_reason=short_reason, team_hours=team_hours)


def door(question: TypedQuestion, found: Recommendation | None, teams: Mapping[str, Team]) -> Door:
    """Whom to offer for a question and what was found for it."""
    if found is None:
        return Door()
    likely = likely_of(found, teams)
    private = _private_team(teams, likely) if question.is_private else None
    nothing = found.verdict is Verdict.UNKNOWN and not found.vague
    return Door(private, tuple(team for team in likely if team is not private), nothing)


def likely_of(found: Recommendation | People, teams: Mapping[str, Team]) -> tuple[Team, ...]:
    """The teams that are likely to handle a question."""
    return tuple(teams[handle] for handle in found.likely_teams or found.teams if handle in teams)


def tone(handle: str) -> str:
    """The class of the colour of somebody's face: always the same for the same person."""
    return f"tone-{zlib.crc32(handle.encode()) % _TONES + 1}"


def short_reason(expert: Expert) -> str:
    """Why a colleague is suggested, without the words of the question."""
    return expert_reason(replace(expert, words=()))


def team_hours(team: Team) -> str:
    """When a team can be reached, in the page's language when it is given in it."""
    return team.in_language("hours", str(get_locale())) or ""


def _private_team(teams: Mapping[str, Team], likely: tuple[Team, ...]) -> Team | None:
    """The team that the organisation has set for private matters, else a likely one whose requests are private."""
    stated = [team for team in teams.values() if team.private_matters]
    restricted = [team for team in likely if team.restricted]
    return next(iter([*sorted(stated, key=lambda team: team not in likely), *restricted]), None)
