"""People are added, and get a name, a role, teams, a kind and a last day. Commands, pages and SCIM call these."""

from collections.abc import Collection
from datetime import date

from sqlalchemy.orm import Session

from recommender import accounts, audit
from recommender.access import AGENTS
from recommender.accounts import last_admin
from recommender.database.account_tables import Account
from recommender.database.days import current_day
from recommender.database.foreign_tables import person_named
from recommender.database.handles import LONGEST_HANDLES, RULE, is_usable, visible
from recommender.database.person_kind import PERSON, SERVICE
from recommender.database.tables import Person
from recommender.errors import AccountError
from recommender.knowledge import erasure
from recommender.teams.team import get_team

LONGEST_NAME = 200  # characters, as in the table


def find(session: Session, handle: str) -> Person:
    """The person with this user name, or who had it before two accounts became one. Raises AccountError when there is
    none."""
    person = person_named(session, handle)
    if person is None:
        raise AccountError(f"There is no person {handle!r}. Make one with: kollega user add {handle}", "handle")
    return person


def is_here(person: Person, account: Account | None) -> bool:
    """True for somebody who has not left and whose account, if there is one, is not disabled."""
    return not person.has_left(current_day()) and not (account is not None and account.disabled)


def check_handle(handle: str) -> None:
    """Raise AccountError for a user name that cannot be used."""
    if not is_usable(handle):
        raise AccountError(
            f"A user name has 1 to {LONGEST_HANDLES['person']} characters, {RULE}. Choose another one.", "handle"
        )


def add(session: Session, handle: str, name: str = "", by: int | None = None) -> Person:
    """A new person, who is staff, in no team, and cannot sign in before they have an account. Raises AccountError for a
    user name that cannot be used or that somebody has."""
    check_handle(handle)
    if person_named(session, handle) is not None:
        raise handle_taken(handle)
    person = Person(handle=handle, name=usual_name(name) or handle, role="staff", languages=[])
    session.add(person)
    session.flush()
    erasure.forget(session, erasure.PERSON, handle)
    audit.record(session, audit.actor(session, by), "person.added", f"person:{person.id}")
    return person


def rename(session: Session, person: Person, name: str, by: int | None = None) -> None:
    """Give a person another name; an empty one changes nothing."""
    before, after = person.name, usual_name(name) or person.name
    person.name = after
    session.flush()
    if before != after:  # the name itself is personal
        audit.record(session, audit.actor(session, by), "person.name", f"person:{person.id}")


def set_role(session: Session, person: Person, role: str, by: int | None = None) -> None:
    """Make a person staff, agent, lead or admin. Raises AccountError for the last admin."""
    before = person.role
    if before == last_admin.ADMIN != role:
        last_admin.require_another(session, person)
    person.role = role
    session.flush()
    more = role in AGENTS and before not in AGENTS
    _record(session, person, "person.role", before, role, by, more)


def set_teams(session: Session, person: Person, handles: Collection[str], by: int | None = None) -> None:
    """Put these teams in place of a person's. Raises AccountError for an unknown team."""
    before = sorted(team.handle for team in person.teams)
    person.teams = [get_team(session, handle) for handle in dict.fromkeys(handles)]
    session.flush()
    after = sorted(team.handle for team in person.teams)
    _record(session, person, "person.teams", before, after, by, bool(set(after) - set(before)))


def set_kind(session: Session, person: Person, kind: str, by: int | None = None) -> None:
    """Say whether somebody is a PERSON or a SERVICE; with anything else, their name decides. The audit log marks who
    becomes a service: admins may then make tokens in that name."""
    before, was_service = person.stated_kind, person.kind == SERVICE
    person.stated_kind = kind if kind in (PERSON, SERVICE) else None
    session.flush()
    more = person.kind == SERVICE and not was_service
    _record(session, person, "person.kind", before, person.stated_kind, by, more)


def set_left(session: Session, person: Person, day: date | None, by: int | None = None) -> None:
    """Set from which day on a person does not work here any more and may not sign in; None means that they do. Raises
    AccountError for the last admin, also when the day is still to come: on that day there would be none."""
    before = person.left_on
    sooner = day is not None and (before is None or day < before)
    if person.role == last_admin.ADMIN and sooner and not person.has_left(current_day()):
        last_admin.require_another(session, person)
    person.left_on = day
    session.flush()
    longer = before is not None and (day is None or day > before)
    shown = [None if each is None else each.isoformat() for each in (before, day)]
    _record(session, person, "person.left_on", shown[0], shown[1], by, longer)


def give_account(
    session: Session, person: Person, email: str = "", by: int | None = None, tell: str | None = None
) -> None:
    """Let a person sign in, once they have a password or another way to; with an address, if it is given, of which the
    one before is told in the language `tell`. Raises AccountError for an address that cannot be used."""
    accounts.open_account(session, person)
    if email:
        accounts.set_email(session, person, email, by, tell)
    accounts.enable(session, person, by)


def handle_taken(handle: str) -> AccountError:
    """The error that says that somebody has this user name already."""
    return AccountError(f"Somebody has the user name {handle} already. Choose another one.", "handle_taken")


def usual_name(text: str) -> str:
    """A name as it is stored."""
    return " ".join(visible(text).split())[:LONGEST_NAME]


def _record(
    session: Session, person: Person, action: str, before: object, after: object, by: int | None, widened: bool = False
) -> None:
    audit.record_change(session, audit.actor(session, by), action, f"person:{person.id}", before, after, widened)
