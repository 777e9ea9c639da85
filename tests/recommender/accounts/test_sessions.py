"""sessions.py: sessions end at once on the server, whatever copies of their cookie exist."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from recommender import accounts, audit
from recommender.accounts import sessions
from recommender.database.account_tables import SignInSession
from recommender.database.tables import Person, utc_now
from recommender.settings import Settings


def _begin(session: Session, person: Person, awaits: str = "") -> tuple[SignInSession, str]:
    return sessions.begin(session, person, sessions.PASSWORD, days=14, browser="Firefox, Linux", awaits=awaits)


def _is_open(session: Session, identity: str) -> bool:
    return sessions.find(session, identity, idle_days=7) is not None


def test_a_session_is_found_by_its_random_id_only(session: Session, aino: Person) -> None:
    row, identity = _begin(session, aino)
    other, another = _begin(session, aino)
    assert identity != another and len(identity) >= 43
    found = sessions.find(session, identity, idle_days=7)
    assert found is row and found.person is aino
    for guess in ("", "x", identity[:-1], identity + "x", row.digest, str(row.id), f"{aino.id}:x", "\ud800", "\0"):
        assert not _is_open(session, guess)
    assert other.id != row.id


def test_one_statement_finds_a_session_with_its_person_and_their_teams(
    session: Session, aino: Person, add_person: Callable[..., int]
) -> None:
    _row, identity = _begin(session, aino)
    session.commit()
    session.expunge_all()
    add_person("aino", "agent", "it", "hr")
    statements: list[str] = []
    event.listen(session.get_bind(), "before_cursor_execute", lambda *found: statements.append(found[2]))
    found = sessions.find(session, identity, idle_days=7)
    assert found is not None and {team.handle for team in found.person.teams} == {"it", "hr"}
    assert len(statements) == 1


@pytest.mark.sqlite_only
def test_the_id_of_a_session_is_not_in_the_database(settings: Settings, session: Session, aino: Person) -> None:
    _row, identity = _begin(session, aino)
    session.commit()
    content = b"".join(Path(path).read_bytes() for path in settings.home.glob("kollega.db*"))
    assert b"Firefox, Linux" in content and identity.encode() not in content


def test_an_ended_session_stays_ended(session: Session, aino: Person) -> None:
    row, identity = _begin(session, aino)
    _other, another = _begin(session, aino)
    assert sessions.end(session, aino.id, row.id)
    assert not _is_open(session, identity) and _is_open(session, another)
    assert not sessions.end(session, aino.id, row.id)


def test_nobody_ends_the_session_of_somebody_else(
    session: Session, aino: Person, add_person: Callable[..., int]
) -> None:
    matti = add_person("matti")
    row, identity = _begin(session, aino)
    assert not sessions.end(session, matti, row.id)
    assert sessions.end_all(session, matti) == 0
    assert _is_open(session, identity)


def test_all_sessions_but_one_end(session: Session, aino: Person) -> None:
    begun = [_begin(session, aino) for _ in range(3)]
    assert sessions.end_all(session, aino.id, but=begun[1][0].id) == 2
    assert [_is_open(session, identity) for _row, identity in begun] == [False, True, False]
    assert sessions.end_everybodys(session) == 1
    assert not _is_open(session, begun[1][1])


@pytest.mark.parametrize("end", [accounts.disable, accounts.unlink])
def test_disabling_and_unlinking_end_every_session_for_good(
    session: Session, aino: Person, end: Callable[[Session, Person], object]
) -> None:
    _row, identity = _begin(session, aino)
    end(session, aino)
    accounts.enable(session, aino)
    assert not _is_open(session, identity)


def test_a_session_ends_after_its_days_and_without_use(session: Session, aino: Person) -> None:
    row, identity = _begin(session, aino)
    row.last_seen_at = utc_now() - timedelta(days=7, minutes=1)
    assert not _is_open(session, identity)
    row.last_seen_at = utc_now() - timedelta(days=6)
    assert _is_open(session, identity)
    row.expires_at = utc_now() - timedelta(seconds=1)
    assert not _is_open(session, identity)
    _begin(session, aino)
    assert session.get(SignInSession, row.id) is None  # what has expired is deleted at the next sign-in


def test_the_last_use_is_stored_at_most_once_an_hour(session: Session, aino: Person) -> None:
    row, _identity = _begin(session, aino)
    assert not sessions.is_to_be_noted(row)
    row.last_seen_at = utc_now() - timedelta(minutes=61)
    session.flush()
    assert sessions.is_to_be_noted(row)
    sessions.note_use(session, row.id)
    session.refresh(row)
    assert not sessions.is_to_be_noted(row)


def test_a_session_that_awaits_a_code_is_not_listed_and_gets_a_new_id_with_it(session: Session, aino: Person) -> None:
    row, before = _begin(session, aino, awaits=sessions.CODE)
    assert row.expires_at < utc_now() + timedelta(hours=1)
    assert sessions.of(session, aino.id, idle_days=7) == []
    assert [entry.action for entry in audit.entries(session, action="sign_in")] == []
    after = sessions.complete(session, row, days=14)
    assert (_is_open(session, before), _is_open(session, after)) == (False, True)
    assert [each.id for each in sessions.of(session, aino.id, idle_days=7)] == [row.id]
    assert row.expires_at > utc_now() + timedelta(days=13)


def test_beginning_and_ending_are_in_the_audit_log(session: Session, aino: Person) -> None:
    row, _identity = _begin(session, aino)
    sessions.end(session, aino.id, row.id, by=aino.id)
    begun, ended = list(audit.entries(session, subject=f"person:{aino.id}"))[-2:]
    assert (begun.action, begun.actor_id, begun.details) == ("sign_in.done", aino.id, {"way": "password"})
    assert (ended.action, ended.details) == ("session.ended", {"sessions": 1})
