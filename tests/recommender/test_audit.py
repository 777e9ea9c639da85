"""audit.py: entries, their chain, and what breaks it."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from recommender import audit
from recommender.audit import COMMAND, Actor, Chosen
from recommender.database.audit_table import AuditEntry
from recommender.database.tables import utc_now

AINO = Actor(5, "web")


@pytest.fixture
def three(sessions: sessionmaker[Session]) -> sessionmaker[Session]:
    """A log of three entries, with the ids 1 to 3."""
    with sessions.begin() as session:
        audit.record(session, AINO, "request.audience", "request:12", {"before": [], "after": ["team:hr"]})
        audit.record(session, COMMAND, "person.role", "person:5", {"before": "staff", "after": "agent"})
        audit.record(session, AINO, "document.hidden", "document:3")
    return sessions


def _problems(sessions: sessionmaker[Session]) -> list[str]:
    with sessions() as session:
        return audit.verify(session)


def _change(sessions: sessionmaker[Session], statement: str) -> None:
    with sessions.begin() as session:
        session.execute(text(statement))


def test_an_entry_says_who_did_what_to_what_when_and_through_what(three: sessionmaker[Session]) -> None:
    with three() as session:
        first, second, third = audit.entries(session)
    assert (first.actor_id, first.via, first.action, first.subject) == (5, "web", "request.audience", "request:12")
    assert first.details == {"before": [], "after": ["team:hr"]}
    assert abs(utc_now() - first.at) < timedelta(minutes=1)
    assert (second.actor_id, second.via, third.details) == (None, "command", {})


def test_an_untouched_log_verifies(three: sessionmaker[Session]) -> None:
    assert _problems(three) == []


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("UPDATE audit_log SET actor_id = 6 WHERE id = 1", "Audit entry 1 was changed after it was written."),
        ("UPDATE audit_log SET at = '2020-01-01 00:00:00.000000' WHERE id = 2", "Audit entry 2 was changed"),
        ("UPDATE audit_log SET subject = 'request:13' WHERE id = 1", "Audit entry 1 was changed"),
        ("UPDATE audit_log SET details = '{\"after\": []}' WHERE id = 1", "The details of audit entry 1 were changed"),
        (
            "UPDATE audit_log SET details = 'null', salt = NULL WHERE id = 1",
            "The details of audit entry 1 were removed",
        ),
        ("UPDATE audit_log SET details = NULL WHERE id = 1", "The details of audit entry 1 were removed"),
        ("DELETE FROM audit_log WHERE id = 2", "Audit entry 3 does not follow the entry before it"),
        ("DELETE FROM audit_log WHERE id = 1", "The beginning of the audit log was removed."),
        (
            "INSERT INTO audit_log SELECT 9, at, actor_id, via, action, subject, details, salt, details_digest, 'x', "
            "digest FROM audit_log WHERE id = 1",
            "Audit entry 9 does not follow the entry before it",
        ),
    ],
)
def test_a_change_behind_its_back_is_found(three: sessionmaker[Session], statement: str, problem: str) -> None:
    _change(three, statement)
    assert any(found.startswith(problem) for found in _problems(three))


def test_the_head_shows_that_entries_were_cut_off_at_the_end(three: sessionmaker[Session]) -> None:
    with three() as session:
        before = audit.head(session)
    _change(three, "DELETE FROM audit_log WHERE id = 3")
    assert _problems(three) == []
    with three() as session:
        assert audit.head(session) != before


def test_an_entry_is_kept_exactly_when_the_act_is(three: sessionmaker[Session]) -> None:
    with three() as session:
        audit.record(session, AINO, "document.hidden", "document:4")
        session.rollback()
    with three.begin() as session:
        audit.record(session, AINO, "document.hidden", "document:5")
    with three() as session:
        assert [entry.subject for entry in audit.entries(session)][3:] == ["document:5"]
    assert _problems(three) == []


def test_entries_written_at_the_same_time_make_one_chain(sessions: sessionmaker[Session]) -> None:
    def write(number: int) -> None:
        for _ in range(20):
            with sessions.begin() as session:
                audit.record(session, Actor(number, "web"), "session.started", f"person:{number}")

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with sessions() as session:
        assert len(list(audit.entries(session))) == 80
    assert _problems(sessions) == []


def test_old_entries_are_deleted_from_the_beginning_and_the_rest_verifies(three: sessionmaker[Session]) -> None:
    with three.begin() as session:
        assert audit.prune(session, utc_now() - timedelta(days=1)) == 0
    with three.begin() as session:
        assert audit.prune(session, session.get_one(AuditEntry, 3).at) == 2
    with three() as session:
        assert [entry.action for entry in audit.entries(session)] == ["document.hidden", audit.PRUNED]
    assert _problems(three) == []
    with three.begin() as session:  # now the entry about the first deletion goes as well
        assert audit.prune(session, utc_now() + timedelta(days=1)) == 2
    assert _problems(three) == []
    _change(three, "UPDATE audit_log SET previous = 'x'")
    assert _problems(three) != []


def test_details_can_be_erased_and_the_chain_stays_whole(three: sessionmaker[Session]) -> None:
    with three.begin() as session:
        assert audit.erase_details(session, {"request:12"}) == 1
        assert audit.erase_details(session, {"request:12"}) == 0
    with three() as session:
        first, second, *_others = audit.entries(session)
    assert (first.details, first.action) == (None, "request.audience")
    assert second.details == {"before": "staff", "after": "agent", "account": audit.account()}
    assert _problems(three) == []


@pytest.mark.parametrize(
    ("before", "after", "widened"),
    [
        ([], ["everyone"], True),
        (["team:hr"], ["team:hr", "team:it"], True),
        (["team:hr"], ["team:it"], True),
        (["team:hr", "team:it"], ["team:hr"], False),
        (["everyone"], ["team:hr"], False),
    ],
)
def test_an_entry_about_an_audience_says_whether_it_was_widened(
    sessions: sessionmaker[Session], before: list[str], after: list[str], widened: bool
) -> None:
    with sessions.begin() as session:
        audit.record_audience(session, AINO, "document:3", before, after)
        audit.record_audience(session, AINO, "document:3", after, after)
    with sessions() as session:
        (entry,) = audit.entries(session)
    assert entry.action == "document.audience"
    assert entry.details == {"before": sorted(before), "after": sorted(after), "widened": widened}


def test_entries_are_filtered(three: sessionmaker[Session]) -> None:
    with three() as session:
        times = [entry.at for entry in audit.entries(session)]
        assert [entry.id for entry in audit.chosen_entries(session, Chosen(since=times[1]))] == [2, 3]
        assert [entry.id for entry in audit.chosen_entries(session, Chosen(until=times[1]))] == [1]
        assert [entry.id for entry in audit.chosen_entries(session, Chosen(action="request"))] == [1]
        assert [entry.id for entry in audit.chosen_entries(session, Chosen(action="document.hidden"))] == [3]
        assert list(audit.chosen_entries(session, Chosen(action="doc"))) == []
        assert [entry.id for entry in audit.chosen_entries(session, Chosen(subject="person:5"))] == [2]
        assert [entry.id for entry in audit.chosen_entries(session, Chosen(actor_id=5))] == [1, 3]


def test_an_unknown_way_is_refused(sessions: sessionmaker[Session]) -> None:
    with sessions() as session, pytest.raises(ValueError, match="post"):
        audit.record(session, Actor(1, "post"), "request.audience", "request:1")
