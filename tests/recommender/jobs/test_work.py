"""jobs/: work that takes long is done one after the other in its lane, by one process, and can be ended or begun
again."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from recommender.database.audit_table import AuditEntry
from recommender.database.job_tables import Job
from recommender.database.tables import utc_now
from recommender.jobs import asking, kinds, progress, queue
from recommender.settings import Settings

Sessions = sessionmaker[Session]


def _ask(sessions: Sessions, settings: Settings, kind: str, **payload: object) -> int:
    with sessions.begin() as session:
        return asking.ask(session, settings, kind, payload, None).id


def _claim(sessions: Sessions) -> tuple[int, int] | None:
    """(number, attempt) of the job that is claimed."""
    with sessions.begin() as session:
        number = queue.next_due(session, kinds.WORK)
        job = None if number is None else queue.claim(session, number)
        return None if job is None else (job.id, job.attempts)


def _job(sessions: Sessions, number: int) -> Job:
    with sessions() as session:
        return session.get_one(Job, number)


def _lines(sessions: Sessions, number: int) -> list[str]:
    with sessions() as session:
        return [line.text for line in progress.lines(session, number)]


def _worker_dies(sessions: Sessions, number: int) -> None:
    """Let the time pass in which whoever does a job has to say so."""
    with sessions.begin() as session:
        session.get_one(Job, number).next_attempt_at = utc_now() - timedelta(seconds=1)


def _report(sessions: Sessions, number: int, attempt: int, done: int = 0) -> bool | None:
    with sessions.begin() as session:
        return progress.report(
            session, number, attempt, queue.LEASE, done=done, total=9, unit="items", stage="indexing"
        )


def test_work_on_the_index_is_done_one_after_the_other_beside_that_on_sources(
    sessions: Sessions, settings: Settings
) -> None:
    index = _ask(sessions, settings, kinds.REINDEX)
    model = _ask(sessions, settings, kinds.MODEL, name="m")
    wiki = _ask(sessions, settings, kinds.SYNC, source="wiki")
    assert [_claim(sessions), _claim(sessions), _claim(sessions)] == [(index, 1), (wiki, 1), None]
    with sessions.begin() as session:
        assert queue.finish(session, index, {"items": 3}, 1)
    assert _claim(sessions) == (model, 1)
    assert (_job(sessions, model).state, _job(sessions, model).title) == (queue.RUNNING, "Put the model m in use")


def test_items_of_programs_and_long_work_do_not_wait_for_each_other(sessions: Sessions, settings: Settings) -> None:
    work = _ask(sessions, settings, kinds.REINDEX)
    with sessions.begin() as session:
        items = queue.add(session, kinds.LOAD, "crm", [{"text": "private"}], None).id
        assert (queue.next_due(session), queue.next_due(session, kinds.WORK)) == (items, work)
        assert queue.waiting_count(session) == 1
        assert [job.id for job in queue.listed(session)] == [work]


def test_the_same_work_that_waits_already_is_asked_for_once(sessions: Sessions, settings: Settings) -> None:
    first = _ask(sessions, settings, kinds.SYNC, source="wiki")
    assert _ask(sessions, settings, kinds.SYNC, source="wiki") == first
    assert _ask(sessions, settings, kinds.SYNC, source="wiki", full=True) != first
    _claim(sessions)
    assert _ask(sessions, settings, kinds.SYNC, source="wiki") != first
    with sessions() as session:
        added = select(AuditEntry.subject).where(AuditEntry.action == "job.added")
        assert len(session.scalars(added).all()) == 3


def test_whoever_does_a_job_keeps_it_by_saying_so(sessions: Sessions, settings: Settings) -> None:
    number = _ask(sessions, settings, kinds.REINDEX)
    assert _claim(sessions) == (number, 1)
    _worker_dies(sessions, number)
    assert _report(sessions, number, 1, done=4) is False
    assert _claim(sessions) is None
    job = _job(sessions, number)
    assert (job.done, job.total, job.unit, job.stage) == (4, 9, "items", "indexing")


def test_a_job_is_taken_from_who_is_silent_and_that_one_changes_nothing_any_more(
    sessions: Sessions, settings: Settings
) -> None:
    number = _ask(sessions, settings, kinds.REINDEX)
    _claim(sessions)
    _worker_dies(sessions, number)
    assert _claim(sessions) == (number, 2)
    assert _report(sessions, number, 1) is None
    with sessions.begin() as session:
        assert not queue.finish(session, number, {"items": 1}, 1)
        queue.fail_attempt(session, number, 1, "killed")
        queue.release(session, number, 1)
    assert _job(sessions, number).state == queue.RUNNING
    with sessions.begin() as session:
        assert queue.finish(session, number, {"items": 2}, 2)
    assert _job(sessions, number).result == {"items": 2}


def test_a_job_whose_process_dies_each_time_is_given_up(sessions: Sessions, settings: Settings) -> None:
    number = _ask(sessions, settings, kinds.REINDEX)
    for attempt in range(1, queue.MOST_TRIES + 1):
        assert _claim(sessions) == (number, attempt)
        _worker_dies(sessions, number)
    assert _claim(sessions) is None
    assert (_job(sessions, number).state, len(_job(sessions, number).result["problems"])) == (queue.FAILED, 1)


def test_a_job_that_waits_is_cancelled_at_once_and_one_that_runs_is_told(
    sessions: Sessions, settings: Settings
) -> None:
    running, waiting = _ask(sessions, settings, kinds.REINDEX), _ask(sessions, settings, kinds.VERIFY)
    _claim(sessions)
    with sessions.begin() as session:
        assert asking.cancel(session, running, None) and asking.cancel(session, waiting, None)
    assert (_job(sessions, running).state, _job(sessions, waiting).state) == (queue.RUNNING, queue.CANCELLED)
    assert _report(sessions, running, 1) is True
    with sessions.begin() as session:
        queue.end_cancelled(session, running, 1)
        assert not asking.cancel(session, running, None)
    assert _job(sessions, running).state == queue.CANCELLED


def test_a_job_is_cancelled_at_once_when_nobody_does_it_any_more(sessions: Sessions, settings: Settings) -> None:
    number = _ask(sessions, settings, kinds.REINDEX)
    _claim(sessions)
    _worker_dies(sessions, number)
    with sessions.begin() as session:
        assert queue.cancel(session, number)
    assert _job(sessions, number).state == queue.CANCELLED


def test_only_what_has_failed_or_was_cancelled_is_done_once_more(sessions: Sessions, settings: Settings) -> None:
    number = _ask(sessions, settings, kinds.SYNC, source="wiki")
    with sessions.begin() as session:
        items = queue.add(session, kinds.LOAD, "crm", [{"text": "private"}], None).id
        assert queue.cancel(session, items)
        assert not queue.retry(session, items) and not queue.retry(session, number)
        assert session.get_one(Job, items, populate_existing=True).payload == []
    _claim(sessions)
    with sessions.begin() as session:
        assert queue.fail(session, number, 1, "The token is wrong.", again=False)
    assert _job(sessions, number).state == queue.FAILED
    with sessions.begin() as session:
        assert asking.retry(session, number, None)
    assert _claim(sessions) == (number, 2)  # a number of an attempt is never used again
    assert _job(sessions, number).payload == {"source": "wiki"}


@pytest.mark.parametrize("count", [3, progress.MOST_LINES + 7])
def test_of_a_long_log_the_newest_lines_are_kept(sessions: Sessions, settings: Settings, count: int) -> None:
    number, other = _ask(sessions, settings, kinds.REINDEX), _ask(sessions, settings, kinds.VERIFY)
    with sessions.begin() as session:
        progress.note(session, other, "of another job")
        for line in range(count):
            progress.note(session, number, f"line {line}")
    kept = _lines(sessions, number)
    assert len(kept) == min(count, progress.MOST_LINES) and kept[-1] == f"line {count - 1}"
    assert _lines(sessions, other) == ["of another job"]


def test_a_silent_process_is_not_taken_for_the_one_that_begins_after_a_retry(
    sessions: Sessions, settings: Settings
) -> None:
    number = _ask(sessions, settings, kinds.REINDEX)
    assert _claim(sessions) == (number, 1)
    _worker_dies(sessions, number)  # its machine sleeps
    with sessions.begin() as session:
        assert queue.cancel(session, number) and queue.retry(session, number)
    assert _claim(sessions) == (number, 2)
    assert _report(sessions, number, 1) is None
    with sessions.begin() as session:
        assert not queue.fail(session, number, 1, "x", again=False) and not queue.fail(session, number, 1, "x")
    assert _job(sessions, number).state == queue.RUNNING
    with sessions.begin() as session:
        queue.release(session, number, 2)
    assert _claim(sessions) == (number, 3) and _job(sessions, number).tries == 1
