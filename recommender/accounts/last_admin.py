"""The rule that somebody has to stay who can do what only admins may."""

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from recommender.database.account_tables import Account
from recommender.database.days import current_day
from recommender.database.tables import Person
from recommender.errors import AccountError

ADMIN = "admin"


def require_another(session: Session, person: Person) -> None:
    """Raise AccountError when this is the only admin who may sign in. To be called before an admin gets another role,
    leaves, or is disabled. The rows of all admins stay locked until the transaction ends, so that two admins cannot
    take each other's rights at once."""
    session.flush()
    admins = _able(session)
    if admins == {person.id}:
        raise AccountError(
            f"{person.handle} is the only admin who may sign in. Make somebody else an admin first: "
            "kollega user role HANDLE admin",
            "last_admin",
        )


def _able(session: Session) -> set[int]:
    """Ids of the admins who have an account and may sign in."""
    able = select(Person.id).join(Account, Account.person_id == Person.id).where(
        Person.role == ADMIN,
        Account.disabled.is_(False),
        or_(Person.left_on.is_(None), Person.left_on > current_day()),
    )  # fmt: skip
    return set(session.scalars(able.with_for_update(of=Person)))
