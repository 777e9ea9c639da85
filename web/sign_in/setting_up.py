"""The authenticator app that this browser is setting up. Its nonce is kept in the browser's signed cookie, so each
browser has its own secret, and what somebody else saw when they began is of no use once another app is confirmed."""

import time

from flask import current_app, session

from recommender.accounts import second_factor
from recommender.database.tables import Person

_NAME, _SECONDS = "second_factor_nonce", 15 * 60  # from the password to the first code: a judgement


def begin(person: Person) -> None:
    """Begin with a new secret. Only for somebody who has just given their password."""
    session[_NAME] = [person.id, second_factor.begin(), int(time.time()) + _SECONDS]


def nonce(person: Person) -> str:
    """What this person has begun with in this browser; empty when they have not, or too long ago."""
    number, found, until = session.get(_NAME, (0, "", 0))
    return str(found) if number == person.id and until >= time.time() else ""


def secret(person: Person) -> str:
    """What to show to the person who has begun."""
    return second_factor.secret(person.id, nonce(person), str(current_app.secret_key))


def end() -> None:
    """Forget what was begun."""
    session.pop(_NAME, None)
