"""membership/listing.py: everybody as admins see them, with search and filters."""

from datetime import timedelta

from sqlalchemy.orm import Session

from recommender import accounts
from recommender.database.tables import utc_now
from recommender.membership import listing, people
from tests.recommender.membership.conftest import Add


def _handles(found: listing.Members) -> list[str]:
    return [member.person.handle for member in found.members]


def test_people_are_found_by_name_address_role_team_and_state(session: Session, add: Add) -> None:
    for handle, role, team in (("aino", "agent", "it"), ("vera", "lead", "hr"), ("åke", "staff", "it")):
        add(handle, role, team)
    today = utc_now().date()
    people.set_left(session, people.add(session, "gone", "Olli Mennyt"), today)
    people.set_left(session, people.add(session, "leaving", "Sari Lähtijä"), today + timedelta(days=3))
    people.set_kind(session, people.add(session, "robot", "Robotti"), "service")
    accounts.set_email(session, people.find(session, "vera"), "vera@example.org")
    accounts.set_password(session, people.find(session, "aino"), "Correct-horse 9")
    accounts.disable(session, people.find(session, "åke"))
    session.flush()
    everybody = listing.load(session)
    assert (everybody.total, everybody.pages) == (6, 1)
    assert _handles(everybody) == ["aino", "åke", "gone", "robot", "leaving", "vera"]  # by name
    assert _handles(listing.load(session, "AKE")) == ["åke"]
    assert _handles(listing.load(session, "vera@exam")) == ["vera"]
    assert _handles(listing.load(session, role="lead")) == ["vera"]
    assert _handles(listing.load(session, team="it")) == ["aino", "åke"]
    states = {state: _handles(listing.load(session, state=state)) for state in listing.STATES}
    assert states == {
        "here": ["aino", "leaving", "vera"],
        "no_password": ["vera"],
        "no_account": ["leaving"],
        "disabled": ["åke"],
        "left": ["gone"],
        "services": ["robot"],
    }
    for state, handles in states.items():
        if state != "here":
            assert {member.state for member in everybody.members if member.person.handle in handles} == {state}


def test_a_page_has_fifty_people_and_a_page_after_the_last_is_the_last(session: Session) -> None:
    for number in range(listing.PAGE + 2):
        people.add(session, f"p{number:03}")
    assert len(listing.load(session).members) == listing.PAGE
    last = listing.load(session, page=9)
    assert (_handles(last), last.pages) == (["p050", "p051"], 2)
    assert len(listing.load(session, page=None).members) == listing.PAGE + 2
