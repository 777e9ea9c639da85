"""The sentences of `kollega user` and `kollega team` about what they did in the database."""

import secrets
from collections.abc import Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from recommender import accounts, audit
from recommender.database.handles import LONGEST_HANDLES, RULE, is_usable, visible
from recommender.database.person_kind import SERVICE
from recommender.database.tables import Person, Team
from recommender.database.team_contact import LONGEST_CONTACT
from recommender.errors import AccountError
from recommender.membership import people

LONGEST_NAME = 200


def add(
    session: Session,
    handle: str,
    name: str,
    role: str,
    teams: Sequence[str],
    password: str | None,
    email: str = "",
    words: Sequence[str] = (),
) -> str:
    """Let a person sign in; returns a sentence with their role. A person who is already in the database keeps the name,
    teams, role or address that is not given. Raises AccountError for a handle, address or password that cannot be used,
    or an unknown team."""
    person = session.scalar(select(Person).where(Person.handle == handle))
    if person is None:
        person = people.add(session, handle, name)
    else:
        people.rename(session, person, name)
    _give(session, person, role or person.role, teams)
    people.give_account(session, person, email)
    if password is not None:
        accounts.set_password(session, person, password, words=words)
    return f"{person.handle} may sign in as {person.role}"


def set_role(session: Session, handle: str, role: str, teams: Sequence[str]) -> str:
    """Change a person's role and, when teams are given, their teams; returns a sentence about it. Raises AccountError
    for an unknown person or team."""
    person = people.find(session, handle)
    before = {team.handle for team in person.teams}
    _give(session, person, role, teams)
    team_names = ", ".join(team.handle for team in person.teams)
    gone = ", ".join(sorted(before - {team.handle for team in person.teams}))
    said = f"{handle} is {role}" + (f" of {team_names}" if team_names else "")
    return said + (f", and no longer of {gone}" if gone else "")


def set_kind(session: Session, handle: str, kind: str) -> str:
    """Say whether somebody is a "person" or a "service", or that it is to be guessed ("guess"); returns a sentence
    about it. Raises AccountError for an unknown person."""
    person = people.find(session, handle)
    people.set_kind(session, person, kind)
    suggested = "is never suggested" if person.kind == SERVICE else "may be suggested"
    return f"{handle} is a {person.kind} and {suggested}"


def services(session: Session) -> list[str]:
    """One line for each service: user name, name, set or guessed; separated by tabs."""
    found = session.scalars(select(Person).where(Person.kind == SERVICE).order_by(Person.handle))
    return ["\t".join((row.handle, row.name, "set" if row.stated_kind else "guessed")) for row in found]


def call(session: Session, handle: str, names: Mapping[str, str]) -> str:
    """Give a team its "name" or Finnish name ("name_fi"); the name makes the team when there is none. Returns a
    sentence about it. Raises AccountError for an unknown team without a name, or what cannot be a handle or name."""
    shown = {field: visible(text).strip() for field, text in names.items()}
    if "name" in shown and not shown["name"]:
        raise AccountError("--name needs a text that can be seen, of at most 200 characters.")
    if any(len(text) > LONGEST_NAME for text in shown.values()):
        raise AccountError(f"Shorten the name of the team to {LONGEST_NAME} characters.")
    team = session.scalar(select(Team).where(Team.handle == handle))
    if team is None and "name" in shown:
        if not is_usable(handle, "team"):
            raise AccountError(
                f"The handle of a team has 1 to {LONGEST_HANDLES['team']} characters, {RULE}. Choose another one."
            )
        session.add(Team(handle=handle, name=shown["name"], name_fi=shown.get("name_fi") or None))
        audit.record(session, audit.COMMAND, "team.added", f"team:{handle}")
        return f"{handle} is the new team {shown['name']}"
    team = people.find_team(session, handle)
    for field, text in shown.items():
        before = getattr(team, field)
        setattr(team, field, text or None)
        audit.record_change(session, audit.COMMAND, f"team.{field}", f"team:{handle}", before, text or None)
    return f"{handle} is called {team.name}" + (f" and {team.name_fi}" if team.name_fi and "name_fi" in shown else "")


def restrict(session: Session, handle: str, restricted: bool) -> str:
    """Set who may read new requests to a team by default: only the asker and the team, or everyone. Returns a sentence
    about it. Raises AccountError for an unknown team."""
    team = people.find_team(session, handle)
    before, team.restricted = team.restricted, restricted
    widened = before and not restricted
    audit.record_change(session, audit.COMMAND, "team.restricted", f"team:{handle}", before, restricted, widened)
    return f"new requests to {handle} are by default for " + ("those in the request" if restricted else "everyone")


def keep(session: Session, handle: str, days: int | None) -> str:
    """Set for how many days a team's resolved requests are kept; None means forever. Returns a sentence about it.
    Raises AccountError for an unknown team."""
    team = people.find_team(session, handle)
    before, team.keep_days = team.keep_days, days
    audit.record_change(session, audit.COMMAND, "team.keep_days", f"team:{handle}", before, days)
    return f"solved requests of {handle} are kept " + ("forever" if days is None else f"for {days} days")


def contact(session: Session, handle: str, changes: Mapping[str, str]) -> str:
    """Set how a team is reached: `changes` has the new "phone", "hours" or "hours_fi"; an empty text takes it away.
    Returns a sentence about it. Raises AccountError for an unknown team or a text that is too long."""
    team = people.find_team(session, handle)
    for name, text in changes.items():
        longest = LONGEST_CONTACT[name]
        if len(text) > longest:
            raise AccountError(f"Shorten the text of --{name.replace('_', '-')} to {longest} characters.")
        before, after = getattr(team, name), visible(text) or None
        setattr(team, name, after)
        audit.record_change(session, audit.COMMAND, f"team.{name}", f"team:{handle}", before, after)
    known = [text for text in (team.phone, team.hours, team.hours_fi) if text]
    return f"{handle} is reached at: {', '.join(known)}" if known else f"how {handle} is reached is not said"


def handle_private_matters(session: Session, handle: str, handles: bool) -> str:
    """Set whether questions about health, harassment, pay and family are offered to this team first. Returns a sentence
    about it. Raises AccountError for an unknown team."""
    team = people.find_team(session, handle)
    before, team.private_matters = team.private_matters, handles
    audit.record_change(session, audit.COMMAND, "team.private_matters", f"team:{handle}", before, handles)
    return f"private matters are offered to {handle} first" if handles else f"{handle} is like any other team"


def open_demo(session: Session, handles: Sequence[str]) -> list[tuple[Person, str]]:
    """(person, password) of accounts for the demo organisation. Passwords are random and new each time, so that they
    are not the same in two installations. People who were erased, or may not sign in any more, are left out."""
    opened = []
    for person in session.scalars(select(Person).where(Person.handle.in_(handles)).order_by(Person.id)):
        if accounts.open_account(session, person).disabled:
            continue
        password = secrets.token_urlsafe(9)
        accounts.set_password(session, person, password, keep_tokens=True)
        opened.append((person, password))
    return sorted(opened, key=lambda each: handles.index(each[0].handle))


def _give(session: Session, person: Person, role: str, teams: Sequence[str]) -> None:
    """Give a person a role and, when teams are given, these teams in place of theirs."""
    people.set_role(session, person, role)
    if teams:
        people.set_teams(session, person, teams)
