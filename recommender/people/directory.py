"""The directory: the people who work here, by name, for finding help.

It says what everybody may know of a colleague: name, teams, languages, and when they are away. It counts and ranks
nobody. That somebody does not want to be suggested is not to be seen: they are listed as everybody else is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from recommender.database.account_tables import Account
from recommender.database.person_kind import PERSON
from recommender.database.tables import Person, Team
from recommender.language.terms import fold

PAGE = 50  # people on a page: a judgement


@dataclass(frozen=True)
class Directory:
    """One page of the people that were looked for, by name, how many they are in all, and the number of pages."""

    people: Sequence[Person]
    total: int
    pages: int


def load(session: Session, words: str, team: str, page: int, today: date) -> Directory:
    """The people whose name, user name or a team's name contains each of the words, in the team with this handle (in
    any, if empty). Marks on letters make no difference. Services, people who have left and disabled accounts are left
    out."""
    query = (
        select(Person.id, Person.name, Person.handle)
        .outerjoin(Account, Account.person_id == Person.id)
        .where(
            Person.kind == PERSON,
            Person.here_on(today),
            or_(Account.person_id.is_(None), Account.disabled.is_(False)),
        )
    )
    if team:
        query = query.where(Person.teams.any(Team.handle == team))
    wanted, teams = fold(words).split(), _teams(session) if words else {}
    ids = [
        number
        for number, name, handle in sorted(session.execute(query), key=lambda row: (fold(row.name), row.id))
        if _contains(f"{name} {handle} {teams.get(number, '')}", wanted)
    ]
    pages = max(1, -(-len(ids) // PAGE))
    first = (min(page, pages) - 1) * PAGE
    shown = ids[first : first + PAGE]
    loaded = {person.id: person for person in session.scalars(select(Person).where(Person.id.in_(shown)))}
    return Directory([loaded[number] for number in shown if number in loaded], len(ids), pages)


def _teams(session: Session) -> dict[int, str]:
    """The names of the teams of each person, by the person's id, in all languages."""
    names: dict[int, str] = {}
    query = select(Person.id, Team.name, Team.name_fi, Team.name_sv).join(Person.teams)
    for number, *given in session.execute(query):
        names[number] = f"{names.get(number, '')} {' '.join(filter(None, given))}"
    return names


def _contains(text: str, words: Sequence[str]) -> bool:
    folded = fold(text)
    return all(word in folded for word in words)
