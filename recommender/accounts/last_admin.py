"""The rule that somebody has to stay who can do what only admins may."""

from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from recommender.database.account_tables import Account
from recommender.database.days import current_day
from recommender.database.tables import Person
from recommender.errors import AccountError

ADMIN = "admin"


def require_another(session: Session, person: Person) -> None:
    """Raise AccountError when this admin may sign in and no other one does who stays: one who has a last day is none.
    To be called before an admin gets another role or a last day, or is disabled. The rows of all admins stay locked
    until the transaction ends, so that two admins cannot take each other's rights at once."""
    session.flush()
    admins = _able(session)
    staying = {number for number, left_on in admins.items() if left_on is None}
    if person.id in admins and not staying - {person.id}:
        raise AccountError(
            f"{person.handle} is the only admin who may sign in and stays. Make somebody else an admin first: "
            "kollega user role HANDLE admin",
            "last_admin",
        )


def _able(session: Session) -> dict[int, date | None]:
    """The admins who have an account and may sign in now, by id, with their last day."""
    able = select(Person.id, Person.left_on).join(Account, Account.person_id == Person.id).where(
        Person.role == ADMIN,
        Account.disabled.is_(False),
        Person.here_on(current_day()),
    )  # fmt: skip
    return {number: left_on for number, left_on in session.execute(able.with_for_update(of=Person))}
