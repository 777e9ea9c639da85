"""monitoring/checks/store.py: what is told of the work in the database."""

from datetime import timedelta

from sqlalchemy.orm import Session

from recommender.database.tables import utc_now
from recommender.jobs import kinds, queue
from recommender.monitoring.checks import store


def test_a_job_that_was_begun_again_by_hand_has_waited_since_then_only(session: Session) -> None:
    job = queue.add(session, kinds.REINDEX, "index-x")
    job.created_at = job.next_attempt_at = utc_now() - timedelta(days=7)
    session.flush()
    (found,) = store.jobs(session)
    assert (found.code, found.values["hours"]) == ("jobs_stuck", 168)
    claimed = queue.claim(session, job.id)
    assert claimed and queue.fail(session, job.id, 1, "The disk is full.", again=False)
    assert queue.retry(session, job.id)
    session.expire_all()
    assert [found.code for found in store.jobs(session)] == ["jobs"]
