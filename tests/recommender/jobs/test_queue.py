"""jobs/queue.py: jobs are done once, those of a source in their order, and tried again when they fail."""

from datetime import timedelta

from sqlalchemy import update
from sqlalchemy.orm import Session, sessionmaker

from recommender.database.job_tables import Job
from recommender.database.tables import utc_now
from recommender.jobs import kinds, queue

Sessions = sessionmaker[Session]


def _add(sessions: Sessions, source: str) -> int:
    with sessions.begin() as session:
        return queue.add(session, kinds.LOAD, source, [{"text": "private"}], None).id


def _claim(sessions: Sessions) -> int | None:
    with sessions.begin() as session:
        number = queue.next_due(session)
        return None if number is None else getattr(queue.claim(session, number), "id", None)


def _later(sessions: Sessions, **time: float) -> None:
    """Let that much time pass for jobs."""
    with sessions.begin() as session:
        for job in session.query(Job):
            job.next_attempt_at -= timedelta(**time)


def test_the_jobs_of_a_source_are_done_in_their_order_and_wait_for_one_another(sessions: Sessions) -> None:
    first, second, other = _add(sessions, "a"), _add(sessions, "a"), _add(sessions, "b")
    assert _claim(sessions) == first
    assert _claim(sessions) == other  # the second of "a" waits for the first
    assert _claim(sessions) is None
    with sessions.begin() as session:
        queue.finish(session, first, {"added": 1})
    assert _claim(sessions) == second


def test_what_a_job_worked_on_is_deleted_when_it_is_done(sessions: Sessions) -> None:
    number = _add(sessions, "a")
    with sessions.begin() as session:
        queue.finish(session, number, {"added": 1})
    with sessions() as session:
        job = session.get_one(Job, number)
        assert (job.state, job.payload, job.result) == (queue.DONE, [], {"added": 1})


def test_a_job_whose_worker_was_killed_is_taken_again(sessions: Sessions) -> None:
    number = _add(sessions, "a")
    assert (_claim(sessions), _claim(sessions)) == (number, None)
    _later(sessions, minutes=11)
    assert _claim(sessions) == number


def test_a_job_during_which_the_worker_is_killed_each_time_is_given_up(sessions: Sessions) -> None:
    number, behind = _add(sessions, "a"), _add(sessions, "a")
    for _ in range(queue.MOST_ATTEMPTS):
        assert _claim(sessions) == number
        _later(sessions, minutes=11)
    assert _claim(sessions) is None
    assert _claim(sessions) == behind
    with sessions() as session:
        job = session.get_one(Job, number)
        assert (job.state, job.payload) == (queue.FAILED, []) and "smaller calls" in job.result["problems"][0]


def test_a_job_that_fails_is_tried_again_later_and_later_and_given_up_at_last(sessions: Sessions) -> None:
    number, pauses = _add(sessions, "a"), []
    for attempt in range(1, queue.MOST_ATTEMPTS + 1):
        assert _claim(sessions) == number
        with sessions.begin() as session:
            assert queue.fail(session, number, attempt, "The database is locked.")
        with sessions() as session:
            job = session.get_one(Job, number)
            pauses.append(round((job.next_attempt_at - utc_now()).total_seconds()))
        _later(sessions, hours=1)
    assert pauses[:3] == [10, 20, 40]
    with sessions() as session:
        job = session.get_one(Job, number)
        assert (job.state, job.payload, job.result) == (queue.FAILED, [], {"problems": ["The database is locked."]})


def test_what_became_of_a_job_is_kept_for_a_month(sessions: Sessions) -> None:
    old, waiting, new = _add(sessions, "a"), _add(sessions, "b"), _add(sessions, "c")
    with sessions.begin() as session:
        queue.finish(session, old, {})
        session.execute(update(Job).values(finished_at=utc_now() - timedelta(days=31)))
        queue.finish(session, new, {})
    with sessions() as session:
        assert {job.id for job in session.query(Job)} == {waiting, new}
        assert queue.waiting_count(session) == 1
