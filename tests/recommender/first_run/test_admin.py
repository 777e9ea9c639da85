"""The first admin of an installation."""

from collections.abc import Callable
from datetime import date

import pytest
from sqlalchemy.orm import Session

from recommender import accounts
from recommender.database.tables import Person
from recommender.errors import AccountError
from recommender.first_run import admin
from recommender.first_run.admin import NewAdmin

NEW = NewAdmin("aino", "Aino", "aino@example.org", "correct horse battery staple")


def test_somebody_who_is_known_from_an_import_can_be_the_first_admin(
    session: Session, add_person: Callable[..., int]
) -> None:
    number = add_person("aino", "lead", "it")
    person = admin.make(session, NEW)
    assert (person.id, person.role, [team.handle for team in person.teams]) == (number, "admin", ["it"])
    account = accounts.find(session, "aino")
    assert account is not None and account.email == NEW.email and account.password_hash


def test_nobody_who_has_left_or_is_a_service_is_made_an_admin(session: Session, add_person: Callable[..., int]) -> None:
    person = session.get_one(Person, add_person("aino"))
    for changes in ({"left_on": date(2020, 1, 1)}, {"left_on": None, "stated_kind": "service", "kind": "service"}):
        for name, value in changes.items():
            setattr(person, name, value)
        session.flush()
        with pytest.raises(AccountError) as refused:
            admin.make(session, NEW)
        assert refused.value.reason == "handle_taken" and person.role == "staff"
