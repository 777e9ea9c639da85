"""The jobs that learn from the organisation's own history."""

from collections.abc import Callable
from typing import Any

from indexer.jobs.running import RunningJob


def calibrate(job: RunningJob) -> dict[str, Any]:
    """Learn how sure Kollega can be that a question has an answer."""
    from indexer.learning.calibrate import calibrate as fit

    return _learned(job, fit)


def train(job: RunningJob) -> dict[str, Any]:
    """Learn how to rank the colleagues who can help."""
    from indexer.learning.train_experts import train as fit

    return _learned(job, fit)


def _learned(job: RunningJob, fit: Callable[..., Any]) -> dict[str, Any]:
    from recommender.recommender import Recommender

    def run() -> str:
        with job.sessions(info={"via": "system"}) as session:
            recommender = Recommender.open(job.settings)
            done = fit(job.settings, recommender, session, job.counting("questions", "asking past questions"))
            session.commit()
            text: str = done.as_text()
            return text

    return {"text": job.when_index_is_free(run)}
