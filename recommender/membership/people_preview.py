"""What a list of people would change, found out without writing: nobody waits for it, and it takes few queries however
long the list is. `people_file.import_people` does it, by the same rules; a test compares the two."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from recommender.accounts import last_admin
from recommender.accounts.account import address_taken, checked_address
from recommender.accounts.ways import signs_in_elsewhere
from recommender.database.account_tables import Account
from recommender.database.days import current_day
from recommender.database.foreign_tables import ANY_SOURCE, ForeignPerson
from recommender.database.tables import Person, Team, team_members
from recommender.errors import AccountError
from recommender.membership import people
from recommender.membership.people_file import (
    CHANGED,
    MOST_ROWS,
    NEW,
    SAME,
    Imported,
    Row,
    Wanted,
    handles_by_name,
    lines_of,
    refused,
    twice,
    wanted,
)

_FIELDS = ("name", "email", "role", "teams", "left_on")  # that a list changes, in the order in which they are told


@dataclass(frozen=True)
class _State:
    """A person as they would be: `number` tells them apart; `has_way` is a password or a link to a provider."""

    number: int
    handle: str
    name: str
    role: str
    left_on: date | None
    email: str | None = None
    has_account: bool = True
    disabled: bool = False
    has_way: bool = False
    teams: tuple[str, ...] = ()

    def told(self, field: str) -> object:
        """A field as it is compared: teams whatever their order."""
        return sorted(self.teams) if field == "teams" else getattr(self, field)


class _People:
    """Everybody as they would be after the lines before, by user name and by address."""

    def __init__(self, states: Collection[_State], earlier: dict[str, int], elsewhere: bool) -> None:
        self._states = {state.number: state for state in states}
        self._named = earlier | {state.handle: state.number for state in states}
        self._addressed = {state.email: state.number for state in states if state.email}
        self._elsewhere, self._today, self._new = elsewhere, current_day(), 0

    def named(self, handle: str) -> _State | None:
        """Who has this user name, or had it before two accounts became one."""
        return self._states.get(self._named.get(handle, 0))

    def addressed(self, email: str) -> _State | None:
        """Who has this address."""
        return self._states.get(self._addressed.get(email, 0))

    def add(self, handle: str, name: str) -> _State:
        """Somebody new, not kept yet. Raises AccountError as `people.add` does."""
        people.check_handle(handle)
        if self.named(handle) is not None:
            raise people.handle_taken(handle)
        return _State(self._new - 1, handle, people.usual_name(name) or handle, "staff", None)

    def keep(self, state: _State) -> None:
        """Store what became of somebody."""
        before = self._states.get(state.number)
        if before is not None and before.email and before.email != state.email:
            del self._addressed[before.email]
        self._new = min(self._new, state.number)
        self._states[state.number] = state
        self._named[state.handle] = state.number
        if state.email:
            self._addressed[state.email] = state.number

    def require_another(self, state: _State) -> None:
        """As `last_admin.require_another`, with this person as they are now. Raises AccountError."""
        everybody = {**self._states, state.number: state}.values()
        admins = [each for each in everybody if each.role == last_admin.ADMIN and self.is_here(each)]
        able = [each for each in admins if self._can_sign_in(each)]
        able = able or [each for each in admins if each.has_account and not each.disabled]
        staying = {each.number for each in able if each.left_on is None}
        if state.number in {each.number for each in able} and not staying - {state.number}:
            raise last_admin.refusal(state.handle)

    def is_here(self, state: _State) -> bool:
        """False for who has left."""
        return state.left_on is None or state.left_on > self._today

    def _can_sign_in(self, state: _State) -> bool:
        if self._elsewhere:
            return not state.disabled
        return state.has_account and not state.disabled and (state.has_way or bool(state.email))


def preview(session: Session, text: str, most: int | None = None) -> Imported:
    """What `import_people` would do with a file. Raises UnreadableFile as it does."""
    lines, unused = lines_of(text, most or MOST_ROWS)
    teams, everybody = handles_by_name(session), _everybody(session)
    names = {handle: name for handle, name in session.execute(select(Team.handle, Team.name))}
    rows: list[Row] = []
    seen: set[int] = set()
    for number, cells in lines:
        try:
            before, after = _changed(everybody, wanted(cells, teams), seen)
        except AccountError as error:
            rows.append(refused(number, cells, error))
            continue
        everybody.keep(after)
        seen.add(after.number)
        changed = tuple(name for name in _FIELDS if before and before.told(name) != after.told(name))
        what = NEW if before is None else CHANGED if changed else SAME
        role = after.role if what == NEW or "role" in changed else ""
        joined = tuple(names[team] for team in after.teams) if what == NEW or "teams" in changed else ()
        rows.append(Row(number, after.handle, after.name, what, changed, role=role, teams=joined))
    return Imported(tuple(rows), unused)


def _changed(everybody: _People, line: Wanted, seen: set[int]) -> tuple[_State | None, _State]:
    """(the person of a line, None for somebody new; as they would be). Raises AccountError."""
    before = everybody.named(line.handle) if line.handle else everybody.addressed(line.email) if line.email else None
    if before is not None and before.number in seen:
        raise twice()
    after = before or everybody.add(line.new_handle, line.name)
    after = replace(after, name=people.usual_name(line.name) or after.name)
    if line.role:
        if after.role == last_admin.ADMIN != line.role:
            everybody.require_another(after)
        after = replace(after, role=line.role)
    if line.teams and set(line.teams) != set(after.teams):
        after = replace(after, teams=line.teams)
    if line.email and line.email != after.email:
        email = checked_address(line.email)
        other = everybody.addressed(email)
        if other is not None and other.number != after.number:
            raise address_taken(email, other.handle)
        after = replace(after, email=email, has_account=True)
    if line.left_on is not None:
        sooner = after.left_on is None or line.left_on < after.left_on
        if after.role == last_admin.ADMIN and sooner and everybody.is_here(after):
            everybody.require_another(after)
        after = replace(after, left_on=line.left_on)
    return before, after


def _everybody(session: Session) -> _People:
    """All people as they are now."""
    teams: dict[int, list[str]] = {}
    members = select(team_members.c.person_id, Team.handle).join(Team, Team.id == team_members.c.team_id)
    for number, handle in session.execute(members):
        teams.setdefault(number, []).append(handle)
    ways = or_(Account.password_hash.is_not(None), Account.subject.is_not(None))
    columns = Person.id, Person.handle, Person.name, Person.role, Person.left_on
    account = Account.email, Account.person_id.is_not(None), Account.disabled, ways
    rows = session.execute(select(*columns, *account).outerjoin(Account, Account.person_id == Person.id))
    earlier = select(ForeignPerson.foreign_id, ForeignPerson.person_id).where(ForeignPerson.source == ANY_SOURCE)
    return _People(
        list(_states(rows, teams)),
        {handle: number for handle, number in session.execute(earlier)},
        signs_in_elsewhere(session),
    )


def _states(rows: object, teams: dict[int, list[str]]) -> Iterator[_State]:
    for number, handle, name, role, left_on, email, has_account, disabled, has_way in rows:  # type: ignore[attr-defined]
        yield _State(
            number, handle, name, role, left_on, email, bool(has_account), bool(disabled), bool(has_way),
            tuple(teams.get(number, ())),
        )  # fmt: skip
