"""The rule that somebody has to stay who can do what only admins may."""

from datetime import date

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from recommender.accounts import ways
from recommender.database.tables import Person
from recommender.errors import AccountError

ADMIN = "admin"


def require_another(session: Session, person: Person) -> None:
    """Raise AccountError when this admin can sign in and no other one can who stays: one who has a last day is none.
    Where no admin can, those count who have an account that is not disabled. To be called before an admin gets another
    role or a last day, or is disabled. The rows of all admins stay locked until the transaction ends, so that two
    admins cannot take each other's rights at once."""
    session.flush()
    can = ways.can_sign_in(ways.signs_in_elsewhere(session))
    admins = _admins(session, can) or _admins(session, ways.may_sign_in())
    staying = {number for number, left_on in admins.items() if left_on is None}
    if person.id in admins and not staying - {person.id}:
        raise refusal(person.handle)


def refusal(handle: str) -> AccountError:
    """The error that says why this admin stays one."""
    return AccountError(
        f"{handle} is the only admin who may sign in and stays. Make somebody else an admin first: "
        "kollega user role HANDLE admin",
        "last_admin",
    )


def _admins(session: Session, which: ColumnElement[bool]) -> dict[int, date | None]:
    """These admins by id, with their last day."""
    able = select(Person.id, Person.left_on).where(Person.role == ADMIN, which)
    return {number: left_on for number, left_on in session.execute(able.with_for_update(of=Person))}
