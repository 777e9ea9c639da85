"""The sentences of `kollega user` about what they did in the database."""

import secrets
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from recommender import accounts
from recommender.database.person_kind import SERVICE
from recommender.database.tables import Person
from recommender.membership import people


def add(
    session: Session,
    handle: str,
    name: str,
    role: str,
    teams: Sequence[str],
    password: str | None,
    email: str = "",
    words: Sequence[str] = (),
    tell: str | None = None,
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
    people.give_account(session, person, email, tell=tell)
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


def services(session: Session) -> list[dict[str, str]]:
    """The services: the user name, the name, and whether that was set or guessed."""
    found = session.scalars(select(Person).where(Person.kind == SERVICE).order_by(Person.handle))
    return [
        {"user_name": row.handle, "name": row.name, "known": "set" if row.stated_kind else "guessed"} for row in found
    ]


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
