"""membership/leaving.py: what hangs on somebody who leaves, handing it over, and taking that back."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from recommender import access, accounts
from recommender.accounts import sessions as sign_in_sessions
from recommender.database.audit_table import AuditEntry
from recommender.database.foreign_tables import ForeignPerson
from recommender.database.tables import Document, HelpRequest, Person, utc_now
from recommender.database.told_tables import Notification
from recommender.errors import AccountError
from recommender.membership import leaving, people
from recommender.membership.leaving import Handed, Plan
from tests.recommender.membership.conftest import Add

AddRow = Callable[..., int]


def _today() -> date:
    return utc_now().date()


@pytest.fixture
def aino(session: Session, add: Add, add_request: AddRow, add_document: AddRow) -> Person:
    """Somebody of it and hr with three open requests and four documents; vera is in it, helga in hr."""
    person = add("aino", "agent", "hr", "it")
    add("vera", "agent", "it")
    add("helga", "agent", "hr")
    for team, status, audience in (
        ("it", "open", ("everyone",)), ("it", "open", ("everyone",)), ("hr", "open", ()),
        ("it", "resolved", ("everyone",)),
    ):  # fmt: skip
        number = add_request(f"A question to {team}", team=team, status=status, audience=audience, asked_by="olli")
        session.get_one(HelpRequest, number).assigned_to_id = person.id
        session.commit()
    add_document("Guide", "Open to all", team="it", owner="aino")
    add_document("Letter", "For HR", audience=(), team="hr", owner="aino")
    add_document("Draft", "Not ready", audience=(), team="it", owner="aino", draft=True)
    add_document("Own notes", "Nobody else", audience=(), owner="aino", draft=True)
    due = session.scalars(select(Document).where(Document.title == "Guide")).one()
    due.review_days = 1
    session.commit()
    return person


def _holders(session: Session) -> list[str | None]:
    session.expire_all()
    return [
        row.assigned_to.handle if row.assigned_to else None
        for row in session.scalars(select(HelpRequest).order_by(HelpRequest.id))
    ]


def _owners(session: Session) -> dict[str, str | None]:
    session.expire_all()
    return {row.title: row.owner.handle if row.owner else None for row in session.scalars(select(Document))}


def test_what_hangs_on_somebody_is_counted_as_far_as_the_reader_may_read(
    session: Session, aino: Person, add: Add
) -> None:
    sign_in_sessions.begin(session, aino, "password", days=1)
    accounts.make_token(session, aino, "job", ["read"])
    session.add(ForeignPerson(source="helpdesk", foreign_id="u17", person_id=aino.id))
    session.commit()
    for role, requests, documents in (("vera", 2, 2), ("helga", 3, 2)):  # helga: what everyone may read, and her team's
        reader = access.reader_of(people.find(session, role))
        found = leaving.hanging(session, aino, reader, 7)
        assert (found.requests, found.documents, found.due) == (requests, documents, 1)
        assert (found.tokens, found.sessions, found.sources, found.topics) == (1, 1, ("helpdesk",), ())
    everything = leaving.hanging(session, aino, None, 7)
    assert (everything.requests, everything.documents) == (3, 4)


def test_work_goes_to_a_colleague_only_where_they_may_read_it_anyway(session: Session, aino: Person) -> None:
    vera = people.find(session, "vera")
    plan = Plan(_today(), hand_requests=True, requests_to=vera, hand_documents=True, documents_to=vera, end_access=True)
    could_read = {row.id for row in session.scalars(select(Document).where(access.readable_documents(_reader(vera))))}
    assert leaving.preview(session, aino, plan, None) == Handed(2, 1, 2, 1, 1)
    assert leaving.preview(session, aino, plan, _reader(vera)) == Handed(2, 0, 2, 0, 0)
    leaving.leave(session, aino, plan)
    session.commit()
    assert _holders(session) == ["vera", "vera", None, "aino"]  # that of hr is back in its queue
    assert _owners(session) == {"Guide": "vera", "Letter": None, "Draft": "vera", "Own notes": "aino"}
    can_read = {row.id for row in session.scalars(select(Document).where(access.readable_documents(_reader(vera))))}
    assert can_read == could_read
    assert session.scalars(select(Notification.person_id)).all() == [vera.id, vera.id]
    account = accounts.find(session, "aino")
    assert account is not None and account.disabled and aino.left_on == _today()


def test_without_a_colleague_requests_go_to_the_queue_and_documents_to_their_team(
    session: Session, aino: Person
) -> None:
    plan = Plan(_today() + timedelta(days=30), hand_requests=True, hand_documents=True)
    assert leaving.preview(session, aino, plan, None) == Handed(0, 3, 0, 3, 1)
    leaving.leave(session, aino, plan)
    assert _holders(session) == [None, None, None, "aino"]
    assert _owners(session) == {"Guide": None, "Letter": None, "Draft": None, "Own notes": "aino"}
    account = accounts.find(session, "aino")
    assert account is not None and not account.disabled  # until the day has come


def test_only_the_day_is_set_when_nothing_else_is_chosen(session: Session, aino: Person) -> None:
    assert leaving.preview(session, aino, Plan(_today()), None) == Handed()
    leaving.leave(session, aino, Plan(_today()))
    assert _holders(session)[:3] == ["aino"] * 3 and aino.left_on == _today()


def test_undoing_gives_back_what_nobody_has_changed_since(session: Session, aino: Person) -> None:
    vera = people.find(session, "vera")
    assert not leaving.may_undo(session, aino)
    plan = Plan(_today(), hand_requests=True, requests_to=vera, hand_documents=True, documents_to=vera, end_access=True)
    leaving.leave(session, aino, plan, by=vera.id)
    mine = select(HelpRequest).where(HelpRequest.assigned_to_id == vera.id).order_by(HelpRequest.id)
    first, second = session.scalars(mine).all()
    first.status = "resolved"  # vera has solved one meanwhile
    session.commit()
    assert leaving.may_undo(session, aino)
    assert leaving.undo(session, aino, by=vera.id) == (2, 3)
    session.commit()
    assert _holders(session) == ["vera", "aino", "aino", "aino"]
    assert set(_owners(session).values()) == {"aino"}
    account = accounts.find(session, "aino")
    assert account is not None and not account.disabled and aino.left_on is None
    assert not leaving.may_undo(session, aino)
    with pytest.raises(AccountError, match="could be undone"):
        leaving.undo(session, aino)
    actions = session.scalars(select(AuditEntry.action).where(AuditEntry.subject == f"person:{aino.id}")).all()
    assert actions == [
        "person.left_on", "account.disabled", leaving.LEAVING, "person.left_on", "account.enabled", leaving.UNDONE,
    ]  # fmt: skip
    assert second.assigned_to_id == aino.id


@pytest.mark.parametrize(("leaves", "end_access"), [(True, True), (False, True), (True, False)])
def test_undoing_lets_somebody_in_again_from_whom_nothing_was_handed_over(
    session: Session, add: Add, leaves: bool, end_access: bool
) -> None:
    plan = Plan(_today() if leaves else None, end_access=end_access)
    boss, vera = add("boss", "admin"), add("vera", "agent", "it")
    leaving.leave(session, vera, plan, boss.id)
    session.commit()
    assert not accounts.find(session, "vera").may_sign_in(_today())  # type: ignore[union-attr]
    leaving.undo(session, vera, boss.id)
    session.commit()
    session.expire_all()
    account = accounts.find(session, "vera")
    assert account is not None and account.may_sign_in(_today()) and vera.left_on is None


def test_undoing_leaves_what_was_done_since_for_another_reason(session: Session, add: Add) -> None:
    boss, vera = add("boss", "admin"), add("vera", "agent", "it")
    leaving.leave(session, vera, Plan(_today(), end_access=True), boss.id)
    accounts.enable(session, vera, boss.id)
    people.set_left(session, vera, _today() + timedelta(days=30), boss.id)
    accounts.disable(session, vera, boss.id)  # a stolen laptop
    session.commit()
    leaving.undo(session, vera, boss.id)
    session.commit()
    session.expire_all()
    account = accounts.find(session, "vera")
    assert account is not None and account.disabled and vera.left_on == _today() + timedelta(days=30)


def test_nobody_who_is_not_here_takes_over_and_then_nothing_is_done(session: Session, aino: Person, add: Add) -> None:
    for successor in (aino, add("gone", "agent", "it")):
        if successor is not aino:
            people.set_left(session, successor, _today())
        with pytest.raises(AccountError, match="cannot take anything over"):
            leaving.leave(session, aino, Plan(_today(), hand_requests=True, requests_to=successor))
    assert aino.left_on is None
    names = [person.handle for person in leaving.possible_successors(session, aino)]
    assert names == ["helga", "vera"]


def test_the_last_admin_cannot_leave(session: Session, add: Add) -> None:
    tuomas = add("tuomas", "admin")
    for plan in (Plan(_today()), Plan(end_access=True)):
        with pytest.raises(AccountError, match="only admin"):
            leaving.leave(session, tuomas, plan)


def _reader(person: Person) -> access.Reader:
    return access.reader_of(person)
