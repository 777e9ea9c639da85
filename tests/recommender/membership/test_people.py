"""membership/people.py: adding people, their names, roles, teams, kinds and last days, and that an admin stays."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from recommender import accounts
from recommender.database import days
from recommender.database.audit_table import AuditEntry
from recommender.database.engine import open_database
from recommender.database.tables import Person, utc_now
from recommender.errors import AccountError
from recommender.membership import people
from recommender.settings import Settings
from tests.recommender.membership.conftest import Add


def _log(session: Session) -> list[tuple[int | None, str, object]]:
    entries = session.scalars(select(AuditEntry).order_by(AuditEntry.id))
    return [(entry.actor_id, entry.action, entry.details) for entry in entries]


def test_somebody_new_is_staff_and_cannot_sign_in(session: Session) -> None:
    person = people.add(session, "aino", "  Aino \u200b Virtanen ", by=7)
    assert (person.handle, person.name, person.role, person.teams) == ("aino", "Aino Virtanen", "staff", [])
    assert accounts.find(session, "aino") is None
    assert _log(session) == [(7, "person.added", {})]
    with pytest.raises(AccountError, match="has the user name aino already") as refused:
        people.add(session, "aino")
    assert refused.value.reason == "handle_taken"


def test_each_change_is_recorded_with_who_made_it_and_once(session: Session, add: Add) -> None:
    admin, aino = add("tuomas", "admin"), add("aino", "staff", "it")
    add("vera", "agent", "hr")
    for _ in range(2):
        people.set_role(session, aino, "agent", by=admin.id)
        people.set_teams(session, aino, ["hr", "it"], by=admin.id)
        people.rename(session, aino, "Aino Lahti", by=admin.id)
    assert _log(session) == [
        (admin.id, "person.role", {"before": "staff", "after": "agent", "widened": True}),
        (admin.id, "person.teams", {"before": ["it"], "after": ["hr", "it"], "widened": True}),
        (admin.id, "person.name", {}),
    ]
    with pytest.raises(AccountError, match="no team 'xx'; there are: hr, it"):
        people.set_teams(session, aino, ["xx"])


def test_the_last_admin_keeps_role_and_access_however_it_is_tried(session: Session, add: Add) -> None:
    tuomas, today = add("tuomas", "admin"), utc_now().date()
    tries: list[Callable[[], object]] = [
        lambda: people.set_role(session, tuomas, "lead"),
        lambda: people.set_left(session, tuomas, today),
        lambda: people.set_left(session, tuomas, today + timedelta(days=30)),  # nobody would be admin on that day
        lambda: accounts.disable(session, tuomas),
    ]
    for attempt in tries:
        with pytest.raises(AccountError, match="tuomas is the only admin") as refused:
            attempt()
        assert refused.value.reason == "last_admin"
    vera = add("vera", "admin")
    accounts.disable(session, vera)
    with pytest.raises(AccountError):
        people.set_role(session, tuomas, "lead")
    accounts.enable(session, vera)
    people.set_role(session, tuomas, "lead")
    assert session.scalars(select(Person.handle).where(Person.role == "admin")).all() == ["vera"]


def test_an_admin_who_is_going_to_leave_is_no_other_admin(session: Session, add: Add) -> None:
    tuomas, vera, today = add("tuomas", "admin"), add("vera", "admin"), utc_now().date()
    people.set_left(session, vera, today + timedelta(days=30))
    people.set_left(session, vera, today + timedelta(days=60))  # later than before: nobody loses anything
    tries: list[Callable[[], object]] = [
        lambda: people.set_role(session, tuomas, "lead"),
        lambda: people.set_left(session, tuomas, today + timedelta(days=90)),
        lambda: accounts.disable(session, tuomas),
    ]
    for attempt in tries:
        with pytest.raises(AccountError, match="tuomas is the only admin"):
            attempt()
    people.set_role(session, vera, "lead")


def test_an_admin_who_never_had_an_account_is_no_other_admin(
    session: Session, add: Add, add_person: Callable[..., int]
) -> None:
    tuomas = add("tuomas", "admin")
    add_person("imported", "admin")
    with pytest.raises(AccountError):
        people.set_role(session, tuomas, "staff")


def test_whoever_has_left_may_not_sign_in_until_that_is_undone(session: Session, add: Add) -> None:
    aino, today = add("aino"), utc_now().date()
    accounts.set_password(session, aino, "Correct-horse 9")
    people.set_left(session, aino, today)
    assert accounts.sign_in(session, "aino", "Correct-horse 9") is None
    people.set_left(session, aino, None)
    assert accounts.sign_in(session, "aino", "Correct-horse 9") is not None
    widened = [details for _by, action, details in _log(session) if action == "person.left_on"]
    assert widened == [
        {"before": None, "after": today.isoformat()},
        {"before": today.isoformat(), "after": None, "widened": True},
    ]


def test_an_admin_who_cannot_sign_in_does_not_replace_one_who_can(session: Session, add: Add) -> None:
    tuomas, vera = add("tuomas", "admin"), add("vera", "admin")
    accounts.set_password(session, tuomas, "Correct-horse 9")
    session.commit()
    with pytest.raises(AccountError, match="tuomas is the only admin"):
        people.set_role(session, tuomas, "lead")  # vera has an account, but neither password nor link nor address
    session.rollback()
    people.set_role(session, vera, "lead")
    people.set_role(session, vera, "admin")
    accounts.set_email(session, vera, "vera@example.org")  # she can get a link to a password
    people.set_role(session, tuomas, "lead")
    with pytest.raises(AccountError, match="vera is the only admin"):
        accounts.disable(session, vera)


@pytest.mark.parametrize("elsewhere", ({"proxy_header": "X-User"}, {"oidc_issuer": "https://id.example.org"}))
def test_where_others_sign_people_in_every_admin_who_is_here_can(
    session: Session, settings: Settings, add_person: Callable[..., int], elsewhere: dict[str, str]
) -> None:
    changed = {"oidc_client_id": "kollega"} | elsewhere if "oidc_issuer" in elsewhere else elsewhere
    first, second = (add_person(handle, "admin") for handle in ("tuomas", "vera"))
    opened = open_database(replace(settings, **changed))
    try:
        with opened() as there:
            people.set_role(there, there.get_one(Person, first), "lead")
            with pytest.raises(AccountError, match="vera is the only admin"):
                people.set_role(there, there.get_one(Person, second), "lead")
    finally:
        opened.kw["bind"].dispose()


@pytest.mark.parametrize(("zone", "is_over"), (("Pacific/Kiritimati", True), ("Pacific/Pago_Pago", False)))
def test_a_last_day_is_one_of_the_organisation(
    session: Session, add: Add, monkeypatch: pytest.MonkeyPatch, zone: str, is_over: bool
) -> None:
    """At 10:30 UTC it is the next day on Kiritimati (UTC+14) already, and the one before on Pago Pago (UTC-11)."""
    monkeypatch.setattr(days, "_zone", ZoneInfo(zone))
    monkeypatch.setattr(days, "utc_now", lambda: datetime(2026, 3, 10, 10, 30))
    tuomas = add("tuomas", "admin")
    tuomas.left_on = date(2026, 3, 10) if not is_over else date(2026, 3, 11)
    session.flush()
    assert tuomas.has_left(days.current_day()) == is_over
    if is_over:  # who has left already is no admin who has to stay
        people.set_left(session, tuomas, date(2026, 3, 9))
    else:
        with pytest.raises(AccountError, match="tuomas is the only admin"):
            people.set_left(session, tuomas, date(2026, 3, 9))
