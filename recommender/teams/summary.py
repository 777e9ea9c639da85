"""What is known of a team at a glance: its settings, and how much belongs to it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from recommender.database.handover_tables import TeamDestination
from recommender.database.tables import OPEN, Document, HelpRequest, Team, team_members
from recommender.outbox.handover import HERE


@dataclass(frozen=True)
class TeamSummary:
    """A team's settings and how many people, requests and documents it has. `send_to` is where new requests go on to,
    without secrets: HERE, a mail address, the name of a source, or the host of a webhook."""

    handle: str
    name: str
    name_fi: str | None
    name_sv: str | None
    restricted: bool
    private_matters: bool
    keep_days: int | None
    phone: str | None
    hours: str | None
    hours_fi: str | None
    hours_sv: str | None
    send_to: str
    members: int
    open_requests: int
    solved_requests: int
    documents: int

    def as_json(self) -> dict[str, Any]:
        """The fields by their names."""
        return asdict(self)


def summary_of(session: Session, team: Team) -> TeamSummary:
    """The summary of one team."""
    return summaries(session, [team])[0]


def summaries(session: Session, teams: Sequence[Team]) -> list[TeamSummary]:
    """The summaries of teams, in their order, with a fixed number of queries."""
    session.flush()
    is_open = HelpRequest.status == OPEN
    members = _counts(session, team_members.c.team_id)
    waiting, solved = _counts(session, HelpRequest.team_id, is_open), _counts(session, HelpRequest.team_id, ~is_open)
    documents = _counts(session, Document.team_id)
    rows = session.execute(select(TeamDestination.team_id, TeamDestination.target))
    targets = {number: target for number, target in rows}
    return [
        TeamSummary(
            team.handle,
            team.name,
            team.name_fi,
            team.name_sv,
            team.restricted,
            team.private_matters,
            team.keep_days,
            team.phone,
            team.hours,
            team.hours_fi,
            team.hours_sv,
            without_secrets(targets.get(team.id, HERE)),
            members.get(team.id, 0),
            waiting.get(team.id, 0),
            solved.get(team.id, 0),
            documents.get(team.id, 0),
        )
        for team in teams
    ]


def without_secrets(target: str) -> str:
    """Where requests go on to as it may be shown: of a webhook only scheme and host, since its path or user often is
    what opens it."""
    parts = urlsplit(target)
    if parts.scheme not in ("http", "https"):
        return target
    host = parts.hostname or ""
    return f"{parts.scheme}://{host}{f':{parts.port}' if parts.port else ''}/…"


def _counts(session: Session, column: Any, *conditions: ColumnElement[bool]) -> dict[int, int]:
    """How many rows there are of each team, by the team's id."""
    query = select(column, func.count()).where(column.is_not(None), *conditions).group_by(column)
    return {number: count for number, count in session.execute(query)}
