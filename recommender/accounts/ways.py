"""Who has a way to sign in: a password, a link to an identity provider, or an address for a link to a new password.
Where a proxy or an OpenID provider says who somebody is, everybody who is here has one, also without an account."""

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from recommender.database.account_tables import Account
from recommender.database.days import current_day
from recommender.database.engine import SIGNS_IN_ELSEWHERE
from recommender.database.tables import Person


def signs_in_elsewhere(session: Session) -> bool:
    """True where the settings of this database's engine name a proxy or an OpenID provider that signs people in."""
    return bool(session.get_bind().get_execution_options().get(SIGNS_IN_ELSEWHERE))


def may_sign_in() -> ColumnElement[bool]:
    """The condition of a query for people who are here and have an account that is not disabled."""
    enabled = select(Account.person_id).where(Account.person_id == Person.id, Account.disabled.is_(False))
    return Person.here_on(current_day()) & enabled.exists()


def can_sign_in(elsewhere: bool) -> ColumnElement[bool]:
    """The condition of a query for people who are here, are not disabled, and have a way to sign in."""
    own = Account.person_id == Person.id
    disabled = select(Account.person_id).where(own, Account.disabled.is_(True)).exists()
    has_way = or_(Account.password_hash.is_not(None), Account.subject.is_not(None), Account.email.is_not(None))
    here = Person.here_on(current_day()) & ~disabled
    return here if elsewhere else here & select(Account.person_id).where(own, has_way).exists()
