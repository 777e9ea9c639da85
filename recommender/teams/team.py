"""Makes teams and changes them. Each function changes one thing, records it in the audit log, and leaves the commit to
the caller."""

from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from recommender import audit
from recommender.audit import Actor
from recommender.database.handles import LONGEST_HANDLES, RULE, is_usable, visible
from recommender.database.lengths import LONGEST_CONTACT
from recommender.database.organisation_tables import OrganisationValue
from recommender.database.tables import Team
from recommender.errors import AccountError, TeamRefused

LONGEST_NAME = 200
NEW_TEAMS_RESTRICTED = "new_teams_restricted"
"""The value of the organisation with which `new_ones_are_restricted`."""
MOST_DAYS = 36_500
"""Longest time for which solved requests are kept, if not forever: a hundred years."""


def find(session: Session, handle: str) -> Team | None:
    """The team with this handle; None when there is none."""
    return session.scalar(select(Team).where(Team.handle == handle))


def get_team(session: Session, handle: str) -> Team:
    """The team with this handle. Raises AccountError, which says how to make it, when there is none."""
    team = find(session, handle)
    if team is None:
        known = ", ".join(session.scalars(select(Team.handle).order_by(Team.handle))) or "none yet"
        raise AccountError(
            f"There is no team {handle!r}; there are: {known}. Make it with: kollega team add {handle} --name NAME",
            "team",
        )
    return team


def all_teams(session: Session) -> list[Team]:
    """Every team, in the order of the handles."""
    return list(session.scalars(select(Team).order_by(Team.handle)))


def add(session: Session, handle: str, names: Mapping[str, str], by: Actor) -> Team:
    """Make a team with its "name" and, if given, its names in other languages ("name_fi", "name_sv"). It is restricted
    when new ones are. Raises TeamRefused for a handle or name that cannot be used, or that another team has."""
    if not is_usable(handle, "team"):
        raise TeamRefused(
            f"The handle of a team has 1 to {LONGEST_HANDLES['team']} characters, {RULE}. Choose another one.",
            "handle", "unusable",
        )  # fmt: skip
    shown = _checked_names({"name": names.get("name", "")} | dict(names))
    if find(session, handle) is not None:
        raise TeamRefused(f"There is already a team {handle}. Choose another handle.", "handle", "taken")
    team = Team(handle=handle, **{field: text or None for field, text in shown.items()})
    team.restricted = new_ones_are_restricted(session)
    session.add(team)
    session.flush()
    audit.record(session, by, "team.added", f"team:{handle}", {"restricted": team.restricted})
    return team


def new_ones_are_restricted(session: Session) -> bool:
    """True when the organisation has set that a new team is restricted until somebody says otherwise."""
    row = session.get(OrganisationValue, NEW_TEAMS_RESTRICTED)
    return row is not None and row.value is True


def rename(session: Session, team: Team, names: Mapping[str, str], by: Actor) -> None:
    """Give a team its "name", or its name in Finnish or Swedish ("name_fi", "name_sv"), which an empty text takes away.
    Raises TeamRefused for a name that cannot be used."""
    for field, text in _checked_names(names).items():
        _set(session, team, field, text or None, by)


def restrict(session: Session, team: Team, restricted: bool, by: Actor) -> None:
    """Set who may read new requests to a team by default: only the asker and the team, or everyone. Requests that are
    there already stay as they are."""
    _set(session, team, "restricted", restricted, by, widened=team.restricted and not restricted)


def keep(session: Session, team: Team, days: int | None, by: Actor) -> None:
    """Set for how many days a team's solved requests are kept; None means forever. Raises TeamRefused for a number of
    days that is too small or too large."""
    if days is not None and not 1 <= days <= MOST_DAYS:
        raise TeamRefused(f"Requests are kept for 1 to {MOST_DAYS} days, or forever.", "keep_days", "days")
    _set(session, team, "keep_days", days, by)


def set_contact(session: Session, team: Team, changes: Mapping[str, str], by: Actor) -> None:
    """Set how a team is reached: `changes` has the new "phone", "hours", "hours_fi" or "hours_sv"; an empty text
    takes it away. Raises TeamRefused for a text that is too long."""
    shown = {name: visible(text).strip() for name, text in changes.items()}
    for name, text in shown.items():
        if len(text) > LONGEST_CONTACT[name]:
            option = f"--{name.replace('_', '-')}"
            raise TeamRefused(f"Shorten the text of {option} to {LONGEST_CONTACT[name]} characters.", name, "long")
    for name, text in shown.items():
        _set(session, team, name, text or None, by)


def handle_private_matters(session: Session, team: Team, handles: bool, by: Actor) -> None:
    """Set whether questions about health, harassment, pay and family are offered to this team first."""
    _set(session, team, "private_matters", handles, by)


def _checked_names(names: Mapping[str, str]) -> dict[str, str]:
    shown = {field: visible(text).strip() for field, text in names.items()}
    if "name" in shown and not shown["name"]:
        raise TeamRefused(
            f"--name needs a text that can be seen, of at most {LONGEST_NAME} characters.", "name", "empty"
        )
    for field, text in shown.items():
        if len(text) > LONGEST_NAME:
            raise TeamRefused(f"Shorten the name of the team to {LONGEST_NAME} characters.", field, "long")
    return shown


def _set(session: Session, team: Team, field: str, value: object, by: Actor, *, widened: bool = False) -> None:
    before = getattr(team, field)
    setattr(team, field, value)
    audit.record_change(session, by, f"team.{field}", f"team:{team.handle}", before, value, widened)
