"""The list of people as admins see it, also those who have left, are services or cannot sign in; and one of them as
JSON. What they have written is not here: that is for those who may read it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from recommender.accounts import second_factor
from recommender.database.account_tables import Account, APIToken
from recommender.database.days import current_day
from recommender.database.person_kind import PERSON, SERVICE
from recommender.database.storing import in_chunks
from recommender.database.tables import Person, Team
from recommender.language.terms import fold

PAGE = 50  # people on a page: a judgement
_AT_ONCE = 500  # people loaded by one query: a judgement
HERE, LEFT, DISABLED, SERVICES, NO_PASSWORD, NO_ACCOUNT = (
    "here", "left", "disabled", "services", "no_password", "no_account",
)  # fmt: skip
STATES = (HERE, NO_PASSWORD, NO_ACCOUNT, DISABLED, LEFT, SERVICES)
"""What the list can be narrowed to: people who work here; of them those who have an account but no way to sign in yet,
and those without an account; disabled accounts; people who have left; services."""


@dataclass(frozen=True)
class Member:
    """A person with their account, if there is one."""

    person: Person
    account: Account | None

    @property
    def state(self) -> str:
        """One of STATES: the first that is true of LEFT, SERVICES, DISABLED, NO_ACCOUNT and NO_PASSWORD; else HERE."""
        if self.person.has_left(current_day()):
            return LEFT
        if self.person.kind == SERVICE:
            return SERVICES
        if self.account is None:
            return NO_ACCOUNT
        if self.account.disabled:
            return DISABLED
        return HERE if self.account.password_hash or self.account.subject else NO_PASSWORD


@dataclass(frozen=True)
class Members:
    """One page of the people that were looked for, by name, how many they are in all, and the number of pages."""

    members: Sequence[Member]
    total: int
    pages: int


def load(
    session: Session, words: str = "", role: str = "", team: str = "", state: str = "", page: int | None = 1
) -> Members:
    """The people whose name, user name or e-mail address contains each of the words, with this role, in this team, and
    in this state (all, where these are empty). Without a `page`: all of them."""
    query = select(Person.id, Person.name, Person.handle, Account.email)
    query = query.outerjoin(Account, Account.person_id == Person.id)
    if role:
        query = query.where(Person.role == role)
    if team:
        query = query.where(Person.teams.any(Team.handle == team))
    if state in STATES:
        query = query.where(*_conditions(state))
    wanted = fold(words).split()
    ids = [
        number
        for number, name, handle, email in sorted(session.execute(query), key=lambda row: (fold(row.name), row.id))
        if all(word in fold(f"{name} {handle} {email or ''}") for word in wanted)
    ]
    pages = max(1, -(-len(ids) // PAGE))
    first = (min(page, pages) - 1) * PAGE if page else 0
    shown = ids[first : first + PAGE] if page else ids
    return Members(_loaded(session, shown), len(ids), pages)


def one(session: Session, person: Person) -> Member:
    """A person with their account."""
    return Member(person, session.get(Account, person.id))


def tokens_used(session: Session, ids: Sequence[int]) -> dict[int, date | None]:
    """Of these people who have tokens, by their ids: the day on which one of these was last used; None for never."""
    query = select(APIToken.person_id, func.max(APIToken.last_used_on)).where(APIToken.person_id.in_(ids))
    return {number: day for number, day in session.execute(query.group_by(APIToken.person_id))}


def as_json(session: Session, member: Member) -> dict[str, Any]:
    """What an admin may know of a person and their account, for `--json`."""
    person, account = member.person, member.account
    return {
        "user_name": person.handle,
        "name": person.name,
        "email": account.email if account else None,
        "role": person.role,
        "teams": [team.handle for team in person.teams],
        "kind": person.kind,
        "kind_is_set": person.stated_kind is not None,
        "left_on": person.left_on.isoformat() if person.left_on else None,
        "state": member.state,
        "has_password": bool(account and account.password_hash),
        "is_linked": bool(account and account.subject),
        "second_factor": second_factor.is_on(session, person.id),
    }


def _loaded(session: Session, ids: Sequence[int]) -> list[Member]:
    people: dict[int, Person] = {}
    accounts: dict[int, Account] = {}
    for chunk in in_chunks(ids, _AT_ONCE):
        people |= {row.id: row for row in session.scalars(select(Person).where(Person.id.in_(chunk)))}
        found = session.scalars(select(Account).where(Account.person_id.in_(chunk)))
        accounts |= {row.person_id: row for row in found}
    return [Member(people[number], accounts.get(number)) for number in ids if number in people]


def _conditions(state: str) -> list[ColumnElement[bool]]:
    today = current_day()
    here = Person.here_on(today)
    people = Person.kind == PERSON
    enabled = Account.disabled.is_(False)
    return {
        HERE: [here, people, or_(Account.person_id.is_(None), enabled)],
        NO_PASSWORD: [here, people, enabled, Account.password_hash.is_(None), Account.subject.is_(None)],
        NO_ACCOUNT: [here, people, Account.person_id.is_(None)],
        DISABLED: [here, people, Account.disabled.is_(True)],
        LEFT: [Person.left_on <= today],
        SERVICES: [Person.kind == SERVICE],
    }[state]
