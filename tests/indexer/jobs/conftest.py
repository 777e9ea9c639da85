"""Fixtures for the tests of jobs: asking for one, and doing it in this process."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.orm import Session, sessionmaker

from indexer.jobs.execute import execute
from indexer.jobs.running import RunningJob
from recommender.database.job_tables import Job
from recommender.encoder import load as loading
from recommender.jobs import asking, queue
from recommender.language.analyzer import Analyzer
from recommender.settings import Settings
from tests.conftest import FakeEncoder

Sessions = sessionmaker[Session]
Do = Callable[..., Job]


@pytest.fixture
def claim(sessions: Sessions, settings: Settings) -> Callable[..., Job]:
    """Asks for a job and claims it."""

    def claim(kind: str, **payload: Any) -> Job:
        with sessions.begin() as session:
            number = asking.ask(session, settings, kind, payload, None).id
            job = queue.claim(session, number)
            assert job is not None
        return job

    return claim


@pytest.fixture
def do(
    claim: Callable[..., Job],
    sessions: Sessions,
    settings: Settings,
    encoder: FakeEncoder,
    analyzer: Analyzer,
    monkeypatch: pytest.MonkeyPatch,
) -> Do:
    """Asks for a job, does it, and returns it."""
    monkeypatch.setattr(loading, "load_encoder", lambda _settings: encoder)
    monkeypatch.setattr(RunningJob, "analyzer", analyzer)

    def do(kind: str, **payload: Any) -> Job:
        job = claim(kind, **payload)
        execute(settings, sessions, job.id, job.attempts)
        with sessions() as session:
            return session.get_one(Job, job.id)

    return do
