"""Teams as groups of an identity provider. Each change is recorded in the audit log, and the caller commits."""

import re
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, exists, func, or_, select
from sqlalchemy.orm import Session

from recommender import audit
from recommender.database.handles import usable_handle
from recommender.database.provisioning_tables import ProvisionedTeam
from recommender.database.storing import insert_or_keep
from recommender.database.tables import Person, Team
from recommender.errors import AccountError, TeamRefused
from recommender.membership import people
from recommender.provisioning.people import visible as visible_people
from recommender.teams import removing, team


@dataclass(frozen=True)
class ProvidedGroup:
    """What the provider says of a group; `members` are ids of people here."""

    name: str
    external_id: str | None
    members: frozenset[int]


def visible() -> Select[Team]:
    """The teams that the provider sees, by id: all but those whose group it has deleted."""
    gone = exists().where(ProvisionedTeam.team_id == Team.id, ProvisionedTeam.removed.is_(True))
    return select(Team).where(~gone).order_by(Team.id)


def by_name(name: str) -> ColumnElement[bool]:
    """That a team has this name; upper and lower case are the same, as SCIM has it."""
    return or_(Team.name == name, func.lower(Team.name) == name.lower())


def by_external_id(identifier: str) -> ColumnElement[bool]:
    """That a team has this id at the provider."""
    return exists().where(ProvisionedTeam.team_id == Team.id, ProvisionedTeam.external_id == identifier)


def external_ids(session: Session) -> dict[int, str]:
    """The ids at the provider by the ids of teams."""
    rows = session.execute(select(ProvisionedTeam.team_id, ProvisionedTeam.external_id))
    return {number: identifier for number, identifier in rows if identifier}


def create(session: Session, provided: ProvidedGroup, by: int) -> Team:
    """Make a team, or take the one again whose group the provider had deleted. Raises TeamRefused, with the reason
    "taken" for a name that another team has."""
    row = session.scalar(select(Team).where(by_name(provided.name)))
    if row is None:
        row = team.add(session, _handle(session, provided.name), {"name": provided.name}, audit.actor(session, by))
    elif not _provisioned(session, row).removed:
        raise TeamRefused(f"There is already a team {provided.name}.", "name", "taken")
    _provisioned(session, row).removed = False
    audit.record(session, audit.actor(session, by), "team.provisioned", f"team:{row.handle}")
    change(session, row, provided, by)
    return row


def change(session: Session, row: Team, provided: ProvidedGroup, by: int) -> None:
    """Make a team what the provider says; its handle stays. Raises TeamRefused for a name that cannot be used, and
    AccountError for a member who is not here."""
    if provided.name != row.name:
        if session.scalar(select(Team.id).where(by_name(provided.name), Team.id != row.id)) is not None:
            raise TeamRefused(f"There is already a team {provided.name}.", "name", "taken")
        team.rename(session, row, {"name": provided.name}, audit.actor(session, by))
    _provisioned(session, row).external_id = provided.external_id
    _set_members(session, row, provided.members, by)
    session.flush()


def remove(session: Session, row: Team, by: int) -> None:
    """Remove a team whose group was deleted at the provider. When something belongs to it, it stays without members,
    and the provider sees it no more."""
    if not removing.belongings(session, row).keep_it:
        removing.remove(session, row, audit.actor(session, by))
        return
    _set_members(session, row, frozenset(), by)
    provisioned = _provisioned(session, row)
    provisioned.removed, provisioned.external_id = True, None
    session.flush()
    audit.record(session, audit.actor(session, by), "team.unprovisioned", f"team:{row.handle}")


def _set_members(session: Session, row: Team, members: Collection[int], by: int) -> None:
    present = {person.id: person for person in row.members}
    joining = set(members) - set(present)
    found = session.scalars(visible_people().where(Person.id.in_(joining))).all()
    if len(found) < len(joining):
        missing = sorted(joining - {person.id for person in found})
        raise AccountError(f"There is no user {missing[0]}.", "member")
    for person in found:
        people.set_teams(session, person, [*(each.handle for each in person.teams), row.handle], by)
    for number in set(present) - set(members):
        left = [each.handle for each in present[number].teams if each.id != row.id]
        people.set_teams(session, present[number], left, by)
    session.expire(row, ["members"])


def _provisioned(session: Session, row: Team) -> ProvisionedTeam:
    session.flush()
    found = session.get(ProvisionedTeam, row.id)
    return found or insert_or_keep(session, ProvisionedTeam, {"team_id": row.id}, {"removed": False})


def _handle(session: Session, name: str) -> str:
    """A handle of this name that no team has: `Human Resources` becomes `human-resources`."""
    first = usable_handle(re.sub(r"\s+", "-", name.strip().lower())[:60], "team")
    number, handle = 1, first
    while team.find(session, handle) is not None:
        number += 1
        handle = f"{first}-{number}"
    return handle
