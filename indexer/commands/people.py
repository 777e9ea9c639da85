"""The commands `kollega user` and `kollega team`: who may sign in, and whom a team's requests are for."""

import secrets
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from recommender import accounts
from recommender.database.tables import Account, Person, Team
from recommender.errors import AccountError


def add(session: Session, handle: str, name: str, role: str, teams: Sequence[str], password: str | None) -> str:
    """A person who may sign in; somebody who is in the data already keeps their name, teams and role unless given."""
    if not handle or ":" in handle or handle.split() != [handle] or len(handle) > 64:
        raise AccountError("A user name has 1 to 64 characters, without spaces and colons.")
    person = session.scalar(select(Person).where(Person.handle == handle))
    if person is None:
        person = Person(handle=handle, name=name or handle, role=role or "staff", languages=[])
        session.add(person)
    else:
        person.name, person.role = name or person.name, role or person.role
    if teams:
        person.teams = [get_team(session, each) for each in teams]
    session.flush()
    if password is None:
        accounts.open_account(session, person)
    else:
        accounts.set_password(session, person, password)
    accounts.enable(session, person)
    return f"{person.handle} may sign in as {person.role}"


def set_role(session: Session, handle: str, role: str, teams: Sequence[str]) -> str:
    """Change what a person is, and perhaps the teams they belong to."""
    person = get_person(session, handle)
    person.role = role
    if teams:
        person.teams = [get_team(session, each) for each in teams]
    of = ", ".join(team.handle for team in person.teams)
    return f"{handle} is {role}" + (f" of {of}" if of else "")


def rows(session: Session) -> list[str]:
    """One line for each account."""
    found = session.scalars(select(Account).join(Person).order_by(Person.handle))
    return [
        "\t".join(
            (
                each.person.handle,
                each.person.name,
                each.person.role,
                ",".join(team.handle for team in each.person.teams),
                "disabled" if each.disabled else "password" if each.password_hash else "no password",
            )
        )
        for each in found
    ]


def restrict(session: Session, handle: str, restricted: bool) -> str:
    """Whether new requests to a team are for those in the request only, or for everyone, unless the asker says."""
    get_team(session, handle).restricted = restricted
    return f"new requests to {handle} are by default for " + ("those in the request" if restricted else "everyone")


def open_demo(session: Session, handles: Sequence[str]) -> list[tuple[Person, str]]:
    """Accounts for the demo organisation with passwords that are new each time, so that none is known elsewhere."""
    opened = []
    for handle in handles:
        person, password = get_person(session, handle), secrets.token_urlsafe(9)
        account = accounts.set_password(session, person, password)
        account.disabled = False
        opened.append((person, password))
    return opened


def get_person(session: Session, handle: str) -> Person:
    """The person with this handle. Raises AccountError."""
    person = session.scalar(select(Person).where(Person.handle == handle))
    if person is None:
        raise AccountError(f"There is no person {handle!r}. Make one with: kollega user add {handle}")
    return person


def get_team(session: Session, handle: str) -> Team:
    """The team with this handle. Raises AccountError."""
    team = session.scalar(select(Team).where(Team.handle == handle))
    if team is None:
        known = ", ".join(session.scalars(select(Team.handle).order_by(Team.handle))) or "none yet"
        raise AccountError(f"There is no team {handle!r}. Teams come with `kollega import`; there are: {known}")
    return team
